//! Damaged messages: nothing breaks, and calls go on.

use std::time::{Duration, Instant};

use crate::far::Far;
use crate::peer::Peer;
use crate::scenario::{SDP, Scenario};
use crate::support::{connected, drains, hang_up, stack};

const MESSAGES: usize = 40_000;

/// A message with some bytes changed, taken out, doubled or cut off.
fn damaged(message: &[u8], chance: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = message.to_vec();
    for _ in 0..chance.usize(1..8) {
        if bytes.is_empty() {
            break;
        }
        let at = chance.usize(..bytes.len());
        match chance.u8(..6) {
            0 => bytes[at] = chance.u8(..),
            1 => bytes.truncate(at),
            2 => drop(bytes.remove(at)),
            3 => bytes.insert(at, chance.u8(..)),
            4 => {
                let end = (at + chance.usize(..40)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => bytes[at] = *chance.choice(b"\r\n:;<>\"=, @").expect("a sign"),
        }
    }
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_datagrams_break_nothing_and_calls_go_on() {
    let stack = stack().await;
    let us = stack.local_addr();
    let peer = Peer::new().await;
    let mut samples: Vec<Vec<u8>> = ["INVITE", "BYE", "OPTIONS", "INFO", "UPDATE", "ACK", "CANCEL", "REFER"]
        .iter()
        .map(|method| {
            let more = "Contact: \"A\" <sip:a@127.0.0.1;x=y>;q=1\r\nReason: Q.850;cause=16;text=\"x\"\r\n\
                        Record-Route: <sip:p;lr>, <sip:q;lr>\r\nSession-Expires: 90;refresher=uac\r\nContent-Type: application/sdp\r\n";
            (peer.request(method, more) + SDP).into_bytes()
        })
        .collect();
    let response = Peer::response(&peer.request("INVITE", ""), "200 OK", "t", &peer.contact());
    samples.push(response.clone().into_bytes());
    samples.push(response.replace("Call-ID: ", "Call-ID: 1@callslip.test").into_bytes());
    samples.push(response.replace("200 OK", "401 No").into_bytes());

    let far = Far::plays_with(Scenario::answered().released(), &["-m", "10"]).await;
    let seed = 7;
    let flood = tokio::spawn(async move {
        let mut chance = fastrand::Rng::with_seed(seed);
        for number in 0..MESSAGES {
            let sample = damaged(chance.choice(&samples).expect("a sample"), &mut chance);
            peer.send_bytes(&sample, us).await;
            // Ten thousand a second: damage is the matter here, not a full queue.
            if number % 100 == 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    });
    let begun = Instant::now();
    for _ in 0..10 {
        let mut leg = connected(&stack, &far).await;
        hang_up(&mut leg).await;
    }
    flood.await.expect("a flood");
    far.ends_well().await;
    drains(&stack).await;
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}
