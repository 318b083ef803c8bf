//! One connection, and the fate of the answers given on it.
//!
//! An answer that hands out reports is watched from the commit of its take until it is known
//! whether the client has it:
//!
//! ```text
//! writing ──all of it given to the HTTP library──> written ──flush──> handed to the kernel
//!    │                                                │                      │
//!    │ dropped, connection lost                       │ lost                 │ all acknowledged
//!    v                                                v                      v
//! returned <──────────── reset, or unacknowledged for too long ───── acknowledged ──> settled
//! ```
//!
//! Acknowledged becomes settled by the next request on the connection, by an orderly end of the
//! stream, or after a quiet while. An orderly client sees none of this.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use store::{Fate, Ledger, ReturnReason, TakeId};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::metrics::Metrics;
use crate::settings::{ResetMeans, Settings};
use crate::socket::{self, Peer};

/// First and longest pause between two looks at the unacknowledged bytes.
const LOOK_FIRST: Duration = Duration::from_millis(1);
const LOOK_LONGEST: Duration = Duration::from_millis(100);

/// How the fate of an answer is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) ack_timeout: Duration,
    pub(crate) settle_after: Duration,
    pub(crate) reset_means: ResetMeans,
}

impl Patience {
    pub(crate) const fn of(settings: &Settings) -> Self {
        let Settings { ack_timeout, settle_after, reset_means, .. } = *settings;
        Self { ack_timeout, settle_after, reset_means }
    }
}

/// One connection.
pub(crate) struct Connection {
    socket: OwnedFd,
    pub(crate) peer: SocketAddr,
    patience: Patience,
    ledger: Arc<dyn Ledger>,
    metrics: Arc<Metrics>,
    answers: Mutex<Answers>,
    /// Whether there are answers: spares the lock on a connection that takes nothing.
    watching: AtomicBool,
    /// Bytes handed to the kernel since the connection began.
    bytes: AtomicU64,
    changed: Notify,
}

#[derive(Default)]
struct Answers {
    open: Vec<Answer>,
    given: u64,
    /// Bytes acknowledged since the connection began, when last looked.
    acknowledged: u64,
    /// The HTTP library has dropped the connection; the socket is watched from here.
    let_go: bool,
}

#[derive(Debug)]
struct Answer {
    /// Tells it from another answer with the same take, under the same key.
    serial: u64,
    take: TakeId,
    stage: Stage,
    /// On HTTP/2 another request says nothing of this answer.
    multiplexed: bool,
    /// Bytes handed to the kernel before this answer.
    bytes_before: u64,
    /// When the connection last got on with it.
    progress_at: Instant,
}

#[derive(Debug)]
enum Stage {
    Writing,
    Written,
    Handed { looks: u32 },
    Acknowledged { at: Instant },
}

impl Connection {
    pub(crate) fn new(
        socket: OwnedFd,
        peer: SocketAddr,
        patience: Patience,
        ledger: Arc<dyn Ledger>,
        metrics: Arc<Metrics>,
    ) -> Arc<Self> {
        Arc::new(Self {
            socket,
            peer,
            patience,
            ledger,
            metrics,
            answers: Mutex::default(),
            watching: AtomicBool::new(false),
            bytes: AtomicU64::new(0),
            changed: Notify::new(),
        })
    }

    /// Whether the client has ended or reset its stream, so that nothing should be taken for it.
    pub(crate) fn client_has_gone(&self) -> bool {
        socket::peer(&self.socket) != Peer::Here
    }

    /// Watches the answer that will carry the take.
    pub(crate) fn answer(self: &Arc<Self>, take: TakeId, multiplexed: bool) -> InFlight {
        let mut answers = self.lock();
        answers.given += 1;
        let serial = answers.given;
        answers.open.push(Answer {
            serial,
            take,
            stage: Stage::Writing,
            multiplexed,
            bytes_before: self.bytes.load(Ordering::Relaxed),
            progress_at: Instant::now(),
        });
        self.watching.store(true, Ordering::Release);
        self.changed.notify_one();
        self.metrics.takes_in_flight.inc();
        InFlight { connection: Arc::clone(self), serial, whole: false }
    }

    /// Whether some answer's fate is open.
    pub(crate) fn is_watching(&self) -> bool {
        self.watching.load(Ordering::Acquire)
    }

    pub(crate) fn written(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// All that was given to the HTTP library is with the kernel.
    pub(crate) fn flushed(&self) {
        if !self.is_watching() {
            return;
        }
        let mut handed = false;
        for answer in &mut self.lock().open {
            if matches!(answer.stage, Stage::Written) {
                answer.stage = Stage::Handed { looks: 0 };
                answer.progress_at = Instant::now();
                handed = true;
            }
        }
        if handed {
            self.changed.notify_one();
        }
    }

    /// The client sent something: on HTTP/1.1, its next request.
    pub(crate) fn data_seen(&self) {
        if self.is_watching() && self.all_acknowledged() {
            self.end_answers(|answer| {
                (answer.is_handed() && !answer.multiplexed).then_some(Fate::Settled)
            });
        }
    }

    /// The client ended its stream in order.
    pub(crate) fn end_seen(&self) {
        if self.is_watching() && self.all_acknowledged() {
            self.end_answers(|answer| answer.is_handed().then_some(Fate::Settled));
        }
    }

    /// The connection was reset. What the client had not read then, it never will.
    pub(crate) fn reset_seen(&self) {
        if self.is_watching() {
            self.end_answers(|answer| match (self.patience.reset_means, &answer.stage) {
                (ResetMeans::Read, Stage::Acknowledged { .. }) => Some(Fate::Settled),
                _ => Some(Fate::Returned(ReturnReason::Reset)),
            });
        }
    }

    /// The HTTP library has dropped the connection.
    pub(crate) fn let_go(&self) {
        self.lock().let_go = true;
        if self.is_watching() {
            self.end_answers(|answer| {
                (!answer.is_handed()).then_some(Fate::Returned(ReturnReason::NotWritten))
            });
        }
        self.changed.notify_one();
    }

    /// Watches the open answers for as long as the connection lives. Ends once the HTTP library
    /// has let go of the connection and no answer's fate is open.
    ///
    /// Not cancel-safe in meaning: an answer nobody watches stays in flight until the restart.
    pub(crate) async fn watch(&self) {
        loop {
            let changed = self.changed.notified();
            let (next_look, let_go) = self.look();
            match next_look {
                None if let_go => return,
                None => changed.await,
                Some(at) if let_go => {
                    // Nobody else reads any more, so the end of the stream is awaited here.
                    tokio::select! {
                        () = tokio::time::sleep_until(at) => {}
                        () = self.stream_ended() => {}
                    }
                }
                Some(at) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(at) => {}
                        () = changed => {}
                    }
                }
            }
        }
    }

    /// Looks at every open answer once; when to look again, and whether the HTTP library let go.
    fn look(&self) -> (Option<Instant>, bool) {
        if !self.is_watching() {
            return (None, self.lock().let_go);
        }
        let now = Instant::now();
        match socket::peer(&self.socket) {
            Peer::Reset => self.reset_seen(),
            Peer::Ended => self.end_seen(),
            Peer::Here => {}
        }
        self.note_progress(now);
        let patience = self.patience;
        let overdue = |at: Instant, span: Duration| now.duration_since(at) >= span;
        let aborted = self.end_answers(|answer| match answer.stage {
            Stage::Acknowledged { at } => {
                overdue(at, patience.settle_after).then_some(Fate::Settled)
            }
            Stage::Writing | Stage::Written | Stage::Handed { .. } => {
                overdue(answer.progress_at, patience.ack_timeout)
                    .then_some(Fate::Returned(ReturnReason::NotAcknowledged))
            }
        });
        if aborted {
            socket::abort(&self.socket);
        }
        let mut answers = self.lock();
        let next = answers.open.iter_mut().map(|a| a.next_look(now, patience)).min();
        (next, answers.let_go)
    }

    /// Notes what the client's kernel has acknowledged since the last look.
    fn note_progress(&self, now: Instant) {
        let Ok(unacknowledged) = socket::unacknowledged(&self.socket) else { return };
        let bytes_now = self.bytes.load(Ordering::Relaxed);
        let acknowledged = bytes_now.saturating_sub(unacknowledged);
        let mut answers = self.lock();
        let is_progress = acknowledged > answers.acknowledged;
        answers.acknowledged = acknowledged;
        for answer in &mut answers.open {
            if is_progress {
                answer.progress_at = now;
            }
            if unacknowledged == 0 && matches!(answer.stage, Stage::Handed { .. }) {
                answer.stage = Stage::Acknowledged { at: now };
                let bytes = bytes_now - answer.bytes_before;
                self.ledger.resolve(answer.take, Fate::Acknowledged { bytes });
            }
        }
    }

    fn all_acknowledged(&self) -> bool {
        socket::unacknowledged(&self.socket).is_ok_and(|bytes| bytes == 0)
    }

    /// The socket as a stream of its own.
    fn reopened(&self) -> std::io::Result<TcpStream> {
        TcpStream::from_std(std::net::TcpStream::from(self.socket.try_clone()?))
    }

    /// Waits until the client ends or resets its stream; what it sends meanwhile is dropped.
    async fn stream_ended(&self) {
        let Ok(mut stream) = self.reopened() else { return tokio::time::sleep(LOOK_LONGEST).await };
        let mut sink = [0; 4096];
        loop {
            match stream.read(&mut sink).await {
                Ok(0) if self.all_acknowledged() => return self.end_seen(),
                Ok(0) => return tokio::time::sleep(LOOK_FIRST).await,
                Ok(_) => {}
                Err(_) => return self.reset_seen(),
            }
        }
    }

    /// Ends the answers that `fate` has a final fate for; whether one went unacknowledged.
    fn end_answers(&self, fate: impl Fn(&Answer) -> Option<Fate>) -> bool {
        let mut unacknowledged = false;
        let mut answers = self.lock();
        answers.open.retain(|answer| {
            let Some(fate) = fate(answer) else { return true };
            unacknowledged |= fate == Fate::Returned(ReturnReason::NotAcknowledged);
            self.resolve(answer, fate);
            false
        });
        self.watching.store(!answers.open.is_empty(), Ordering::Release);
        unacknowledged
    }

    fn resolve(&self, answer: &Answer, fate: Fate) {
        if fate == Fate::Settled && !matches!(answer.stage, Stage::Acknowledged { .. }) {
            let bytes = self.bytes.load(Ordering::Relaxed) - answer.bytes_before;
            self.ledger.resolve(answer.take, Fate::Acknowledged { bytes });
        }
        self.ledger.resolve(answer.take, fate);
        self.metrics.take_ended(fate);
    }

    fn lock(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answer {
    fn is_handed(&self) -> bool {
        matches!(self.stage, Stage::Handed { .. } | Stage::Acknowledged { .. })
    }

    fn next_look(&mut self, now: Instant, patience: Patience) -> Instant {
        let pause = match &mut self.stage {
            Stage::Acknowledged { at } => return *at + patience.settle_after,
            Stage::Writing | Stage::Written => LOOK_LONGEST,
            Stage::Handed { looks } => {
                *looks += 1;
                LOOK_FIRST.saturating_mul(1 << (*looks - 1).min(16)).min(LOOK_LONGEST)
            }
        };
        (now + pause).min(self.progress_at + patience.ack_timeout)
    }
}

/// The answer of a take, on its way to the kernel. Dropped before it is whole, its reports return.
pub(crate) struct InFlight {
    connection: Arc<Connection>,
    serial: u64,
    whole: bool,
}

impl InFlight {
    /// The HTTP library has been given all of the answer.
    pub(crate) fn given_whole(&mut self) {
        self.whole = true;
        for answer in &mut self.connection.lock().open {
            if answer.serial == self.serial && matches!(answer.stage, Stage::Writing) {
                answer.stage = Stage::Written;
            }
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if !self.whole {
            self.connection.end_answers(|answer| {
                (answer.serial == self.serial && matches!(answer.stage, Stage::Writing))
                    .then_some(Fate::Returned(ReturnReason::NotWritten))
            });
        }
    }
}
