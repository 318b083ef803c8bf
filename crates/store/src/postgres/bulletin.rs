//! What has changed, for whoever watches, here and on the other nodes.
//!
//! A node tells its own watchers at once, with the answer, and the others by a notification that
//! covers everything since the last one. It is sent after the commit and not in it: a commit with a
//! notification waits for every other such commit. One that is lost with its node is made up for: each
//! node looks, with its upkeep, at what somebody watches there.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::AccountId;
use tokio::sync::{Notify, watch};

use super::register::SETTINGS;

/// Bytes of one notification at most; the server's limit is 8000.
const PAYLOAD_MAX: usize = 7_000;

/// What may have changed of an account; of the settings, if it is account 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// A report became pending.
    pub(super) reports: bool,
    /// There may be work that was not there before.
    pub(super) calls: bool,
    pub(super) settings: bool,
}

impl News {
    pub(super) const fn is_any(self) -> bool {
        self.reports || self.calls || self.settings
    }

    fn add(&mut self, other: Self) {
        self.reports |= other.reports;
        self.calls |= other.calls;
        self.settings |= other.settings;
    }
}

/// Who watches what, and what is to be told.
#[derive(Default)]
pub(super) struct Bulletin {
    reports: Mutex<HashMap<AccountId, watch::Sender<u64>>>,
    calls: watch::Sender<u64>,
    settings: watch::Sender<u64>,
    untold: Mutex<BTreeMap<AccountId, News>>,
    pub(super) told: Notify,
    /// Held by whoever tells, until it is told: who leaves waits for that.
    pub(super) telling: tokio::sync::Mutex<()>,
    /// What was seen of the accounts when somebody looked last; of calls and settings, at account 0.
    seen: Mutex<HashMap<AccountId, Seen>>,
}

/// Numbers that change with what is watched. Of an account, the next report and how many are
/// pending; at account 0 the next calls of all accounts, and the operations on the settings.
type Seen = [i64; 2];

fn bump(watched: &watch::Sender<u64>) {
    watched.send_modify(|changes| *changes += 1);
}

impl Bulletin {
    fn reports(&self) -> MutexGuard<'_, HashMap<AccountId, watch::Sender<u64>>> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn watch(&self, account: AccountId) -> watch::Receiver<u64> {
        self.reports().entry(account).or_default().subscribe()
    }

    pub(super) fn watch_calls(&self) -> watch::Receiver<u64> {
        self.calls.subscribe()
    }

    pub(super) fn watch_settings(&self) -> watch::Receiver<u64> {
        self.settings.subscribe()
    }

    /// Shows the watchers of this node what has changed.
    pub(super) fn show(&self, account: AccountId, news: News) {
        if news.reports
            && let Some(watched) = self.reports().get(&account)
        {
            bump(watched);
        }
        if news.calls {
            bump(&self.calls);
        }
        if news.settings {
            bump(&self.settings);
        }
    }

    /// Shows it, and has the other nodes told.
    pub(super) fn publish(&self, account: AccountId, news: News) {
        if news.is_any() {
            self.show(account, news);
            let mut untold = self.untold.lock().unwrap_or_else(PoisonError::into_inner);
            untold.entry(account).or_default().add(news);
            self.told.notify_one();
        }
    }

    /// Anything may have changed: nobody has listened for a while.
    pub(super) fn show_everything(&self) {
        self.reports().values().for_each(bump);
        bump(&self.calls);
        bump(&self.settings);
    }

    /// The accounts whose reports somebody watches.
    pub(super) fn watched(&self) -> Vec<AccountId> {
        let reports = self.reports();
        let watched = reports.iter().filter(|(_, watched)| watched.receiver_count() > 0);
        watched.map(|(account, _)| *account).collect()
    }

    /// Shows the watchers what is not as it was when somebody looked last.
    pub(super) fn see(&self, account: AccountId, now: Seen) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let [one, other] = match seen.insert(account, now) {
            Some(before) => [before[0] != now[0], before[1] != now[1]],
            None => [true; 2],
        };
        drop(seen);
        let news = match account {
            SETTINGS => News { calls: one, settings: other, reports: false },
            _ => News { reports: (one || other) && now[1] > 0, ..News::default() },
        };
        self.show(account, news);
    }

    /// What is to be told, as payloads of notifications.
    pub(super) fn untold(&self, node: i64) -> Vec<String> {
        let untold =
            std::mem::take(&mut *self.untold.lock().unwrap_or_else(PoisonError::into_inner));
        let mut payloads = Vec::new();
        let mut payload = node.to_string();
        for (account, news) in untold {
            if payload.len() > PAYLOAD_MAX {
                payloads.push(std::mem::replace(&mut payload, node.to_string()));
            }
            payload.push_str(&format!(" {}", account.0));
            let marks = [(news.reports, 'r'), (news.calls, 'c'), (news.settings, 's')];
            payload.extend(marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark));
        }
        if payload.contains(' ') {
            payloads.push(payload);
        }
        payloads
    }

    /// Takes in what another node tells; what this one has told it knows.
    pub(super) fn hear(&self, node: i64, payload: &str) {
        let mut words = payload.split(' ');
        if words.next().and_then(|teller| teller.parse().ok()) == Some(node) {
            return;
        }
        for word in words {
            let marks = word.trim_start_matches(|c: char| c.is_ascii_digit());
            let Ok(account) = word[..word.len() - marks.len()].parse() else { continue };
            let news = News {
                reports: marks.contains('r'),
                calls: marks.contains('c'),
                settings: marks.contains('s'),
            };
            self.show(AccountId(account), news);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEWS: News = News { reports: true, calls: false, settings: false };

    #[test]
    fn what_one_tells_the_other_hears() {
        let (here, there) = (Bulletin::default(), Bulletin::default());
        let (mine, theirs) = (here.watch(AccountId(7)), there.watch(AccountId(7)));
        let (calls, other) = (there.watch_calls(), there.watch(AccountId(70)));
        here.publish(AccountId(7), NEWS);
        here.publish(AccountId(7), News { calls: true, ..News::default() });
        let payloads = here.untold(1);
        assert_eq!(payloads, ["1 7rc"]);
        assert!(here.untold(1).is_empty(), "once");
        here.hear(1, &payloads[0]);
        assert_eq!(*mine.borrow(), 1, "it has told itself before");
        there.hear(2, &payloads[0]);
        assert!(theirs.has_changed().unwrap() && calls.has_changed().unwrap());
        assert!(!other.has_changed().unwrap());
        there.hear(2, "what is this r 9999999999999r");
    }

    #[test]
    fn payloads_are_bounded() {
        let bulletin = Bulletin::default();
        (0..5_000).for_each(|account| bulletin.publish(AccountId(account), NEWS));
        let payloads = bulletin.untold(1);
        assert!(payloads.len() > 3 && payloads.iter().all(|payload| payload.len() < 8_000));
        let words: usize = payloads.iter().map(|payload| payload.split(' ').count() - 1).sum();
        assert_eq!(words, 5_000);
    }
}
