//! The record of a rate deck.

use model::deck::DeckFile;

use super::bytes::{Damaged, Reader, put_length, put_maybe, put_text, put_time};

const VERSION: u8 = 1;
const WHAT: &str = "a deck's record is not as it was written";

pub(crate) fn write_deck(deck: &DeckFile) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + deck.csv.len());
    out.push(VERSION);
    put_time(&mut out, deck.imported_at);
    put_maybe(&mut out, deck.currency.as_deref(), put_text);
    put_text(&mut out, &deck.increments);
    out.push(u8::from(deck.charge_b));
    out.extend_from_slice(&deck.decimals.to_be_bytes());
    put_length(&mut out, deck.csv.len());
    out.extend_from_slice(&deck.csv);
    out
}

pub(crate) fn read_deck(name: String, bytes: &[u8]) -> Result<DeckFile, Damaged> {
    let mut from = Reader::new(bytes, WHAT);
    if from.u8()? != VERSION {
        return Err(Damaged("a deck's record has a version that this release does not know"));
    }
    let deck = DeckFile {
        name,
        imported_at: from.time()?,
        currency: from.maybe(Reader::string)?,
        increments: from.string()?,
        charge_b: from.bool()?,
        decimals: from.u32()?,
        csv: {
            let length = from.length()?;
            from.raw(length)?.to_vec()
        },
    };
    from.end()?;
    Ok(deck)
}
