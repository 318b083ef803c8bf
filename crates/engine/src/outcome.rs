//! From how a leg was let go of to its outcome: the one table of SIP codes and Q.850 causes.
//!
//! What a report says of an outcome is `model::outcome`'s table.

use model::Outcome;

use model::cdr::Release;

/// The end of a leg that was not answered, and what had gone before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// What the far end said.
    pub release: Release,
    /// Whether it had rung: 18x.
    pub rang: bool,
    /// What it was to be when we cancelled it, if we did.
    pub cancelled_as: Option<Outcome>,
}

/// Codes that say little; a Q.850 cause beside one says more. Any other code outranks its cause.
const VAGUE: [u16; 6] = [403, 410, 480, 500, 503, 603];

/// Codes that speak for the trunk. Any other speaks for the number or the person called, and no
/// trunk will hear anything else.
const OF_THE_TRUNK: [u16; 8] = [401, 407, 408, 488, 500, 502, 503, 504];

impl Unanswered {
    /// The outcome of the leg.
    pub fn outcome(self) -> Outcome {
        match self.cancelled_as {
            Some(ours) if self.is_confirmation() || is_order(ours) => ours,
            Some(_) | None => self.theirs(),
        }
    }

    /// Whether another trunk may do better. Never once it rang: no telephone rings twice for one
    /// attempt.
    pub fn may_fail_over(self) -> bool {
        let is_given_up = self.cancelled_as.is_some_and(|ours| ours != Outcome::NetworkError);
        let is_the_trunks = self.release.code.is_none_or(|code| OF_THE_TRUNK.contains(&code));
        is_the_trunks && !self.rang && !is_given_up
    }

    /// Whether the end says no more than that our cancel has worked, or was crossed by an answer.
    fn is_confirmation(self) -> bool {
        matches!(self.release.code, None | Some(200 | 408 | 487))
    }

    fn theirs(self) -> Outcome {
        let Release { code, cause } = self.release;
        let of_cause = cause.and_then(|cause| of_cause(cause, code));
        match code {
            None => of_cause.unwrap_or(Outcome::NetworkError),
            Some(code) if VAGUE.contains(&code) => of_cause.unwrap_or(of_code(code, self.rang)),
            Some(code) => of_code(code, self.rang),
        }
    }
}

/// Whether it was ordered, so that no answer of the far end changes it.
fn is_order(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Cancelled | Outcome::Internal)
}

fn of_code(code: u16, rang: bool) -> Outcome {
    match code {
        486 | 600 => Outcome::Busy,
        408 | 480 | 504 if rang => Outcome::NoAnswer,
        480 => Outcome::Unavailable,
        408 => Outcome::NetworkError,
        433 | 603 | 607 | 608 => Outcome::Declined,
        403 => Outcome::Forbidden,
        404 | 485 | 604 => Outcome::NoSuchNumber,
        416 | 484 => Outcome::IncompleteNumber,
        301 | 410 => Outcome::NumberChanged,
        401 | 407 => Outcome::TrunkRefused,
        415 | 488 | 606 => Outcome::MediaMismatch,
        487 => Outcome::Terminated,
        // RFC 3261 §8.1.3.2: a code that we do not know counts as the x00 of its class.
        500..=599 => Outcome::Congestion,
        600..=699 => Outcome::Declined,
        _ => Outcome::Terminated,
    }
}

/// None for a cause that adds nothing, such as 16, normal clearing.
fn of_cause(cause: u8, code: Option<u16>) -> Option<Outcome> {
    Some(match cause {
        1 | 2 | 3 | 26 => Outcome::NoSuchNumber,
        17 => Outcome::Busy,
        18 | 19 | 102 => Outcome::NoAnswer,
        20 | 27 | 31 => Outcome::Unavailable,
        21 => Outcome::Declined,
        22 | 23 => Outcome::NumberChanged,
        28 => Outcome::IncompleteNumber,
        34 | 42 | 44 | 47 => Outcome::Congestion,
        // Out of order: somebody said so if there is a code, else nothing came back.
        38 | 41 if code.is_some() => Outcome::Congestion,
        38 | 41 => Outcome::NetworkError,
        55 | 57 | 87 => Outcome::Forbidden,
        65 | 79 | 88 => Outcome::MediaMismatch,
        _ => return None,
    })
}
