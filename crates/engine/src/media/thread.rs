//! A media thread: waits for datagrams, ticks and orders, and hands each to the call it is for.
//!
//! Level-triggered, one datagram a readiness: whoever is flooded waits in line with everybody else.

use std::collections::HashMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;

use model::cdr::Leg;
use rustix::buffer::spare_capacity;
use rustix::event::{EventfdFlags, epoll, eventfd};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::{Errno, read, write};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use voip::FRAME;
use voip::rtp::HEADER;

use super::Shared;
use super::call::Order;
use super::clock::{MediaClock, Samples};
use super::counters::Counts;
use super::leg::{PACKET_MAX, Turn};
use super::patch::Patch;

/// Orders that may wait. They are taken many times a tick; whoever finds it full waits for that.
const ORDERS_MAX: usize = 4_096;
/// What is handled before the system is asked again.
const EVENTS: usize = 256;
/// Ticks that are made up for by speaking faster for a moment. What is later than that is a pause.
const MADE_UP_MAX: u64 = 3;
/// Ticks that are made up for by whoever listens, so that a recording keeps its length: 5 s.
const LISTENED_MAX: u64 = 250;
/// A datagram that fills it was longer.
const DATAGRAM: usize = 2_048;

const TICK: u64 = u64::MAX;
const ORDERS: u64 = u64::MAX - 1;
const RTCP: u64 = 1;

/// A thread, as the plane holds it. Dropping it ends it and waits for that.
pub(super) struct Thread {
    orders: Orders,
    handle: Option<JoinHandle<()>>,
}

/// The way to a thread.
#[derive(Clone, Debug)]
pub(super) struct Orders {
    sender: SyncSender<Message>,
    wake: Arc<OwnedFd>,
}

#[derive(Debug)]
enum Message {
    Call(u64, Order),
    Stop,
}

impl Orders {
    /// Tells a call's thread what to do. Nothing comes of it if the plane has ended.
    pub(super) fn send(&self, call: u64, order: Order) {
        self.tell(Message::Call(call, order));
    }

    fn tell(&self, message: Message) {
        // Both errors mean that there is nobody any more, or that it is awake anyway.
        if self.sender.send(message).is_ok() {
            let _ = write(&*self.wake, &1_u64.to_ne_bytes());
        }
    }
}

impl Thread {
    pub(super) fn start(number: usize, shared: Arc<Shared>) -> io::Result<Self> {
        let (sender, orders) = sync_channel(ORDERS_MAX);
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let wake = Arc::new(wake);
        let desk = Desk::new(shared, orders, Arc::clone(&wake))?;
        let named = std::thread::Builder::new().name(format!("media-{number}"));
        let handle = named.spawn(move || desk.run())?;
        Ok(Self { orders: Orders { sender, wake }, handle: Some(handle) })
    }

    pub(super) fn orders(&self) -> Orders {
        self.orders.clone()
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.orders.tell(Message::Stop);
        if let Some(handle) = self.handle.take() {
            // It has said why on its way out.
            let _ = handle.join();
        }
    }
}

/// What a thread works with.
struct Desk {
    shared: Arc<Shared>,
    orders: Receiver<Message>,
    wake: Arc<OwnedFd>,
    epoll: OwnedFd,
    timer: OwnedFd,
    clock: MediaClock,
    ticks: u64,
    patches: HashMap<u64, Patch>,
    counts: Counts,
    datagram: Box<[u8; DATAGRAM]>,
    room: Box<[u8; HEADER + PACKET_MAX]>,
}

impl Desk {
    fn new(shared: Arc<Shared>, orders: Receiver<Message>, wake: Arc<OwnedFd>) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        let clock = MediaClock::start();
        let frame = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
        let every_frame = Itimerspec { it_interval: frame, it_value: frame };
        timerfd_settime(&timer, TimerfdTimerFlags::empty(), &every_frame)?;
        watch(&epoll, &timer, TICK)?;
        watch(&epoll, &*wake, ORDERS)?;
        Ok(Self {
            shared,
            orders,
            wake,
            epoll,
            timer,
            clock,
            ticks: 0,
            patches: HashMap::new(),
            counts: Counts::default(),
            datagram: Box::new([0; DATAGRAM]),
            room: Box::new([0; HEADER + PACKET_MAX]),
        })
    }

    fn run(mut self) {
        let mut events = Vec::with_capacity(EVENTS);
        loop {
            match epoll::wait(&self.epoll, spare_capacity(&mut events), None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return tracing::error!(%error, "a media thread cannot wait"),
            }
            let mut ordered = false;
            for event in events.drain(..) {
                match event.data.u64() {
                    TICK => self.tick(),
                    ORDERS => ordered = true,
                    token => self.receive(token),
                }
            }
            // After the datagrams: what has been closed is not in the next batch.
            if ordered && !self.take_orders() {
                return;
            }
        }
    }

    /// One datagram of a leg.
    fn receive(&mut self, token: u64) {
        let which = if token & 2 == 0 { Leg::A } else { Leg::B };
        let now = self.clock.now();
        let Some(patch) = self.patches.get_mut(&(token >> 2)) else { return };
        let mut turn = Turn { now, counts: &mut self.counts, room: &mut self.room };
        let room = &mut self.datagram[..];
        let sound = contained(|| match token & RTCP {
            0 => patch.receive(which, room, &mut turn),
            _ => patch.receive_report(which, room, &mut turn),
        });
        if !sound {
            self.give_up(token >> 2);
        }
    }

    /// As many ticks as have passed.
    fn tick(&mut self) {
        let mut expired = [0; 8];
        if read(&self.timer, &mut expired) != Ok(8) {
            return;
        }
        let passed = u64::from_ne_bytes(expired);
        self.counts.late_ticks += passed.saturating_sub(1);
        for left in (0..passed).rev() {
            self.ticks += 1;
            if left < LISTENED_MAX {
                self.tick_all(left < MADE_UP_MAX);
            }
        }
        self.shared.counters.add(&mut self.counts);
    }

    fn tick_all(&mut self, speaks: bool) {
        let now = self.ticks * FRAME as Samples;
        let settings = &self.shared.settings;
        let mut turn = Turn { now, counts: &mut self.counts, room: &mut self.room };
        self.patches.retain(|_, patch| {
            let sound = contained(|| patch.tick(speaks, settings, &mut turn));
            turn.counts.broken += u64::from(!sound);
            sound
        });
    }

    /// Does what has been ordered; whether to go on.
    fn take_orders(&mut self) -> bool {
        let _ = read(&*self.wake, &mut [0; 8]);
        for _ in 0..ORDERS_MAX {
            match self.orders.try_recv() {
                Ok(Message::Call(call, order)) => self.order(call, order),
                Ok(Message::Stop) | Err(TryRecvError::Disconnected) => {
                    self.close_all();
                    return false;
                }
                Err(TryRecvError::Empty) => return true,
            }
        }
        // There may be more, and the sockets want their turn.
        let _ = write(&*self.wake, &1_u64.to_ne_bytes());
        true
    }

    fn order(&mut self, call: u64, order: Order) {
        let now = self.clock.now();
        if let Order::Begin(outlet) = order {
            self.patches.insert(call, Patch::new(outlet));
            return;
        }
        let mut turn = Turn { now, counts: &mut self.counts, room: &mut self.room };
        if let Order::Close = order {
            let patch = self.patches.remove(&call);
            contained(|| patch.into_iter().for_each(|patch| patch.close(&mut turn)));
            return;
        }
        let Some(patch) = self.patches.get_mut(&call) else { return };
        let settings = &self.shared.settings;
        let epoll = &self.epoll;
        let sound = contained(|| match order {
            Order::Open(leg, sockets, leg_settings) => {
                let token = call << 2 | (leg as u64) << 1;
                let watched = watch(epoll, &sockets.rtp, token)
                    .and_then(|()| watch(epoll, &sockets.rtcp, token | RTCP));
                if let Err(error) = watched {
                    // It stays deaf, and is told as silent.
                    tracing::error!(%error, "the sockets of a leg cannot be watched");
                }
                patch.open(leg, sockets, leg_settings, &mut turn);
            }
            order => patch.order(order, settings, &mut turn),
        });
        if !sound {
            self.give_up(call);
        }
    }

    /// A defect of ours in one call is not to end the others.
    fn give_up(&mut self, call: u64) {
        self.patches.remove(&call);
        self.counts.broken += 1;
    }

    fn close_all(&mut self) {
        let now = self.clock.now();
        let mut turn = Turn { now, counts: &mut self.counts, room: &mut self.room };
        for (_, patch) in self.patches.drain() {
            contained(|| patch.close(&mut turn));
        }
        self.shared.counters.add(&mut self.counts);
    }
}

/// Does it; whether without a panic. What panicked is thrown away, so nothing of it is seen again.
fn contained(work: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(work)).is_ok()
}

fn watch(epoll: &OwnedFd, what: impl AsFd, token: u64) -> io::Result<()> {
    epoll::add(epoll, what, epoll::EventData::new_u64(token), epoll::EventFlags::IN)?;
    Ok(())
}
