//! The sockets of calls. Nothing else of the engine opens any.

use std::io;
use std::net::{IpAddr, UdpSocket};

/// Expedited forwarding (RFC 3246), as a type of service: what voice asks of every router.
const EXPEDITED: u8 = 46 << 2;

/// The sockets of one leg's media: RTP on that port, RTCP on the next one.
pub(crate) fn media(bind: IpAddr, port: u16) -> io::Result<(UdpSocket, UdpSocket)> {
    let above = port.checked_add(1).ok_or(io::ErrorKind::InvalidInput)?;
    let (rtp, rtcp) = (UdpSocket::bind((bind, port))?, UdpSocket::bind((bind, above))?);
    for socket in [&rtp, &rtcp] {
        socket.set_nonblocking(true)?;
    }
    // Routers that do not know it do without, and so do systems that forbid it.
    let _ = match bind {
        IpAddr::V4(_) => rustix::net::sockopt::set_ip_tos(&rtp, EXPEDITED),
        IpAddr::V6(_) => rustix::net::sockopt::set_ipv6_tclass(&rtp, EXPEDITED.into()),
    };
    Ok((rtp, rtcp))
}
