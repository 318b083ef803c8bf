//! The sandbox: a carrier without a network. What a number does stands in its last three digits.
//!
//! It has no task, thread or clock of its own: what will happen stands on an agenda and is told
//! when its time has come, so it runs in virtual time as well as in real time. The same seed,
//! message and orders make the same signals.

mod line;
mod numbers;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::carrier::{Carrier, Line};
pub use numbers::{Behaviour, Who, behaviour};

/// The built-in carrier.
#[derive(Clone, Debug)]
pub struct Sandbox {
    /// How long two people talk before A hangs up.
    pub talk: Duration,
    /// What chance is made from.
    pub seed: u64,
    /// What goes wrong on every line.
    pub faults: Vec<Fault>,
}

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Whoever is being called answers just when the call is cancelled.
    LateAnswer,
    /// Nothing confirms a hang-up.
    LostBye,
    /// The end of a leg is told twice.
    DuplicateBye,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self { talk: Duration::from_secs(2), seed: 0, faults: Vec::new() }
    }
}

impl Carrier for Sandbox {
    fn line(&self, message_id: &str, attempt: u8) -> Box<dyn Line> {
        let mut hasher = DefaultHasher::new();
        (self.seed, message_id, attempt).hash(&mut hasher);
        let seed = hasher.finish();
        Box::new(line::SandboxLine::new(self.clone(), message_id.to_owned(), attempt, seed))
    }
}
