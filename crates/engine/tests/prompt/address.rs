//! Which hosts an account may have the server ask.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use engine::prompt::{Network, PromptError, PromptSettings, Prompts};
use model::{ManualClock, Outcome};

use super::server::{Server, wav};
use super::{file, prepared, prompts, refused};

const NOT_PUBLIC: &str = "not public";

#[track_caller]
fn check(error: &PromptError, says: &str, host: &str) {
    assert_eq!(error.outcome(), Outcome::AudioNotFetched, "{host}: {error}");
    assert!(error.to_string().contains(says), "{host}: {error}");
}

/// Every way to write an address of this machine or its neighbourhood.
const PRIVATE: [&str; 48] = [
    "127.0.0.1",
    "127.1",
    "127.255.255.254",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[::ffff:10.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::a00:1]",
    "[64:ff9b:1::808:808]",
    "[2002:7f00:1::]",
    "[2002:808:808::]",
    "[2001:0:808:808::1]",
    "[2001:db8::1]",
    "[3fff::1]",
    "[::]",
    "[fc00::1]",
    "[fd12:3456::1]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
    "[5f00::1]",
    "[100::1]",
    "localhost",
    "LOCALHOST",
    "0.0.0.0",
    "0",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "169.254.169.254",
    "168.63.129.16",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.1",
    "224.0.0.1",
    "255.255.255.255",
];

#[tokio::test]
async fn no_neighbour_is_asked_however_it_is_written() {
    let server = Server::start(|_, answer| answer.sound(&wav(8_000)));
    let prompts = prompts(PromptSettings::default()).await;
    for host in PRIVATE {
        let url = format!("http://{host}:{}/a.wav", server.port());
        check(&refused(&prompts, &file(&url)).await, NOT_PUBLIC, host);
    }
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn no_redirect_leads_to_a_neighbour() {
    let inner = Server::start(|_, answer| answer.sound(&wav(8_000)));
    for host in PRIVATE {
        let to = format!("http://{host}:{}/a.wav", inner.port());
        let outer = Server::start(move |_, answer| answer.redirect(&to));
        let private_networks = outer.networks();
        let prompts = prompts(PromptSettings { private_networks, ..Default::default() }).await;
        check(&refused(&prompts, &file(&outer.url("/a.wav"))).await, NOT_PUBLIC, host);
        assert_eq!(outer.requests(), 1);
    }
    assert_eq!(inner.requests(), 0);
}

/// With names that mean what the function says at each call.
async fn with_names(
    private_networks: Vec<Network>,
    names: impl Fn(usize) -> Vec<IpAddr> + Send + Sync + 'static,
) -> (Prompts, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = calls.clone();
    let names = move |_: &str, port| -> io::Result<Vec<SocketAddr>> {
        let addresses = names(count.fetch_add(1, Ordering::SeqCst));
        Ok(addresses.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
    };
    let settings = PromptSettings { private_networks, ..PromptSettings::default() };
    let clock = Arc::new(ManualClock::default());
    (Prompts::with_names(settings, clock, Arc::new(names)).await, calls)
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_name_that_means_something_else_a_moment_later_gains_nothing() {
    let server = Server::start(|_, answer| answer.sound(&wav(8_000)));
    let url = format!("http://rebound.test:{}/a.wav", server.port());
    // Asked again it would mean a neighbour; it is asked once, and what was checked is connected to.
    let good_first = |call| vec![ip(if call == 0 { "127.0.0.2" } else { "127.0.0.1" })];
    let (prompts, calls) = with_names(server.networks(), good_first).await;
    prepared(&prompts, &file(&url)).await;
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    // A redirect to the same name asks again, and checks again.
    let outer = Server::start(|request, answer| answer.redirect(&request.path));
    let url = format!("http://rebound.test:{}/a.wav", outer.port());
    let (prompts, _) = with_names(outer.networks(), good_first).await;
    check(&refused(&prompts, &file(&url)).await, NOT_PUBLIC, "rebound");
    assert_eq!(outer.requests(), 1);
}

#[tokio::test]
async fn of_several_addresses_only_the_public_ones_are_tried() {
    let server = Server::start(|_, answer| answer.sound(&wav(8_000)));
    let url = format!("http://several.test:{}/a.wav", server.port());
    let both = |_| vec![ip("127.0.0.1"), ip("10.0.0.1"), ip("127.0.0.2")];
    prepared(&with_names(server.networks(), both).await.0, &file(&url)).await;
    let many = |_| vec![ip("10.0.0.1"); 100];
    check(&refused(&with_names(vec![], many).await.0, &file(&url)).await, NOT_PUBLIC, "many");
    let none = |_| vec![];
    check(&refused(&with_names(vec![], none).await.0, &file(&url)).await, "not known", "none");
    let too_many = |_| vec![ip("127.0.0.2"); 100];
    prepared(&with_names(server.networks(), too_many).await.0, &file(&url)).await;
}

#[test]
fn a_proxy_of_the_environment_is_not_asked() {
    // In a process of its own, for the environment belongs to all tests.
    let mut test = Command::new(std::env::current_exe().unwrap());
    for name in ["ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
        test.env(name, "http://proxy.test:3128");
    }
    test.args(["--exact", "address::the_host_of_the_url_is_looked_up_and_no_other"]);
    let ran = test.output().unwrap();
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && told.contains("1 passed"), "{told}");
}

#[tokio::test]
async fn the_host_of_the_url_is_looked_up_and_no_other() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    let names = move |host: &str, port: u16| -> io::Result<Vec<SocketAddr>> {
        seen.lock().unwrap().push((host.to_owned(), port));
        Ok(Vec::new())
    };
    let clock = Arc::new(ManualClock::default());
    let prompts = Prompts::with_names(PromptSettings::default(), clock, Arc::new(names)).await;
    for url in ["http://files.test/a", "https://files.test/a", "http://[::1]:81/", "http://u:p@h/"]
    {
        refused(&prompts, &file(url)).await;
    }
    let expect = [("files.test", 80), ("files.test", 443), ("::1", 81), ("h", 80)];
    assert_eq!(*asked.lock().unwrap(), expect.map(|(host, port)| (host.to_owned(), port)));
}

#[tokio::test]
async fn public_addresses_may_be_asked() {
    // Nothing is sent: the one address that is tried is this machine's, and nobody listens there.
    for host in ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "192.169.0.1", "11.0.0.1"] {
        assert!(!is_refused(host).await, "{host}");
    }
    for host in ["2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"] {
        assert!(!is_refused(host).await, "{host}");
    }
}

/// Whether that address is refused beside one that is not.
async fn is_refused(host: &'static str) -> bool {
    let settings = PromptSettings {
        fetch_timeout: std::time::Duration::from_millis(1),
        ..PromptSettings::default()
    };
    let names = move |_: &str, port| Ok(vec![SocketAddr::new(ip(host), port)]);
    let clock = Arc::new(ManualClock::default());
    let prompts = Prompts::with_names(settings, clock, Arc::new(names)).await;
    let error = refused(&prompts, &file("http://public.test:1/a")).await;
    error.to_string().contains(NOT_PUBLIC)
}

#[test]
fn networks_are_read_and_hold_what_they_should() {
    let check = |network: &str, inside: &[&str], outside: &[&str]| {
        let network: Network = network.parse().unwrap();
        assert!(inside.iter().all(|address| network.contains(ip(address))), "{network:?}");
        assert!(!outside.iter().any(|address| network.contains(ip(address))), "{network:?}");
    };
    check(
        "10.0.0.0/8",
        &["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"],
        &["11.0.0.0", "::10.0.0.1"],
    );
    check("192.168.1.7", &["192.168.1.7"], &["192.168.1.6", "192.168.1.8"]);
    check("192.168.1.7/24", &["192.168.1.0", "192.168.1.255"], &["192.168.2.0"]);
    check("fd00::/8", &["fd12::1"], &["fe00::", "253.0.0.1"]);
    check("0.0.0.0/0", &["0.0.0.0", "255.255.255.255"], &["::1", "fd00::1"]);
    check("::/0", &["::", "10.0.0.1", "ffff::"], &[]);
    assert!(Network::EVERYTHING.contains(ip("127.0.0.1")));
    for text in
        ["", "10", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8", "localhost"]
    {
        assert!(text.parse::<Network>().is_err(), "{text}");
    }
}
