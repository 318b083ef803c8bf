//! A rate deck as it was imported: the bytes of its CSV file, and what holds where that is silent.
//!
//! What the lines mean is `engine::rating`'s.

use crate::Timestamp;

/// A rate deck as it was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeckFile {
    /// Its name, by which accounts refer to it.
    pub name: String,
    /// When this version of it was imported.
    pub imported_at: Timestamp,
    /// The currency where the file has none: an ISO 4217 code.
    pub currency: Option<String>,
    /// The increments where the file has none, such as `60/60`.
    pub increments: String,
    /// Whether leg B is charged too where the file does not say.
    pub charge_b: bool,
    /// Decimals that totals are rounded to.
    pub decimals: u32,
    /// The file.
    pub csv: Vec<u8>,
}
