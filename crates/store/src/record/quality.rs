//! The encoding of how a leg's media came through.

use model::cdr::{FarEnd, Quality};

use super::bytes::{Damaged, Reader, put_maybe, put_span};

pub(super) fn put_quality(out: &mut Vec<u8>, quality: &Quality) {
    for count in [quality.sent, quality.received, quality.lost] {
        out.extend_from_slice(&count.to_be_bytes());
    }
    put_span(out, quality.jitter);
    put_maybe(out, quality.far_end, |out, far_end| {
        out.extend_from_slice(&far_end.lost.to_be_bytes());
        put_span(out, far_end.jitter);
        put_maybe(out, far_end.round_trip, put_span);
    });
}

pub(super) fn quality(from: &mut Reader<'_>) -> Result<Quality, Damaged> {
    Ok(Quality {
        sent: from.u64()?,
        received: from.u64()?,
        lost: from.u64()?,
        jitter: from.span()?,
        far_end: from.maybe(|from| {
            Ok(FarEnd {
                lost: from.u64()?,
                jitter: from.span()?,
                round_trip: from.maybe(Reader::span)?,
            })
        })?,
    })
}
