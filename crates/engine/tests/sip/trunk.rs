//! What trunks are asked: OPTIONS and REGISTER.

use std::time::Duration;

use engine::sip::{Credentials, Hop, Register};

use crate::far::Far;
use crate::peer::{Peer, header};
use crate::scenario::Scenario;
use crate::support::{drains, party, settles, stack};

#[tokio::test]
async fn a_trunk_that_lives_says_so_and_one_that_does_not_says_nothing() {
    let stack = stack().await;
    let far =
        Far::plays(Scenario::default().expect("OPTIONS").reply("405 Method Not Allowed")).await;
    let pong = stack.options(far.hop(), party(), "sip:127.0.0.1".to_owned()).await.expect("a pong");
    assert_eq!(pong.code, 405);
    assert!(pong.took < Duration::from_secs(2), "{pong:?}");
    far.ends_well().await;
    let dead = Peer::new().await;
    let silence = stack.options(dead.hop(), party(), "sip:127.0.0.1".to_owned()).await;
    assert!(silence.as_ref().is_err_and(|refused| refused.code.is_none()), "{silence:?}");
    let nowhere = Hop { host: "no.such.name.invalid".to_owned(), ..dead.hop() };
    let nowhere = stack.options(nowhere, party(), "sip:127.0.0.1".to_owned()).await;
    assert!(nowhere.as_ref().is_err_and(|refused| refused.unreachable), "{nowhere:?}");
    settles(&stack).await;
}

#[tokio::test]
async fn a_registration_is_made_refreshed_and_taken_back() {
    let stack = stack().await;
    let registrar = Peer::new().await;
    let credentials = Some(Credentials { username: "bob".into(), password: "secret".into() });
    let mut binding = stack.binding(Register {
        hop: registrar.hop(),
        registrar: "sip:example.org".to_owned(),
        party: party(),
        credentials,
    });
    let ours = tokio::spawn(async move {
        let granted = binding.refresh(Duration::from_secs(60)).await;
        let refused = binding.refresh(Duration::from_secs(60)).await;
        (granted, refused, binding.remove().await)
    });
    let (request, source) = registrar.expect("REGISTER sip:example.org SIP/2.0").await;
    assert_eq!(header(&request, "Expires"), "60");
    let challenge = "WWW-Authenticate: Digest realm=\"r\", nonce=\"1\"\r\n";
    registrar.send(&Peer::response(&request, "401 No", "r", challenge), source).await;
    let (request, _) = registrar.expect("REGISTER").await;
    assert!(header(&request, "Authorization").contains("realm=\"r\""), "{request}");
    registrar
        .send(
            &Peer::response(&request, "423 Interval Too Brief", "r", "Min-Expires: 600\r\n"),
            source,
        )
        .await;
    let (request, _) = registrar.expect("REGISTER").await;
    assert_eq!(header(&request, "Expires"), "600");
    let contact = format!("Contact: {};expires=550\r\n", header(&request, "Contact"));
    registrar.send(&Peer::response(&request, "200 OK", "r", &contact), source).await;
    let (request, _) = registrar.expect("REGISTER").await;
    registrar.send(&Peer::response(&request, "503 Busy", "r", "Retry-After: 5\r\n"), source).await;
    let (request, _) = registrar.expect("REGISTER").await;
    assert_eq!(header(&request, "Expires"), "0");
    registrar.send(&Peer::response(&request, "200 OK", "r", ""), source).await;
    let (granted, refused, removed) = ours.await.expect("a task");
    assert_eq!(granted, Ok(Duration::from_secs(550)));
    let refused = refused.expect_err("a refusal");
    assert_eq!((refused.code, refused.retry_after), (Some(503), Some(Duration::from_secs(5))));
    assert_eq!(removed, Ok(()));
    drains(&stack).await;
}
