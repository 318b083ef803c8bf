//! Descriptions as carriers, exchanges and telephones write them, and as nobody should.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::time::Duration;

use voip::g711::Codec::{self, Pcma, Pcmu};
use voip::sdp::{self, Agreed, Content, Direction, Local, NoCommonCodec, Remote, SdpError};

const BOTH: [Codec; 2] = [Pcmu, Pcma];

fn local() -> Local {
    Local { address: "192.0.2.1:40000".parse().unwrap(), session: 77, version: 1 }
}

fn read(lines: &str) -> Result<Remote, SdpError> {
    sdp::read(format!("v=0\no=- 1 1 IN IP4 192.0.2.9\ns=-\nt=0 0\n{lines}").as_bytes())
}

/// What comes of an answer with those media lines to an offer of both codecs.
fn agreed(lines: &str) -> Result<Agreed, NoCommonCodec> {
    sdp::agree(&BOTH, &read(&format!("c=IN IP4 192.0.2.9\n{lines}")).unwrap())
}

const ASTERISK: &str = "v=0\r\no=- 1186397014 1186397016 IN IP4 203.0.113.5\r\ns=Asterisk\r\n\
    c=IN IP4 203.0.113.5\r\nt=0 0\r\nm=audio 17702 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\n\
    a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\n\
    a=maxptime:150\r\na=sendrecv\r\n";

/// A carrier's gateway: no `rtpmap` for static types, comfort noise, another number for events, a
/// fax stream, its own fields, a name in Latin-1, and line ends of Unix.
const GATEWAY: &[u8] = b"v=0\no=Sonus_UAC 15452 7734 IN IP4 198.51.100.2\ns=M\xFCller\nu=nowhere\n\
    b=X-own:none\nt=0 0\na=sendonly\nm=image 0 udptl t38\nm=audio 6220 RTP/AVP 18 0 13 97\n\
    c=IN IP4 198.51.100.30\na=rtpmap:97 telephone-event/8000\na=fmtp:97 0-15\na=ptime:30\n\
    a=sendrecv\na=rtcp:7001 IN IP4 198.51.100.31\n";

/// A softphone with everything.
const BROWSER: &str = "v=0\r\no=- 4611 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
    a=group:BUNDLE 0 1\r\na=ice-ufrag:x\r\na=fingerprint:sha-256 AA:BB\r\n\
    m=video 9 RTP/AVP 96\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:96 VP8/90000\r\na=mid:0\r\n\
    m=audio 4000 RTP/SAVP 0\r\nc=IN IP4 192.0.2.7\r\n\
    m=audio 5000 RTP/AVP 111 110 100 8 126\r\nc=IN IP6 2001:db8::7\r\na=rtpmap:111 opus/48000/2\r\n\
    a=rtpmap:110 telephone-event/48000\r\na=rtpmap:100 pcmu/8000/1\r\na=rtpmap:8 PCMA/8000\r\n\
    a=rtpmap:126 telephone-event/8000\r\na=candidate:1 1 udp 1 192.0.2.7 5000 typ host\r\n\
    a=rtcp-mux\r\na=mid:1\r\na=recvonly\r\n";

#[test]
fn our_offer_to_the_letter() {
    assert_eq!(
        local().offer(&[Pcma, Pcmu]),
        "v=0\r\no=- 77 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
         m=audio 40000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
    );
    let six = Local { address: "[2001:db8::1]:40000".parse().unwrap(), ..local().revised() };
    let offer = six.offer(&[Pcmu]);
    assert!(offer.contains("o=- 77 2 IN IP6 2001:db8::1\r\n"), "{offer}");
    assert!(offer.contains("c=IN IP6 2001:db8::1\r\n"), "{offer}");
    assert_eq!(sdp::read(offer.as_bytes()).unwrap().address, six.address);
}

#[test]
fn an_exchange_answers() {
    let answer = sdp::read(ASTERISK.as_bytes()).unwrap();
    assert_eq!(answer.address, "203.0.113.5:17702".parse().unwrap());
    assert_eq!(answer.rtcp, "203.0.113.5:17703".parse().unwrap());
    assert_eq!(answer.codecs, [(Pcma, 8), (Pcmu, 0)]);
    assert_eq!((answer.event, answer.direction), (Some(101), Direction::SendReceive));
    assert_eq!(answer.ptime, Duration::from_millis(20));
    let agreed = sdp::agree(&BOTH, &answer).unwrap();
    assert_eq!((agreed.codec, agreed.payload_type, agreed.event), (Pcma, 8, Some(101)));
    // It took both, so it may send either.
    assert_eq!(agreed.content(0), Some(Content::Voice(Pcmu)));
    assert_eq!(agreed.content(8), Some(Content::Voice(Pcma)));
    assert_eq!(agreed.content(101), Some(Content::Event));
    assert_eq!(agreed.content(13), None);
    // Unless it was not offered.
    let agreed = sdp::agree(&[Pcmu], &answer).unwrap();
    assert_eq!((agreed.codec, agreed.content(8)), (Pcmu, None));
}

#[test]
fn a_gateway_answers_in_its_own_way() {
    let answer = sdp::read(GATEWAY).unwrap();
    assert_eq!(answer.address, "198.51.100.30:6220".parse().unwrap());
    assert_eq!(answer.rtcp, "198.51.100.31:7001".parse().unwrap());
    assert_eq!((answer.codecs.as_slice(), answer.event), ([(Pcmu, 0)].as_slice(), Some(97)));
    assert_eq!(answer.direction, Direction::SendReceive, "the stream's own, not the session's");
    assert_eq!(answer.ptime, Duration::from_millis(30));
}

#[test]
fn events_are_received_by_our_number_and_sent_by_theirs() {
    let agreed = sdp::agree(&BOTH, &sdp::read(GATEWAY).unwrap()).unwrap();
    assert_eq!((agreed.event, agreed.event_received()), (Some(97), Some(101)));
    assert_eq!(agreed.content(101), Some(Content::Event));
    assert_eq!(agreed.content(97), Some(Content::Event), "out of habit");
}

#[test]
fn a_softphone_offers_too_much() {
    let offer = sdp::read(BROWSER.as_bytes()).unwrap();
    assert_eq!(offer.address, "[2001:db8::7]:5000".parse().unwrap());
    assert_eq!(offer.codecs, [(Pcmu, 100), (Pcma, 8)]);
    assert_eq!((offer.event, offer.direction), (Some(126), Direction::ReceiveOnly));
    let (answer, agreed) = local().answer(&offer, &BOTH).unwrap();
    assert_eq!(
        answer,
        "v=0\r\no=- 77 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
         m=video 0 RTP/AVP 96\r\nm=audio 0 RTP/SAVP 0\r\nm=audio 40000 RTP/AVP 100 126\r\n\
         a=rtpmap:100 PCMU/8000\r\na=rtpmap:126 telephone-event/8000\r\na=fmtp:126 0-16\r\n\
         a=ptime:20\r\na=sendonly\r\n"
    );
    assert_eq!((agreed.codec, agreed.payload_type, agreed.event), (Pcmu, 100, Some(126)));
    assert_eq!(agreed.content(100), Some(Content::Voice(Pcmu)));
    assert_eq!((agreed.content(126), agreed.content(8)), (Some(Content::Event), None));
    assert!(agreed.direction.sends() && !agreed.direction.receives());
    // What we allow decides before what the far end would like better.
    let (_, agreed) = local().answer(&offer, &[Pcma]).unwrap();
    assert_eq!((agreed.codec, agreed.payload_type), (Pcma, 8));
}

#[test]
fn hold_and_resume() {
    let offer = |address: &str, direction: &str| {
        let lines = format!("c=IN IP4 {address}\nm=audio 4000 RTP/AVP 0\n{direction}\n");
        let offer = read(&lines).unwrap();
        let (answer, agreed) = local().revised().answer(&offer, &BOTH).unwrap();
        let said = answer.lines().last().unwrap().to_owned();
        (said, agreed.direction.sends(), agreed.direction.receives())
    };
    let of = |said: &str, sends, receives| (said.to_owned(), sends, receives);
    assert_eq!(offer("192.0.2.9", "a=sendonly"), of("a=recvonly", false, true));
    assert_eq!(offer("192.0.2.9", "a=inactive"), of("a=inactive", false, false));
    assert_eq!(offer("192.0.2.9", "a=recvonly"), of("a=sendonly", true, false));
    assert_eq!(offer("192.0.2.9", "a=sendrecv"), of("a=sendrecv", true, true));
    assert_eq!(offer("192.0.2.9", "a=nothing"), of("a=sendrecv", true, true));
    assert_eq!(offer("0.0.0.0", "a=sendrecv"), of("a=recvonly", false, true));
    assert_eq!(offer("0.0.0.0", "a=inactive"), of("a=inactive", false, false));
}

#[test]
fn dynamic_numbers_are_those_of_each_end() {
    let agreed = agreed(
        "m=audio 4000 RTP/AVP 96 97\na=rtpmap:96 PCMU/8000\n\
        a=rtpmap:97  Telephone-Event/8000 \n",
    )
    .unwrap();
    assert_eq!((agreed.codec, agreed.payload_type, agreed.event), (Pcmu, 96, Some(97)));
    assert_eq!(agreed.content(0), Some(Content::Voice(Pcmu)));
    assert_eq!(agreed.content(96), Some(Content::Voice(Pcmu)));
}

#[test]
fn nothing_in_common() {
    assert_eq!(agreed("m=audio 4000 RTP/AVP 18 9\n"), Err(NoCommonCodec));
    assert_eq!(agreed("m=audio 4000 RTP/AVP 0\na=rtpmap:0 G729/8000\n"), Err(NoCommonCodec));
    assert_eq!(agreed("m=audio 4000 RTP/AVP 96\na=rtpmap:96 PCMU/16000\n"), Err(NoCommonCodec));
    assert_eq!(agreed("m=audio 4000 RTP/AVP 96\na=rtpmap:96 PCMU/8000/2\n"), Err(NoCommonCodec));
    let offer = read("c=IN IP4 192.0.2.9\nm=audio 4000 RTP/AVP 8\n").unwrap();
    assert_eq!(local().answer(&offer, &[Pcmu]), Err(NoCommonCodec));
    // Events alone are no call, and no events are one.
    let events = agreed("m=audio 4000 RTP/AVP 101\na=rtpmap:101 telephone-event/8000\n");
    assert_eq!(events, Err(NoCommonCodec));
    assert_eq!(agreed("m=audio 4000 RTP/AVP 0\n").unwrap().event, None);
}

#[test]
fn the_stream_with_a_codec_of_ours_is_taken() {
    let remote = read("c=IN IP4 192.0.2.9\nm=audio 4000 RTP/AVP 18\nm=audio 4002 RTP/AVPF 0\n");
    assert_eq!(remote.unwrap().address.port(), 4002);
    let remote = read("c=IN IP4 192.0.2.9\nm=audio 4000 RTP/AVP 18\nm=audio 4002 RTP/AVP 9\n");
    assert_eq!(remote.unwrap().address.port(), 4000);
}

#[test]
fn what_has_no_audio_for_us() {
    for lines in [
        "",
        "c=IN IP4 192.0.2.9\n",
        "c=IN IP4 192.0.2.9\nm=audio 0 RTP/AVP 0\n",
        "c=IN IP4 192.0.2.9\nm=audio 4000 RTP/SAVP 0\n",
        "c=IN IP4 192.0.2.9\nm=video 4000 RTP/AVP 0\n",
        "c=IN IP4 media.example.com\nm=audio 4000 RTP/AVP 0\n",
        "c=IN IP4 224.2.1.1/127\nm=audio 4000 RTP/AVP 0\n",
        "m=audio 4000 RTP/AVP 0\n",
    ] {
        assert_eq!(read(lines), Err(SdpError::NoAudio), "{lines}");
    }
    for malformed in [&b""[..], b"hello", b"v=1\r\n", b"v=0\r\nm=audio\r\n", &[b'a'; 40_000]] {
        assert!(matches!(sdp::read(malformed), Err(SdpError::Malformed(_))));
    }
    // What is said of it is for a log, and of a log's length.
    let told = sdp::read(format!("v={}", "9".repeat(30_000)).as_bytes()).unwrap_err().to_string();
    assert!(told.len() < 300, "{}", told.len());
}

#[test]
fn the_time_in_a_packet_is_kept_within_reason() {
    let ptime = |said: &str| {
        read(&format!("c=IN IP4 192.0.2.9\nm=audio 4000 RTP/AVP 0\n{said}\n")).unwrap().ptime
    };
    for (said, ms) in [
        ("", 20),
        ("a=ptime:10", 10),
        ("a=ptime:60", 60),
        ("a=ptime:0", 10),
        ("a=ptime:x", 20),
        ("a=ptime:9999", 60),
    ] {
        assert_eq!(ptime(said), Duration::from_millis(ms), "{said}");
    }
}

#[test]
fn no_description_makes_it_panic() {
    let mut chance = fastrand::Rng::with_seed(8866);
    let seeds = [ASTERISK.as_bytes(), GATEWAY, BROWSER.as_bytes()];
    let (mut fine, mut answered) = (0, 0);
    for _ in 0..20_000 {
        let mut description = chance.choice(seeds).unwrap().to_vec();
        for _ in 0..chance.usize(1..6) {
            mutate(&mut chance, &mut description);
        }
        let Ok(remote) = sdp::read(&description) else { continue };
        fine += 1;
        let _ = sdp::agree(&BOTH, &remote);
        let Ok((answer, _)) = local().answer(&remote, &BOTH) else { continue };
        answered += 1;
        // Whatever was offered, what we answer is a description, of as many streams as that.
        let again = sdp::read(answer.as_bytes()).unwrap();
        assert_eq!(again.address, local().address, "{answer}");
    }
    assert!(fine > 5_000 && answered > 2_000 && fine < 20_000, "{fine} {answered}");
}

/// Changes, removes, repeats, moves or inserts a piece.
fn mutate(chance: &mut fastrand::Rng, description: &mut Vec<u8>) {
    let at = chance.usize(..=description.len());
    let end = (at + chance.usize(..20)).min(description.len());
    let piece = description[at..end].to_vec();
    match chance.u8(..5) {
        0 if at < end => description[at] = chance.u8(..),
        1 => drop(description.drain(at..end)),
        2 => drop(description.splice(at..at, piece)),
        3 => {
            description.drain(at..end);
            let to = chance.usize(..=description.len());
            description.splice(to..to, piece);
        }
        _ => {
            let odd =
                ["\r\n", "=", " ", "/", ":", "m=audio 1 RTP/AVP 0\r\n", "99999999999", "\0", "-1"];
            let odd = chance.choice(odd).unwrap_or_default();
            description.splice(at..at, odd.bytes());
        }
    }
}
