//! How a call ended, and the one table from that to what a report says.

use crate::catalogue::{ErrorRow, StatusRow, error, status};

/// How a call ended and whose doing it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// A person answered, or nobody looked who it was.
    Answered,
    /// A machine answered.
    AnsweredByMachine,
    /// Busy: 486, 600, Q.850 17.
    Busy,
    /// It rang, and nobody answered in time.
    NoAnswer,
    /// Not reachable now: 480, Q.850 20, 27, 31.
    Unavailable,
    /// Refused by the person called: 603, 607, Q.850 21.
    Declined,
    /// Refused by the network: 403.
    Forbidden,
    /// No such number: 404, 604, Q.850 1.
    NoSuchNumber,
    /// Part of a number: 484, Q.850 28.
    IncompleteNumber,
    /// The number has changed: 410, Q.850 22.
    NumberChanged,
    /// The trunk does not accept our credentials: 401, 407 after our answer.
    TrunkRefused,
    /// Nothing came back from the trunk.
    NetworkError,
    /// No codec in common: 488, 606.
    MediaMismatch,
    /// The network is full: 503, Q.850 34, 42.
    Congestion,
    /// Ended by the network: 487 that we did not cause.
    Terminated,
    /// Cancelled by the account, before it was answered.
    Cancelled,
    /// Its validity ended before it was placed.
    Expired,
    /// The audio file could not be fetched.
    AudioNotFetched,
    /// The audio file is of a kind that cannot be played.
    AudioUnsupported,
    /// The account's spend limit of the day was reached before it was placed.
    OutOfCredit,
    /// When it was to be placed, the deck had no line for the number any more.
    NoRate,
    /// The server stopped while the call was under way.
    Internal,
}

/// Which generation of status and error codes an account gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Generation {
    /// Errors 5xxx, statuses 3/5 and 4/15.
    #[default]
    Classic,
    /// Errors 10xxx, statuses 2/96 to 5/100.
    Newer,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 22] = [
        Self::Answered,
        Self::AnsweredByMachine,
        Self::Busy,
        Self::NoAnswer,
        Self::Unavailable,
        Self::Declined,
        Self::Forbidden,
        Self::NoSuchNumber,
        Self::IncompleteNumber,
        Self::NumberChanged,
        Self::TrunkRefused,
        Self::NetworkError,
        Self::MediaMismatch,
        Self::Congestion,
        Self::Terminated,
        Self::Cancelled,
        Self::Expired,
        Self::AudioNotFetched,
        Self::AudioUnsupported,
        Self::OutOfCredit,
        Self::NoRate,
        Self::Internal,
    ];

    /// What a report says of it.
    pub const fn rows(self, generation: Generation) -> (StatusRow, ErrorRow) {
        match generation {
            Generation::Classic => self.classic(),
            Generation::Newer => self.newer(),
        }
    }

    const fn classic(self) -> (StatusRow, ErrorRow) {
        use status::{DELIVERED_TO_HANDSET, EXPIRED_EXPIRED, REJECTED_ROUTE_NOT_AVAILABLE};
        match self {
            Self::Answered => (DELIVERED_TO_HANDSET, error::VOICE_ANSWERED),
            Self::AnsweredByMachine => (DELIVERED_TO_HANDSET, error::VOICE_ANSWERED_MACHINE),
            Self::Busy => (EXPIRED_EXPIRED, error::USER_BUSY),
            Self::NoAnswer => (EXPIRED_EXPIRED, error::NO_ANSWER),
            Self::Unavailable => (EXPIRED_EXPIRED, error::TEMPORARILY_NOT_AVAILABLE),
            Self::Declined => (EXPIRED_EXPIRED, error::DECLINE),
            Self::Forbidden => (EXPIRED_EXPIRED, error::FORBIDDEN),
            Self::NoSuchNumber => (EXPIRED_EXPIRED, error::DESTINATION_NOT_FOUND),
            Self::IncompleteNumber => (EXPIRED_EXPIRED, error::ADDRESS_INCOMPLETE),
            Self::NumberChanged => (EXPIRED_EXPIRED, error::GONE),
            Self::TrunkRefused => (REJECTED_ROUTE_NOT_AVAILABLE, error::PROXY_AUTHENTICATION),
            Self::NetworkError => (EXPIRED_EXPIRED, error::REQUEST_TIMEOUT),
            Self::MediaMismatch => (EXPIRED_EXPIRED, error::NOT_ACCEPTABLE_HERE),
            Self::Congestion => (EXPIRED_EXPIRED, error::SERVICE_UNAVAILABLE),
            Self::Terminated => (EXPIRED_EXPIRED, error::REQUEST_TERMINATED),
            Self::Cancelled => (status::CANCELLED, error::MESSAGE_CANCELED),
            Self::Expired => (EXPIRED_EXPIRED, error::VALIDITY_EXPIRED),
            Self::AudioNotFetched => (EXPIRED_EXPIRED, error::DOWNLOADING_FILE),
            Self::AudioUnsupported => (EXPIRED_EXPIRED, error::UNSUPPORTED_AUDIO_FORMAT),
            Self::OutOfCredit => (status::REJECTED_NOT_ENOUGH_CREDITS, error::FORBIDDEN),
            Self::NoRate => (status::REJECTED_PREFIX_MISSING, error::FORBIDDEN),
            Self::Internal => (EXPIRED_EXPIRED, error::INTERNAL_SERVER_ERROR),
        }
    }

    const fn newer(self) -> (StatusRow, ErrorRow) {
        use status::{DELIVERED_TO_HANDSET, PLATFORM, REJECTED};
        match self {
            Self::Answered => (DELIVERED_TO_HANDSET, error::HUMAN_DETECTED),
            Self::AnsweredByMachine => (DELIVERED_TO_HANDSET, error::MACHINE_DETECTED),
            Self::Busy => (status::BUSY, error::BUSY_NEWER),
            Self::NoAnswer => (status::NO_ANSWER, error::NO_ANSWER_NEWER),
            Self::Unavailable => (REJECTED, error::TEMPORARILY_UNAVAILABLE),
            Self::Declined => (REJECTED, error::REJECTED_NEWER),
            Self::Forbidden => (REJECTED, error::FORBIDDEN_NEWER),
            Self::NoSuchNumber => (REJECTED, error::DESTINATION_NOT_FOUND_NEWER),
            Self::IncompleteNumber => (REJECTED, error::INVALID_DESTINATION),
            Self::NumberChanged => (REJECTED, error::DESTINATION_UNAVAILABLE),
            Self::TrunkRefused => (PLATFORM, error::UNAUTHENTICATED),
            Self::NetworkError => (PLATFORM, error::NETWORK_ERROR),
            Self::MediaMismatch => (PLATFORM, error::MEDIA_ERROR),
            Self::Congestion => (PLATFORM, error::CONGESTION_NEWER),
            Self::Terminated => (PLATFORM, error::UNKNOWN),
            Self::Cancelled => (status::CANCELLED, error::CANCELLED_NEWER),
            Self::Expired => (status::EXPIRED_EXPIRED, error::REQUEST_TIMEOUT_NEWER),
            Self::AudioNotFetched => (PLATFORM, error::URL_UNREACHABLE),
            Self::AudioUnsupported => (PLATFORM, error::INVALID_RESPONSE),
            Self::OutOfCredit => (status::REJECTED_NOT_ENOUGH_CREDITS, error::INSUFFICIENT_FUNDS),
            Self::NoRate => (status::REJECTED_PREFIX_MISSING, error::FORBIDDEN_NEWER),
            Self::Internal => (PLATFORM, error::SERVICE_UNAVAILABLE_NEWER),
        }
    }
}
