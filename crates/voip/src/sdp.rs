//! Session descriptions (RFC 8866), offered and answered (RFC 3264).
use crate::g711::Codec;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
/// Our end of a leg's media.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    /// Where we receive RTP; RTCP one port above.
    pub address: SocketAddr,
    /// Names the session; the same for the whole leg.
    pub session: u64,
    /// One more with every description that differs from the one before.
    pub version: u64,
}
/// What the far end says of its media.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Where it receives RTP. Nothing is to be sent there unless `direction` says so.
    pub address: SocketAddr,
    /// Where it receives RTCP.
    pub rtcp: SocketAddr,
    /// What it can decode, in its order, with its payload types.
    pub codecs: Vec<(Codec, u8)>,
    /// Its payload type of telephone events.
    pub event: Option<u8>,
    /// What it does, from its side.
    pub direction: Direction,
    /// How much sound it wants in a packet.
    pub ptime: Duration,
}
/// Which way media goes, from the side of the one that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Both.
    SendReceive,
    /// Hold.
    SendOnly,
    /// Only listens.
    ReceiveOnly,
    /// Neither.
    Inactive,
}
/// What both ends have agreed upon, from our side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// By which we send.
    pub codec: Codec,
    /// Its payload type, the peer's number for it.
    pub payload_type: u8,
    /// The payload type that we send events as; none if the peer does not take any.
    pub event: Option<u8>,
    /// What we may do.
    pub direction: Direction,
}
/// What a packet from the far end carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Speech.
    Voice(Codec),
    /// A telephone event.
    Event,
}
/// Why a description cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// Not SDP.
    #[error("{0}")]
    Malformed(String),
    /// No audio stream by plain RTP, or only refused ones.
    #[error("no audio stream")]
    NoAudio,
}
/// There is no codec that both ends have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no codec in common")]
pub struct NoCommonCodec;
impl Local {
    /// Offers those codecs, best first.
    pub fn offer(&self, codecs: &[Codec]) -> String {
        let _ = codecs;
        todo!()
    }
    /// Answers an offer with the first codec of it that is among `codecs`.
    pub fn answer(
        &self,
        offer: &Remote,
        codecs: &[Codec],
    ) -> Result<(String, Agreed), NoCommonCodec> {
        let _ = (offer, codecs);
        todo!()
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
}
impl Agreed {
    /// What a packet of that payload type carries; none if it is nothing agreed.
    pub fn content(&self, payload_type: u8) -> Option<Content> {
        let _ = payload_type;
        todo!()
    }
}
/// Reads what a peer offers or answers.
pub fn read(sdp: &[u8]) -> Result<Remote, SdpError> {
    let _ = sdp;
    let _: Option<IpAddr> = None;
    todo!()
}
/// What comes of an answer to an offer of those codecs.
pub fn agree(offered: &[Codec], answer: &Remote) -> Result<Agreed, NoCommonCodec> {
    let _ = (offered, answer);
    todo!()
}
