//! The body of an answer that hands out reports: tells when the HTTP library was given all of it,
//! and that it was dropped if it was not.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};

use crate::connection::InFlight;

/// A body with the take that it carries.
pub(crate) struct WatchedBody {
    inner: Body,
    in_flight: InFlight,
    multiplexed: bool,
    /// On HTTP/2, the last byte of the body, held back into a frame of its own.
    held: Option<Bytes>,
    /// The end was told.
    ended: bool,
}

impl WatchedBody {
    pub(crate) fn new(inner: Body, in_flight: InFlight, multiplexed: bool) -> Self {
        Self { inner, in_flight, multiplexed, held: None, ended: false }
    }

    /// The frame to give now.
    ///
    /// On HTTP/1.1 the library writes a frame as soon as it has it, so the last frame is the end.
    /// On HTTP/2 it asks ahead of the flow-control window, but for one frame only: it asks for the
    /// end of the body once the window has let the last byte through, and so all before it.
    fn give(&mut self, mut data: Bytes) -> Bytes {
        if !self.inner.is_end_stream() {
            return data;
        }
        if self.multiplexed && data.len() > 1 {
            self.held = Some(data.split_off(data.len() - 1));
        } else if !self.multiplexed {
            self.end();
        }
        data
    }

    fn end(&mut self) {
        self.ended = true;
        self.in_flight.given_whole();
    }
}

impl http_body::Body for WatchedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Some(last) = self.held.take() {
            return Poll::Ready(Some(Ok(Frame::data(last))));
        }
        match std::task::ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
            Some(Ok(frame)) => Poll::Ready(Some(match frame.into_data() {
                Ok(data) => Ok(Frame::data(self.give(data))),
                Err(trailers) => Ok(trailers),
            })),
            Some(Err(error)) => Poll::Ready(Some(Err(error))),
            None => {
                self.end();
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        match &self.held {
            Some(last) => SizeHint::with_exact(last.len() as u64),
            None => self.inner.size_hint(),
        }
    }
}
