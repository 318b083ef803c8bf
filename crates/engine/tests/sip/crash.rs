//! What a process leaves behind, and the next one finds.

use engine::sip::{LeftBehind, Reason, StackSettings};

use crate::far::Far;
use crate::peer::{Peer, header};
use crate::scenario::Scenario;
use crate::support::{answer, drains, invite, settings, settles, stack, start};

#[tokio::test]
async fn the_next_process_releases_what_the_last_one_left_up() {
    let before = stack().await;
    let scenario = Scenario::answered()
        .expect_with("BYE", "Reason", "SIP;cause=503;text=.restarted.")
        .reply_in_dialog("200 OK", "");
    let far = Far::plays(scenario).await;
    let mut leg = before.invite(invite(far.hop()));
    let (_, dialog) = answer(&mut leg).await;
    let address = before.local_addr();
    // As by kill -9: nothing more is said.
    before.stop().await;
    drop((leg, before));

    // sipp answers to where it was called from.
    let after = start(StackSettings { udp: address, ..settings() }).await;
    let reason = Reason::sip(503, "restarted");
    let released = after.hang_up_left_behind(&dialog, reason.clone(), None).await;
    assert_eq!(released, Ok(LeftBehind::Released));
    far.ends_well().await;
    // The far end is gone by now: nothing comes, and it takes no longer than a transaction.
    let again = after.hang_up_left_behind(&dialog, reason.clone(), None).await;
    assert!(again.as_ref().is_err_and(|refused| refused.code.is_none()), "{again:?}");
    assert!(after.hang_up_left_behind(b"nonsense", reason, None).await.is_err());
    settles(&after).await;
}

#[tokio::test]
async fn a_dialog_left_behind_is_released_through_its_proxy_with_a_higher_number() {
    let before = stack().await;
    let (proxy, peer) = (Peer::new().await, Peer::new().await);
    let mut leg = before.invite(invite(proxy.hop()));
    let (request, source) = proxy.expect("INVITE").await;
    let headers = format!("{}Record-Route: <sip:{};lr>\r\n", peer.contact(), proxy.address);
    proxy.send(&Peer::response(&request, "200 OK", "one", &headers), source).await;
    let (_, dialog) = answer(&mut leg).await;
    // It has asked more since than the dialog knows that was kept.
    assert!(leg.send_info_key('1') && leg.send_info_key('2'));
    let (info, source) = proxy.expect("INFO").await;
    proxy.send(&Peer::response(&info, "200 OK", "", ""), source).await;
    let (info, _) = proxy.expect("INFO").await;
    before.stop().await;

    let after = stack().await;
    let release = tokio::spawn(async move {
        let released = after.hang_up_left_behind(&dialog, Reason::q850(16), None).await;
        drop(leg);
        released
    });
    let (bye, source) = proxy.expect("BYE").await;
    let number = |message| {
        header(message, "CSeq")
            .split(' ')
            .next()
            .expect("a number")
            .parse::<u32>()
            .expect("a number")
    };
    assert!(number(&bye) > number(&info), "{bye}");
    assert_eq!(header(&bye, "Route"), format!("<sip:{};lr>", proxy.address));
    proxy.send(&Peer::response(&bye, "481 Gone", "", ""), source).await;
    assert_eq!(release.await.expect("a task"), Ok(LeftBehind::Gone));
}

#[tokio::test]
async fn a_late_answer_to_a_former_process_is_released() {
    let before = stack().await;
    let peer = Peer::new().await;
    let leg = before.invite(invite(peer.hop()));
    let (request, _) = peer.expect("INVITE").await;
    before.stop().await;
    drop(leg);

    let after = stack().await;
    let late = Peer::response(&request, "200 OK", "late", &peer.contact());
    peer.send(&late, after.local_addr()).await;
    let (ack, source) = peer.expect("ACK").await;
    assert_eq!(header(&ack, "CSeq"), "1 ACK");
    let (bye, _) = peer.expect("BYE").await;
    peer.send(&Peer::response(&bye, "200 OK", "", ""), source).await;
    // Not ours at all: another Call-ID.
    peer.send(&late.replace("callslip.test", "elsewhere.test"), source).await;
    assert!(peer.hears_no("ACK", std::time::Duration::from_millis(200)).await);
    drains(&after).await;
}
