//! Answers, and what only looks like one.

use std::time::Duration;

use engine::sip::LegEvent;

use crate::far::Far;
use crate::peer::{Peer, header};
use crate::scenario::{SDP, Scenario, response};
use crate::support::{
    answer, connected, drains, end, failure, hang_up, invite, rings, settles, stack,
};

#[tokio::test]
async fn a_call_comes_up_and_is_released() {
    let stack = stack().await;
    let far = Far::plays(
        Scenario::answered()
            .expect_with("BYE", "Reason", "Q.850;cause=16")
            .reply_in_dialog("200 OK", ""),
    )
    .await;
    let mut leg = stack.invite(invite(far.hop()));
    rings(&mut leg).await;
    let (sdp, dialog) = answer(&mut leg).await;
    assert_eq!(sdp.trim(), SDP.trim());
    assert!((100..350).contains(&dialog.len()), "{}", dialog.len());
    assert_eq!((stack.counts().legs, stack.counts().dialogs), (1, 1));
    hang_up(&mut leg).await;
    far.ends_well().await;
    drains(&stack).await;
}

#[tokio::test]
async fn a_2xx_that_is_no_200_is_released_and_no_answer() {
    let stack = stack().await;
    let scenario = Scenario::invited().reply("202 Accepted").expect("ACK").released();
    let far = Far::plays(scenario).await;
    let mut leg = stack.invite(invite(far.hop()));
    assert_eq!(failure(&mut leg).await.release.code, Some(202));
    far.ends_well().await;
    settles(&stack).await;
}

#[tokio::test]
async fn a_200_without_a_contact_is_acknowledged_released_and_no_answer() {
    let stack = stack().await;
    let message = response("200 OK", "", "").replace("Contact:", "X-Contact:");
    let far = Far::plays(Scenario::invited().send(&message).expect("ACK").released()).await;
    let mut leg = stack.invite(invite(far.hop()));
    assert_eq!(failure(&mut leg).await.release.code, Some(200));
    assert!(leg.next().await.is_none());
    far.ends_well().await;
    drains(&stack).await;
}

#[tokio::test]
async fn the_second_fork_that_answers_is_released() {
    let stack = stack().await;
    let peer = Peer::new().await;
    let mut leg = stack.invite(invite(peer.hop()));
    let (request, source) = peer.expect("INVITE").await;
    for tag in ["one", "two"] {
        peer.send(&Peer::response(&request, "180 Ringing", tag, &peer.contact()), source).await;
    }
    peer.send(&Peer::response(&request, "200 OK", "one", &peer.contact()), source).await;
    let (ack, _) = peer.expect("ACK").await;
    assert!(header(&ack, "To").ends_with("tag=one"), "{ack}");
    answer(&mut leg).await;
    let second = Peer::response(&request, "200 OK", "two", &peer.contact());
    peer.send(&second, source).await;
    let (ack, _) = peer.expect("ACK").await;
    assert!(header(&ack, "To").ends_with("tag=two"), "{ack}");
    let (bye, _) = peer.expect("BYE").await;
    assert!(header(&bye, "To").ends_with("tag=two"), "{bye}");
    peer.send(&Peer::response(&bye, "200 OK", "", ""), source).await;
    // Repeated, it is acknowledged again and not released again; and the first is acknowledged
    // again as well.
    peer.send(&second, source).await;
    let (again, _) = peer.next().await;
    assert!(again.starts_with("ACK") && header(&again, "To").ends_with("tag=two"), "{again}");
    peer.send(&Peer::response(&request, "200 OK", "one", &peer.contact()), source).await;
    let (again, _) = peer.next().await;
    assert!(again.starts_with("ACK") && header(&again, "To").ends_with("tag=one"), "{again}");
    leg.hang_up(engine::sip::Reason::q850(16));
    let (bye, _) = peer.expect("BYE").await;
    assert!(header(&bye, "To").ends_with("tag=one"), "{bye}");
    peer.send(&Peer::response(&bye, "200 OK", "", ""), source).await;
    end(&mut leg).await;
    drains(&stack).await;
}

#[tokio::test]
async fn a_reliable_provisional_response_is_acknowledged_once() {
    let stack = stack().await;
    let peer = Peer::new().await;
    let mut leg = stack.invite(invite(peer.hop()));
    let (request, source) = peer.expect("INVITE").await;
    let headers = format!("{}Require: 100rel\r\nRSeq: 41\r\n", peer.contact());
    let progress = Peer::response(&request, "183 Session Progress", "one", &headers);
    peer.send(&progress, source).await;
    let (prack, _) = peer.expect("PRACK").await;
    assert_eq!(header(&prack, "RAck"), "41 1 INVITE");
    assert!(header(&prack, "To").ends_with("tag=one"), "{prack}");
    peer.send(&Peer::response(&prack, "200 OK", "", ""), source).await;
    rings(&mut leg).await;
    peer.send(&progress, source).await;
    assert!(peer.hears_no("PRACK", Duration::from_millis(200)).await);
    peer.send(&Peer::response(&request, "200 OK", "one", &peer.contact()), source).await;
    answer(&mut leg).await;
    leg.hang_up(engine::sip::Reason::q850(16));
    let (bye, _) = peer.expect("BYE").await;
    let number =
        |message| header(message, "CSeq").split(' ').next().and_then(|n| n.parse::<u32>().ok());
    assert!(number(&bye) > number(&prack), "{bye}");
    peer.send(&Peer::response(&bye, "200 OK", "", ""), source).await;
    end(&mut leg).await;
}

#[tokio::test]
async fn requests_take_the_route_that_the_answer_recorded() {
    let stack = stack().await;
    let (proxy, peer) = (Peer::new().await, Peer::new().await);
    let mut leg = stack.invite(invite(proxy.hop()));
    let (request, source) = proxy.expect("INVITE").await;
    let routes = format!("Record-Route: <sip:10.9.9.9;lr>, <sip:{};lr>\r\n", proxy.address);
    let headers = format!("{}{routes}", peer.contact());
    proxy.send(&Peer::response(&request, "200 OK", "one", &headers), source).await;
    let (ack, _) = proxy.expect("ACK").await;
    assert!(ack.starts_with(&format!("ACK sip:far@{} ", peer.address)), "{ack}");
    answer(&mut leg).await;
    leg.hang_up(engine::sip::Reason::q850(16));
    let (bye, _) = proxy.expect("BYE").await;
    assert!(bye.starts_with(&format!("BYE sip:far@{} ", peer.address)), "{bye}");
    let routes: Vec<_> = bye.lines().filter(|line| line.starts_with("Route: ")).collect();
    assert_eq!(
        routes,
        [format!("Route: <sip:{};lr>", proxy.address), "Route: <sip:10.9.9.9;lr>".to_owned()]
    );
    proxy.send(&Peer::response(&bye, "200 OK", "", ""), source).await;
    end(&mut leg).await;
}

#[tokio::test]
async fn a_lost_tenth_of_the_messages_costs_no_call() {
    let stack = stack().await;
    // sipp never sends a response again that it has "lost"; what we send and it loses counts.
    let scenario = Scenario::invited()
        .raw("<send retrans=\"100\"><![CDATA[\n\nSIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:];tag=far[call_number]\n[last_Call-ID:]\n[last_CSeq:]\nContact: <sip:far@[local_ip]:[local_port]>\nContent-Length: 0\n\n]]></send>")
        .raw("<recv request=\"ACK\" rtd=\"true\" crlf=\"true\"/>")
        .released();
    let far = Far::plays_with(scenario, &["-m", "40", "-lost", "10"]).await;
    let calls = (0..40).map(|_| async {
        let mut leg = stack.invite(invite(far.hop()));
        let answered = matches!(crate::support::outcome(&mut leg).await, LegEvent::Answered { .. });
        if answered {
            leg.hang_up(engine::sip::Reason::q850(16));
            end(&mut leg).await;
        }
        answered
    });
    let answered = futures_util::future::join_all(calls).await;
    let answered = answered.into_iter().filter(|answered| *answered).count();
    assert!(answered >= 36, "{answered} of 40");
    drop(far);
    drains(&stack).await;
}

#[tokio::test]
async fn many_legs_at_once_come_up_and_go() {
    let stack = stack().await;
    let far = Far::plays_with(Scenario::answered().released(), &["-m", "200"]).await;
    let (stack_of_all, far_of_all) = (&stack, &far);
    let calls = (0..200).map(|number| async move {
        // Not all in one instant: sipp takes what is sent again for something new.
        tokio::time::sleep(Duration::from_millis(3 * number)).await;
        let mut leg = connected(stack_of_all, far_of_all).await;
        hang_up(&mut leg).await;
    });
    futures_util::future::join_all(calls).await;
    far.ends_well().await;
    settles(&stack).await;
}
