//! The socket of one connection: bytes in and out for the HTTP library, and, beside it, what the
//! kernel knows of the other end.
//!
//! The connection holds the socket by a descriptor of its own, so that the fate of an answer can be
//! watched after the HTTP library has let go of the stream.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustix::event::{PollFd, PollFlags};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::connection::Connection;

/// What the kernel knows of the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// It can still send.
    Here,
    /// It has ended its stream in order.
    Ended,
    /// It has reset the connection, or the network gave up.
    Reset,
}

/// Asks the kernel about the other end, without touching what it sent.
pub(crate) fn peer(socket: &OwnedFd) -> Peer {
    let mut fds = [PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::RDHUP)];
    if rustix::event::poll(&mut fds, Some(&rustix::time::Timespec { tv_sec: 0, tv_nsec: 0 }))
        .is_err()
    {
        return Peer::Here;
    }
    let seen = fds[0].revents();
    if seen.intersects(PollFlags::ERR) {
        Peer::Reset
    } else if seen.intersects(PollFlags::RDHUP | PollFlags::HUP) {
        Peer::Ended
    } else {
        Peer::Here
    }
}

/// Bytes handed to the kernel that the peer's kernel has not acknowledged (`SIOCOUTQ`, tcp(7)).
#[expect(unsafe_code, reason = "no library has a safe SIOCOUTQ; the kernel writes one c_int")]
pub(crate) fn unacknowledged(socket: &OwnedFd) -> io::Result<u64> {
    use std::ffi::c_int;
    const SIOCOUTQ: rustix::ioctl::Opcode = 0x5411;
    // SAFETY: SIOCOUTQ on a TCP socket writes exactly one c_int, which is what the getter holds.
    let bytes = unsafe {
        let getter = rustix::ioctl::Getter::<SIOCOUTQ, c_int>::new();
        rustix::ioctl::ioctl(socket.as_fd(), getter)?
    };
    Ok(u64::try_from(bytes).unwrap_or(0))
}

/// Makes the connection end with a reset instead of in order.
pub(crate) fn abort(socket: &OwnedFd) {
    let _ = rustix::net::sockopt::set_socket_linger(socket, Some(std::time::Duration::ZERO));
    let _ = rustix::net::shutdown(socket, rustix::net::Shutdown::Both);
}

/// The stream as the HTTP library (or TLS below it) uses it. Tells the connection what it sees.
pub(crate) struct Wire {
    stream: TcpStream,
    connection: Arc<Connection>,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream, connection: Arc<Connection>) -> Self {
        Self { stream, connection }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.connection.let_go();
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buf));
        match &read {
            Err(_) => self.connection.reset_seen(),
            Ok(()) if buf.filled().len() > before => self.connection.data_seen(),
            Ok(()) if buf.remaining() > 0 => self.connection.end_seen(),
            Ok(()) => {}
        }
        Poll::Ready(read)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, bufs));
        match &written {
            Ok(bytes) => self.connection.written(*bytes),
            Err(_) => self.connection.reset_seen(),
        }
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// The layers above flush only once they have written all they had, so whatever answer they
    /// were given whole before this is now with the kernel.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.connection.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.connection.flushed();
        match rustix::net::shutdown(&self.stream, rustix::net::Shutdown::Write) {
            // A peer that is already gone is not an error of ours.
            Err(rustix::io::Errno::NOTCONN) | Ok(()) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(error.into())),
        }
    }
}
