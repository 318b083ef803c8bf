//! The writer: one thread that does everything that changes the ledger.
//!
//! It drains whatever is waiting into one group, commits the group with one sync, and then answers
//! everybody in it. A write that fails poisons the ledger: nothing is written after it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use model::deck::DeckFile;
use model::{Account, AccountId, ApiKey, Clock};

use super::command::{Command, Fates, Queued, Reply};
use super::files::Files;
use super::group::Group;
use super::keys::{self, Table};
use super::shared::Shared;
use super::state::{Queue, State};
use crate::{Fate, Keeping, Result, StoreError};

/// The most commands in one group.
const GROUP_COMMANDS_MAX: usize = 4_096;
/// How long fates wait for other commands before they are committed on their own.
const COMPANY: Duration = Duration::from_millis(2);

/// The writer's side of the ledger.
pub(super) struct Writer {
    pub(super) files: Arc<Files>,
    pub(super) state: State,
    pub(super) shared: Arc<Shared>,
    pub(super) fates: Fates,
    pub(super) keeping: Keeping,
    pub(super) clock: Arc<dyn Clock>,
}

/// Sends an answer, once it is known whether the group was committed.
type Answer = Box<dyn FnOnce(&Result<()>)>;

impl Writer {
    /// Serves until the last handle is gone.
    pub(super) fn run(mut self, queue: &Receiver<Queued>) {
        let _watch = PanicWatch(Arc::clone(&self.shared));
        let mut closing = false;
        while !closing {
            let Ok(first) = queue.recv() else { return };
            let commands = drain(first, queue);
            closing = self.serve(commands);
        }
        // Claims that were dropped with the last answers.
        while let Ok(late) = queue.try_recv() {
            self.serve(drain(late, queue));
        }
    }

    /// Does the commands as one group. Says whether one of them was to close.
    fn serve(&mut self, commands: Vec<Queued>) -> bool {
        let files = Arc::clone(&self.files);
        let mut group = Group::new(&files);
        let mut answers = Vec::with_capacity(commands.len());
        let (mut fates, mut returns, mut closing, mut settings) = (0, 0, false, false);
        let mut places = Vec::with_capacity(commands.len());
        self.shared.commands.fetch_add(commands.len() as u64, Ordering::Relaxed);
        for Queued { command, place } in commands {
            match &command {
                Command::Resolve(_, fate, _) => {
                    fates += 1;
                    returns += u64::from(matches!(fate, Fate::Returned(_)));
                }
                Command::Close => closing = true,
                Command::AddAccount(..)
                | Command::ReplaceAccount(..)
                | Command::PutKey(..)
                | Command::PutDeck(..) => settings = true,
                _ => {}
            }
            places.extend(place);
            self.apply(command, &mut group, &mut answers);
        }
        let outcome = self.commit(group);
        if outcome.is_ok() {
            self.show(settings);
        }
        self.shared.fates.fetch_sub(fates, Ordering::SeqCst);
        self.shared.returns.fetch_sub(returns, Ordering::SeqCst);
        drop(places);
        for answer in answers {
            answer(&outcome);
        }
        closing
    }

    /// Lets the callers see what was committed.
    fn show(&mut self, settings: bool) {
        self.state.accounts.values_mut().for_each(Queue::show);
        if self.state.calls.show() {
            self.shared.work.send_modify(|changes| *changes += 1);
        }
        if settings {
            self.shared.settings.send_modify(|changes| *changes += 1);
        }
    }

    fn commit(&self, group: Group<'_>) -> Result<()> {
        self.shared.writable()?;
        if group.is_empty() {
            return Ok(());
        }
        self.shared.commits.fetch_add(1, Ordering::Relaxed);
        self.shared.committing(|| group.commit()).map_err(|error| {
            self.shared.poison(error.to_string());
            StoreError::Poisoned(error.to_string())
        })
    }

    fn apply(&mut self, command: Command, group: &mut Group<'_>, answers: &mut Vec<Answer>) {
        match command {
            Command::AddAccount(account, reply) => {
                answers.push(self.answer(reply, |writer| writer.add_account(account, group)));
            }
            Command::ReplaceAccount(account, reply) => {
                answers.push(self.answer(reply, |writer| writer.replace_account(&account, group)));
            }
            Command::PutKey(key, reply) => {
                answers.push(self.answer(reply, |writer| writer.put_key(&key, group)));
            }
            Command::PutDeck(deck, reply) => {
                answers.push(self.answer(reply, |_| put_deck(&deck, group)));
            }
            Command::Feed(account, items, reply) => {
                answers.push(self.answer(reply, |writer| writer.feed(account, items, group)));
            }
            Command::Take(account, ask, reply) => {
                answers.push(self.answer(reply, |writer| writer.take(account, ask, group)));
            }
            Command::Submit(account, order, reply) => {
                answers.push(self.answer(reply, |writer| writer.submit(account, order, group)));
            }
            Command::Lease(ask, reply) => {
                answers.push(self.answer(reply, |writer| writer.lease(&ask)));
            }
            Command::Start(lease, started, reply) => {
                answers.push(self.answer(reply, |writer| writer.start(lease, started, group)));
            }
            Command::Note(lease, up, reply) => {
                answers.push(self.answer(reply, |writer| writer.note(lease, up, group)));
            }
            Command::Record(lease, from, part, reply) => {
                answers.push(self.answer(reply, |writer| writer.record(lease, from, part, group)));
            }
            Command::Renew(leases, until, reply) => {
                answers.push(self.answer(reply, |writer| writer.renew(leases, until)));
            }
            Command::Release(lease, due, reply) => {
                answers.push(self.answer(reply, |writer| writer.release(lease, due, group)));
            }
            Command::Retry(lease, cdr, due, reply) => {
                answers.push(self.answer(reply, |writer| writer.retry(lease, *cdr, due, group)));
            }
            Command::Finish(lease, ending, reply) => {
                answers.push(self.answer(reply, |writer| writer.finish(lease, *ending, group)));
            }
            Command::Cancel(account, id, reply) => {
                answers.push(self.answer(reply, |writer| writer.cancel(account, &id, group)));
            }
            Command::ChangeBulk(account, id, change, reply) => {
                let change = |writer: &mut Self| writer.change_bulk(account, &id, change, group);
                answers.push(self.answer(reply, change));
            }
            Command::Upkeep(reply) => {
                answers.push(self.answer(reply, |writer| writer.upkeep(group)));
            }
            Command::Resolve(take, fate, now) => {
                let resolved = self.writable(|writer| writer.state.resolve(group, take, fate, now));
                self.note_failure(resolved.err().as_ref());
            }
            Command::Barrier(reply) => answers.push(answer(Ok(()), reply)),
            Command::Close => {}
        }
    }

    fn writable<T>(&mut self, verb: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.shared.writable()?;
        verb(self)
    }

    /// Does what was asked, if the ledger can be written to.
    fn answer<T: 'static>(
        &mut self,
        reply: Reply<T>,
        verb: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Answer {
        let done = self.writable(verb);
        self.note_failure(done.as_ref().err());
        answer(done, reply)
    }

    /// A refusal changes nothing. Anything else may have stopped half-way through a command, so
    /// what is known by heart cannot be trusted any more.
    fn note_failure(&self, error: Option<&StoreError>) {
        match error {
            None
            | Some(
                StoreError::Poisoned(_)
                | StoreError::KeyReused
                | StoreError::NameTaken(_)
                | StoreError::NoSuchAccount
                | StoreError::QueueFull { .. }
                | StoreError::LeaseLost
                | StoreError::BulkState(_)
                | StoreError::Unavailable(_)
                | StoreError::Busy,
            ) => {}
            Some(
                error @ (StoreError::Corrupt(_)
                | StoreError::InUse(_)
                | StoreError::Newer { .. }
                | StoreError::SchemaNewer { .. }
                | StoreError::Settings(_)
                | StoreError::Open { .. }),
            ) => self.shared.poison(error.to_string()),
        }
    }

    fn add_account(&mut self, mut account: Account, group: &mut Group<'_>) -> Result<Account> {
        self.name_is_free(&account)?;
        let next = self.state.accounts.last_key_value().map_or(1, |(id, _)| id.0 + 1);
        account.id = AccountId(next);
        put_account(group, &account);
        let queue = Queue::new(account.name.clone());
        self.shared.add_account(account.id, Arc::clone(&queue.glance));
        self.state.calls.add_account(account.id, Arc::clone(&queue.glance));
        self.state.accounts.insert(account.id, queue);
        Ok(account)
    }

    fn replace_account(&mut self, account: &Account, group: &mut Group<'_>) -> Result<()> {
        self.state.queue(account.id)?;
        self.name_is_free(account)?;
        self.state.queue(account.id)?.name.clone_from(&account.name);
        put_account(group, account);
        Ok(())
    }

    fn name_is_free(&self, account: &Account) -> Result<()> {
        let mut others = self.state.accounts.iter().filter(|(id, _)| **id != account.id);
        if others.any(|(_, queue)| queue.name == account.name) {
            return Err(StoreError::NameTaken(account.name.clone()));
        }
        Ok(())
    }

    fn put_key(&mut self, key: &ApiKey, group: &mut Group<'_>) -> Result<()> {
        self.state.queue(key.account)?;
        group.put(Table::Key, key.id.as_bytes(), crate::record::write_key(key));
        Ok(())
    }
}

fn answer<T: 'static>(done: Result<T>, reply: Reply<T>) -> Answer {
    Box::new(move |outcome| {
        // Nobody waits for it any more: what was done is done, and a claim in it is dropped.
        let _ = reply.send(done.and_then(|value| outcome.clone().map(|()| value)));
    })
}

fn put_deck(deck: &DeckFile, group: &mut Group<'_>) -> Result<()> {
    group.put(Table::Deck, deck.name.as_bytes(), crate::record::write_deck(deck));
    Ok(())
}

/// Poisons the ledger if the writer panics, so that its health tells.
pub(super) struct PanicWatch(pub(super) Arc<Shared>);

impl Drop for PanicWatch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.poison("the writer panicked".into());
        }
    }
}

fn put_account(group: &mut Group<'_>, account: &Account) {
    group.put(Table::Account, keys::account(account.id), crate::record::write_account(account));
}

/// Everything that is waiting. Fates alone wait a little for company: nobody waits for them.
fn drain(first: Queued, queue: &Receiver<Queued>) -> Vec<Queued> {
    let mut commands = vec![first];
    let mut until = None;
    while commands.len() < GROUP_COMMANDS_MAX {
        if let Ok(next) = queue.try_recv() {
            commands.push(next);
            continue;
        }
        if !commands.iter().all(|queued| matches!(queued.command, Command::Resolve(..))) {
            break;
        }
        let until = *until.get_or_insert_with(|| Instant::now() + COMPANY);
        match queue.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(next) => commands.push(next),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    commands
}
