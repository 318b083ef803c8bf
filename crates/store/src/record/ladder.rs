//! The encoding of the SIP messages of a call.

use model::cdr::Leg;
use model::ladder::{Entry, Ladder, Transport};

use super::bytes::{Damaged, Reader, put_all, put_text, put_time};

pub(super) fn put_ladder(out: &mut Vec<u8>, ladder: &Ladder) {
    put_all(out, &ladder.entries, put_entry);
    out.extend_from_slice(&ladder.dropped.to_be_bytes());
}

pub(super) fn ladder(from: &mut Reader<'_>) -> Result<Ladder, Damaged> {
    Ok(Ladder { entries: from.all(entry)?, dropped: from.u32()? })
}

pub(super) fn leg_code(leg: Leg) -> u8 {
    match leg {
        Leg::A => 0,
        Leg::B => 1,
    }
}

pub(super) fn leg(from: &mut Reader<'_>) -> Result<Leg, Damaged> {
    match from.u8()? {
        0 => Ok(Leg::A),
        1 => Ok(Leg::B),
        _ => Err(from.damaged()),
    }
}

fn put_entry(out: &mut Vec<u8>, entry: &Entry) {
    put_time(out, entry.at);
    out.push(leg_code(entry.leg));
    out.push(u8::from(entry.sent));
    put_text(out, &entry.local.to_string());
    put_text(out, &entry.remote.to_string());
    out.push(match entry.transport {
        Transport::Udp => 0,
        Transport::Tcp => 1,
        Transport::Tls => 2,
    });
    put_text(out, &entry.text);
}

fn entry(from: &mut Reader<'_>) -> Result<Entry, Damaged> {
    Ok(Entry {
        at: from.time()?,
        leg: leg(from)?,
        sent: from.bool()?,
        local: from.text()?.parse().map_err(|_| from.damaged())?,
        remote: from.text()?.parse().map_err(|_| from.damaged())?,
        transport: match from.u8()? {
            0 => Transport::Udp,
            1 => Transport::Tcp,
            2 => Transport::Tls,
            _ => return Err(from.damaged()),
        },
        text: from.string()?,
    })
}
