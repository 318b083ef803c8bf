//! Submitting calls: a request's body becomes messages to be made, each planned or refused.
//!
//! Three judgements, from the whole to the part. A body that cannot be read, or could be read in
//! two ways, is refused. So is one that says what no message can: a wrong type, a value out of
//! range, something missing, too many destinations; every fault is named with its path, and nothing
//! is half accepted. What has a row of its own in the status table refuses one message and lets the
//! others pass; of several rows it is the one with the lowest id.
//!
//! Pure: ids, the time and what can be spoken come from the caller. Whether a `messageId` was
//! there before, what may be called and at what price is judged where that is known.

pub mod bulks;
mod call;
mod ctc;
mod keys;
mod object;
mod parts;
mod reply;
mod ssml;
mod tree;
mod tts;

use model::limits::ID_BYTES_MAX;
use model::message::Draft;
use model::{AccountId, Timestamp};

use self::object::{Faults, Object};
pub use self::reply::reply;
use super::Fault;
use super::feed::{self, BodyFault};
use super::query::Query;
use crate::negotiate::Format;

/// The root element of every submit in XML.
const ROOT: &str = "request";

/// What the request does not say.
pub struct Terms<'a> {
    /// Whose calls they will be.
    pub account: AccountId,
    /// The time of submission.
    pub now: Timestamp,
    /// Whether answering machines can be told from people; if not, asking for it is refused.
    pub machine_detection: bool,
    /// Whether there is a voice for a language tag.
    pub speaks: &'a dyn Fn(&str) -> bool,
    /// A new id with every call, for what has none of its own.
    pub fresh_id: &'a mut dyn FnMut() -> String,
}

/// The messages of one request.
#[derive(Clone, Debug, PartialEq)]
pub struct Submit {
    /// The client's own, or a new one.
    pub bulk_id: String,
    /// In the order of the request; two may have the same id.
    pub messages: Vec<Draft>,
}

/// Why a request is refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The body is not what it should be.
    #[error("{0}")]
    Body(#[from] BodyFault),
    /// Fields are not what they should be.
    #[error("Bad request")]
    Fields(Vec<Fault>),
}

impl Refused {
    /// What is wrong with which field, by path, for the `validationErrors` of the answer.
    pub fn validation_errors(&self) -> Vec<(String, Vec<String>)> {
        let Self::Fields(faults) = self else { return Vec::new() };
        let mut by_path: Vec<(String, Vec<String>)> = Vec::new();
        for Fault { path, reason } in faults {
            match by_path.iter_mut().find(|(known, _)| known == path) {
                Some((_, reasons)) if reasons.contains(reason) => {}
                Some((_, reasons)) => reasons.push(reason.clone()),
                None => by_path.push((path.clone(), vec![reason.clone()])),
            }
        }
        by_path
    }
}

/// The messages of `POST /voice/ctc/1/send`: A is called, and joined to B.
///
/// Unknown fields are passed over in every request: real clients send more than is documented.
///
/// # Errors
/// The request is refused as a whole.
pub fn click_to_call(
    format: Format,
    body: &[u8],
    terms: &mut Terms<'_>,
) -> Result<Submit, Refused> {
    let node = tree::read(format, body, ROOT)?;
    judged(&node, |request| Some(submit(request, terms, ctc::drafts)))
}

/// The message of `POST /tts/3/single`: one text or audio file for one destination.
///
/// # Errors
/// The request is refused as a whole.
pub fn single(format: Format, body: &[u8], terms: &mut Terms<'_>) -> Result<Submit, Refused> {
    let node = tree::read(format, body, ROOT)?;
    judged(&node, |request| Some(unnamed(request, terms, tts::single)))
}

/// The message of `POST /tts/3/single` as a form, `application/x-www-form-urlencoded`.
///
/// # Errors
/// The request is refused as a whole.
pub fn single_form(body: &[u8], terms: &mut Terms<'_>) -> Result<Submit, Refused> {
    let query = Query::parse(feed::text(body)?).map_err(|fault| Refused::Fields(vec![fault]))?;
    let mut fields = Vec::new();
    for name in tts::FORM {
        let value = query.one(name).map_err(|fault| Refused::Fields(vec![fault]))?;
        fields.extend(value.map(|value| (name, value)));
    }
    judged(&object::form(fields), |request| Some(unnamed(request, terms, tts::single)))
}

/// The messages of `POST /tts/3/multi`: several texts or audio files, each for many destinations.
///
/// # Errors
/// The request is refused as a whole.
pub fn multi(format: Format, body: &[u8], terms: &mut Terms<'_>) -> Result<Submit, Refused> {
    let node = tree::read(format, body, ROOT)?;
    judged(&node, |request| Some(unnamed(request, terms, tts::multi)))
}

/// The messages of `POST /tts/3/advanced`: the same with everything that can be asked for.
///
/// # Errors
/// The request is refused as a whole.
pub fn advanced(format: Format, body: &[u8], terms: &mut Terms<'_>) -> Result<Submit, Refused> {
    let node = tree::read(format, body, ROOT)?;
    judged(&node, |request| Some(submit(request, terms, tts::advanced)))
}

/// Reads the messages of a request, given what they have in common.
type Drafts = fn(&Object<'_>, &mut Bulk<'_, '_>) -> Vec<Draft>;

/// What the messages of one request have in common.
struct Bulk<'t, 'a> {
    id: String,
    terms: &'t mut Terms<'a>,
}

/// The messages of a request that may name its bulk.
fn submit(request: &Object<'_>, terms: &mut Terms<'_>, drafts: Drafts) -> Submit {
    let own = request.line("bulkId", ID_BYTES_MAX).map(str::to_owned);
    let id = own.unwrap_or_else(|| (terms.fresh_id)());
    in_bulk(id, request, terms, drafts)
}

/// The messages of a request that has no field for the name of its bulk.
fn unnamed(request: &Object<'_>, terms: &mut Terms<'_>, drafts: Drafts) -> Submit {
    let id = (terms.fresh_id)();
    in_bulk(id, request, terms, drafts)
}

fn in_bulk(id: String, request: &Object<'_>, terms: &mut Terms<'_>, drafts: Drafts) -> Submit {
    let mut bulk = Bulk { id, terms };
    let messages = drafts(request, &mut bulk);
    Submit { bulk_id: bulk.id, messages }
}

/// What `read` makes of the outermost object, unless it finds any fault; it gives nothing only then.
fn judged<T>(
    node: &tree::Node<'_>,
    read: impl FnOnce(&Object<'_>) -> Option<T>,
) -> Result<T, Refused> {
    let faults = Faults::default();
    let read = read(&Object::root(node, &faults));
    let faults = faults.into_vec();
    read.filter(|_| faults.is_empty()).ok_or(Refused::Fields(faults))
}
