//! What telephony tells of the trunks that calls go through, and of what they carry. Plain data: the
//! edge shows it, and knows nothing of SIP.

use std::time::Duration;

use model::Number;
use model::ladder::Ladder;

/// What the trunks do.
#[derive(Clone, Debug, Default)]
pub struct SipFigures {
    /// The trunks, in the order of the settings.
    pub trunks: Vec<TrunkFigures>,
    /// Legs that are not over.
    pub legs: u64,
    /// Those of them that are up.
    pub dialogs: u64,
    /// Requests and answers that are not done with.
    pub transactions: u64,
    /// The media of the legs.
    pub media: MediaFigures,
}

/// How a trunk fares.
#[derive(Clone, Debug)]
pub struct TrunkFigures {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub destinations: Vec<Destination>,
    /// Whether we are registered; none if we do not register.
    pub registered: Option<bool>,
    /// Legs that go through it.
    pub legs: u64,
    /// How many may.
    pub legs_max: u64,
    /// Legs that were dialled through it within the last second.
    pub last_second: u64,
    /// How many may be.
    pub last_second_max: u64,
    /// Legs that were answered, since the start.
    pub answered: u64,
    /// Legs that were not: with a code of 300, 400, 500, 600 and above, and without one.
    pub failed: [u64; 5],
}

/// One of the places where a trunk is.
#[derive(Clone, Debug)]
pub struct Destination {
    /// `sip:host:port`.
    pub address: String,
    /// How it is.
    pub fitness: Fitness,
}

/// How likely a destination is to take a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fitness {
    /// It should.
    Up,
    /// It did not answer lately, or does not register us.
    Down,
    /// It has asked to be left alone for a while.
    Resting,
}

/// What the media plane has done since the start.
#[derive(Clone, Copy, Debug, Default)]
pub struct MediaFigures {
    /// Pairs of ports in use, now.
    pub ports: u64,
    /// Packets from legs.
    pub received: u64,
    /// Packets to legs.
    pub sent: u64,
    /// Packets that the system did not take.
    pub unsent: u64,
    /// Packets from strangers, dropped.
    pub foreign: u64,
    /// Packets from legs that were none, dropped.
    pub unfit: u64,
    /// Ticks that came late by a whole one or more.
    pub late_ticks: u64,
    /// Calls whose media was given up because of a defect of ours.
    pub broken: u64,
}

/// What a trunk is tried with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trial {
    /// Each destination is asked whether it lives.
    Options,
    /// A call, ended as soon as it rings or is answered.
    Call {
        /// Who is called.
        number: Number,
        /// The number shown; empty shows nobody.
        from: String,
    },
}

/// What came of a trial.
#[derive(Clone, Debug)]
pub struct Tried {
    /// A destination, or the number.
    pub to: String,
    /// It lives; a telephone rang, or was answered.
    pub worked: bool,
    /// What came of it, for people.
    pub said: String,
    /// How long it took to know.
    pub took: Duration,
    /// The messages.
    pub ladder: Ladder,
}

/// Why a trunk cannot be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untried {
    /// Calls do not go through trunks.
    NoTrunks,
    /// There is no trunk of that name.
    Unknown,
    /// As many calls go through it as may.
    Full,
    /// It has asked to be left alone for a while.
    Resting,
}

impl TrunkFigures {
    /// Its state in one: that of the best of its destinations.
    pub fn fitness(&self) -> Fitness {
        let is = |fitness| self.destinations.iter().any(|there| there.fitness == fitness);
        match () {
            () if is(Fitness::Up) => Fitness::Up,
            () if is(Fitness::Resting) => Fitness::Resting,
            () => Fitness::Down,
        }
    }

    /// The same as `failed`, with the name of each class.
    pub fn failures(&self) -> impl Iterator<Item = (&'static str, u64)> {
        ["3xx", "4xx", "5xx", "6xx", "none"].into_iter().zip(self.failed)
    }
}

impl Fitness {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Resting => "resting",
        }
    }
}
