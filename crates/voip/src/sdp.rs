//! Session descriptions (RFC 8866) offered and answered (RFC 3264): where media goes, and how it is
//! coded.
//!
//! We want one audio stream by plain RTP, in G.711, with keys as events. Whatever else the far end
//! would like, video, ICE, bundles, is not taken up. What it says is believed in nothing but this.

mod read;

use std::net::SocketAddr;
use std::time::Duration;

use sdp_types::{Connection, Media, Origin, Session};

use crate::g711::Codec;

pub use read::{SIZE_MAX, SdpError, read};

/// The payload type under which we receive events in what we offer; what everybody uses.
const EVENT: u8 = 101;

/// Our end of the media of a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    /// Where we receive RTP. RTCP comes one port above.
    pub address: SocketAddr,
    /// Names the session; the same as long as the leg lasts.
    pub session: u64,
    /// One more with every description that differs from the one before.
    pub version: u64,
}

/// What the far end says of its media.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Where it receives RTP. It may be 0.0.0.0, but then `direction` says that nothing is
    /// received.
    pub address: SocketAddr,
    /// Where it receives RTCP.
    pub rtcp: SocketAddr,
    /// What it can decode of what we can, in its order, and its payload types for that.
    pub codecs: Vec<(Codec, u8)>,
    /// Its payload type for events (RFC 4733), if it takes them.
    pub event: Option<u8>,
    /// What it does with the stream, from its side.
    pub direction: Direction,
    /// How much sound it would like in a packet: 10 to 60 ms.
    pub ptime: Duration,
    streams: Vec<Stream>,
    chosen: usize,
}

/// A stream of the far end, as far as refusing it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stream {
    media: String,
    proto: String,
    formats: String,
}

/// Which ways media goes, from the side of the one that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// It sends and receives.
    SendReceive,
    /// It only sends: the other side is on hold.
    SendOnly,
    /// It only receives.
    ReceiveOnly,
    /// It does neither.
    Inactive,
}

/// What both ends have agreed upon, from our side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// How we code what we send.
    pub codec: Codec,
    /// The payload type that we send it as: the far end's number.
    pub payload_type: u8,
    /// The payload type that we send events as; none if the far end takes none.
    pub event: Option<u8>,
    /// What we do with the stream.
    pub direction: Direction,
    received: [Option<Numbers>; 3],
}

/// One content, and the numbers under which each end receives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Numbers {
    content: Content,
    ours: u8,
    theirs: u8,
}

/// What a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Sound, coded so.
    Voice(Codec),
    /// A key.
    Event,
}

/// There is no codec that both ends have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no codec in common")]
pub struct NoCommonCodec;

impl Local {
    /// Offers those codecs, the best first, and events.
    pub fn offer(&self, codecs: &[Codec]) -> String {
        let codecs: Vec<_> = codecs.iter().map(|codec| (*codec, codec.payload_type())).collect();
        let media = self.media(&codecs, Some(EVENT), Direction::SendReceive);
        self.describe(vec![media])
    }

    /// Answers an offer: the first codec of it that is among `codecs`, its events, its payload
    /// types, the other half of its direction, and no to every stream but one.
    ///
    /// # Errors
    /// If it has none of these codecs; there is no answer then, but a 488.
    pub fn answer(
        &self,
        offer: &Remote,
        codecs: &[Codec],
    ) -> Result<(String, Agreed), NoCommonCodec> {
        let mut common = offer.codecs.iter().filter(|(codec, _)| codecs.contains(codec));
        let &(codec, number) = common.next().ok_or(NoCommonCodec)?;
        let agreed = Agreed::new(
            &[Numbers { content: Content::Voice(codec), ours: number, theirs: number }],
            offer.event.map(|event| (event, event)),
            offer.direction.mirrored(),
        )?;
        let medias = offer.streams.iter().enumerate().map(|(nth, stream)| {
            if nth == offer.chosen {
                self.media(&[(codec, number)], offer.event, agreed.direction)
            } else {
                stream.refused()
            }
        });
        Ok((self.describe(medias.collect()), agreed))
    }

    /// The same end, about to describe something else than before.
    #[must_use]
    pub fn revised(self) -> Self {
        Self { version: self.version + 1, ..self }
    }

    fn describe(&self, medias: Vec<Media>) -> String {
        let address = self.address.ip();
        let origin = Origin::with_ip_addr(self.session, self.version, address);
        let mut session = Session::new(origin, "-");
        session.set_connection(Connection::from_ip_addr(address));
        session.add_medias(medias);
        session.to_string()
    }

    fn media(&self, codecs: &[(Codec, u8)], event: Option<u8>, direction: Direction) -> Media {
        let voices = codecs.iter().map(|(codec, number)| (*number, codec.name()));
        let maps = voices.chain(event.map(|number| (number, "telephone-event")));
        let numbers: Vec<_> = maps.clone().map(|(number, _)| number.to_string()).collect();
        let stream =
            Stream { media: "audio".into(), proto: "RTP/AVP".into(), formats: numbers.join(" ") };
        let mut media = stream.on_port(self.address.port());
        for (number, name) in maps {
            media.add_attribute_with_value(
                "rtpmap",
                format_args!("{number} {name}/{}", crate::RATE),
            );
        }
        if let Some(number) = event {
            media.add_attribute_with_value("fmtp", format_args!("{number} 0-16"));
        }
        media.add_attribute_with_value("ptime", 20);
        media.add_attribute_from_str(direction.name());
        media
    }
}

impl Stream {
    fn on_port(&self, port: u16) -> Media {
        Media {
            media: self.media.clone(),
            port,
            num_ports: None,
            proto: self.proto.clone(),
            fmt: self.formats.clone(),
            media_title: None,
            connections: Vec::new(),
            bandwidths: Vec::new(),
            key: None,
            attributes: Vec::new(),
        }
    }

    /// Not with us (RFC 3264, 6).
    fn refused(&self) -> Media {
        self.on_port(0)
    }
}

/// What comes of the answer to an offer of those codecs: the first one that it took.
///
/// # Errors
/// If it took none of them.
pub fn agree(offered: &[Codec], answer: &Remote) -> Result<Agreed, NoCommonCodec> {
    let taken = answer.codecs.iter().filter(|(codec, _)| offered.contains(codec));
    let voices: Vec<_> = taken
        .map(|(codec, theirs)| Numbers {
            content: Content::Voice(*codec),
            ours: codec.payload_type(),
            theirs: *theirs,
        })
        .collect();
    let event = answer.event.map(|theirs| (EVENT, theirs));
    Agreed::new(&voices, event, answer.direction.mirrored())
}

impl Agreed {
    fn new(
        voices: &[Numbers],
        event: Option<(u8, u8)>,
        direction: Direction,
    ) -> Result<Self, NoCommonCodec> {
        let first = voices.first().ok_or(NoCommonCodec)?;
        let Content::Voice(codec) = first.content else { return Err(NoCommonCodec) };
        let event = event.map(|(ours, theirs)| Numbers { content: Content::Event, ours, theirs });
        Ok(Self {
            codec,
            payload_type: first.theirs,
            event: event.map(|event| event.theirs),
            direction,
            received: [Some(*first), voices.get(1).copied(), event],
        })
    }

    /// What a packet of that payload type from the far end carries, if that was agreed. The numbers
    /// that we gave count; there are far ends that use their own all the same, and as long as that
    /// is not ambiguous they are understood.
    pub fn content(&self, payload_type: u8) -> Option<Content> {
        let agreed = || self.received.iter().flatten();
        agreed()
            .find(|numbers| numbers.ours == payload_type)
            .or_else(|| agreed().find(|numbers| numbers.theirs == payload_type))
            .map(|numbers| numbers.content)
    }

    /// The payload type under which the far end should send events to us.
    pub fn event_received(&self) -> Option<u8> {
        let mut agreed = self.received.iter().flatten();
        agreed.find(|numbers| numbers.content == Content::Event).map(|numbers| numbers.ours)
    }
}

impl Direction {
    /// Whether the one that says so sends.
    pub fn sends(self) -> bool {
        matches!(self, Self::SendReceive | Self::SendOnly)
    }

    /// Whether the one that says so receives.
    pub fn receives(self) -> bool {
        matches!(self, Self::SendReceive | Self::ReceiveOnly)
    }

    /// The same from the other side.
    #[must_use]
    pub fn mirrored(self) -> Self {
        Self::new(self.receives(), self.sends())
    }

    fn new(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendReceive,
            (true, false) => Self::SendOnly,
            (false, true) => Self::ReceiveOnly,
            (false, false) => Self::Inactive,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::SendReceive => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::ReceiveOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }
}
