//! Session timers. Their unit is the second, so these tests take some.

use std::time::Duration;

use engine::sip::{EndedBy, Invite, SessionTimer};

use crate::far::Far;
use crate::scenario::Scenario;
use crate::support::{answer, end, hang_up, invite, stack};

fn timed(invite: Invite, seconds: u64) -> Invite {
    let timer =
        SessionTimer { expires: Duration::from_secs(seconds), least: Duration::from_secs(1) };
    Invite { session: Some(timer), ..invite }
}

fn answered(headers: &str) -> Scenario {
    Scenario::invited().reply("180 Ringing").reply_sdp("200 OK", headers).expect("ACK")
}

#[tokio::test]
async fn we_refresh_by_update_at_half_time() {
    let stack = stack().await;
    let scenario = answered("Allow: INVITE, UPDATE\nSession-Expires: 2;refresher=uac\n")
        .expect_with("UPDATE", "Session-Expires", "2;refresher=uac")
        .reply_in_dialog("200 OK", "Session-Expires: 2;refresher=uac\n")
        .expect("UPDATE")
        .reply_in_dialog("200 OK", "Session-Expires: 2;refresher=uac\n")
        .released();
    let far = Far::plays(scenario).await;
    let mut leg = stack.invite(timed(invite(far.hop()), 2));
    answer(&mut leg).await;
    tokio::time::sleep(Duration::from_millis(2400)).await;
    hang_up(&mut leg).await;
    far.ends_well().await;
}

#[tokio::test]
async fn we_refresh_by_re_invite_if_there_is_no_update() {
    let stack = stack().await;
    let scenario = answered("Allow: INVITE, UPDATE\nSession-Expires: 2;refresher=uac\n")
        .expect("UPDATE")
        .reply_in_dialog("501 Not Implemented", "")
        .expect_with("INVITE", "Session-Expires", "2;refresher=uac")
        .reply_in_dialog("200 OK", "Session-Expires: 2;refresher=uac\n")
        .expect("ACK")
        .released();
    let far = Far::plays(scenario).await;
    let mut leg = stack.invite(timed(invite(far.hop()), 2));
    answer(&mut leg).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    hang_up(&mut leg).await;
    far.ends_well().await;
}

#[tokio::test]
async fn a_far_end_that_does_not_refresh_is_released() {
    let stack = stack().await;
    let scenario = answered("Session-Expires: 3;refresher=uas\n")
        .pause(500)
        // One refresh moves the end.
        .ask("UPDATE", 1, "Supported: timer\nSession-Expires: 3;refresher=uac\n", "")
        .expect_response(200)
        .expect_with("BYE", "Reason", "SIP;cause=408")
        .reply_in_dialog("200 OK", "");
    let far = Far::plays(scenario).await;
    let mut leg = stack.invite(timed(invite(far.hop()), 3));
    answer(&mut leg).await;
    let up = std::time::Instant::now();
    assert_eq!(end(&mut leg).await.0, EndedBy::SessionTimer);
    assert!(up.elapsed() >= Duration::from_millis(2400), "{:?}", up.elapsed());
    far.ends_well().await;
}

#[tokio::test]
async fn a_far_end_that_no_longer_knows_us_is_gone() {
    let stack = stack().await;
    let scenario = answered("Allow: UPDATE\nSession-Expires: 2;refresher=uac\n")
        .expect("UPDATE")
        .reply_in_dialog("481 Gone", "");
    let far = Far::plays(scenario).await;
    let mut leg = stack.invite(timed(invite(far.hop()), 2));
    answer(&mut leg).await;
    assert_eq!(end(&mut leg).await.0, EndedBy::Lost);
    far.ends_well().await;
}

#[tokio::test]
async fn a_trunk_that_wants_a_longer_session_gets_it_and_a_shorter_one_is_refused() {
    let stack = stack().await;
    let scenario = Scenario::invited()
        .reply_with("422 Session Interval Too Small", "Min-SE: 90\n")
        .expect("ACK")
        .invited_again()
        .reply_sdp("200 OK", "Session-Expires: 90;refresher=uac\n")
        .expect("ACK")
        .ask("UPDATE", 1, "Supported: timer\nSession-Expires: 10;refresher=uac\n", "")
        .expect_response(422)
        .released();
    let far = Far::plays(scenario).await;
    let mut leg = stack.invite(timed(invite(far.hop()), 2));
    answer(&mut leg).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    hang_up(&mut leg).await;
    far.ends_well().await;
}
