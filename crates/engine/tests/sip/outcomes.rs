//! What a far end says when it does not answer.

use std::time::Duration;

use engine::sip::{Failure, Leg, LegEvent, Stack};
use futures_util::future::join_all;
use model::cdr::Release;

use crate::far::Far;
use crate::scenario::Scenario;
use crate::support::{answer, drains, failure, hang_up, invite, next, settles, stack};

async fn refused(stack: &Stack, line: &str, headers: &str) -> Failure {
    let scenario = Scenario::invited().reply("100 Trying").reply("180 Ringing");
    let far = Far::plays(scenario.reply_with(line, headers).expect("ACK")).await;
    let mut leg = stack.invite(invite(far.hop()));
    let failure = failure(&mut leg).await;
    assert!(leg.next().await.is_none());
    far.ends_well().await;
    failure
}

#[tokio::test]
async fn a_refusal_says_its_code_and_its_cause() {
    let stack = stack().await;
    let refusals = [
        ("486 Busy Here", "Reason: Q.850;cause=17;text=\"User busy\"\n", 486, Some(17)),
        ("603 Decline", "", 603, None),
        ("404 Not Found", "Reason: SIP;cause=404, Q.850;cause=1\n", 404, Some(1)),
        ("484 Address Incomplete", "", 484, None),
        ("480 Temporarily Unavailable", "Reason: Q.850 ;cause=20\n", 480, Some(20)),
        ("480 Temporarily Unavailable", "Reason: Q.850;cause=19\n", 480, Some(19)),
        (
            "503 Service Unavailable",
            "Reason: Q.850;cause=34\nRetry-After: 7 (maintenance)\n",
            503,
            Some(34),
        ),
        ("403 Forbidden", "Reason: Q.850;cause=21\n", 403, Some(21)),
        ("302 Moved Temporarily", "", 302, None),
        ("408 Request Timeout", "", 408, None),
        ("699 Whatever", "", 699, None),
    ];
    let failures =
        join_all(refusals.iter().map(|(line, headers, ..)| refused(&stack, line, headers))).await;
    for ((line, _, code, cause), failure) in refusals.iter().zip(&failures) {
        assert_eq!(failure.release, Release { code: Some(*code), cause: *cause }, "{line}");
        assert!(!failure.local_timeout && !failure.unreachable, "{line}");
        let phrase = line.split_once(' ').expect("a phrase").1;
        assert!(failure.text.starts_with(phrase), "{}", failure.text);
    }
    assert_eq!(failures[0].text, "Busy Here; User busy");
    assert_eq!(failures[6].retry_after, Some(Duration::from_secs(7)));
    drains(&stack).await;
}

#[tokio::test]
async fn nothing_at_all_is_a_timeout_of_ours() {
    let stack = stack().await;
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let hop = engine::sip::Hop::udp(silent.local_addr().expect("an address"));
    let mut leg = stack.invite(invite(hop));
    let failure = failure(&mut leg).await;
    assert!(failure.local_timeout && failure.release == Release::default(), "{failure:?}");
    settles(&stack).await;
}

#[tokio::test]
async fn what_cannot_be_reached_fails_at_once() {
    let stack = stack().await;
    let hop = |host: &str, transport| engine::sip::Hop {
        transport,
        host: host.to_owned(),
        port: Some(9),
    };
    for hop in [
        hop("127.0.0.1", engine::sip::Transport::Tcp),
        hop("no.such.name.invalid", engine::sip::Transport::Udp),
        hop("127.0.0.1", engine::sip::Transport::Tls),
        hop("", engine::sip::Transport::Udp),
    ] {
        let mut leg = stack.invite(invite(hop.clone()));
        let failure = failure(&mut leg).await;
        assert!(failure.unreachable && !failure.text.is_empty(), "{hop:?}: {failure:?}");
    }
    settles(&stack).await;
}

#[tokio::test]
async fn early_media_and_the_ladder_are_told() {
    let stack = stack().await;
    let scenario =
        Scenario::invited().reply("100 Trying").reply_sdp("183 Session Progress", "").pause(50);
    let far = Far::plays(scenario.reply("200 OK").expect("ACK").released()).await;
    let invite = invite(far.hop());
    let recorder = invite.recorder.clone();
    let mut leg = stack.invite(invite);
    assert!(matches!(next(&mut leg).await, LegEvent::Trying));
    match ringing(&mut leg).await {
        (183, Some(sdp)) => {
            assert!(String::from_utf8_lossy(&sdp).contains("m=audio 6000"), "{sdp:?}")
        }
        event => panic!("{event:?}"),
    }
    // The answer itself has no SDP: what was said before counts.
    assert!(answer(&mut leg).await.0.contains("m=audio 6000"));
    hang_up(&mut leg).await;
    far.ends_well().await;
    let ladder = recorder.ladder();
    let said: Vec<_> = ladder
        .entries
        .iter()
        .map(|entry| (entry.sent, entry.text.split(' ').take(2).collect::<Vec<_>>().join(" ")))
        .collect();
    let lines: Vec<_> = said
        .iter()
        .map(|(sent, line)| {
            format!(
                "{} {}",
                if *sent { ">" } else { "<" },
                line.split("sip:").next().expect("a start").trim()
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            "> INVITE",
            "< SIP/2.0 100",
            "< SIP/2.0 183",
            "< SIP/2.0 200",
            "> ACK",
            "> BYE",
            "< SIP/2.0 200"
        ]
    );
    assert!(ladder.entries.iter().all(|entry| entry.local == stack.local_addr()));
    assert!(ladder.entries[0].text.contains("P-Asserted-Identity: <sip:+4930@callslip.test>"));
    assert!(
        ladder.entries[0]
            .text
            .contains("From: \"Click, \\\"Call\\\"\" <sip:+4930@callslip.test>;tag=")
    );
    assert!(ladder.entries[5].text.contains("Reason: Q.850;cause=16"));
}

async fn ringing(leg: &mut Leg) -> (u16, Option<Vec<u8>>) {
    match next(leg).await {
        LegEvent::Ringing { code, sdp } => (code, sdp),
        event => panic!("{event:?}"),
    }
}
