//! `Idempotency-Key`: the client's name for a request, so that sending it again does nothing twice.

use http::{HeaderMap, HeaderName};
use model::limits;
use store::ReplayKey;

use crate::error::ApiError;

pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The key of the request, if it has one. What else has to be the same when it is sent again is
/// given in parts.
pub(crate) fn replay_key(
    headers: &HeaderMap,
    same: &[&[u8]],
) -> Result<Option<ReplayKey>, ApiError> {
    let mut keys = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(key) = keys.next() else { return Ok(None) };
    let fault = |reason: &str| ApiError::at("Idempotency-Key", reason);
    if keys.next().is_some() {
        return Err(fault("is given more than once"));
    }
    let value = key.to_str().map_err(|_| fault("must be visible ASCII characters"))?.trim();
    if value.is_empty() || value.len() > limits::IDEMPOTENCY_KEY_BYTES_MAX {
        return Err(fault("must be of 1 to 200 characters"));
    }
    Ok(Some(ReplayKey { value: value.to_owned(), fingerprint: fingerprint(same) }))
}

fn fingerprint(parts: &[&[u8]]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    u64::from_le_bytes(hasher.finalize().as_bytes()[..8].try_into().unwrap_or_default())
}
