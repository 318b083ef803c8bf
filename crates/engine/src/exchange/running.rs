//! The calls that an exchange has leased, and their tasks. Whatever is dropped here is dropped with
//! its line: no leg outlives it.

use std::collections::HashMap;
use std::future::Future;

use store::{CallId, LeaseId};
use tokio::sync::watch;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

/// The calls that an exchange has leased.
#[derive(Default)]
pub(super) struct Running {
    calls: HashMap<CallId, One>,
    tasks: JoinSet<()>,
    /// Which lease a task is for.
    leases: HashMap<Id, LeaseId>,
    closing: usize,
}

struct One {
    lease: LeaseId,
    task: AbortHandle,
    /// To tell it what has happened to its call; none if that is only being closed.
    tell: Option<watch::Sender<Told>>,
}

/// What a task is told of its call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Told {
    /// Nothing.
    #[default]
    Nothing,
    /// Its account no longer wants it.
    Cancelled,
    /// Its lease is lost: this process was given up, and somebody else reports the call.
    Lost,
}

impl One {
    /// What it was told last is the worst that it was told.
    fn tell(&self, what: Told) {
        if let Some(tell) = &self.tell {
            tell.send_if_modified(|told| {
                let is_worse = *told < what;
                *told = what.max(*told);
                is_worse
            });
        }
    }
}

impl Running {
    /// Runs what places the call; it is told what happens to that meanwhile.
    pub(super) fn place<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        lease: LeaseId,
        task: impl FnOnce(watch::Receiver<Told>) -> F,
    ) {
        let (tell, told) = watch::channel(Told::Nothing);
        self.run(lease, Some(tell), task(told));
    }

    /// Runs what closes the call.
    pub(super) fn close(
        &mut self,
        lease: LeaseId,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        self.closing += 1;
        self.run(lease, None, task);
    }

    /// Tells the call that it is cancelled, if it is here; as often as one likes.
    pub(super) fn cancel(&mut self, call: CallId) {
        if let Some(one) = self.calls.get(&call) {
            one.tell(Told::Cancelled);
        }
    }

    /// Tells the call that its lease is lost. What closes a call learns it from the ledger.
    pub(super) fn lose(&mut self, lease: LeaseId) {
        if let Some(one) = self.calls.get(&lease.call).filter(|one| one.lease == lease) {
            one.tell(Told::Lost);
        }
    }

    /// Drops every task where it is.
    pub(super) fn abandon(&mut self) {
        let calls = self.calls.len();
        tracing::error!(calls, "Calls are left behind, and are closed at the next start.");
        self.tasks.abort_all();
    }

    /// Waits until a task has ended; for ever if there is none. Cancel-safe.
    pub(super) async fn ended(&mut self) {
        match self.tasks.join_next_with_id().await {
            Some(ended) => self.remove(ended),
            None => std::future::pending().await,
        }
    }

    /// Removes the other tasks that have ended.
    pub(super) fn reap(&mut self) {
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            self.remove(ended);
        }
    }

    /// Every lease.
    pub(super) fn leases(&self) -> Vec<LeaseId> {
        self.calls.values().map(|one| one.lease).collect()
    }

    /// Calls that are being placed.
    pub(super) fn placing(&self) -> usize {
        self.calls.len() - self.closing
    }

    /// Calls that are being closed.
    pub(super) fn closing(&self) -> usize {
        self.closing
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    fn run(
        &mut self,
        lease: LeaseId,
        tell: Option<watch::Sender<Told>>,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let task = self.tasks.spawn(task);
        self.leases.insert(task.id(), lease);
        if let Some(before) = self.calls.insert(lease.call, One { lease, task, tell }) {
            // Its lease has ended under it, as when the machine slept; it is not its any more.
            tracing::warn!(call = ?lease.call, "A call had lost its lease, and is dropped.");
            before.task.abort();
            self.closing -= usize::from(before.tell.is_none());
        }
    }

    fn remove(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, ())| *id);
        let Some(lease) = self.leases.remove(&id) else { return };
        if let Err(error) = ended
            && error.is_panic()
        {
            tracing::error!(call = ?lease.call, %error, "A call is closed when its lease ends.");
        }
        if self.calls.get(&lease.call).is_some_and(|one| one.lease == lease) {
            let one = self.calls.remove(&lease.call);
            self.closing -= usize::from(one.is_some_and(|one| one.tell.is_none()));
        }
    }
}
