//! What comes unasked: from trunks, and from strangers.

use std::time::Duration;

use crate::far::Far;
use crate::peer::{Peer, header};
use crate::scenario::Scenario;
use crate::support::{T1, connected, drains, hang_up, settings, stack, start};

#[tokio::test]
async fn a_trunk_is_answered_whatever_it_asks() {
    let stack = stack().await;
    let (peer, us) = (Peer::new().await, stack.local_addr());
    for (method, headers, line) in [
        ("OPTIONS", "", "SIP/2.0 200 OK"),
        ("INVITE", "", "SIP/2.0 404 Not Found"),
        ("BYE", "", "SIP/2.0 481 "),
        ("INFO", "", "SIP/2.0 481 "),
        ("UPDATE", "", "SIP/2.0 481 "),
        ("CANCEL", "", "SIP/2.0 481 "),
        ("REGISTER", "", "SIP/2.0 405 "),
        ("SUBSCRIBE", "Event: x\r\n", "SIP/2.0 405 "),
        ("DANCE", "", "SIP/2.0 501 "),
    ] {
        let request = peer.request(method, headers);
        peer.send(&request, us).await;
        let (response, _) = peer.expect(line).await;
        assert_eq!(header(&response, "Call-ID"), header(&request, "Call-ID"), "{method}");
        if method == "OPTIONS" {
            assert!(header(&response, "Allow").contains("INVITE"), "{response}");
            assert_eq!(header(&response, "Accept"), "application/sdp");
            assert!(header(&response, "Supported").contains("timer"), "{response}");
            assert!(header(&response, "To").contains(";tag="), "{response}");
        }
        if method == "INVITE" {
            let ack = request.replacen("INVITE", "ACK", 1).replace("1 INVITE", "1 ACK");
            let ack = ack.replace("To: <sip:a@b>", &format!("To: {}", header(&response, "To")));
            peer.send(&ack, us).await;
        }
    }
    drains(&stack).await;
}

#[tokio::test]
async fn a_flood_of_strangers_is_not_even_looked_at_and_sources_may_change() {
    let mut settings = settings();
    settings.sources = vec!["127.0.0.1".parse::<std::net::IpAddr>().expect("an address").into()];
    let stack = start(settings).await;
    let (stranger, us) = (Peer::at("127.0.0.2:0").await, stack.local_addr());
    let far = Far::plays(Scenario::answered().released()).await;
    let mut leg = connected(&stack, &far).await;
    let request = stranger.request("OPTIONS", "");
    for _ in 0..5000 {
        stranger.send(&request, us).await;
    }
    assert!(stranger.hears_no("SIP", T1 * 4).await);
    hang_up(&mut leg).await;
    far.ends_well().await;
    drains(&stack).await;

    let all = engine::sip::Network { address: [127, 0, 0, 0].into(), bits: 8 };
    stack.set_sources(vec![all]);
    stranger.send(&stranger.request("OPTIONS", ""), us).await;
    stranger.expect("SIP/2.0 200").await;
    stack.set_sources(Vec::new());
    stranger.send(&stranger.request("OPTIONS", ""), us).await;
    assert!(stranger.hears_no("SIP", Duration::from_millis(200)).await);
}

#[tokio::test]
async fn a_stack_that_is_stopped_says_nothing_more() {
    let stack = stack().await;
    let (peer, us) = (Peer::new().await, stack.local_addr());
    let leg = stack.invite(crate::support::invite(peer.hop()));
    peer.expect("INVITE").await;
    tokio::time::timeout(Duration::from_secs(5), stack.stop()).await.expect("stopped in time");
    peer.send(&peer.request("OPTIONS", ""), us).await;
    assert!(peer.hears_no("SIP", Duration::from_millis(200)).await);
    assert_eq!(stack.counts().legs, 0);
    drop(leg);
}
