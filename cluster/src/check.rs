//! The checker: nothing that was acknowledged is lost, nothing comes twice but in the window that the
//! contract leaves, no phone rings twice, and each call is reported as what it was.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::load::ENDS;
use crate::tally::{Known, Life, Received};

/// From the acknowledgement of an answer to its note: milliseconds, and the bound leaves room for a
/// busy machine.
const WINDOW: Duration = Duration::from_millis(500);
/// The error of a call that was left behind by a node that died.
const LEFT_BEHIND: u64 = 5500;

/// A node that was killed.
pub(crate) struct Death {
    pub(crate) life: Life,
    /// Since when it could note nothing: the database had gone before.
    pub(crate) mute: Instant,
    pub(crate) at: Instant,
    /// How much it had said until then.
    pub(crate) said: usize,
}

/// A phone that was called.
struct Dial {
    /// `messageId`, attempt, leg.
    phone: (String, u64, String),
    /// By the life that was killed.
    by_dead: bool,
}

/// What was found.
#[derive(Default)]
pub(crate) struct Finding {
    fed: usize,
    calls: usize,
    dials: usize,
    left_behind: usize,
    keyed: usize,
    repeated: usize,
    twice: usize,
    pub(crate) wrongs: Vec<String>,
}

/// Checks what everybody had; `said` has the log of each node, of all its lives.
pub(crate) fn check(known: &Known, said: &[String], death: &Death) -> Finding {
    let mut finding =
        Finding { fed: known.fed.len(), calls: known.calls.len(), ..Finding::default() };
    finding.wrongs.clone_from(&known.wrong);
    finding.check_whole(known);
    finding.check_keys(&known.received);
    finding.check_twice(&known.received, death);
    finding.check_calls(known, &dials(said, death));
    finding
}

impl Finding {
    /// Everything came, and nothing that nobody sent.
    fn check_whole(&mut self, known: &Known) {
        let reports = known.received.iter().flat_map(|received| &received.reports);
        let had: HashSet<&String> = reports.map(|(name, _)| name).collect();
        let sent: HashSet<&String> = known.fed.iter().chain(&known.calls).collect();
        let lost = sent.difference(&had).map(|name| format!("{name} was acknowledged and is lost"));
        self.wrongs.extend(lost);
        let invented = had.difference(&sent).map(|name| format!("{name} was sent by nobody"));
        self.wrongs.extend(invented);
    }

    /// The same key gave the same bytes.
    fn check_keys(&mut self, received: &[Received]) {
        let mut bodies: HashMap<&String, &String> = HashMap::new();
        for answer in received {
            let Some(key) = &answer.key else { continue };
            match bodies.insert(key, &answer.body) {
                None => self.keyed += 1,
                Some(first) if *first == answer.body => self.repeated += 1,
                Some(_) => self.wrongs.push(format!("the key {key} gave two answers")),
            }
        }
    }

    /// What came again under no key, or another one: only what the node had given that was killed,
    /// when it could not note any more that its answer had come.
    fn check_twice(&mut self, received: &[Received], death: &Death) {
        let mut first: HashMap<&String, &Received> = HashMap::new();
        for answer in received {
            for (name, _) in &answer.reports {
                let Some(before) = first.insert(name, answer) else { continue };
                if before.key.is_some() && before.key == answer.key {
                    continue;
                }
                let in_window = before.at + WINDOW > death.mute && before.at <= death.at;
                if before.from == death.life && before.key.is_none() && in_window {
                    self.twice += 1;
                    continue;
                }
                let Received { taker, from, .. } = before;
                self.wrongs.push(format!("{name} came twice: to {taker} from {from:?}, and again"));
            }
        }
    }

    /// No phone rang twice in an attempt, nobody was called again, and each call ended as its number
    /// says; one that a dead node had may have been left behind, and then nobody else dialled it.
    fn check_calls(&mut self, known: &Known, dials: &[Dial]) {
        let mut rang: HashSet<(&str, &str)> = HashSet::new();
        let mut elsewhere: HashSet<&str> = HashSet::new();
        self.dials = dials.len();
        for Dial { phone: (name, attempt, leg), by_dead } in dials {
            if *attempt != 1 || !rang.insert((name, leg)) {
                self.wrongs.push(format!("{name} was dialled again: attempt {attempt}, leg {leg}"));
            }
            if !by_dead {
                elsewhere.insert(name);
            }
        }
        let mut seen = HashSet::new();
        for (name, error) in known.received.iter().flat_map(|received| &received.reports) {
            if !known.calls.contains(name) || !seen.insert(name) {
                continue;
            }
            if *error == LEFT_BEHIND && !elsewhere.contains(name.as_str()) {
                self.left_behind += 1;
                continue;
            }
            let legs = (rang.contains(&(name, "A")), rang.contains(&(name, "B")));
            let due = ENDS.iter().find(|(end, _)| name.ends_with(end)).map(|(_, error)| *error);
            if due != Some(*error) || legs != (true, *error == 5000) {
                self.wrongs.push(format!("{name} ended with {error}, and rang at {legs:?}"));
            }
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fed, calls, dials, left_behind, keyed, repeated, twice, .. } = self;
        writeln!(f, "{fed} reports acknowledged, and each of them returned")?;
        writeln!(
            f,
            "{calls} calls accepted, each with one report; {dials} dials, no phone twice; \
             {left_behind} left behind by the node that was killed (5500), all others with their \
             true end"
        )?;
        writeln!(
            f,
            "{keyed} takes with a key, repeated {repeated} times: the same bytes each time"
        )?;
        write!(
            f,
            "{twice} reports came twice, all of them from the node that was killed while the \
             database was away"
        )
    }
}

fn dials(said: &[String], death: &Death) -> Vec<Dial> {
    let mut dials = Vec::new();
    for (node, said) in said.iter().enumerate() {
        let mut at = 0;
        for line in said.lines() {
            let by_dead = node == death.life.node && at < death.said;
            at += line.len() + 1;
            dials.extend(phone(line).map(|phone| Dial { phone, by_dead }));
        }
    }
    dials
}

/// What a line of the log says of a phone that was called.
fn phone(line: &str) -> Option<(String, u64, String)> {
    let line: Value = serde_json::from_str(line).ok()?;
    if line["message"] != "The sandbox calls a phone." {
        return None;
    }
    let text = |name: &str| line[name].as_str().map(str::to_owned);
    Some((text("message_id")?, line["attempt"].as_u64()?, text("leg")?))
}
