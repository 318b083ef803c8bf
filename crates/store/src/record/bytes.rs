//! The primitives that records are made of: big-endian numbers and length-prefixed texts.

use std::time::Duration;

use model::{Amount, Number, Timestamp};

use crate::StoreError;

/// The bytes are not those of a record.
#[derive(Debug)]
pub(crate) struct Damaged(pub(crate) &'static str);

impl From<Damaged> for StoreError {
    fn from(damaged: Damaged) -> Self {
        Self::Corrupt(damaged.0.to_owned())
    }
}

/// Appends the length in seven-bit groups, lowest first, then the text.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_length(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn put_length(out: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        out.push(0x80 | (length & 0x7f) as u8);
        length >>= 7;
    }
    out.push(length as u8);
}

pub(super) fn put_time(out: &mut Vec<u8>, time: Timestamp) {
    out.extend_from_slice(&time.as_millis().to_be_bytes());
}

pub(super) fn put_span(out: &mut Vec<u8>, span: Duration) {
    let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
    out.extend_from_slice(&nanos.to_be_bytes());
}

pub(super) fn put_amount(out: &mut Vec<u8>, amount: Amount) {
    put_text(out, &amount.to_string());
}

/// Appends whether it is there, and then it.
pub(super) fn put_maybe<T>(out: &mut Vec<u8>, value: Option<T>, put: impl FnOnce(&mut Vec<u8>, T)) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        put(out, value);
    }
}

/// Appends how many there are, and then each.
pub(super) fn put_all<T>(out: &mut Vec<u8>, values: &[T], put: impl Fn(&mut Vec<u8>, &T)) {
    put_length(out, values.len());
    values.iter().for_each(|value| put(out, value));
}

/// Reads a record front to back. Every length is checked against what is there.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Reader<'a> {
    /// A reader of `bytes`; `what` is what the error calls them.
    pub(super) const fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { rest: bytes, what }
    }

    pub(super) const fn damaged(&self) -> Damaged {
        Damaged(self.what)
    }

    pub(super) fn raw(&mut self, length: usize) -> Result<&'a [u8], Damaged> {
        let (head, rest) = self.rest.split_at_checked(length).ok_or(Damaged(self.what))?;
        self.rest = rest;
        Ok(head)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(Damaged(self.what))?;
        self.rest = rest;
        Ok(*head)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Damaged> {
        self.array().map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Damaged> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Damaged> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Damaged> {
        self.array().map(u64::from_be_bytes)
    }

    pub(super) fn i64(&mut self) -> Result<i64, Damaged> {
        self.array().map(i64::from_be_bytes)
    }

    pub(super) fn bool(&mut self) -> Result<bool, Damaged> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.damaged()),
        }
    }

    pub(super) fn span(&mut self) -> Result<Duration, Damaged> {
        self.u64().map(Duration::from_nanos)
    }

    pub(super) fn amount(&mut self) -> Result<Amount, Damaged> {
        self.text()?.parse().map_err(|_| self.damaged())
    }

    pub(super) fn number(&mut self) -> Result<Number, Damaged> {
        // Digits as they are: without the sign, leading zeros would be read as a prefix.
        format!("+{}", self.text()?).parse().map_err(|_| self.damaged())
    }

    pub(super) fn maybe<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Damaged>,
    ) -> Result<Option<T>, Damaged> {
        if self.bool()? { read(self).map(Some) } else { Ok(None) }
    }

    pub(super) fn all<T>(
        &mut self,
        read: impl Fn(&mut Self) -> Result<T, Damaged>,
    ) -> Result<Vec<T>, Damaged> {
        let count = self.length()?;
        (0..count).map(|_| read(self)).collect()
    }

    /// What is left, without looking at it.
    pub(super) const fn rest(self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn time(&mut self) -> Result<Timestamp, Damaged> {
        self.i64().map(Timestamp::from_millis)
    }

    pub(super) fn length(&mut self) -> Result<usize, Damaged> {
        let mut length = 0_usize;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.u8()?;
            length |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(length);
            }
        }
        Err(self.damaged())
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Damaged> {
        let length = self.length()?;
        std::str::from_utf8(self.raw(length)?).map_err(|_| self.damaged())
    }

    pub(super) fn string(&mut self) -> Result<String, Damaged> {
        self.text().map(str::to_owned)
    }

    pub(super) fn text_if(&mut self, present: bool) -> Result<Option<&'a str>, Damaged> {
        present.then(|| self.text()).transpose()
    }

    pub(super) fn time_if(&mut self, present: bool) -> Result<Option<Timestamp>, Damaged> {
        present.then(|| self.time()).transpose()
    }

    /// Asserts the pair of what was written: nothing is left.
    pub(super) const fn end(self) -> Result<(), Damaged> {
        if self.rest.is_empty() { Ok(()) } else { Err(Damaged(self.what)) }
    }
}
