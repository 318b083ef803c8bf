//! What the metrics page tells (Prometheus text format).

mod carried;

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use store::{Fate, ReturnReason};

use crate::telephony::CallFigures;
use crate::wire::outcome;

/// Upper bounds in seconds.
const DURATION_BUCKETS: [f64; 11] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 60.0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct RequestLabels {
    pub(crate) route: &'static str,
    pub(crate) method: &'static str,
    pub(crate) code: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct RouteLabels {
    pub(crate) route: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct ReasonLabels {
    pub(crate) reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct ResultLabels {
    pub(crate) result: &'static str,
}

/// Every metric that the edge counts itself; what the ledger knows is asked for when scraped.
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) requests: Family<RequestLabels, Counter>,
    pub(crate) request_seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
    pub(crate) auth_failures: Family<ReasonLabels, Counter>,
    pub(crate) connections: Gauge,
    pub(crate) connections_refused: Counter,
    pub(crate) reports_fed: Family<ResultLabels, Counter>,
    pub(crate) messages_submitted: Family<ResultLabels, Counter>,
    pub(crate) submits_replayed: Counter,
    pub(crate) reports_taken: Counter,
    pub(crate) takes: Counter,
    pub(crate) takes_replayed: Counter,
    pub(crate) takes_in_flight: Gauge,
    pub(crate) takes_settled: Counter,
    pub(crate) takes_returned: Family<ReasonLabels, Counter>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(DURATION_BUCKETS);
        let mut metrics = Self {
            registry: Registry::with_prefix("callslip"),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(histogram),
            auth_failures: Family::default(),
            connections: Gauge::default(),
            connections_refused: Counter::default(),
            reports_fed: Family::default(),
            messages_submitted: Family::default(),
            submits_replayed: Counter::default(),
            reports_taken: Counter::default(),
            takes: Counter::default(),
            takes_replayed: Counter::default(),
            takes_in_flight: Gauge::default(),
            takes_settled: Counter::default(),
            takes_returned: Family::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let r = &mut self.registry;
        r.register(
            "build",
            "The release that runs",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        r.register("http_requests", "Requests answered", self.requests.clone());
        r.register_with_unit(
            "http_request_duration",
            "From the request's headers to the answer's",
            Unit::Seconds,
            self.request_seconds.clone(),
        );
        r.register(
            "auth_failures",
            "Requests refused for who sent them",
            self.auth_failures.clone(),
        );
        r.register("http_connections", "Connections open", self.connections.clone());
        r.register(
            "http_connections_refused",
            "Connections closed at once because of the limit",
            self.connections_refused.clone(),
        );
        r.register("reports_fed", "Reports that were fed", self.reports_fed.clone());
        r.register(
            "messages_submitted",
            "Messages of submit requests",
            self.messages_submitted.clone(),
        );
        r.register(
            "submits_replayed",
            "Submit requests answered again by key",
            self.submits_replayed.clone(),
        );
        r.register("reports_taken", "Reports in takes", self.reports_taken.clone());
        r.register("takes", "Takes that gave reports", self.takes.clone());
        r.register("takes_replayed", "Takes given again by key", self.takes_replayed.clone());
        r.register("takes_in_flight", "Answers whose fate is open", self.takes_in_flight.clone());
        r.register("takes_settled", "Answers that the client has", self.takes_settled.clone());
        r.register(
            "takes_returned",
            "Answers that the client has not",
            self.takes_returned.clone(),
        );
    }

    pub(crate) fn take_ended(&self, fate: Fate) {
        self.takes_in_flight.dec();
        match fate {
            Fate::Acknowledged { .. } => {}
            Fate::Settled => drop(self.takes_settled.inc()),
            Fate::Returned(reason) => {
                let reason = reason_name(reason);
                self.takes_returned.get_or_create(&ReasonLabels { reason }).inc();
            }
        }
    }

    /// The metrics page: what is counted here, then what the ledger knows now.
    pub(crate) fn page(&self, ledger: &Ledgered) -> String {
        let mut page = String::with_capacity(16 << 10);
        let mut registry = Registry::with_prefix("callslip");
        ledger.register(&mut registry);
        // Writing into a String cannot fail.
        let _ = encode(&mut page, &self.registry);
        page.truncate(page.trim_end_matches("# EOF\n").len());
        let _ = encode(&mut page, &registry);
        page
    }
}

/// What the ledger knew when the page was asked for.
pub(crate) struct Ledgered {
    pub(crate) figures: store::Figures,
    /// Names of the accounts in `figures`, in the same order.
    pub(crate) accounts: Vec<String>,
    /// The same for its calls.
    pub(crate) callers: Vec<String>,
    /// What telephony tells.
    pub(crate) calls: CallFigures,
    /// Age of the oldest pending report of any account.
    pub(crate) oldest_seconds: f64,
    pub(crate) ready: bool,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct AccountLabels {
    account: String,
}

impl Ledgered {
    fn register(&self, r: &mut Registry) {
        let waiting = Family::<AccountLabels, Gauge>::default();
        for (account, (_, figures)) in self.accounts.iter().zip(&self.figures.waiting) {
            let labels = AccountLabels { account: account.clone() };
            waiting.get_or_create(&labels).set(i64::try_from(figures.pending).unwrap_or(i64::MAX));
        }
        let (due, under_way) = <(Family<AccountLabels, Gauge>, Family<_, Gauge>)>::default();
        for (account, calls) in self.callers.iter().zip(&self.figures.calls) {
            let labels = AccountLabels { account: account.clone() };
            due.get_or_create(&labels).set(i64::try_from(calls.due).unwrap_or(i64::MAX));
            let calls = i64::try_from(calls.under_way).unwrap_or(i64::MAX);
            under_way.get_or_create(&labels).set(calls);
        }
        let oldest = Gauge::<f64, AtomicU64>::default();
        oldest.set(self.oldest_seconds);
        let ready = Gauge::<i64>::default();
        ready.set(i64::from(self.ready));
        let commits = Counter::<u64>::default();
        commits.inc_by(self.figures.commits);
        let commands = Counter::<u64>::default();
        commands.inc_by(self.figures.commands);
        let disk = Gauge::<i64>::default();
        disk.set(i64::try_from(self.figures.disk_bytes).unwrap_or(i64::MAX));
        r.register("reports_waiting", "Reports not yet returned, of the longest queues", waiting);
        r.register("calls_due", "Calls that could be placed now, of the longest queues", due);
        r.register("calls_under_way", "Calls being made, of the same accounts", under_way);
        self.register_calls(r);
        r.register_with_unit(
            "reports_oldest_waiting",
            "Age of the oldest report not yet returned",
            Unit::Seconds,
            oldest,
        );
        r.register("ledger_writable", "1 while the ledger can be written to", ready);
        r.register("ledger_commits", "Commits, one fsync each", commits);
        r.register("ledger_commands", "Commands that the commits held", commands);
        r.register_with_unit("ledger_disk", "Bytes on disk", Unit::Bytes, disk);
    }
}

impl Ledgered {
    fn register_calls(&self, r: &mut Registry) {
        let CallFigures { voices, started, retried, put_off, finished, sip } = &self.calls;
        let by_outcome = Family::<OutcomeLabels, Counter>::default();
        for (of, count) in finished {
            let labels = OutcomeLabels { outcome: outcome::outcome(*of) };
            by_outcome.get_or_create(&labels).inc_by(*count);
        }
        let tags = Gauge::<i64>::default();
        tags.set(i64::try_from(*voices).unwrap_or(i64::MAX));
        r.register("calls_started", "Attempts started", counted(started));
        r.register("calls_retried", "Attempts followed by another", counted(retried));
        r.register("calls_put_off", "Calls given back to be placed later", counted(put_off));
        r.register("calls_finished", "Calls that got their report", by_outcome);
        r.register("speech_languages", "Language tags that there is a voice for", tags);
        if let Some(sip) = sip {
            carried::register(sip, r);
        }
    }
}

/// A counter that stands there.
fn counted(count: &u64) -> Counter {
    let counter = Counter::default();
    counter.inc_by(*count);
    counter
}

fn reason_name(reason: ReturnReason) -> &'static str {
    match reason {
        ReturnReason::NotWritten => "not_written",
        ReturnReason::Reset => "reset",
        ReturnReason::NotAcknowledged => "not_acknowledged",
        ReturnReason::Crash => "crash",
        ReturnReason::WindowEnded => "window_ended",
    }
}
