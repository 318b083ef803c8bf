//! A telephone of RTP, and the call that it is in.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use engine::carrier::Leg;
use engine::media::{CallMedia, Event, LegSettings, MediaSettings, Peer, Plane};
use voip::g711::Codec;
use voip::rtp::{Header, Packet};
use voip::sdp::{Agreed, Direction, agree};

/// The type of events that we offer.
pub(crate) const OUR_EVENTS: u8 = 101;
/// The first sequence number of a telephone: it wraps soon.
pub(crate) const FIRST: u16 = 65_530;
/// Long enough for a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// An address of this machine that no other test of this process has.
pub(crate) fn own_address() -> IpAddr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [low, high, ..] = std::process::id().to_le_bytes();
    // Never 127.0: that is everybody's.
    Ipv4Addr::new(127, high | 1, low, NEXT.fetch_add(1, Ordering::Relaxed)).into()
}

/// Settings of a plane on its own address.
pub(crate) fn settings() -> MediaSettings {
    MediaSettings { ports: 20_000..=20_999, ..MediaSettings::on(own_address()) }
}

/// A plane on its own address.
pub(crate) fn plane() -> Plane {
    Plane::start(settings()).unwrap()
}

/// What is agreed with a far end of that codec, which takes events of that type.
pub(crate) fn agreed(codec: Codec, event: Option<u8>, direction: Direction) -> Agreed {
    let (voice, name) = (codec.payload_type(), codec.name());
    let event = event.map(|event| (event, format!("a=rtpmap:{event} telephone-event/8000\r\n")));
    let (event, event_map) =
        event.map_or_else(Default::default, |(event, map)| (format!(" {event}"), map));
    let direction = match direction {
        Direction::SendReceive => "sendrecv",
        Direction::SendOnly => "sendonly",
        Direction::ReceiveOnly => "recvonly",
        Direction::Inactive => "inactive",
    };
    let answer = format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=audio 9 RTP/AVP {voice}{event}\r\na=rtpmap:{voice} {name}/8000\r\n{event_map}\
         a={direction}\r\n"
    );
    let answer = voip::sdp::read(answer.as_bytes()).unwrap();
    agree(&[Codec::Pcma, Codec::Pcmu], &answer).unwrap()
}

/// A packet that came.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) header: Header,
    pub(crate) payload: Vec<u8>,
}

/// A telephone.
pub(crate) struct Phone {
    pub(crate) rtp: UdpSocket,
    pub(crate) rtcp: UdpSocket,
    pub(crate) codec: Codec,
    pub(crate) event: Option<u8>,
    /// Of its next packet.
    pub(crate) next: Header,
    pub(crate) server: SocketAddr,
}

impl Phone {
    pub(crate) fn new(codec: Codec) -> Self {
        let open = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (rtp, rtcp) = (open(), open());
        let next = Header {
            marker: true,
            payload_type: codec.payload_type(),
            sequence: FIRST,
            timestamp: u32::MAX - 1_000,
            ssrc: fastrand::u32(..),
        };
        let server = rtp.local_addr().unwrap();
        Self { rtp, rtcp, codec, event: Some(96), next, server }
    }

    /// What is agreed with it.
    pub(crate) fn peer(&self, direction: Direction) -> Peer {
        let agreed = agreed(self.codec, self.event, direction);
        let address = |socket: &UdpSocket| socket.local_addr().unwrap();
        Peer { rtp: address(&self.rtp), rtcp: address(&self.rtcp), agreed }
    }

    /// Opens that leg, and is its far end.
    pub(crate) fn join(&mut self, call: &mut CallMedia, leg: Leg, settings: LegSettings) {
        self.server = call.open(leg, settings).unwrap();
        call.connect(leg, self.peer(Direction::SendReceive));
    }

    /// A packet as it would send it next.
    pub(crate) fn packet(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut packet = self.next.write().to_vec();
        packet.extend_from_slice(payload);
        self.next.marker = false;
        self.next.sequence = self.next.sequence.wrapping_add(1);
        self.next.timestamp = self.next.timestamp.wrapping_add(payload.len() as u32);
        packet
    }

    /// Says something of G.711.
    pub(crate) fn say(&mut self, codes: &[u8]) {
        let packet = self.packet(codes);
        self.rtp.send_to(&packet, self.server).unwrap();
    }

    /// Loses a packet of that many codes on the way.
    pub(crate) fn lose(&mut self, codes: usize) {
        self.packet(&vec![0; codes]);
    }

    /// The next packet, if one comes in time.
    pub(crate) fn hear(&self) -> Option<Heard> {
        self.hear_within(PATIENCE)
    }

    /// The next packet, if one comes within that time.
    pub(crate) fn hear_within(&self, time: Duration) -> Option<Heard> {
        self.rtp.set_read_timeout(Some(time)).unwrap();
        let mut room = [0; 2_048];
        let bytes = self.rtp.recv(&mut room).ok()?;
        let packet = Packet::parse(&room[..bytes]).expect("we send RTP");
        Some(Heard { header: packet.header, payload: packet.payload.to_vec() })
    }

    /// All that has come by now.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        std::iter::from_fn(|| self.hear_within(Duration::from_millis(1))).collect()
    }

    /// What comes within that time.
    pub(crate) fn listen(&self, time: Duration) -> Vec<Heard> {
        let until = Instant::now() + time;
        let left = || until.saturating_duration_since(Instant::now());
        let mut heard = Vec::new();
        while !left().is_zero() {
            heard.extend(self.hear_within(left().max(Duration::from_millis(1))));
        }
        heard
    }

    /// Waits until it hears that.
    pub(crate) fn await_voice(&self, codes: &[u8]) -> Heard {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(heard) = self.hear().filter(|heard| heard.payload == codes) {
                return heard;
            }
        }
        panic!("it is not heard");
    }
}

/// The next event of a call within that time.
pub(crate) fn event_within(call: &mut CallMedia, time: Duration) -> Option<Event> {
    let until = Instant::now() + time;
    loop {
        if let Poll::Ready(event) = call.poll(&mut Context::from_waker(Waker::noop())) {
            return event;
        }
        if Instant::now() >= until {
            return None;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The next event of a call.
pub(crate) fn event(call: &mut CallMedia) -> Event {
    event_within(call, PATIENCE).expect("something happens")
}

/// Closes a call and says what happened until then.
pub(crate) fn close(call: &mut CallMedia) -> Vec<Event> {
    call.close();
    let until = Instant::now() + PATIENCE;
    let mut events = Vec::new();
    while Instant::now() < until {
        match call.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(event)) => events.push(event),
            Poll::Ready(None) => return events,
            Poll::Pending => std::thread::sleep(Duration::from_millis(1)),
        }
    }
    panic!("it is not closed");
}

/// A call between two telephones, bridged and latched.
pub(crate) fn bridged(plane: &Plane, a: &mut Phone, b: &mut Phone) -> CallMedia {
    let mut call = plane.call();
    a.join(&mut call, Leg::A, LegSettings::default());
    b.join(&mut call, Leg::B, LegSettings::default());
    call.bridge();
    a.greet(b);
    b.greet(a);
    call
}

impl Phone {
    /// Says something until the other hears it: orders take a moment.
    pub(crate) fn greet(&mut self, other: &Self) {
        let greeting = converted(&[0x11; 160], self.codec, other.codec);
        let until = Instant::now() + PATIENCE;
        loop {
            self.say(&[0x11; 160]);
            if other.listen(Duration::from_millis(20)).iter().any(|heard| heard.payload == greeting)
            {
                break;
            }
            assert!(Instant::now() < until, "it is not heard");
        }
    }

    /// Waits until it hears that, said by a telephone of that codec.
    pub(crate) fn await_other(&self, codes: &[u8], codec: Codec) {
        self.await_voice(&converted(codes, codec, self.codec));
    }
}

/// The same in another codec.
pub(crate) fn converted(codes: &[u8], from: Codec, to: Codec) -> Vec<u8> {
    let mut codes = codes.to_vec();
    voip::g711::convert(from, to, &mut codes);
    codes
}

/// When to say what: every 20 ms, and sooner after a delay, so that the telephone's time is ours.
pub(crate) struct Pace(Instant);

impl Pace {
    pub(crate) fn begin() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn wait(&mut self) {
        self.0 += Duration::from_millis(20);
        std::thread::sleep(self.0.saturating_duration_since(Instant::now()));
    }
}

/// Sleeps for the length of a packet.
pub(crate) fn frame() {
    std::thread::sleep(Duration::from_millis(20));
}

/// Something to say that is unlike anything else in a call: 20 ms of it, the `number`th.
pub(crate) fn speech(number: u8) -> Vec<u8> {
    (0..160).map(|at: u8| at.wrapping_mul(7) ^ number).collect()
}

/// All is one stream: one source, no number left out or used again, and time that goes on with what
/// is said, or after a marker with what was not.
pub(crate) fn assert_one_stream(heard: &[Heard]) {
    for pair in heard.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        assert_eq!(after.header.ssrc, before.header.ssrc);
        assert_eq!(after.header.sequence, before.header.sequence.wrapping_add(1));
        let passed = after.header.timestamp.wrapping_sub(before.header.timestamp);
        let said = before.payload.len() as u32;
        assert!(
            passed == said || after.header.marker && passed > said && passed < 8_000,
            "{pair:?}"
        );
    }
}
