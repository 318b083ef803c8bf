//! The sockets of the engine: nothing else in it opens one.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use rustix::net::sockopt::{
    set_socket_recv_buffer_size, set_socket_recv_buffer_size_force, set_socket_reuseaddr,
};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UdpSocket};

/// What the kernel keeps of SIP datagrams while we are busy: some seconds of a storm of
/// retransmissions, which would become a collapse if they were lost.
const SIP_BUFFER: usize = 4 << 20;

/// Expedited forwarding (RFC 3246), as a type of service: what voice asks of every router.
const EXPEDITED: u8 = 46 << 2;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 128;

/// A socket for SIP datagrams.
pub(crate) fn sip_datagrams(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = std::net::UdpSocket::bind(address)?;
    socket.set_nonblocking(true)?;
    // Beyond `net.core.rmem_max` only with CAP_NET_ADMIN; else as much as may be had.
    if set_socket_recv_buffer_size_force(&socket, SIP_BUFFER).is_err() {
        set_socket_recv_buffer_size(&socket, SIP_BUFFER)?;
    }
    UdpSocket::from_std(socket)
}

/// A listener for SIP connections.
pub(crate) fn sip_listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // So that a restart does not wait for what the last process left in TIME_WAIT.
    set_socket_reuseaddr(&socket, true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// A connection, or an error after so long.
pub(crate) async fn connect(address: SocketAddr, longest: Duration) -> io::Result<TcpStream> {
    let stream = tokio::time::timeout(longest, TcpStream::connect(address)).await??;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The sockets of one leg's media: RTP on that port, RTCP on the next one.
pub(crate) fn media(
    bind: IpAddr,
    port: u16,
) -> io::Result<(std::net::UdpSocket, std::net::UdpSocket)> {
    let above = port.checked_add(1).ok_or(io::ErrorKind::InvalidInput)?;
    let (rtp, rtcp) =
        (std::net::UdpSocket::bind((bind, port))?, std::net::UdpSocket::bind((bind, above))?);
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

/// The address of this machine that the way to the rest of the world begins at; none without one.
/// Nothing is sent for it.
pub(crate) fn own_address(bind: IpAddr) -> Option<IpAddr> {
    // RFC 5737 and RFC 3849: addresses that belong to nobody.
    let (any, there): (IpAddr, IpAddr) = match bind {
        IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::new(192, 0, 2, 1).into()),
        IpAddr::V6(_) => {
            let nobody = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
            (Ipv6Addr::UNSPECIFIED.into(), nobody.into())
        }
    };
    let socket = std::net::UdpSocket::bind((any, 0)).ok()?;
    socket.connect((there, 9)).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}
