//! The media plane: the RTP of all calls, on a few threads that do nothing else.
//!
//! ```text
//! line ── CallMedia ── orders, an eventfd ──> thread: epoll over its sockets, a tick every 20 ms
//!              ^────── events, a channel ────── Patch: two legs, and what each of them hears
//! ```
//! A call's media stays on one thread for its whole life, so that nothing of it is locked. What is
//! relayed goes out as it comes in, one receive and one send a packet; what we make ourselves goes
//! out by the tick. Computing is `voip`'s. It does not know what a call is for, what SIP is, or who
//! pays for it.

mod call;
mod clock;
mod counters;
mod ear;
mod keys;
mod latch;
mod leg;
mod patch;
mod ports;
mod recorder;
mod reports;
mod thread;
mod voice;

use std::io;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use call::{CallMedia, Event, LegSettings, Peer};
pub use counters::Counts;
pub use latch::Latching;
pub use voip::{amd, tone};

use counters::Counters;
use ports::Ports;
use thread::Thread;

/// What the media plane is told at the start.
#[derive(Clone, Debug)]
pub struct MediaSettings {
    /// Where to receive.
    pub bind: IpAddr,
    /// What far ends are told instead, as behind a NAT that forwards the ports.
    pub advertised: Option<IpAddr>,
    /// Ports to receive on, two a leg: an even one and the next.
    pub ports: RangeInclusive<u16>,
    /// Threads. Two carry some thousand calls.
    pub threads: usize,
    /// Neither leg has sent anything for that long: `Event::Silence`.
    pub silence: Duration,
    /// Whose ringback.
    pub tones: tone::Plan,
    /// What tells a person from a machine.
    pub detection: amd::Settings,
}

impl MediaSettings {
    /// What is usual, on that address.
    pub fn on(bind: IpAddr) -> Self {
        Self {
            bind,
            advertised: None,
            ports: 10_000..=19_999,
            threads: std::thread::available_parallelism().map_or(1, |cores| cores.get().min(2)),
            silence: Duration::from_secs(30),
            tones: tone::Plan::default(),
            detection: amd::Settings::default(),
        }
    }
}

/// The media of all calls. Dropping it ends them all and waits for its threads.
pub struct Plane {
    shared: Arc<Shared>,
    threads: Vec<Thread>,
    calls: AtomicU64,
}

/// What calls and threads have in common.
struct Shared {
    settings: MediaSettings,
    ports: Ports,
    counters: Counters,
}

impl Plane {
    /// Starts the threads. An error if the settings make no sense or the system has nothing left.
    pub fn start(settings: MediaSettings) -> io::Result<Self> {
        let invalid = |what| Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        if settings.advertised.unwrap_or(settings.bind).is_unspecified() {
            return invalid("far ends must be told an address to send media to");
        }
        let ports = Ports::new(settings.ports.clone());
        if ports.is_empty() {
            return invalid("no even port with the next one in the range of media ports");
        }
        let count = settings.threads.max(1);
        let shared = Arc::new(Shared { settings, ports, counters: Counters::default() });
        let threads = (0..count).map(|number| Thread::start(number, Arc::clone(&shared)));
        let threads = threads.collect::<io::Result<_>>()?;
        Ok(Self { shared, threads, calls: AtomicU64::new(0) })
    }

    /// The media of a new call: no legs yet.
    pub fn call(&self) -> CallMedia {
        let id = self.calls.fetch_add(1, Ordering::Relaxed);
        #[expect(clippy::cast_possible_truncation, reason = "any of them will do")]
        let thread = &self.threads[id as usize % self.threads.len()];
        CallMedia::new(id, thread.orders(), Arc::clone(&self.shared))
    }

    /// What has happened by now, in all calls.
    pub fn counts(&self) -> Counts {
        self.shared.counters.counts(self.shared.ports.taken())
    }
}
