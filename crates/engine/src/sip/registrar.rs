//! A registration and when to refresh it (RFC 3261 §10.2). Pure: whoever holds it asks when to send
//! what, and tells what came of it. That a registrar finds it too brief (423) is the stack's business.

use std::time::Duration;

use model::Timestamp;

/// The wait after a first failure; it doubles with each further one, up to [`RETRY_MAX`]
/// (RFC 5626 §4.5).
const RETRY: Duration = Duration::from_secs(4);
/// The longest wait after a failure, and the one after a refusal of who we are: whoever goes on
/// knocking with a wrong password gets locked out.
const RETRY_MAX: Duration = Duration::from_secs(300);
/// A registration is refreshed that long before it ends, or at its half.
const MARGIN: Duration = Duration::from_secs(600);
/// No registrar can make us wait longer, or come more often.
const EXPIRES: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(10)..=Duration::from_secs(86_400);

/// A registration, or the wish for one.
#[derive(Clone, Debug)]
pub struct Registrar {
    asked: Duration,
    holds_until: Option<Timestamp>,
    next: Timestamp,
    failures: u32,
}

/// What a registrar says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// We are registered, for that long.
    Registered(Duration),
    /// It does not register us.
    Refused {
        /// Its code.
        code: u16,
        /// When to come again.
        retry_after: Option<Duration>,
    },
    /// Nothing came back.
    Nothing,
}

impl Registrar {
    /// The wish for a registration that holds that long, to be sent at once.
    pub fn new(asked: Duration, now: Timestamp) -> Self {
        Self { asked, holds_until: None, next: now, failures: 0 }
    }

    /// When to send REGISTER next.
    pub fn next(&self) -> Timestamp {
        self.next
    }

    /// How long to ask for.
    pub fn asked(&self) -> Duration {
        self.asked
    }

    /// Whether a registration holds.
    pub fn is_registered(&self, now: Timestamp) -> bool {
        self.holds_until.is_some_and(|until| until > now)
    }

    /// What came of a REGISTER.
    pub fn replied(&mut self, reply: Reply, now: Timestamp, chance: &mut fastrand::Rng) {
        match reply {
            Reply::Registered(granted) => self.registered(granted, now, chance),
            Reply::Refused { code, retry_after } => {
                let wait =
                    if matches!(code, 401 | 403 | 404 | 407) { RETRY_MAX } else { self.wait() };
                self.failed(wait, now, chance);
                if let Some(span) = retry_after {
                    self.next = self.next.max(now.plus(span.min(*EXPIRES.end())));
                }
                // It says that it knows of no registration; nothing came back says nothing.
                self.holds_until = None;
            }
            Reply::Nothing => self.failed(self.wait(), now, chance),
        }
    }

    /// Whether the last REGISTER came through; none if none was answered or given up yet.
    pub(super) fn is_right(&self, now: Timestamp) -> Option<bool> {
        match (self.failures, self.holds_until) {
            (0, None) => None,
            (0, Some(_)) => Some(self.is_registered(now)),
            _ => Some(false),
        }
    }

    fn registered(&mut self, granted: Duration, now: Timestamp, chance: &mut fastrand::Rng) {
        let granted = granted.clamp(*EXPIRES.start(), *EXPIRES.end());
        self.failures = 0;
        self.holds_until = Some(now.plus(granted));
        let in_time = (granted / 2).max(granted.saturating_sub(MARGIN));
        // Not all trunks, and not all servers that were started together, at once.
        self.next = now.plus(in_time.mul_f64(1.0 - 0.1 * chance.f64()));
    }

    fn failed(&mut self, wait: Duration, now: Timestamp, chance: &mut fastrand::Rng) {
        self.failures = self.failures.saturating_add(1);
        self.next = now.plus(wait.mul_f64(0.5 + 0.5 * chance.f64()));
    }

    fn wait(&self) -> Duration {
        RETRY.saturating_mul(2u32.saturating_pow(self.failures)).min(RETRY_MAX)
    }
}
