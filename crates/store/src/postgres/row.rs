//! Between the ledger's numbers and the database's: `bigint` for everything.

use model::{AccountId, Timestamp};
use tokio_postgres::Row;

use super::trouble::Done;
use crate::TakeId;

pub(super) fn account(id: AccountId) -> i64 {
    i64::from(id.0)
}

/// Numbers that count; one beyond the database's last is as good as that.
pub(super) fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn many(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Hashes and fingerprints, bit by bit.
pub(super) const fn bits(bits: u64) -> i64 {
    bits.cast_signed()
}

pub(super) const fn time(time: Timestamp) -> i64 {
    time.as_millis()
}

/// What is in a row, in the ledger's kinds.
pub(super) trait Columns {
    fn number(&self, column: &str) -> Done<u64>;
    fn account(&self) -> Done<AccountId>;
    fn take(&self) -> Done<TakeId>;
    fn time(&self, column: &str) -> Done<Timestamp>;
    fn maybe_time(&self, column: &str) -> Done<Option<Timestamp>>;
    fn bytes<'a>(&'a self, column: &str) -> Done<&'a [u8]>;
    fn maybe_bytes<'a>(&'a self, column: &str) -> Done<Option<&'a [u8]>>;
    fn is(&self, column: &str) -> Done<bool>;
    fn text(&self, column: &str) -> Done<String>;
}

impl Columns for Row {
    fn number(&self, column: &str) -> Done<u64> {
        Ok(self.try_get::<_, i64>(column)?.cast_unsigned())
    }

    fn account(&self) -> Done<AccountId> {
        let id = self.try_get::<_, i64>("account")?;
        Ok(AccountId(u32::try_from(id).unwrap_or(u32::MAX)))
    }

    fn take(&self) -> Done<TakeId> {
        self.number("take").map(TakeId)
    }

    fn time(&self, column: &str) -> Done<Timestamp> {
        Ok(Timestamp::from_millis(self.try_get(column)?))
    }

    fn maybe_time(&self, column: &str) -> Done<Option<Timestamp>> {
        Ok(self.try_get::<_, Option<i64>>(column)?.map(Timestamp::from_millis))
    }

    fn bytes<'a>(&'a self, column: &str) -> Done<&'a [u8]> {
        Ok(self.try_get(column)?)
    }

    fn maybe_bytes<'a>(&'a self, column: &str) -> Done<Option<&'a [u8]>> {
        Ok(self.try_get(column)?)
    }

    fn is(&self, column: &str) -> Done<bool> {
        Ok(self.try_get(column)?)
    }

    /// A text that is kept as bytes: ids may have what the database's own text may not.
    fn text(&self, column: &str) -> Done<String> {
        let bytes = self.bytes(column)?;
        let text = std::str::from_utf8(bytes);
        let text = text.map_err(|_| crate::StoreError::Corrupt(format!("{column} is not text")))?;
        Ok(text.to_owned())
    }
}
