//! What the far end describes, read as carriers write it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use sdp_types::{Connection, Media, RtpMap, Session};

use super::{Direction, Remote, Stream};
use crate::RATE;
use crate::g711::Codec;

/// Bytes of a description that is still read; honest ones are of a few hundred.
pub const SIZE_MAX: usize = 32 * 1024;

/// Why a description cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// Not a description.
    #[error("{0}")]
    Malformed(String),
    /// No audio stream that is not refused, by plain RTP, and with an IP address.
    #[error("no audio stream by plain RTP")]
    NoAudio,
}

/// Reads what a far end offers or answers: of several audio streams the first one that has a codec
/// of ours, or the first one.
///
/// # Errors
/// See [`SdpError`]. That it has no codec of ours is none: [`agree`](super::agree) finds that.
pub fn read(description: &[u8]) -> Result<Remote, SdpError> {
    if description.len() > SIZE_MAX {
        return Err(SdpError::Malformed(format!("more than {SIZE_MAX} bytes")));
    }
    let session = Session::parse(what_matters(description).as_bytes())
        // It may quote a whole line of theirs.
        .map_err(|error| SdpError::Malformed(error.to_string().chars().take(100).collect()))?;
    let usable = || session.medias.iter().enumerate().filter_map(|(n, m)| audio(&session, n, m));
    let chosen = usable().find(|remote| !remote.codecs.is_empty()).or_else(|| usable().next());
    let mut remote = chosen.ok_or(SdpError::NoAudio)?;
    remote.streams = session.medias.iter().map(Stream::of).collect();
    Ok(remote)
}

/// The lines that tell of media. The others are not ours to judge: a session name in Latin-1 or a
/// bandwidth of a kind of its own is no reason to lose a call.
fn what_matters(description: &[u8]) -> String {
    let text = String::from_utf8_lossy(description);
    let mut kept = String::with_capacity(text.len());
    for line in text.split(['\r', '\n']).map(str::trim) {
        if ["v=", "c=", "m=", "a="].iter().any(|key| line.starts_with(key)) {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// A stream, if we could use it.
fn audio(session: &Session, nth: usize, media: &Media) -> Option<Remote> {
    let plain = ["RTP/AVP", "RTP/AVPF"].iter().any(|plain| media.proto.eq_ignore_ascii_case(plain));
    if !media.media.eq_ignore_ascii_case("audio") || media.port == 0 || !plain {
        return None;
    }
    let connection = media.connections.first().or(session.connection.as_ref())?;
    let address = ip(connection)?;
    let (codecs, event) = formats(media);
    Some(Remote {
        address: SocketAddr::new(address, media.port),
        rtcp: rtcp(media, address),
        codecs,
        event,
        direction: direction(session, media, address),
        ptime: ptime(session, media),
        streams: Vec::new(),
        chosen: nth,
    })
}

fn ip(connection: &Connection) -> Option<IpAddr> {
    let address = connection.try_address().ok()?.ip;
    (!address.is_multicast()).then_some(address)
}

/// The codecs of ours, and the payload type of events. Static payload types need no `a=rtpmap`
/// (RFC 3551, table 4).
fn formats(media: &Media) -> (Vec<(Codec, u8)>, Option<u8>) {
    let maps: Vec<RtpMap> = media.attributes_typed().filter_map(Result::ok).collect();
    let mut codecs = Vec::with_capacity(2);
    let mut event = None;
    for number in media.fmt.split_whitespace().filter_map(|number| number.parse::<u8>().ok()) {
        let map = maps.iter().find(|map| map.payload_type == number);
        let name = match map {
            Some(map) if map.clock_rate == RATE && is_mono(map) => map.encoding_name.trim(),
            Some(_) => continue,
            None if number == Codec::Pcmu.payload_type() => Codec::Pcmu.name(),
            None if number == Codec::Pcma.payload_type() => Codec::Pcma.name(),
            None => continue,
        };
        if name.eq_ignore_ascii_case("telephone-event") {
            event.get_or_insert(number);
        }
        let known = [Codec::Pcmu, Codec::Pcma].into_iter();
        for codec in known.filter(|codec| name.eq_ignore_ascii_case(codec.name())) {
            if codecs.iter().all(|(already, _)| *already != codec) {
                codecs.push((codec, number));
            }
        }
    }
    (codecs, event)
}

fn is_mono(map: &RtpMap) -> bool {
    map.encoding_params.as_deref().is_none_or(|channels| channels.trim() == "1")
}

/// RFC 3605: a port, perhaps an address; the port above that of RTP if nothing is said.
fn rtcp(media: &Media, address: IpAddr) -> SocketAddr {
    let said = media.get_first_attribute_value("rtcp").flatten().and_then(|value| {
        let mut words = value.split_whitespace();
        let port = words.next()?.parse().ok()?;
        let address = words.nth(2).and_then(|word| word.parse().ok()).unwrap_or(address);
        Some(SocketAddr::new(address, port))
    });
    said.unwrap_or(SocketAddr::new(address, media.port.saturating_add(1)))
}

/// The stream's own, else that of the session, else both ways. The address 0.0.0.0 was hold before
/// there were directions (RFC 3264, 8.4), and is still in use.
fn direction(session: &Session, media: &Media, address: IpAddr) -> Direction {
    let all =
        [Direction::SendReceive, Direction::SendOnly, Direction::ReceiveOnly, Direction::Inactive];
    let said = all
        .into_iter()
        .find(|direction| media.has_attribute(direction.name()))
        .or_else(|| all.into_iter().find(|direction| session.has_attribute(direction.name())))
        .unwrap_or(Direction::SendReceive);
    Direction::new(said.sends(), said.receives() && !address.is_unspecified())
}

fn ptime(session: &Session, media: &Media) -> Duration {
    let said =
        media.get_first_attribute_value("ptime").or(session.get_first_attribute_value("ptime"));
    let ms = said.flatten().and_then(|ms| ms.trim().parse::<u64>().ok());
    Duration::from_millis(ms.unwrap_or(20).clamp(10, 60))
}

impl Stream {
    fn of(media: &Media) -> Self {
        Self { media: media.media.clone(), proto: media.proto.clone(), formats: media.fmt.clone() }
    }
}
