//! Legs that are no longer wanted.

use std::time::{Duration, Instant};

use engine::sip::LegEvent;
use model::cdr::Release;

use crate::far::Far;
use crate::peer::{Peer, header};
use crate::scenario::Scenario;
use crate::support::{
    T1, answer, connected, drains, end, failure, hang_up, invite, rings, settles, stack,
};

#[tokio::test]
async fn a_leg_that_rings_is_cancelled() {
    let stack = stack().await;
    let far = Far::plays(Scenario::invited().reply("180 Ringing").cancelled()).await;
    let mut leg = stack.invite(invite(far.hop()));
    rings(&mut leg).await;
    leg.cancel();
    assert_eq!(failure(&mut leg).await.release, Release { code: Some(487), cause: None });
    far.ends_well().await;
    settles(&stack).await;
}

#[tokio::test]
async fn an_answer_that_crosses_the_cancel_is_acknowledged_and_released() {
    let stack = stack().await;
    let scenario =
        Scenario::invited().reply("180 Ringing").expect("CANCEL").reply_in_dialog("200 OK", "");
    let answered = "<send><![CDATA[\n\nSIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:];tag=far[call_number]\n\
        [last_Call-ID:]\nCSeq: 1 INVITE\nContact: <sip:far@[local_ip]:[local_port]>\nContent-Length: 0\n\n]]></send>";
    let far = Far::plays(scenario.raw(answered).expect("ACK").released()).await;
    let mut leg = stack.invite(invite(far.hop()));
    rings(&mut leg).await;
    leg.cancel();
    answer(&mut leg).await;
    hang_up(&mut leg).await;
    far.ends_well().await;
    drains(&stack).await;
}

#[tokio::test]
async fn a_cancel_waits_for_a_provisional_response() {
    let stack = stack().await;
    let peer = Peer::new().await;
    let mut leg = stack.invite(invite(peer.hop()));
    let (request, source) = peer.expect("INVITE").await;
    leg.cancel();
    // RFC 3261 §9.1: neither a CANCEL nor the INVITE again.
    assert!(peer.hears_no("", T1 * 4).await);
    peer.send(&Peer::response(&request, "180 Ringing", "one", &peer.contact()), source).await;
    let (cancel, _) = peer.expect("CANCEL").await;
    assert_eq!(header(&cancel, "Via"), header(&request, "Via"));
    assert_eq!(header(&cancel, "CSeq"), "1 CANCEL");
    peer.send(&Peer::response(&cancel, "200 OK", "one", ""), source).await;
    peer.send(&Peer::response(&request, "487 Request Terminated", "one", ""), source).await;
    assert_eq!(failure(&mut leg).await.release.code, Some(487));
    peer.expect("ACK").await;
    settles(&stack).await;
}

#[tokio::test]
async fn a_cancel_that_nobody_confirms_ends_all_the_same_and_a_late_answer_is_released() {
    let stack = stack().await;
    let peer = Peer::new().await;
    let mut leg = stack.invite(invite(peer.hop()));
    let (request, source) = peer.expect("INVITE").await;
    leg.cancel();
    let cancelled = Instant::now();
    assert!(failure(&mut leg).await.local_timeout);
    let waited = cancelled.elapsed();
    assert!((T1 * 10..T1 * 40).contains(&waited), "{waited:?}");
    peer.expect("CANCEL").await;
    peer.send(&Peer::response(&request, "200 OK", "late", &peer.contact()), source).await;
    peer.expect("ACK").await;
    let (bye, _) = peer.expect("BYE").await;
    peer.send(&Peer::response(&bye, "200 OK", "", ""), source).await;
    assert!(leg.next().await.is_none());
    drains(&stack).await;
}

#[tokio::test]
async fn a_leg_that_is_dropped_is_given_up_however_far_it_has_come() {
    let stack = stack().await;
    let ringing = Far::plays(Scenario::invited().reply("180 Ringing").cancelled()).await;
    let mut leg = stack.invite(invite(ringing.hop()));
    rings(&mut leg).await;
    drop(leg);
    let up = Far::plays(Scenario::answered().released()).await;
    drop(connected(&stack, &up).await);
    // Answered at once, while nobody holds it any more.
    let quick =
        Far::plays(Scenario::invited().pause(100).reply_sdp("200 OK", "").expect("ACK").released())
            .await;
    drop(stack.invite(invite(quick.hop())));
    ringing.ends_well().await;
    up.ends_well().await;
    // Nothing was sent if it was dropped before that.
    drop(quick);
    drains(&stack).await;
}

#[tokio::test]
async fn a_hang_up_before_the_answer_is_a_cancel_that_stands() {
    let stack = stack().await;
    let peer = Peer::new().await;
    let mut leg = stack.invite(invite(peer.hop()));
    let (request, source) = peer.expect("INVITE").await;
    peer.send(&Peer::response(&request, "180 Ringing", "one", &peer.contact()), source).await;
    rings(&mut leg).await;
    leg.hang_up(engine::sip::Reason::q850(31));
    peer.expect("CANCEL").await;
    peer.send(&Peer::response(&request, "200 OK", "one", &peer.contact()), source).await;
    answer(&mut leg).await;
    let (bye, _) = peer.expect("BYE").await;
    assert_eq!(header(&bye, "Reason"), "Q.850;cause=31");
    peer.send(&Peer::response(&bye, "200 OK", "", ""), source).await;
    end(&mut leg).await;
}

#[tokio::test]
async fn a_bye_that_nobody_confirms_ends_with_its_transaction() {
    let stack = stack().await;
    let peer = Peer::new().await;
    let mut leg = stack.invite(invite(peer.hop()));
    let (request, source) = peer.expect("INVITE").await;
    peer.send(&Peer::response(&request, "200 OK", "one", &peer.contact()), source).await;
    answer(&mut leg).await;
    leg.hang_up(engine::sip::Reason::q850(16));
    match tokio::time::timeout(T1 * 64 + Duration::from_secs(5), leg.next()).await {
        Ok(Some(LegEvent::Ended { .. })) => {}
        other => panic!("{other:?}"),
    }
    settles(&stack).await;
}
