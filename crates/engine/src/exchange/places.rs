//! Places: what the calls under way take up of the caps of their account and of the trunk.
//!
//! A place is taken when a call is handed out and is free again when it is dropped, so that no cap
//! is lost to a call that ends in an unforeseen way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{AccountId, Timestamp};
use tokio::sync::Notify;

use super::Caps;
use super::pace::Pace;

/// What is taken up of every cap.
pub(super) struct Places {
    caps: Caps,
    taken: Mutex<Taken>,
    aside: Notify,
}

struct Taken {
    under_way: u64,
    trunk: Pace,
    accounts: HashMap<AccountId, Pace>,
}

/// What one call takes up.
pub(super) struct Place {
    places: Arc<Places>,
    account: AccountId,
    step: Step,
}

/// How far its call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// About to begin.
    HandedOut,
    /// Waiting for its prompt; others may begin meanwhile.
    Aside,
    /// About to be dialled.
    Beginning,
    /// Dialled.
    Dialled,
}

impl Places {
    /// Every place under the caps of the trunk.
    pub(super) fn new(caps: Caps) -> Self {
        let mut trunk = Pace::default();
        trunk.limit(caps.calls_per_second);
        let taken = Taken { under_way: 0, trunk, accounts: HashMap::new() };
        Self { caps, taken: Mutex::new(taken), aside: Notify::new() }
    }

    /// How many more calls the trunk takes now; and if it is its pace that allows none, when it may
    /// allow some.
    pub(super) fn room(&self, now: Timestamp) -> (u64, Option<Timestamp>) {
        let mut taken = self.taken();
        let concurrent = u64::from(self.caps.concurrent_calls).saturating_sub(taken.under_way);
        let room = taken.trunk.room(now);
        let until = (room == 0).then(|| taken.trunk.next_room(now));
        (room.min(concurrent), until)
    }

    /// The same of an account's pace, which is that many a second from now on.
    pub(super) fn room_of(
        &self,
        account: AccountId,
        per_second: u32,
        now: Timestamp,
    ) -> (u64, Option<Timestamp>) {
        let mut taken = self.taken();
        let pace = taken.accounts.entry(account).or_default();
        pace.limit(per_second);
        let room = pace.room(now);
        (room, (room == 0).then(|| pace.next_room(now)))
    }

    /// Takes a place for a call that is handed out.
    pub(super) fn take(self: &Arc<Self>, account: AccountId) -> Place {
        let mut taken = self.taken();
        taken.under_way += 1;
        taken.paces(account).into_iter().for_each(Pace::hand_out);
        drop(taken);
        Place { places: Arc::clone(self), account, step: Step::HandedOut }
    }

    /// Waits until some call steps aside. What ends leaves room too, and is heard of elsewhere.
    /// Cancel-safe.
    pub(super) async fn stepped_aside(&self) {
        self.aside.notified().await;
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn paces(&mut self, account: AccountId) -> [&mut Pace; 2] {
        [&mut self.trunk, self.accounts.entry(account).or_default()]
    }
}

impl Place {
    /// Lets others begin while the call waits for its prompt.
    pub(super) fn step_aside(&mut self) {
        assert_eq!(self.step, Step::HandedOut, "a call steps aside before it begins");
        self.places.taken().paces(self.account).into_iter().for_each(Pace::take_back);
        self.step = Step::Aside;
        self.places.aside.notify_one();
    }

    /// Comes back from there.
    pub(super) fn come_back(&mut self) {
        assert_eq!(self.step, Step::Aside, "a call comes back once");
        self.places.taken().paces(self.account).into_iter().for_each(Pace::hand_out);
        self.step = Step::HandedOut;
    }

    /// Begins, or tells when to ask again.
    pub(super) fn begin(&mut self, now: Timestamp) -> Result<(), Timestamp> {
        assert_eq!(self.step, Step::HandedOut, "a call begins once");
        let mut taken = self.places.taken();
        let mut paces = taken.paces(self.account);
        let again = paces.iter_mut().filter_map(|pace| {
            let may_begin = pace.may_begin(now);
            (!may_begin).then(|| pace.next_room(now))
        });
        if let Some(again) = again.max() {
            return Err(again);
        }
        paces.into_iter().for_each(Pace::begin);
        self.step = Step::Beginning;
        Ok(())
    }

    /// It is dialled.
    pub(super) fn dial(&mut self, now: Timestamp) {
        assert_eq!(self.step, Step::Beginning, "a call that may begin is dialled, once");
        self.places.taken().paces(self.account).into_iter().for_each(|pace| pace.dial(now));
        self.step = Step::Dialled;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.under_way -= 1;
        let paces = taken.paces(self.account);
        match self.step {
            Step::HandedOut => paces.into_iter().for_each(Pace::take_back),
            Step::Beginning => paces.into_iter().for_each(Pace::give_up),
            Step::Aside | Step::Dialled => {}
        }
    }
}
