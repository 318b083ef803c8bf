//! Short stand-ins for ids, the same in every engine.

/// Every bit of a hash counts; but in the tests beside the code ids share hashes all the time.
const HASH_BITS: u64 = if cfg!(test) { 3 } else { u64::MAX };

/// A short stand-in for an id. Two ids may share one: whoever looks by it checks the record.
pub(crate) fn hash(id: &str) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *blake3::hash(id.as_bytes()).as_bytes();
    u64::from_be_bytes([a, b, c, d, e, f, g, h]) & HASH_BITS
}
