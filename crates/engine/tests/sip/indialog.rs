//! What a far end asks within a dialog, and what we do.

use std::time::{Duration, Instant};

use engine::sip::{EndedBy, Leg, LegEvent, Reason, Stack};

use crate::far::Far;
use crate::peer::{Peer, header};
use crate::scenario::{SDP, Scenario};
use crate::support::{
    OFFER, answer, connected, drains, end, hang_up, invite, next, settles, stack,
};

const HOLD: &str = "v=0\r\no=far 1 2 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\na=sendonly\r\n";
const IS_SDP: &str = "Content-Type: application/sdp\n";

/// A leg that is up at a far end by hand.
async fn up(stack: &Stack, peer: &Peer) -> (Leg, String, std::net::SocketAddr) {
    let mut leg = stack.invite(invite(peer.hop()));
    let (request, source) = peer.expect("INVITE").await;
    let headers = format!("{}Allow: INVITE, ACK, BYE, UPDATE\r\n", peer.contact());
    peer.send(&Peer::response(&request, "200 OK", "one", &headers), source).await;
    answer(&mut leg).await;
    peer.expect("ACK").await;
    (leg, request, source)
}

/// A request of that far end.
fn asks(peer: &Peer, invite: &str, method: &str, number: u32, headers: &str) -> String {
    let us = header(invite, "From");
    let them = header(invite, "To");
    let branch = fastrand::u64(..);
    format!(
        "{method} sip:callslip@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {0};branch=z9hG4bK{branch}\r\n\
         From: {them};tag=one\r\nTo: {us}\r\nCall-ID: {1}\r\nCSeq: {number} {method}\r\n\
         Max-Forwards: 70\r\nContact: <sip:far@{0}>\r\n{headers}Content-Length: 0\r\n\r\n",
        peer.address,
        header(invite, "Call-ID"),
    )
}

#[tokio::test]
async fn the_far_end_hangs_up_and_says_why() {
    let stack = stack().await;
    let scenario = Scenario::answered()
        .pause(20)
        .ask("BYE", 1, "Reason: Q.850;cause=31;text=\"Normal, unspecified\"\n", "")
        .expect_response(200);
    let far = Far::plays(scenario).await;
    let mut leg = connected(&stack, &far).await;
    match next(&mut leg).await {
        LegEvent::Ended { by: EndedBy::FarEnd, release, text } => {
            assert_eq!((release.cause, text.as_str()), (Some(31), "Normal, unspecified"));
        }
        event => panic!("{event:?}"),
    }
    far.ends_well().await;
    settles(&stack).await;
}

#[tokio::test]
async fn a_hold_is_answered_keys_are_told_and_courtesies_given() {
    let stack = stack().await;
    let relay = "Content-Type: application/dtmf-relay\n";
    let scenario = Scenario::answered()
        .reinvites(1, IS_SDP, HOLD, 200)
        .ask("INFO", 2, relay, "Signal=5\r\nDuration=160\r\n")
        .expect_response(200)
        .ask("INFO", 3, "Content-Type: application/dtmf\n", "#")
        .expect_response(200)
        .ask("INFO", 4, "Content-Type: application/x\n", "?")
        .expect_response(415)
        .ask("OPTIONS", 5, "", "")
        .expect_response(200)
        .ask("REFER", 6, "Refer-To: <sip:elsewhere@127.0.0.1>\n", "")
        .expect_response(603)
        .ask("NOTIFY", 7, "Event: x\n", "")
        .expect_response(481)
        .ask("MESSAGE", 8, "", "")
        .expect_response(405)
        .ask("INFO", 8, relay, "Signal=7\r\n")
        .expect_response(500)
        .ask("UPDATE", 9, IS_SDP, SDP)
        .expect_response(200)
        .ask("BYE", 10, "", "")
        .expect_response(200);
    let far = Far::plays(scenario).await;
    let mut leg = connected(&stack, &far).await;
    for wanted in [HOLD, SDP] {
        match next(&mut leg).await {
            LegEvent::Reoffered { sdp: Some(sdp), reply } => {
                assert_eq!(String::from_utf8_lossy(&sdp).trim(), wanted.trim());
                reply.accept(OFFER.into());
            }
            event => panic!("{event:?}"),
        }
        if wanted == HOLD {
            for key in ['5', '#'] {
                assert!(matches!(next(&mut leg).await, LegEvent::Key(pressed) if pressed == key));
            }
        }
    }
    assert_eq!(end(&mut leg).await.0, EndedBy::FarEnd);
    far.ends_well().await;
    drains(&stack).await;
}

#[tokio::test]
async fn what_overtakes_the_news_of_the_answer_is_within_the_dialog() {
    let stack = stack().await;
    let peer = Peer::new().await;
    let mut leg = stack.invite(invite(peer.hop()));
    let (request, source) = peer.expect("INVITE").await;
    peer.send(&asks(&peer, &request, "INVITE", 1, ""), source).await;
    peer.send(&asks(&peer, &request, "BYE", 2, ""), source).await;
    assert!(peer.hears_no("SIP/2.0 481", Duration::from_millis(100)).await);
    peer.send(&Peer::response(&request, "200 OK", "one", &peer.contact()), source).await;
    answer(&mut leg).await;
    let reoffered = next(&mut leg).await;
    assert!(matches!(reoffered, LegEvent::Reoffered { .. }), "{reoffered:?}");
    assert_eq!(end(&mut leg).await.0, EndedBy::FarEnd);
    let (released, _) = peer.expect("SIP/2.0 200").await;
    assert_eq!(header(&released, "CSeq"), "2 BYE");
}

#[tokio::test]
async fn a_bye_without_an_answer_is_for_no_dialog() {
    let stack = stack().await;
    let peer = Peer::new().await;
    let mut leg = stack.invite(invite(peer.hop()));
    let (request, source) = peer.expect("INVITE").await;
    for number in 1..6 {
        peer.send(&asks(&peer, &request, "BYE", number, ""), source).await;
    }
    // No more of them wait than there may be.
    let (refused, _) = peer.expect("SIP/2.0 481").await;
    assert_eq!(header(&refused, "CSeq"), "5 BYE");
    peer.send(&Peer::response(&request, "486 Busy Here", "one", ""), source).await;
    crate::support::failure(&mut leg).await;
    for number in 1..5 {
        let (refused, _) = peer.expect("SIP/2.0 481").await;
        assert_eq!(header(&refused, "CSeq"), format!("{number} BYE"));
    }
    settles(&stack).await;
}

#[tokio::test]
async fn an_offer_that_the_line_refuses_or_forgets_is_refused() {
    let stack = stack().await;
    let scenario = Scenario::answered()
        .reinvites(1, IS_SDP, HOLD, 488)
        .ask("UPDATE", 2, IS_SDP, HOLD)
        .expect_response(500)
        .released();
    let far = Far::plays(scenario).await;
    let mut leg = connected(&stack, &far).await;
    match next(&mut leg).await {
        LegEvent::Reoffered { reply, .. } => reply.refuse(),
        event => panic!("{event:?}"),
    }
    let offered = Instant::now();
    let forgotten = next(&mut leg).await;
    assert!(matches!(forgotten, LegEvent::Reoffered { .. }), "{forgotten:?}");
    tokio::time::sleep(Duration::from_millis(2200)).await;
    assert!(offered.elapsed() < Duration::from_secs(4));
    hang_up(&mut leg).await;
    far.ends_well().await;
    drop(forgotten);
}

#[tokio::test]
async fn an_offer_that_is_asked_for_comes_with_the_answer_in_the_ack() {
    let stack = stack().await;
    let scenario =
        Scenario::answered().unacknowledged(1, "", "", 200).ask("ACK", 1, IS_SDP, HOLD).released();
    let far = Far::plays(scenario).await;
    let mut leg = connected(&stack, &far).await;
    match next(&mut leg).await {
        LegEvent::Reoffered { sdp: None, reply } => reply.accept(OFFER.into()),
        event => panic!("{event:?}"),
    }
    assert!(matches!(next(&mut leg).await, LegEvent::Reanswered { .. }));
    hang_up(&mut leg).await;
    far.ends_well().await;
}

#[tokio::test]
async fn a_bye_before_the_ack_of_a_re_invite_ends_it() {
    let stack = stack().await;
    let scenario = Scenario::answered()
        .unacknowledged(1, IS_SDP, HOLD, 200)
        .ask("BYE", 2, "", "")
        .expect_response(200);
    let far = Far::plays(scenario).await;
    let mut leg = connected(&stack, &far).await;
    match next(&mut leg).await {
        LegEvent::Reoffered { reply, .. } => reply.accept(OFFER.into()),
        event => panic!("{event:?}"),
    }
    assert_eq!(end(&mut leg).await.0, EndedBy::FarEnd);
    far.ends_well().await;
    drains(&stack).await;
}

#[tokio::test]
async fn a_re_invite_that_is_never_acknowledged_ends_the_leg() {
    let stack = stack().await;
    let peer = Peer::new().await;
    let (mut leg, invited, source) = up(&stack, &peer).await;
    peer.send(&asks(&peer, &invited, "INVITE", 1, ""), source).await;
    match next(&mut leg).await {
        LegEvent::Reoffered { reply, .. } => reply.accept(OFFER.into()),
        event => panic!("{event:?}"),
    }
    peer.expect("SIP/2.0 200").await;
    // A second one meanwhile is not for now (RFC 3261 §14.2 is about the first unanswered one).
    let (bye, _) = peer.expect("BYE").await;
    assert_eq!(header(&bye, "Reason"), "SIP;cause=408;text=\"no ACK\"");
    peer.send(&Peer::response(&bye, "200 OK", "", ""), source).await;
    assert_eq!(end(&mut leg).await.0, EndedBy::Lost);
}

#[tokio::test]
async fn offers_that_meet_are_refused_and_so_are_two_at_once() {
    let stack = stack().await;
    let peer = Peer::new().await;
    let (mut leg, invited, source) = up(&stack, &peer).await;
    // Ours is under way: INFO counts as one, since requests of ours go one at a time.
    assert!(leg.send_info_key('1'));
    let (info, _) = peer.expect("INFO").await;
    assert!(info.ends_with("Signal=1\r\nDuration=160\r\n"), "{info}");
    peer.send(&asks(&peer, &invited, "INVITE", 1, ""), source).await;
    peer.expect("SIP/2.0 491").await;
    peer.send(&Peer::response(&info, "200 OK", "", ""), source).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    peer.send(&asks(&peer, &invited, "INVITE", 2, ""), source).await;
    let waiting = next(&mut leg).await;
    assert!(matches!(waiting, LegEvent::Reoffered { .. }), "{waiting:?}");
    peer.send(&asks(&peer, &invited, "UPDATE", 3, ""), source).await;
    let (refusal, _) = peer.expect("SIP/2.0 500").await;
    assert_eq!(header(&refusal, "Retry-After"), "1");
    // It hangs up with its own offer open.
    peer.send(&asks(&peer, &invited, "BYE", 4, ""), source).await;
    let (over, _) = peer.expect("SIP/2.0 487").await;
    assert_eq!(header(&over, "CSeq"), "2 INVITE");
    assert_eq!(end(&mut leg).await.0, EndedBy::FarEnd);
}

#[tokio::test]
async fn keys_are_sent_one_after_the_other_and_byes_may_cross() {
    let stack = stack().await;
    let peer = Peer::new().await;
    let (mut leg, invited, source) = up(&stack, &peer).await;
    for key in ['1', '*'] {
        assert!(leg.send_info_key(key));
    }
    let mut last = 1;
    for key in ['1', '*'] {
        let (info, _) = peer.expect("INFO").await;
        assert!(info.contains(&format!("Signal={key}\r\n")), "{info}");
        let number: u32 =
            header(&info, "CSeq").split(' ').next().expect("a number").parse().expect("a number");
        assert!(number > last, "{number} after {last}");
        last = number;
        peer.send(&Peer::response(&info, "200 OK", "", ""), source).await;
    }
    leg.hang_up(Reason::q850(16));
    let (bye, _) = peer.expect("BYE").await;
    peer.send(&asks(&peer, &invited, "BYE", 1, ""), source).await;
    peer.expect("SIP/2.0 200").await;
    peer.send(&Peer::response(&bye, "481 Gone", "", ""), source).await;
    assert_eq!(end(&mut leg).await.0, EndedBy::Us);
    // A request of somebody else with our Call-ID is none of ours.
    peer.send(&asks(&peer, &invited, "INFO", 9, ""), source).await;
    peer.expect("SIP/2.0 481").await;
}

#[tokio::test]
async fn another_fork_of_the_call_is_not_this_dialog() {
    let stack = stack().await;
    let peer = Peer::new().await;
    let (mut leg, invited, source) = up(&stack, &peer).await;
    let foreign = asks(&peer, &invited, "BYE", 1, "").replace(";tag=one", ";tag=two");
    peer.send(&foreign, source).await;
    peer.expect("SIP/2.0 481").await;
    leg.hang_up(Reason::q850(16));
    let (bye, _) = peer.expect("BYE").await;
    peer.send(&Peer::response(&bye, "200 OK", "", ""), source).await;
    assert_eq!(end(&mut leg).await.0, EndedBy::Us);
}

/// The answer is acknowledged before the leg hears of it, and what a far end says then may be there
/// first.
#[tokio::test]
async fn a_far_end_may_hang_up_in_the_moment_of_its_answer() {
    let stack = stack().await;
    for _ in 0..20 {
        let peer = Peer::new().await;
        let mut leg = stack.invite(invite(peer.hop()));
        let (invited, source) = peer.expect("INVITE").await;
        let bye = asks(&peer, &invited, "BYE", 1, "");
        peer.send(&bye, source).await;
        peer.send(&Peer::response(&invited, "200 OK", "one", &peer.contact()), source).await;
        let (over, _) = peer.expect("SIP/2.0").await;
        assert!(over.starts_with("SIP/2.0 200 "), "{over}");
        answer(&mut leg).await;
        assert_eq!(end(&mut leg).await.0, EndedBy::FarEnd);
    }
    drains(&stack).await;
}
