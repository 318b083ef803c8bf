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

/// Codes after which no other trunk is tried, unless a trunk is said to mean others: they speak for
/// the number or the person called, and no trunk will hear anything else.
pub const FINAL_CODES: [u16; 20] = [
    300, 301, 302, 305, 380, 403, 404, 410, 416, 433, 480, 484, 485, 486, 487, 600, 603, 604, 607,
    608,
];

impl Unanswered {
    /// The outcome of the leg.
    pub fn outcome(self) -> Outcome {
        match self.cancelled_as {
            Some(ours) if self.is_confirmation() || is_order(ours) => ours,
            Some(_) | None => self.theirs(),
        }
    }

    /// Whether another trunk may do better, if this one means those codes. Never once it rang: no
    /// telephone rings twice for one attempt. Nor if a vague code comes with a cause that speaks for
    /// the number or the person called.
    pub fn may_fail_over(self, final_codes: &[u16]) -> bool {
        let is_given_up = self.cancelled_as.is_some_and(|ours| ours != Outcome::NetworkError);
        let is_final = self.release.code.is_some_and(|code| is_final(code, final_codes));
        !(is_final || self.rang || is_given_up || self.has_cause_of_who_was_called())
    }

    fn has_cause_of_who_was_called(self) -> bool {
        use Outcome::{
            Busy, Declined, IncompleteNumber, NoAnswer, NoSuchNumber, NumberChanged, Unavailable,
        };
        let Release { code, cause } = self.release;
        let is_vague = code.is_none_or(|code| VAGUE.contains(&code));
        let outcome = cause.filter(|_| is_vague).and_then(|cause| of_cause(cause, code));
        let theirs =
            [Busy, Declined, IncompleteNumber, NoAnswer, NoSuchNumber, NumberChanged, Unavailable];
        outcome.is_some_and(|outcome| theirs.contains(&outcome))
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

fn is_final(code: u16, final_codes: &[u16]) -> bool {
    // RFC 3261 §8.1.3.2: a code that we do not know counts as the x00 of its class.
    let is_unknown = matches!(code, 300..=399 | 600..=699) && !FINAL_CODES.contains(&code);
    final_codes.contains(&code) || (is_unknown && final_codes.contains(&(code / 100 * 100)))
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
