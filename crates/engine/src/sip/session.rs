//! Session timers (RFC 4028): who proves how often that a leg is still up. Pure.

use std::time::Duration;

use super::message::{Message, parameter};
use super::settings::SessionTimer;

/// What was agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Session {
    /// How long it lasts from each refresh.
    expires: Duration,
    /// We refresh it.
    ours: bool,
}

/// What is to be done when its time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// We refresh.
    Refresh,
    /// The far end should have, and has not.
    Expire,
}

/// A BYE before the end still finds a far end that counts a little faster (§10).
const MARGIN: Duration = Duration::from_secs(32);

impl Session {
    /// What a 2xx to our INVITE, or to our refresh, agrees to. None: nothing.
    pub(super) fn agreed(response: &Message) -> Option<Self> {
        let (expires, refresher) = read(response)?;
        // §7.1: to say who is its duty; if it did not, we are the safe choice.
        Some(Self { expires, ours: refresher != Some(Refresher::Server) })
    }

    /// What we agree to when the far end refreshes: its own wish. None: it has none.
    pub(super) fn wished(request: &Message) -> Option<Self> {
        let (expires, refresher) = read(request)?;
        Some(Self { expires, ours: refresher == Some(Refresher::Server) })
    }

    /// What is next, and how long after the last refresh.
    pub(super) fn next(self) -> (Duration, Due) {
        if self.ours {
            (self.expires / 2, Due::Refresh)
        } else {
            (self.expires - MARGIN.min(self.expires / 3), Due::Expire)
        }
    }

    /// Says in a request of ours what we wish to go on with.
    pub(super) fn ask(self, request: &mut Message, least: Duration) {
        // The one who sends the request is its client, whoever called.
        let refresher = if self.ours { "uac" } else { "uas" };
        let expires = self.expires.as_secs();
        request.push("Session-Expires", &format!("{expires};refresher={refresher}"));
        request.push("Min-SE", &least.as_secs().to_string());
    }

    /// Says in a response of ours what we have agreed to.
    pub(super) fn agree(self, response: &mut Message) {
        let refresher = if self.ours { "uas" } else { "uac" };
        let expires = self.expires.as_secs();
        response.push("Session-Expires", &format!("{expires};refresher={refresher}"));
        if !self.ours {
            response.push("Require", "timer");
        }
    }

    /// The same, for longer.
    pub(super) fn lasting(self, expires: Duration) -> Self {
        Self { expires, ..self }
    }

    /// How long it lasts.
    pub(super) fn expires(self) -> Duration {
        self.expires
    }
}

impl SessionTimer {
    /// Asks for it in an INVITE.
    pub(super) fn ask(self, invite: &mut Message) {
        invite.push("Session-Expires", &self.expires.as_secs().to_string());
        invite.push("Min-SE", &self.least.as_secs().to_string());
    }

    /// Gives in to a 422 (§6); none if it does not say how far.
    pub(super) fn giving_in_to(self, response: &Message) -> Option<Self> {
        let least = seconds(response.value("Min-SE")?)?;
        Some(Self { expires: self.expires.max(least), least: self.least.max(least) })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refresher {
    Client,
    Server,
}

fn read(message: &Message) -> Option<(Duration, Option<Refresher>)> {
    let value = message.value("Session-Expires")?;
    let expires = seconds(value).filter(|expires| !expires.is_zero())?;
    let refresher = match parameter(value, "refresher") {
        Some(name) if name.eq_ignore_ascii_case("uac") => Some(Refresher::Client),
        Some(name) if name.eq_ignore_ascii_case("uas") => Some(Refresher::Server),
        Some(_) | None => None,
    };
    Some((expires, refresher))
}

fn seconds(value: &str) -> Option<Duration> {
    let number: u32 = value.split(';').next()?.trim().parse().ok()?;
    Some(Duration::from_secs(number.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(headers: &str) -> Message {
        let text = format!("SIP/2.0 200 OK\r\n{headers}\r\n\r\n");
        Message::parse(text.as_bytes()).expect("a message")
    }

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_refresher_comes_at_half_time_and_the_other_waits_for_the_end() {
        let next = |header| Session::agreed(&answer(header)).map(Session::next);
        assert_eq!(next("Session-Expires: 1800;refresher=uac"), Some((secs(900), Due::Refresh)));
        assert_eq!(next("x: 1800 ; refresher=UAS"), Some((secs(1768), Due::Expire)));
        assert_eq!(next("x: 90;refresher=uas"), Some((secs(60), Due::Expire)));
        assert_eq!(next("x: 90"), Some((secs(45), Due::Refresh)));
        for header in ["x: 0", "x: soon", "x: 99999999999", "Min-SE: 90"] {
            assert_eq!(next(header), None, "{header}");
        }
    }

    #[test]
    fn when_the_far_end_asks_the_sides_are_turned_round() {
        let next = |header| Session::wished(&answer(header)).map(Session::next);
        assert_eq!(next("x: 90;refresher=uac"), Some((secs(60), Due::Expire)));
        assert_eq!(next("x: 90;refresher=uas"), Some((secs(45), Due::Refresh)));
        let mut response = answer("x: 90;refresher=uac");
        Session::wished(&response.clone()).expect("a session").agree(&mut response);
        assert_eq!(response.values("Session-Expires").last(), Some("90;refresher=uac"));
        assert!(response.lists("Require", "timer"));
    }

    #[test]
    fn a_trunk_that_wants_longer_gets_it() {
        let timer = SessionTimer { expires: secs(100), least: secs(90) };
        let longer = timer.giving_in_to(&answer("Min-SE: 600"));
        assert_eq!(longer, Some(SessionTimer { expires: secs(600), least: secs(600) }));
        assert_eq!(timer.giving_in_to(&answer("X: 1")), None);
    }
}
