//! The desks: what is asked of each account is done in groups, one at a time; those of different
//! accounts are done side by side.
//!
//! Whatever waits at a desk while a group of it is under way is the next group: many feeds and
//! submissions share one commit, and many polls one round trip.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use model::AccountId;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;

use super::command::{Asked, Command, Queued};
use super::exchange::{exchange, note_again};
use super::intake::intake;
use super::office::Office;
use super::page::{Ended, Page};
use super::refused::Refused;
use super::trouble::Trouble;

/// The most commands in one group, and KiB of them.
const GROUP_MAX: usize = 512;
const GROUP_WEIGHT_MAX: u32 = 8_192;
/// How long fates wait for other commands before they are noted on their own.
const COMPANY: Duration = Duration::from_millis(2);
/// Between attempts at a server that refuses.
const PAUSE: Duration = Duration::from_millis(20);

/// The desks of this node.
pub(super) struct Desks {
    office: Arc<Office>,
    waiting: HashMap<AccountId, VecDeque<Queued>>,
    busy: HashSet<AccountId>,
    /// Each gives the fates that were refused.
    groups: JoinSet<Vec<Command>>,
    accounts: HashMap<Id, AccountId>,
    refused: Refused,
}

impl Desks {
    pub(super) fn new(office: Arc<Office>) -> Self {
        Self {
            office,
            waiting: HashMap::new(),
            busy: HashSet::new(),
            groups: JoinSet::new(),
            accounts: HashMap::new(),
            refused: Refused::default(),
        }
    }

    /// Serves until the ledger is closed.
    pub(super) async fn serve(
        &mut self,
        queue: &mut UnboundedReceiver<Queued>,
        mut closed: oneshot::Receiver<()>,
    ) {
        let mut company = tokio::time::interval(COMPANY);
        company.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let again = self.refused.again(&self.busy);
            let has_lonely = self.waiting.keys().any(|account| !self.busy.contains(account));
            tokio::select! {
                Some(queued) = queue.recv() => self.take_in(queued),
                Some(ended) = self.groups.join_next_with_id(), if !self.groups.is_empty() => {
                    self.ended(ended);
                }
                () = tokio::time::sleep_until(again.unwrap_or_else(Instant::now)),
                    if again.is_some() => self.begin_all(),
                _ = company.tick(), if has_lonely => self.begin_all(),
                _ = &mut closed => return,
            }
        }
    }

    /// Does everything that still waits, and tries once more what was refused.
    pub(super) async fn drain(&mut self, queue: &mut UnboundedReceiver<Queued>) {
        self.refused.hurry();
        loop {
            while let Ok(queued) = queue.try_recv() {
                self.take_in(queued);
            }
            self.begin_all();
            match self.groups.join_next_with_id().await {
                Some(ended) => self.ended(ended),
                None => return,
            }
        }
    }

    /// Has the account's desk do one thing more, after everything else.
    pub(super) async fn end_node(&mut self, account: AccountId, command: Command) {
        write(&self.office, account, vec![command]).await;
    }

    fn take_in(&mut self, queued: Queued) {
        let account = queued.account;
        let is_fate = matches!(queued.command, Command::Fate(..));
        self.waiting.entry(account).or_default().push_back(queued);
        if !is_fate {
            self.begin(account);
        }
    }

    fn ended(&mut self, ended: Result<(Id, Vec<Command>), JoinError>) {
        let (id, refused) = ended.unwrap_or_else(|error| (error.id(), Vec::new()));
        let Some(account) = self.accounts.remove(&id) else { return };
        self.busy.remove(&account);
        if !refused.is_empty() {
            let fates = refused.len();
            tracing::warn!(account = account.0, fates, "What became of takes is not noted yet.");
        }
        let lost = self.refused.keep(account, refused);
        if !lost.is_empty() {
            let fates = lost.len();
            tracing::error!(account = account.0, fates, "What became of takes is not noted.");
            self.office.fates.noted(account, fates as u64);
        }
        self.refused.forget(account);
        self.begin(account);
    }

    fn begin_all(&mut self) {
        for account in self.waiting.keys().copied().chain(self.refused.due()).collect::<Vec<_>>() {
            self.begin(account);
        }
    }

    /// Begins the next group of the account, unless one is under way: what was refused first, if its
    /// time has come.
    fn begin(&mut self, account: AccountId) {
        if self.busy.contains(&account) {
            return;
        }
        let office = Arc::clone(&self.office);
        let again = self.refused.take(account);
        if !again.is_empty() {
            let noting = async move { note_again(&office, account, again).await };
            return self.run(account, noting);
        }
        let Some(waiting) = self.waiting.get_mut(&account) else { return };
        let mut weight = 0;
        let mut group = Vec::new();
        while group.len() < GROUP_MAX
            && weight < GROUP_WEIGHT_MAX
            && let Some(queued) = waiting.pop_front()
        {
            weight += queued.weight;
            group.push(queued);
        }
        if waiting.is_empty() {
            self.waiting.remove(&account);
        }
        if !group.is_empty() {
            self.run(account, async move { serve(&office, account, group).await });
        }
    }

    fn run(
        &mut self,
        account: AccountId,
        group: impl Future<Output = Vec<Command>> + Send + 'static,
    ) {
        self.busy.insert(account);
        let id = self.groups.spawn(group).id();
        self.accounts.insert(id, account);
    }
}

/// Does the commands of one account. Fates and polls come first, in one exchange: nobody can tell,
/// because nobody has been answered yet. Gives the fates that were refused.
async fn serve(office: &Arc<Office>, account: AccountId, group: Vec<Queued>) -> Vec<Command> {
    office.commands.fetch_add(group.len() as u64, Ordering::Relaxed);
    let mut places = Vec::with_capacity(group.len());
    let (mut light, mut heavy) = (Vec::new(), Vec::new());
    for Queued { command, place, .. } in group {
        places.extend(place);
        if command.is_light() { light.push(command) } else { heavy.push(command) }
    }
    let refused = match light.is_empty() {
        true => Vec::new(),
        // Half of it: who waits behind what is refused is to be answered in time.
        false => exchange(office, account, light, office.patience / 2).await,
    };
    if heavy.iter().all(|command| matches!(command, Command::Barrier(_))) {
        deliver_barriers(&mut heavy);
    } else {
        let left = take_in_feeds(office, account, heavy).await;
        if !left.is_empty() {
            write(office, account, left).await;
        }
    }
    refused
}

/// Does feeds that come alone in one round trip. Gives back what needs a transaction.
async fn take_in_feeds(
    office: &Arc<Office>,
    account: AccountId,
    commands: Vec<Command>,
) -> Vec<Command> {
    if !commands.iter().all(|command| matches!(command, Command::Feed(_))) {
        return commands;
    }
    let feeds = commands.into_iter().filter_map(|command| match command {
        Command::Feed(feed) => Some(feed),
        _ => None,
    });
    let to_look_at = intake(office, account, feeds.collect()).await;
    to_look_at.into_iter().map(Command::Feed).collect()
}

/// Does the commands in one transaction; each in one of its own, if one of them cannot be done at
/// all. Asks again over another line for as long as it takes, but nothing that nobody waits for.
async fn write(office: &Arc<Office>, account: AccountId, mut commands: Vec<Command>) {
    loop {
        // The line may have been waited for a long time.
        let line = office.pool.lend().await;
        commands.retain_mut(|command| !command.is_abandoned());
        if commands.is_empty() {
            return;
        }
        let ended = match Page::open(office, line, account).await {
            Ok(page) => page.write(&mut commands).await,
            Err(trouble) => Ended::Undone(trouble),
        };
        match ended {
            Ended::Done => {
                return commands
                    .iter_mut()
                    .filter_map(Command::asked)
                    .for_each(|asked| asked.deliver());
            }
            Ended::Undone(Trouble::Lost(reason)) => {
                tracing::debug!(reason, "A group was cut short and is done again.");
                tokio::time::sleep(PAUSE).await;
            }
            Ended::Undone(Trouble::Refused(error)) if commands.len() == 1 => {
                if !matches!(error, crate::StoreError::NoSuchAccount) {
                    tracing::error!(%error, "The ledger could not do what was asked.");
                }
                commands.iter_mut().filter_map(Command::asked).for_each(|asked| {
                    asked.fail(error.clone());
                });
                return;
            }
            Ended::Undone(Trouble::Refused(_)) => {
                for command in commands {
                    Box::pin(write(office, account, vec![command])).await;
                }
                return;
            }
        }
    }
}

/// What they wait for has been done, and there is nothing to keep.
fn deliver_barriers(barriers: &mut [Command]) {
    for barrier in barriers {
        if let Command::Barrier(ask) = barrier {
            ask.answer = Some(Ok(()));
            ask.deliver();
        }
    }
}
