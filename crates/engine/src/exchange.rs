//! The exchange: from calls that are due in the ledger to reports in it, by way of a carrier.
//!
//! One scheduler task leases what is due, inside the caps of account and trunk, and owns a task for
//! each call that it has leased:
//!
//! ```text
//!          in time? credit? a rate?    its prompt, its turn    durable         over
//! leased ──────────────────────────> ready ───────────────> started ──> driven ──> report
//!    │                                 │                                      └──> next attempt
//!    ├── not yet, or the server stops ─┴──> given back
//!    └── never ───────────────────────────> report, nothing dialled
//! ```
//! Nothing is dialled before its start is durable, and a call that was left behind started is
//! closed with a truthful report, never dialled again. What became of a call is kept, however busy
//! the ledger is. Nothing here knows where a call came from, or who takes its report.

mod close;
mod drive;
mod figures;
mod insist;
mod notes;
pub mod pace;
mod places;
mod running;
mod scheduler;
pub mod shares;
mod task;

use std::sync::Arc;
use std::time::Duration;

use model::{Amount, Calling};
use store::Ledger;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::carrier::Carrier;
use crate::prompt::Prompter;
use crate::tariffs::Tariffs;
use crate::time::Time;
use figures::Counters;
pub use figures::ExchangeFigures;
use scheduler::Scheduler;

/// What an exchange is made of.
#[derive(Clone)]
pub struct Parts {
    /// Where calls come from, and reports go to.
    pub ledger: Arc<dyn Ledger>,
    /// Who places the calls.
    pub carrier: Arc<dyn Carrier>,
    /// Who makes their prompts.
    pub prompter: Arc<dyn Prompter>,
    /// What they cost. The exchange refreshes it whenever the settings in the ledger change.
    pub tariffs: Arc<Tariffs>,
    /// What they wait by; the ledger has the same clock.
    pub time: Time,
}

/// How an exchange works.
#[derive(Clone, Debug)]
pub struct ExchangeSettings {
    /// The caps of an account that has none of its own.
    pub account: Caps,
    /// What its calls of a day may cost, if it does not say.
    pub daily_spend: Option<Amount>,
    /// The caps of all calls together.
    pub trunk: Caps,
    /// How long a call is leased for; the lease is renewed after a third of that.
    pub lease: Duration,
    /// How long calls may go on once the exchange stops.
    pub drain: Duration,
}

/// How much may be called at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Calls dialled in any one second.
    pub calls_per_second: u32,
    /// Calls under way at once.
    pub concurrent_calls: u32,
}

impl Default for ExchangeSettings {
    fn default() -> Self {
        Self {
            account: Caps { calls_per_second: 10, concurrent_calls: 100 },
            daily_spend: None,
            trunk: Caps { calls_per_second: 100, concurrent_calls: 1_000 },
            lease: Duration::from_secs(60),
            drain: Duration::from_secs(30),
        }
    }
}

impl ExchangeSettings {
    fn caps(&self, calling: &Calling) -> Caps {
        Caps {
            calls_per_second: calling.calls_per_second.unwrap_or(self.account.calls_per_second),
            concurrent_calls: calling.concurrent_calls.unwrap_or(self.account.concurrent_calls),
        }
    }

    fn daily_spend(&self, calling: &Calling) -> Option<Amount> {
        calling.daily_spend.or(self.daily_spend)
    }
}

/// An exchange at work. Dropping it in place of stopping it is as if the process died: what was
/// under way is closed when the next one starts.
pub struct Exchange {
    shared: Arc<Shared>,
    scheduler: JoinSet<()>,
}

/// Tells the figures of an exchange, its last ones once it has stopped.
#[derive(Clone)]
pub struct Gauge(Arc<Shared>);

/// What all tasks of an exchange share.
struct Shared {
    parts: Parts,
    settings: ExchangeSettings,
    phase: watch::Sender<Phase>,
    counters: Counters,
    /// Room for what was recorded and is not kept yet, in parts.
    recordings: Arc<Semaphore>,
}

/// How far an exchange is; it only goes forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// It takes on calls.
    Working,
    /// It takes on no more; what is under way may come to its end.
    Draining,
    /// What is under way is ended.
    Ending,
}

impl Exchange {
    /// Starts it, within the runtime that it is called in.
    pub fn start(parts: Parts, settings: ExchangeSettings) -> Self {
        let (phase, _) = watch::channel(Phase::Working);
        let (counters, room) = (Counters::default(), notes::ALL_PARTS_WAITING_MAX);
        let recordings = Arc::new(Semaphore::new(room));
        let shared = Arc::new(Shared { parts, settings, phase, counters, recordings });
        let mut scheduler = JoinSet::new();
        scheduler.spawn(Scheduler::new(Arc::clone(&shared)).run());
        Self { shared, scheduler }
    }

    /// Figures since it started.
    pub fn figures(&self) -> ExchangeFigures {
        self.gauge().read()
    }

    /// What tells its figures to whoever does not own it.
    pub fn gauge(&self) -> Gauge {
        Gauge(Arc::clone(&self.shared))
    }

    /// Stops it: nothing more is begun, what has not started is given back, and what is under way
    /// may come to its end, for as long as the settings say; then it is ended, and says so in its
    /// report. When this is done, so is everything that the exchange had taken on.
    pub async fn stop(mut self) {
        self.shared.advance(Phase::Draining);
        while let Some(ended) = self.scheduler.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "The exchange's scheduler did not come to its end.");
            }
        }
    }
}

impl Gauge {
    /// Figures since the exchange started.
    pub fn read(&self) -> ExchangeFigures {
        self.0.counters.read()
    }
}

impl Shared {
    fn advance(&self, to: Phase) {
        self.phase.send_if_modified(|phase| {
            let is_later = *phase < to;
            *phase = to.max(*phase);
            is_later
        });
    }
}

/// Waits until what is watched is as wanted; for ever if nobody can change it any more. Cancel-safe.
async fn hear<T>(watched: &mut watch::Receiver<T>, is_wanted: impl FnMut(&T) -> bool) {
    if watched.wait_for(is_wanted).await.is_err() {
        std::future::pending::<()>().await;
    }
}
