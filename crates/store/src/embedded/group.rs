//! A group: what several commands write, committed at once, and seen by each of them before that.

use std::collections::BTreeMap;
use std::ops::Bound;

use fjall::{OwnedWriteBatch, PersistMode, Slice};
use model::AccountId;

use super::feed::missing;
use super::files::{Files, View, unreadable};
use super::keys::{self, Table};
use super::ranges::Edit;
use crate::{Record, Result};

/// Writes that are not yet committed, over what is. A key that is written twice is kept once.
pub(super) struct Group<'a> {
    files: &'a Files,
    view: View<'a>,
    writes: BTreeMap<(Table, Slice), Option<Slice>>,
}

impl<'a> Group<'a> {
    pub(super) fn new(files: &'a Files) -> Self {
        Self { files, view: files.view(), writes: BTreeMap::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    pub(super) fn put(&mut self, table: Table, key: impl Into<Slice>, value: impl Into<Slice>) {
        self.writes.insert((table, key.into()), Some(value.into()));
    }

    pub(super) fn remove(&mut self, table: Table, key: impl Into<Slice>) {
        self.writes.insert((table, key.into()), None);
    }

    /// Writes a change of an account's pending ranges.
    pub(super) fn edit_pending(&mut self, account: AccountId, (end, start): Edit) {
        let key = keys::pair(account, end);
        match start {
            Some(start) => self.put(Table::Pending, key, start.to_be_bytes()),
            None => self.remove(Table::Pending, key),
        }
    }

    pub(super) fn get(&self, table: Table, key: impl Into<Slice>) -> Result<Option<Slice>> {
        let key = (table, key.into());
        match self.writes.get(&key) {
            Some(written) => Ok(written.clone()),
            None => self.view.get(table, &key.1),
        }
    }

    pub(super) fn record(&self, account: AccountId, seq: u64) -> Result<Option<Record>> {
        let bytes = self.get(Table::Report, keys::pair(account, seq))?;
        Ok(bytes.map(Record::from_slice))
    }

    /// The account's report of that message, and its number.
    pub(super) fn report_of(
        &self,
        account: AccountId,
        message_id: &str,
    ) -> Result<Option<(u64, Record)>> {
        let seqs = self.get(Table::Message, keys::pair(account, keys::hash(message_id)))?;
        for seq in seqs.iter().flat_map(|seqs| keys::numbers(seqs)) {
            let record = self.record(account, seq)?.ok_or_else(|| missing(account, seq))?;
            // Another message may share the hash.
            if record.ids()?.1 == message_id {
                return Ok(Some((seq, record)));
            }
        }
        Ok(None)
    }

    /// The first entry with a key from `first` to `last`, both included.
    pub(super) fn first(
        &self,
        table: Table,
        first: &[u8],
        last: &[u8],
    ) -> Result<Option<(Slice, Slice)>> {
        let committed = self
            .view
            .range(table, first, last)
            .find(|entry| entry.as_ref().map_or(true, |(key, _)| !self.is_written(table, key)))
            .transpose()?;
        let written = self
            .writes
            .range((table, first.into())..=(table, last.into()))
            .find_map(|((_, key), value)| Some((key.clone(), value.clone()?)));
        Ok(match (committed, written) {
            (Some(committed), Some(written)) if written.0 < committed.0 => Some(written),
            (Some(committed), _) => Some(committed),
            (None, written) => written,
        })
    }

    /// The last entry with a key from `first` to `last`, both included.
    pub(super) fn last(
        &self,
        table: Table,
        first: &[u8],
        last: &[u8],
    ) -> Result<Option<(Slice, Slice)>> {
        let committed = self
            .view
            .range(table, first, last)
            .rev()
            .find(|entry| entry.as_ref().map_or(true, |(key, _)| !self.is_written(table, key)))
            .transpose()?;
        let bounds =
            (Bound::Included((table, first.into())), Bound::Included((table, last.into())));
        let written = self
            .writes
            .range(bounds)
            .rev()
            .find_map(|((_, key), value)| Some((key.clone(), value.clone()?)));
        Ok(match (committed, written) {
            (Some(committed), Some(written)) if written.0 > committed.0 => Some(written),
            (Some(committed), _) => Some(committed),
            (None, written) => written,
        })
    }

    fn is_written(&self, table: Table, key: &Slice) -> bool {
        self.writes.contains_key(&(table, key.clone()))
    }

    /// Makes everything written durable, at once.
    pub(super) fn commit(self) -> Result<()> {
        // fdatasync is enough: the journal's directory entry was synced when it was made, and the
        // call covers the metadata that is needed to read the data back.
        let mut batch = OwnedWriteBatch::with_capacity(self.files.db().clone(), self.writes.len())
            .durability(Some(PersistMode::SyncData));
        for ((table, key), value) in self.writes {
            let table = self.files.table(table);
            match value {
                Some(value) => batch.insert(table, key, value),
                None => batch.remove(table, key),
            }
        }
        batch.commit().map_err(unreadable)
    }
}
