//! What the writer knows by heart of the calls that have no report: what each of them waits for, and
//! who has a lease on it. Leases are nowhere else: the process that has given them ends them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::{Arc, MutexGuard};

use model::{AccountId, Timestamp};

use super::bulk::of_call;
use super::command::Grant;
use super::desk::Desk;
use super::shared::Glance;
use crate::record::ChangeRecord;
use crate::{CallId, LeaseId, Result, StoreError};

/// The calls that have no report.
#[derive(Default)]
pub(super) struct Calls {
    books: BTreeMap<AccountId, Book>,
    /// Those to be closed that nobody has.
    closing: BTreeSet<CallId>,
    /// Those that were cancelled while somebody had them to place.
    cancelled: BTreeSet<CallId>,
    expiries: BTreeSet<(Timestamp, CallId)>,
    next_token: u64,
    /// Calls of all accounts.
    open: usize,
    /// Names to be forgotten once what ended them is committed: until then a look finds the call.
    ended: Vec<(CallId, u64)>,
    /// There may be work that was not there before.
    woken: bool,
}

/// The calls of one account.
pub(super) struct Book {
    calls: BTreeMap<u64, Call>,
    leases: HashMap<u64, Lease>,
    /// What was changed of batches, by the number of their first call.
    changes: BTreeMap<u64, ChangeRecord>,
    /// How many of the calls are to be closed and nobody has them.
    closing: u64,
    next: u64,
    glance: Arc<Glance>,
}

/// A call without a report. Its times are those it was written with.
#[derive(Clone, Copy)]
pub(super) struct Call {
    pub(super) due: Timestamp,
    pub(super) valid_until: Option<Timestamp>,
    /// An attempt has started and is not over.
    pub(super) started: bool,
    pub(super) cancelled: bool,
}

/// Somebody has the call.
struct Lease {
    token: u64,
    until: Timestamp,
    /// To be closed, not placed.
    closing: bool,
}

impl Call {
    /// A call that was just submitted.
    pub(super) const fn new(due: Timestamp, valid_until: Option<Timestamp>) -> Self {
        Self { due, valid_until, started: false, cancelled: false }
    }

    const fn is_to_be_closed(&self) -> bool {
        self.started || self.cancelled
    }
}

impl Book {
    fn new(glance: Arc<Glance>) -> Self {
        Self {
            calls: BTreeMap::new(),
            leases: HashMap::new(),
            changes: BTreeMap::new(),
            closing: 0,
            next: 0,
            glance,
        }
    }

    pub(super) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.glance.desk()
    }

    /// The number of the next call.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// Calls that wait for their turn.
    pub(super) fn waiting(&self) -> u64 {
        (self.calls.len() - self.leases.len()) as u64 - self.closing
    }

    /// Calls with a lease.
    pub(super) fn leased(&self) -> u64 {
        self.leases.len() as u64
    }

    /// How many of those numbers have no report.
    pub(super) fn open(&self, numbers: Range<u64>) -> u64 {
        self.calls.range(numbers).count() as u64
    }

    /// What was changed of the batch that the call is of.
    pub(super) fn change_of(&self, number: u64) -> ChangeRecord {
        of_call(&self.changes, number)
    }

    /// Whether anything of the account was paused.
    pub(super) fn has_paused(&self) -> bool {
        self.changes.values().any(|change| change.paused)
    }

    /// When the waiting call is due. A paused one is due only to expire.
    fn due(&self, number: u64, call: &Call) -> Option<Timestamp> {
        let change = self.change_of(number);
        let due = if change.paused { call.valid_until } else { Some(call.due) };
        due.map(|due| change.moved(due))
    }
}

impl Calls {
    /// Tokens of one start are larger than those of any earlier one.
    pub(super) fn new(starts: u64) -> Self {
        Self { next_token: starts << 32, ..Self::default() }
    }

    pub(super) fn add_account(&mut self, account: AccountId, glance: Arc<Glance>) {
        self.books.insert(account, Book::new(glance));
    }

    pub(super) fn book(&self, account: AccountId) -> Result<&Book> {
        self.books.get(&account).ok_or(StoreError::NoSuchAccount)
    }

    fn book_mut(&mut self, account: AccountId) -> Result<&mut Book> {
        self.books.get_mut(&account).ok_or(StoreError::NoSuchAccount)
    }

    /// Calls of all accounts.
    pub(super) const fn open(&self) -> usize {
        self.open
    }

    /// Raises the number of the account's next call.
    pub(super) fn count_on(&mut self, account: AccountId, next: u64) -> Result<()> {
        let book = self.book_mut(account)?;
        book.next = book.next.max(next);
        Ok(())
    }

    /// A call that nobody has.
    pub(super) fn add(&mut self, id: CallId, hash: u64, call: Call) -> Result<()> {
        let book = self.book_mut(id.account)?;
        book.calls.insert(id.number, call);
        book.next = book.next.max(id.number + 1);
        let mut desk = book.desk();
        desk.name(hash, id.number);
        desk.open += 1;
        drop(desk);
        self.open += 1;
        self.settle(id);
        Ok(())
    }

    /// Ends a call that somebody has. Its name is forgotten with the commit.
    pub(super) fn end(&mut self, lease: LeaseId, hash: u64) {
        self.end_lease(lease.call);
        let id = lease.call;
        let Some(book) = self.books.get_mut(&id.account) else { return };
        if book.calls.remove(&id.number).is_some() {
            book.desk().open -= 1;
            self.open -= 1;
            self.ended.push((id, hash));
        }
    }

    /// Changes a call, wherever it is.
    pub(super) fn change(&mut self, id: CallId, change: impl FnOnce(&mut Call)) {
        self.unsettle(id);
        let book = self.books.get_mut(&id.account);
        if let Some(call) = book.and_then(|book| book.calls.get_mut(&id.number)) {
            change(call);
        }
        self.settle(id);
    }

    /// Changes a batch, and with it the calls of it that have no report.
    pub(super) fn change_batch(&mut self, account: AccountId, first: u64, change: ChangeRecord) {
        let Some(book) = self.books.get(&account) else { return };
        let numbers = book.calls.range(first..first + change.calls).map(|(number, _)| *number);
        let ids: Vec<CallId> = numbers.map(|number| CallId { account, number }).collect();
        ids.iter().for_each(|id| self.unsettle(*id));
        if let Some(book) = self.books.get_mut(&account) {
            book.changes.insert(first, change);
            let calls = book.calls.range_mut(first..first + change.calls);
            calls.for_each(|(_, call)| call.cancelled |= change.cancelled_at.is_some());
        }
        ids.iter().for_each(|id| self.settle(*id));
    }

    /// A batch of which nothing is left.
    pub(super) fn forget_batch(&mut self, account: AccountId, first: u64) {
        if let Some(book) = self.books.get_mut(&account) {
            book.changes.remove(&first);
        }
    }

    /// Whether the call has a lease.
    pub(super) fn is_leased(&self, id: CallId) -> bool {
        self.books.get(&id.account).is_some_and(|book| book.leases.contains_key(&id.number))
    }

    /// Leases the account's call that is due the longest, if one is.
    pub(super) fn lease_due(
        &mut self,
        account: AccountId,
        now: Timestamp,
        until: Timestamp,
    ) -> Option<LeaseId> {
        let number = self.books.get(&account)?.desk().turn(now)?;
        Some(self.lease(CallId { account, number }, until, false))
    }

    /// Leases a call that is to be closed, if there is one.
    pub(super) fn lease_closing(&mut self, until: Timestamp) -> Option<LeaseId> {
        let id = *self.closing.first()?;
        Some(self.lease(id, until, true))
    }

    fn lease(&mut self, call: CallId, until: Timestamp, closing: bool) -> LeaseId {
        self.unsettle(call);
        let token = self.next_token;
        self.next_token += 1;
        if let Some(book) = self.books.get_mut(&call.account) {
            book.leases.insert(call.number, Lease { token, until, closing });
            book.desk().leased += 1;
        }
        self.expiries.insert((until, call));
        LeaseId { call, token }
    }

    /// The lease, with what was changed of its call's batch.
    pub(super) fn grant(&self, lease: LeaseId) -> Result<Grant> {
        let change = self.book(lease.call.account)?.change_of(lease.call.number);
        Ok(Grant { lease, change })
    }

    /// Calls that were cancelled while somebody had them to place.
    pub(super) fn cancelled(&self) -> Vec<CallId> {
        self.cancelled.iter().copied().collect()
    }

    /// Refuses a lease that has ended.
    pub(super) fn held(&self, lease: LeaseId) -> Result<()> {
        self.lease_of(lease).map(|_| ())
    }

    /// Refuses a lease that is not one on a call to be placed.
    pub(super) fn held_to_place(&self, lease: LeaseId) -> Result<()> {
        let book = self.book(lease.call.account)?;
        let started = book.calls.get(&lease.call.number).is_none_or(|call| call.started);
        let closing = self.lease_of(lease)?.closing;
        if started || closing { Err(StoreError::LeaseLost) } else { Ok(()) }
    }

    fn lease_of(&self, lease: LeaseId) -> Result<&Lease> {
        let known = self.book(lease.call.account)?.leases.get(&lease.call.number);
        known.filter(|known| known.token == lease.token).ok_or(StoreError::LeaseLost)
    }

    /// Puts the end of the lease off; whether it has not been lost.
    pub(super) fn renew(&mut self, lease: LeaseId, until: Timestamp) -> bool {
        let Ok(before) = self.lease_of(lease).map(|known| known.until) else { return false };
        self.expiries.remove(&(before, lease.call));
        self.expiries.insert((until.max(before), lease.call));
        let book = self.books.get_mut(&lease.call.account);
        if let Some(known) = book.and_then(|book| book.leases.get_mut(&lease.call.number)) {
            known.until = until.max(before);
        }
        true
    }

    /// Nobody has the call any more: it waits again, or is to be closed.
    pub(super) fn give_back(&mut self, id: CallId) {
        self.end_lease(id);
        self.settle(id);
        self.woken = true;
    }

    /// Ends the leases whose time is over.
    pub(super) fn expire(&mut self, now: Timestamp) {
        while let Some(first) = self.expiries.first().copied().filter(|(until, _)| *until <= now) {
            self.expiries.remove(&first);
            self.give_back(first.1);
        }
    }

    /// The same, but for those on calls that have started: whoever has them may be about to renew.
    pub(super) fn expire_waiting(&mut self, now: Timestamp) {
        let over = self.expiries.iter().take_while(|(until, _)| *until <= now);
        let waits = |id: &CallId| {
            let book = self.books.get(&id.account);
            book.and_then(|book| book.calls.get(&id.number)).is_none_or(|call| !call.started)
        };
        let over: Vec<CallId> = over.map(|(_, id)| *id).filter(waits).collect();
        over.into_iter().for_each(|id| self.give_back(id));
    }

    fn end_lease(&mut self, id: CallId) {
        let Some(book) = self.books.get_mut(&id.account) else { return };
        if let Some(lease) = book.leases.remove(&id.number) {
            book.desk().leased -= 1;
            self.expiries.remove(&(lease.until, id));
            self.cancelled.remove(&id);
        }
    }

    pub(super) const fn wake(&mut self) {
        self.woken = true;
    }

    /// Puts a call where it belongs.
    fn settle(&mut self, id: CallId) {
        let Some(book) = self.books.get_mut(&id.account) else { return };
        let Some(call) = book.calls.get(&id.number).copied() else { return };
        match book.leases.get(&id.number) {
            Some(lease) if call.cancelled && !lease.closing => _ = self.cancelled.insert(id),
            Some(_) => {}
            None if call.is_to_be_closed() => {
                book.closing += 1;
                self.closing.insert(id);
            }
            None => {
                if let Some(due) = book.due(id.number, &call) {
                    book.desk().wait(due, id.number);
                }
            }
        }
    }

    /// Takes a call that nobody has from where it is.
    fn unsettle(&mut self, id: CallId) {
        let Some(book) = self.books.get_mut(&id.account) else { return };
        let Some(call) = book.calls.get(&id.number).copied() else { return };
        if book.leases.contains_key(&id.number) {
            return;
        }
        if call.is_to_be_closed() {
            book.closing -= u64::from(self.closing.remove(&id));
        } else if let Some(due) = book.due(id.number, &call) {
            book.desk().leave(due, id.number);
        }
    }

    /// Shows the callers how things are. Says whether there may be work that was not there before.
    pub(super) fn show(&mut self) -> bool {
        for (id, hash) in self.ended.drain(..) {
            if let Some(book) = self.books.get(&id.account) {
                book.desk().forget(hash, id.number);
            }
        }
        std::mem::take(&mut self.woken)
    }
}
