//! What a line holds of its call's media: it gives orders and hears events. The work is done on a
//! thread of the plane.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use model::cdr::{Detection, Leg, Quality};
use tokio::sync::mpsc;
use voip::sdp::Agreed;

use super::latch::Latching;
use super::ports::Sockets;
use super::thread::Orders;
use super::{Shared, patch};
use crate::carrier::Audio;

/// Events that a line may be behind. It takes them as soon as it is woken; a line that does not is
/// minutes behind by then, and loses keys before it loses anything else.
const EVENTS_MAX: usize = 64;

/// What happens in the media of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A leg pressed a key: 0-9, `*`, `#`, A-D.
    Key(Leg, char),
    /// What was played has been, to the end.
    PromptFinished,
    /// Who answered.
    Detected(Detection),
    /// Neither leg has sent anything for long.
    Silence,
    /// What was recorded since the last time: µ-law samples of A and B in turn.
    Recorded(Vec<u8>),
}

/// What is to be known of a leg before it is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LegSettings {
    /// Whose packets are taken for the leg's.
    pub latching: Latching,
    /// Listen for keys in the sound itself, for trunks that send no events.
    pub in_band: bool,
}

/// The far end of a leg, as SDP has settled it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Where it receives RTP.
    pub rtp: SocketAddr,
    /// Where it receives RTCP.
    pub rtcp: SocketAddr,
    /// What is sent each way.
    pub agreed: Agreed,
}

/// What a thread is told about a call.
#[derive(Debug)]
pub(super) enum Order {
    Begin(patch::Outlet),
    Open(Leg, Sockets, LegSettings),
    Connect(Leg, Peer),
    Play(Audio),
    StopPlaying,
    Ringback,
    EarlyMedia,
    Bridge,
    Beep,
    Detect,
    Record,
    SendKey(Leg, char),
    CloseLeg(Leg),
    Close,
}

/// The media of one call.
///
/// Orders never wait for the network, and those that make no sense (any more) do nothing. A leg is
/// sent silence from when it is connected, so that its NAT opens and its timer rests, until it is
/// given something to hear. Dropping it is `close`.
pub struct CallMedia {
    id: u64,
    orders: Orders,
    shared: Arc<Shared>,
    events: mpsc::Receiver<Event>,
    quality: Arc<Mutex<Qualities>>,
}

/// What is known of both legs, from the plane's thread.
pub(super) type Qualities = [Option<Quality>; 2];

impl CallMedia {
    pub(super) fn new(id: u64, orders: Orders, shared: Arc<Shared>) -> Self {
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        let quality = Arc::new(Mutex::new(Qualities::default()));
        let outlet = patch::Outlet::new(sender, Arc::clone(&quality));
        let call = Self { id, orders, shared, events, quality };
        call.order(Order::Begin(outlet));
        call
    }

    /// Opens ports for a leg and says where it is to send its RTP; its RTCP goes one port above.
    /// A leg that has been opened already is closed and begins anew, as for the next trunk.
    ///
    /// An error of kind `AddrInUse` if no port is free.
    pub fn open(&mut self, leg: Leg, settings: LegSettings) -> io::Result<SocketAddr> {
        let sockets = self.shared.ports.open(self.shared.settings.bind)?;
        let ip = self.shared.settings.advertised.unwrap_or(self.shared.settings.bind);
        let address = SocketAddr::new(ip, sockets.port());
        self.order(Order::Open(leg, sockets, settings));
        Ok(address)
    }

    /// Settles a leg's far end, or settles it anew: hold, resume, or another address.
    pub fn connect(&mut self, leg: Leg, peer: Peer) {
        self.order(Order::Connect(leg, peer));
    }

    /// Plays to A, from the start, instead of whatever it hears.
    pub fn play(&mut self, audio: Audio) {
        self.order(Order::Play(audio));
    }

    /// Plays no more; that it is finished is not told then, unless that crossed this.
    pub fn stop_playing(&mut self) {
        self.order(Order::StopPlaying);
    }

    /// Lets A hear that B rings.
    pub fn ringback(&mut self) {
        self.order(Order::Ringback);
    }

    /// Lets A hear B, and B nothing.
    pub fn early_media(&mut self) {
        self.order(Order::EarlyMedia);
    }

    /// Lets each hear the other.
    pub fn bridge(&mut self) {
        self.order(Order::Bridge);
    }

    /// Lets both hear a beep, over whatever they hear.
    pub fn beep(&mut self) {
        self.order(Order::Beep);
    }

    /// Listens to A for who answered.
    pub fn detect(&mut self) {
        self.order(Order::Detect);
    }

    /// Records what both say from now on.
    pub fn record(&mut self) {
        self.order(Order::Record);
    }

    /// Sends a key to a leg: as an event if it takes events, as a tone otherwise.
    pub fn send_key(&mut self, leg: Leg, key: char) {
        self.order(Order::SendKey(leg, key));
    }

    /// Closes a leg: its ports are free again, and its quality is final.
    pub fn close_leg(&mut self, leg: Leg) {
        self.order(Order::CloseLeg(leg));
    }

    /// Closes both legs and hands out the rest of the recording. The events that are under way
    /// still come, and then none.
    pub fn close(&mut self) {
        self.order(Order::Close);
    }

    /// What has happened, oldest first; none once it is closed, everything is told and the
    /// qualities are final.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.events.poll_recv(cx)
    }

    /// How the media of a leg has come through by now (a few seconds old), or did if it is closed;
    /// none if it was never connected.
    pub fn quality(&self, leg: Leg) -> Option<Quality> {
        self.quality.lock().unwrap_or_else(PoisonError::into_inner)[leg as usize]
    }

    fn order(&self, order: Order) {
        self.orders.send(self.id, order);
    }
}

impl Drop for CallMedia {
    fn drop(&mut self) {
        self.close();
    }
}
