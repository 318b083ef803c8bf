//! The names that outcomes and endings of calls have in Callslip's own answers.

use model::Outcome;
use model::cdr::{Clue, Ending, Verdict};

pub(crate) const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Answered => "answered",
        Outcome::AnsweredByMachine => "answeredByMachine",
        Outcome::Busy => "busy",
        Outcome::NoAnswer => "noAnswer",
        Outcome::Unavailable => "unavailable",
        Outcome::Declined => "declined",
        Outcome::Forbidden => "forbidden",
        Outcome::NoSuchNumber => "noSuchNumber",
        Outcome::IncompleteNumber => "incompleteNumber",
        Outcome::NumberChanged => "numberChanged",
        Outcome::TrunkRefused => "trunkRefused",
        Outcome::NetworkError => "networkError",
        Outcome::MediaMismatch => "mediaMismatch",
        Outcome::Congestion => "congestion",
        Outcome::Terminated => "terminated",
        Outcome::Cancelled => "cancelled",
        Outcome::Expired => "expired",
        Outcome::AudioNotFetched => "audioNotFetched",
        Outcome::AudioUnsupported => "audioUnsupported",
        Outcome::OutOfCredit => "outOfCredit",
        Outcome::NoRate => "noRate",
        Outcome::Internal => "internal",
    }
}

pub(super) const fn ending(ending: Ending) -> &'static str {
    match ending {
        Ending::NotReached => "notReached",
        Ending::Machine => "machine",
        Ending::Completed => "completed",
        Ending::BNotReached => "bNotReached",
        Ending::ByA => "byA",
        Ending::ByB => "byB",
        Ending::MaxDuration => "maxDuration",
        Ending::CallTimeout => "callTimeout",
        Ending::Silence => "silence",
        Ending::Cancelled => "cancelled",
        Ending::Drained => "drained",
        Ending::LeftBehind => "leftBehind",
    }
}

pub(super) const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Human => "human",
        Verdict::Machine => "machine",
    }
}

pub(super) const fn clue(clue: Clue) -> &'static str {
    match clue {
        Clue::InitialSilence => "initialSilence",
        Clue::LongGreeting => "longGreeting",
        Clue::ManyWords => "manyWords",
        Clue::LongWord => "longWord",
        Clue::ShortGreeting => "shortGreeting",
        Clue::TimeOut => "timeOut",
    }
}
