//! Files from good servers, and what is made of bad ones.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use engine::prompt::{PromptError, PromptSettings, Prompts};
use model::{ManualClock, Outcome};

use super::server::{Answer, Request, Server, wav};
use super::{file, prepared, prompts, refused};

async fn prompts_for(server: &Server) -> Prompts {
    let private_networks = server.networks();
    let fetch_timeout = Duration::from_secs(20);
    prompts(PromptSettings { private_networks, fetch_timeout, ..PromptSettings::default() }).await
}

/// What a prompt from a server that answers so is refused for.
async fn refusal(answer: impl Fn(Request, Answer) + Send + Sync + 'static) -> PromptError {
    let server = Server::start(answer);
    refused(&prompts_for(&server).await, &file(&server.url("/a.wav"))).await
}

#[track_caller]
fn check(error: &PromptError, outcome: Outcome, says: &str) {
    assert!(error.to_string().contains(says), "{error}");
    assert_eq!(error.outcome(), outcome, "{error}");
}

#[tokio::test]
async fn a_file_is_played_whatever_its_type_is_said_to_be() {
    for media_type in ["audio/wav", "audio/mpeg", "application/octet-stream", "text/plain", ""] {
        let headers = format!("Content-Type: {media_type}\r\n");
        let server = Server::start(move |_, answer| answer.body("200 OK", &headers, &wav(8_000)));
        let audio = prepared(&prompts_for(&server).await, &file(&server.url("/a.mp3?x=1"))).await;
        assert_eq!(audio.length(), Duration::from_secs(1), "{media_type}");
    }
}

#[tokio::test]
async fn the_request_is_plain_and_a_redirect_gives_nothing_away() {
    let (seen, requests) = mpsc::channel();
    let inner = Server::start(move |request, answer| {
        seen.send(request.headers).unwrap();
        answer.sound(&wav(8_000));
    });
    let to = inner.url("/b.wav");
    let outer = Server::start(move |_, answer| answer.redirect(&to));
    let url = outer.url("/a.wav").replace("http://", "http://user:pass@");
    prepared(&prompts_for(&outer).await, &file(&url)).await;
    for header in requests.recv().unwrap() {
        let name = header.split(':').next().unwrap();
        let plain = ["host", "accept", "accept-encoding", "user-agent", "connection"];
        assert!(plain.contains(&name), "{header}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_fetched() {
    for status in ["404 Not Found", "401 Unauthorized", "500 Internal Server Error"] {
        let error = refusal(move |_, answer| answer.status(status)).await;
        check(&error, Outcome::AudioNotFetched, &status[..3]);
    }
    let closed = prompts(PromptSettings {
        private_networks: vec!["127.0.0.2".parse().unwrap()],
        ..PromptSettings::default()
    });
    let error = refused(&closed.await, &file("http://127.0.0.2:1/a.wav")).await;
    check(&error, Outcome::AudioNotFetched, "");
}

#[tokio::test]
async fn what_is_no_sound_is_unsupported() {
    let page = b"<html><body>Please log in</body></html>";
    let error = refusal(|_, answer| answer.body("200 OK", "Content-Type: text/html\r\n", page));
    check(&error.await, Outcome::AudioUnsupported, "text/html");
    let typed = "Content-Type: Text/HTML; charset=utf-8\r\n";
    let error = refusal(|_, answer| answer.body("200 OK", typed, &wav(8_000)));
    check(&error.await, Outcome::AudioUnsupported, "text/html");
    let error = refusal(|_, answer| answer.sound(b"<html></html>"));
    check(&error.await, Outcome::AudioUnsupported, "not a sound file");
    let error = refusal(|_, answer| answer.sound(b""));
    check(&error.await, Outcome::AudioUnsupported, "not a sound file");
    let error = refusal(|_, answer| answer.sound(&wav(0)));
    check(&error.await, Outcome::AudioUnsupported, "no sound");
}

#[tokio::test]
async fn four_megabytes_are_the_largest() {
    const SAMPLES_MAX: usize = (4_000_000 - 44) / 2;
    let server = Server::start(|_, answer| answer.sound(&wav(SAMPLES_MAX)));
    prepared(&prompts_for(&server).await, &file(&server.url("/a.wav"))).await;
    let error = refusal(|_, answer| answer.sound(&wav(SAMPLES_MAX + 1))).await;
    check(&error, Outcome::AudioNotFetched, "more than 4000000 bytes");
    // Without a length, chunked or until the end of the connection, and without an end.
    for head in ["Transfer-Encoding: chunked\r\n", ""] {
        let error = refusal(move |_, Answer(mut stream)| {
            let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n{head}\r\n");
            let chunk = [b"10000\r\n", &[0; 0x10000][..], b"\r\n"].concat();
            let _ = stream.write_all(head.as_bytes());
            while stream.write_all(&chunk).is_ok() {}
        });
        check(&error.await, Outcome::AudioNotFetched, "more than 4000000 bytes");
    }
}

#[tokio::test]
async fn a_bomb_is_not_unpacked() {
    // Gzip of nothing but zeros was not asked for; it is refused or read as it is.
    let error = refusal(|_, answer| {
        let gzip = [&[0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3][..], &[0; 1_000]].concat();
        answer.body("200 OK", "Content-Encoding: gzip\r\n", &gzip);
    });
    assert_ne!(error.await.outcome(), Outcome::Internal);
}

#[tokio::test]
async fn half_a_file_is_not_fetched() {
    let error = refusal(|_, answer| {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 16044\r\n\r\n";
        answer.raw(&[head, &wav(8_000)[..4_000]].concat());
    });
    check(&error.await, Outcome::AudioNotFetched, "");
}

/// Answers with a byte now and then, or with nothing, for as long as anyone listens.
fn slow(mut stream: TcpStream, drips: bool) {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
    let _ = drips.then(|| stream.write_all(head));
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let is_there = |mut stream: &TcpStream| match stream.read(&mut [0]) {
        Ok(read) => read > 0,
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    };
    while is_there(&stream) && (!drips || stream.write_all(b"x").is_ok()) {}
}

#[tokio::test]
async fn no_answer_and_a_drip_take_too_long_and_then_make_room() {
    let server = Server::start(|request, answer| match request.path.as_str() {
        "/drip" => slow(answer.0, true),
        "/nothing" => slow(answer.0, false),
        _ => answer.sound(&wav(8_000)),
    });
    let settings = PromptSettings {
        private_networks: server.networks(),
        fetch_timeout: Duration::from_millis(1_500),
        fetch_at_once: 1,
        ..PromptSettings::default()
    };
    let prompts = prompts(settings).await;
    for path in ["/drip", "/nothing"] {
        let error = refused(&prompts, &file(&server.url(path))).await;
        check(&error, Outcome::AudioNotFetched, "too long");
    }
    prepared(&prompts, &file(&server.url("/a.wav"))).await;
}

#[tokio::test]
async fn a_name_that_is_looked_up_for_ever_takes_too_long() {
    let (hold, held) = mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let names = move |_: &str, _| {
        let _ = held.lock().unwrap().recv_timeout(Duration::from_secs(60));
        Ok(Vec::new())
    };
    let fetch_timeout = Duration::from_millis(200);
    let settings = PromptSettings { fetch_timeout, ..PromptSettings::default() };
    let clock = Arc::new(ManualClock::default());
    let prompts = Prompts::with_names(settings, clock, Arc::new(names)).await;
    let error = refused(&prompts, &file("http://slow.test/a.wav")).await;
    check(&error, Outcome::AudioNotFetched, "too long");
    drop(hold);
}

#[tokio::test]
async fn three_redirects_are_followed_and_no_more() {
    let hops = |last: usize| {
        Server::start(move |request, answer| {
            let hop: usize = request.path[1..].parse().unwrap();
            if hop == last {
                answer.sound(&wav(8_000));
            } else {
                answer.redirect(&format!("/{}", hop + 1));
            }
        })
    };
    let server = hops(3);
    prepared(&prompts_for(&server).await, &file(&server.url("/0"))).await;
    for last in [4, usize::MAX] {
        let server = hops(last);
        let error = refused(&prompts_for(&server).await, &file(&server.url("/0"))).await;
        check(&error, Outcome::AudioNotFetched, "redirects");
        assert!(server.requests() <= 4, "{}", server.requests());
    }
}

#[tokio::test]
async fn nothing_but_http_is_followed() {
    for to in
        ["file:///etc/passwd", "ftp://127.0.0.2/a", "gopher://127.0.0.2/", "//", "http://", "\t"]
    {
        let error = refusal(move |_, answer| answer.redirect(to)).await;
        check(&error, Outcome::AudioNotFetched, "");
    }
    let prompts = prompts(PromptSettings::default()).await;
    for url in ["file:///etc/passwd", "ftp://example.com/a", "/etc/passwd", "", "http://", "x"] {
        check(&refused(&prompts, &file(url)).await, Outcome::AudioNotFetched, "");
    }
}

#[tokio::test]
async fn a_refusal_does_not_tell_the_url() {
    for to in ["gopher://secret/", "http://secret.test/secret", "secret://", "http://se cret"] {
        let server = Server::start(move |_, answer| answer.redirect(to));
        let prompts = prompts_for(&server).await;
        for url in [server.url("/a?key=secret"), to.to_owned()] {
            let error = refused(&prompts, &file(&url)).await;
            assert!(!error.to_string().contains("cret"), "{error}");
        }
    }
}
