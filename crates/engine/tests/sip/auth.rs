//! Challenges.

use engine::sip::{Credentials, Invite};

use crate::far::Far;
use crate::peer::{Peer, header};
use crate::scenario::Scenario;
use crate::support::{answer, failure, hang_up, invite, settles, stack};

fn with(password: &str, invite: Invite) -> Invite {
    let credentials = Credentials { username: "bob".into(), password: password.into() };
    Invite { credentials: Some(credentials), ..invite }
}

const CHALLENGE: &str =
    "WWW-Authenticate: Digest realm=\"x\", nonce=\"47ebe028cda119c35d4877b383027d28da013815\"\n";

fn challenged(code: &str, challenge: &str) -> Scenario {
    Scenario::invited().reply_with(code, challenge).expect("ACK")
}

/// sipp itself checks the digest, and goes on to the label if it is right.
fn verified() -> Scenario {
    challenged("401 Unauthorized", CHALLENGE)
        .raw("<recv request=\"INVITE\" crlf=\"true\"><action><verifyauth assign_to=\"valid\" username=\"bob\" password=\"right\"/></action></recv>")
        .raw("<nop next=\"1\" test=\"valid\"/>")
        .reply("403 Forbidden")
        .expect("ACK")
        .raw("<nop next=\"2\"/>")
        .raw("<label id=\"1\"/>")
        .reply_sdp("200 OK", "")
        .expect("ACK")
        .released()
        .raw("<label id=\"2\"/>")
}

#[tokio::test]
async fn the_right_password_is_let_in_and_the_wrong_one_is_not() {
    let stack = stack().await;
    let far = Far::plays(verified()).await;
    let mut leg = stack.invite(with("right", invite(far.hop())));
    answer(&mut leg).await;
    hang_up(&mut leg).await;
    far.ends_well().await;

    let far = Far::plays(verified()).await;
    let mut leg = stack.invite(with("wrong", invite(far.hop())));
    assert_eq!(failure(&mut leg).await.release.code, Some(403));
    far.ends_well().await;
}

#[tokio::test]
async fn a_proxy_is_answered_once_and_its_second_refusal_stands() {
    let stack = stack().await;
    let challenge =
        "Proxy-Authenticate: Digest realm=\"p\", nonce=\"1\", qop=\"auth\", algorithm=MD5\n";
    let refusals = challenged("407 Proxy Authentication Required", challenge)
        .raw("<recv request=\"INVITE\" crlf=\"true\"><action><ereg regexp=\"username=.bob., realm=.p., nonce=.1., uri=.sip:.*qop=auth, nc=00000001, cnonce=\" search_in=\"hdr\" header=\"Proxy-Authorization:\" check_it=\"true\" assign_to=\"seen\"/></action></recv>")
        .reply_with("407 Proxy Authentication Required", challenge)
        .expect("ACK");
    let far = Far::plays(refusals).await;
    let mut leg = stack.invite(with("wrong", invite(far.hop())));
    assert_eq!(failure(&mut leg).await.release.code, Some(407));
    far.ends_well().await;

    let far = Far::plays(challenged("407 Proxy Authentication Required", challenge)).await;
    let mut leg = stack.invite(invite(far.hop()));
    assert_eq!(failure(&mut leg).await.release.code, Some(407));
    far.ends_well().await;
    settles(&stack).await;
}

#[tokio::test]
async fn a_stale_nonce_and_a_second_challenger_are_answered_and_the_ladder_has_no_secret() {
    let stack = stack().await;
    let peer = Peer::new().await;
    let invite = with("right", invite(peer.hop()));
    let recorder = invite.recorder.clone();
    let mut leg = stack.invite(invite);
    let challenges = [
        ("407 No", "Proxy-Authenticate: Digest realm=\"p\", nonce=\"n0nce\"\r\n"),
        ("407 No", "Proxy-Authenticate: Digest realm=\"p\", nonce=\"n0nce2\", stale=true\r\n"),
        ("401 No", "WWW-Authenticate: Digest realm=\"s\", nonce=\"n0nce3\", algorithm=SHA-256\r\n"),
    ];
    for (sequence, (line, challenge)) in (1..).zip(challenges) {
        let (request, source) = peer.expect("INVITE").await;
        assert_eq!(header(&request, "CSeq"), format!("{sequence} INVITE"));
        peer.send(&Peer::response(&request, line, "one", challenge), source).await;
        peer.expect("ACK").await;
    }
    let (request, source) = peer.expect("INVITE").await;
    assert!(header(&request, "Proxy-Authorization").contains("n0nce2"), "{request}");
    assert!(header(&request, "Authorization").contains("n0nce3"), "{request}");
    peer.send(&Peer::response(&request, "486 Busy Here", "one", ""), source).await;
    assert_eq!(failure(&mut leg).await.release.code, Some(486));
    let ladder = recorder.ladder();
    assert!(ladder.entries.len() >= 12);
    assert!(ladder.entries.iter().all(|entry| !entry.text.contains("n0nce")));
}

#[tokio::test]
async fn a_challenged_bye_is_sent_again() {
    let stack = stack().await;
    let peer = Peer::new().await;
    let mut leg = stack.invite(with("right", invite(peer.hop())));
    let (request, source) = peer.expect("INVITE").await;
    peer.send(&Peer::response(&request, "200 OK", "one", &peer.contact()), source).await;
    answer(&mut leg).await;
    leg.hang_up(engine::sip::Reason::q850(16));
    let (bye, _) = peer.expect("BYE").await;
    let challenge = "Proxy-Authenticate: Digest realm=\"p\", nonce=\"1\"\r\n";
    peer.send(&Peer::response(&bye, "407 No", "", challenge), source).await;
    let (bye, _) = peer.expect("BYE").await;
    assert!(header(&bye, "Proxy-Authorization").contains("realm=\"p\""), "{bye}");
    peer.send(&Peer::response(&bye, "200 OK", "", ""), source).await;
    crate::support::end(&mut leg).await;
}

/// What a subscriber wrote.
#[derive(Clone, Default)]
struct Log(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("a log").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Calls with credentials, and says what was logged beside.
async fn logged(filter: &str) -> String {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let stack = stack().await;
    let far = Far::plays(verified()).await;
    let mut leg = stack.invite(with("right", invite(far.hop())));
    answer(&mut leg).await;
    hang_up(&mut leg).await;
    far.ends_well().await;
    let bytes = log.0.lock().expect("a log").clone();
    String::from_utf8(bytes).expect("text")
}

#[tokio::test]
async fn nothing_of_a_message_is_logged_with_our_filter() {
    let filtered = logged(&format!("info,{}", engine::sip::LOG_FILTER)).await;
    assert!(!filtered.contains("INVITE") && !filtered.contains("response="), "{filtered}");
    // Without it, it would be.
    assert!(logged("info").await.contains("response="));
}
