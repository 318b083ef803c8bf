//! `/tts/3/bulks` and `/tts/3/bulks/status`: when a scheduled bulk begins, and how far it is.

use model::limits::ID_BYTES_MAX;
use model::{Timestamp, Zone};
use store::BulkState;

use super::{Refused, judged, tree};
use crate::negotiate::Format;
use crate::wire::date::Dates;
use crate::wire::query::{self, Query};
use crate::wire::writer::{self, Root, Shape, Writer};
use crate::wire::{Fault, date};

/// How far a bulk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BulkStatus {
    /// Waits for its time.
    Pending,
    /// Held until it is set to pending again.
    Paused,
    /// Calls are being made.
    Processing,
    /// Given up by the account.
    Canceled,
    /// Every message has its report.
    Finished,
    /// It could not be carried out.
    Failed,
}

impl BulkStatus {
    /// Every status.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Paused,
        Self::Processing,
        Self::Canceled,
        Self::Finished,
        Self::Failed,
    ];

    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Paused => "PAUSED",
            Self::Processing => "PROCESSING",
            Self::Canceled => "CANCELED",
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
        }
    }
}

impl From<BulkState> for BulkStatus {
    fn from(state: BulkState) -> Self {
        match state {
            BulkState::Pending => Self::Pending,
            BulkState::Paused => Self::Paused,
            BulkState::Processing => Self::Processing,
            BulkState::Canceled => Self::Canceled,
            BulkState::Finished => Self::Finished,
        }
    }
}

/// The bulk that the query names, by its one parameter `bulkId`.
///
/// # Errors
/// It names none, or several, or one that cannot be.
pub fn named(query: &Query<'_>) -> Result<String, Fault> {
    match query.one("bulkId")? {
        None | Some("" | "null") => Err(query::fault("bulkId", "is missing")),
        Some(id) if id.len() > ID_BYTES_MAX => {
            Err(query::fault("bulkId", format!("is longer than {ID_BYTES_MAX} bytes")))
        }
        Some(id) => Ok(id.to_owned()),
    }
}

/// The new time that `PUT /tts/3/bulks` asks for: `{"sendAt":…}`, or the root `BulkRequest`.
///
/// # Errors
/// The body is no such request.
pub fn new_time(format: Format, body: &[u8]) -> Result<Timestamp, Refused> {
    let node = tree::read(format, body, "BulkRequest")?;
    judged(&node, |request| {
        let text = request.must_have("sendAt").then(|| request.any_text("sendAt")).flatten()?;
        date::parse(text).map_err(|error| request.fault("sendAt", error.to_string())).ok()
    })
}

/// The new status that `PUT /tts/3/bulks/status` asks for: `{"status":…}`, or the root
/// `BulkStatusRequest`. Which ones may follow which is not judged here.
///
/// # Errors
/// The body is no such request.
pub fn new_status(format: Format, body: &[u8]) -> Result<BulkStatus, Refused> {
    let node = tree::read(format, body, "BulkStatusRequest")?;
    judged(&node, |request| {
        let text = request.must_have("status").then(|| request.any_text("status")).flatten()?;
        let status = BulkStatus::ALL.into_iter().find(|status| status.name() == text);
        if status.is_none() {
            let names = BulkStatus::ALL.map(BulkStatus::name).join(", ");
            request.fault("status", format!("is none of {names}"));
        }
        status
    })
}

/// The answer of `/tts/3/bulks`: `{"bulkId":…,"sendAt":…}`, or the root `BulkResponse`.
pub fn time_reply(format: Format, bulk_id: &str, send_at: Timestamp, zone: &Zone) -> Vec<u8> {
    writer::render(format, &TimeReply { bulk_id, send_at, zone })
}

/// The answer of `/tts/3/bulks/status`: `{"bulkId":…,"status":…}`, or the root
/// `BulkStatusResponse`.
pub fn status_reply(format: Format, bulk_id: &str, status: BulkStatus) -> Vec<u8> {
    writer::render(format, &StatusReply { bulk_id, status })
}

struct TimeReply<'a> {
    bulk_id: &'a str,
    send_at: Timestamp,
    zone: &'a Zone,
}

impl Shape for TimeReply<'_> {
    const ROOT: Root = Root { name: "BulkResponse", prolog: true };

    fn size_hint(&self) -> usize {
        160
    }

    fn fields<W: Writer>(&self, to: &mut W) {
        to.text("bulkId", self.bulk_id);
        to.date("sendAt", self.send_at, &mut Dates::of(self.zone));
    }
}

struct StatusReply<'a> {
    bulk_id: &'a str,
    status: BulkStatus,
}

impl Shape for StatusReply<'_> {
    const ROOT: Root = Root { name: "BulkStatusResponse", prolog: true };

    fn size_hint(&self) -> usize {
        160
    }

    fn fields<W: Writer>(&self, to: &mut W) {
        to.text("bulkId", self.bulk_id);
        to.plain("status", self.status.name());
    }
}
