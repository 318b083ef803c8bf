//! What the numbers of the sandbox do: one table, by the last three digits.

use std::time::Duration;

use model::Number;

use model::cdr::Release;

/// What happens when a number is called, as either leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// The network or the person called refuses.
    Refuses(Release),
    /// It rings, and nobody answers.
    RingsOut,
    /// Nothing comes back at all.
    Silent,
    /// Somebody answers.
    Answers {
        /// After so much ringing.
        ringing: Duration,
        /// Who it is.
        who: Who,
    },
}

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// A person, who listens and talks.
    Person,
    /// A person, who presses a key when there is something to hear.
    Presses(char),
    /// A person, who hangs up at once.
    HangsUp,
    /// An answering machine.
    Machine,
}

const SOON: Duration = Duration::from_secs(1);
const SLOWLY: Duration = Duration::from_secs(20);

/// What the number does.
pub fn behaviour(number: &Number) -> Behaviour {
    let digits = number.digits();
    let refuses =
        |code, cause| Behaviour::Refuses(Release { code: Some(code), cause: Some(cause) });
    let answers = |ringing, who| Behaviour::Answers { ringing, who };
    match &digits[digits.len() - 3..] {
        "486" => refuses(486, 17),
        "603" => refuses(603, 21),
        "480" => refuses(480, 20),
        "404" => refuses(404, 1),
        "484" => refuses(484, 28),
        "503" => refuses(503, 34),
        "403" => refuses(403, 57),
        "407" => refuses(407, 21),
        "410" => refuses(410, 22),
        "487" => refuses(487, 31),
        "488" => refuses(488, 65),
        "180" => Behaviour::RingsOut,
        "408" => Behaviour::Silent,
        "210" => answers(SOON, Who::Machine),
        "211" => answers(SOON, Who::Presses('1')),
        "212" => answers(SOON, Who::Presses('2')),
        "213" => answers(SOON, Who::Presses('3')),
        "214" => answers(SOON, Who::Presses('4')),
        "215" => answers(SOON, Who::Presses('5')),
        "216" => answers(SOON, Who::Presses('6')),
        "217" => answers(SOON, Who::Presses('7')),
        "218" => answers(SOON, Who::Presses('8')),
        "219" => answers(SOON, Who::Presses('9')),
        "298" => answers(SLOWLY, Who::Person),
        "299" => answers(SOON, Who::HangsUp),
        _ => answers(SOON, Who::Person),
    }
}
