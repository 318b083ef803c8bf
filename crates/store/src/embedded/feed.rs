//! Feeding: reports enter the ledger, each `messageId` once.

use fjall::Slice;
use model::AccountId;

use super::group::Group;
use super::keys::{self, Table};
use super::writer::Writer;
use crate::order::FeedItem;
use crate::record::{CallRecord, stamp};
use crate::{Fed, Record, Result, StoreError};

impl Writer {
    pub(super) fn feed(
        &mut self,
        account: AccountId,
        items: Vec<FeedItem>,
        group: &mut Group<'_>,
    ) -> Result<Vec<Fed>> {
        let now = self.clock.now();
        let queue = self.state.accounts.get_mut(&account).ok_or(StoreError::NoSuchAccount)?;
        let mut answers = Vec::with_capacity(items.len());
        let mut run: Option<Run> = None;
        let first = queue.next_seq;
        for mut item in items {
            stamp(&mut item.encoded, now);
            let record = Record::from_slice(item.encoded.into());
            let message = keys::pair(account, item.message_hash);
            let namesakes = group.get(Table::Message, message)?;
            if let Some(known) = find_known(group, account, namesakes.as_ref(), &record)? {
                answers.push(known);
                continue;
            }
            let open = self.state.calls.book(account)?.desk().named(item.message_hash);
            if is_open(group, account, &open, &record)? {
                answers.push(Fed::Conflict);
                continue;
            }
            let seq = queue.next_seq;
            queue.next_seq += 1;
            group.put(Table::Message, message, with_number(namesakes.as_ref(), seq));
            match &mut run {
                Some(run) if run.bulk == record.ids()?.0 => run.count += 1,
                _ => {
                    if let Some(ended) = run.take() {
                        ended.put(group, account);
                    }
                    run = Some(Run::new(item.bulk_hash, record.ids()?.0, seq));
                }
            }
            group.put(Table::Report, keys::pair(account, seq), record.into_slice());
            answers.push(Fed::New);
        }
        if let Some(ended) = run {
            ended.put(group, account);
        }
        queue.grew(queue.next_seq - first);
        Ok(answers)
    }

    /// Appends the report of a call, and gives its number. No other has its `messageId`.
    pub(super) fn append(
        &mut self,
        account: AccountId,
        mut item: FeedItem,
        group: &mut Group<'_>,
    ) -> Result<u64> {
        stamp(&mut item.encoded, self.clock.now());
        let queue = self.state.queue(account)?;
        let seq = queue.next_seq;
        queue.next_seq += 1;
        queue.grew(1);
        let message = keys::pair(account, item.message_hash);
        let namesakes = group.get(Table::Message, message)?;
        group.put(Table::Message, message, with_number(namesakes.as_ref(), seq));
        let run = keys::triple(account, item.bulk_hash, seq);
        group.put(Table::Bulk, run, 1_u64.to_be_bytes());
        group.put(Table::Report, keys::pair(account, seq), item.encoded);
        Ok(seq)
    }
}

/// Reports of one bulk that follow each other.
struct Run {
    hash: u64,
    bulk: String,
    first: u64,
    count: u64,
}

impl Run {
    fn new(hash: u64, bulk: &str, first: u64) -> Self {
        Self { hash, bulk: bulk.to_owned(), first, count: 1 }
    }

    fn put(self, group: &mut Group<'_>, account: AccountId) {
        let key = keys::triple(account, self.hash, self.first);
        group.put(Table::Bulk, key, self.count.to_be_bytes());
    }
}

/// Whether the account has the `messageId` already, and with which content.
fn find_known(
    group: &Group<'_>,
    account: AccountId,
    namesakes: Option<&Slice>,
    record: &Record,
) -> Result<Option<Fed>> {
    for seq in namesakes.into_iter().flat_map(|seqs| keys::numbers(seqs)) {
        let known = group.record(account, seq)?.ok_or_else(|| missing(account, seq))?;
        if known.ids()?.1 == record.ids()?.1 {
            let same = known.same_content(record);
            return Ok(Some(if same { Fed::Duplicate } else { Fed::Conflict }));
        }
    }
    Ok(None)
}

/// Whether the report's `messageId` is that of a call: the report of that one is still to come.
fn is_open(group: &Group<'_>, account: AccountId, calls: &[u64], record: &Record) -> Result<bool> {
    for number in calls {
        let bytes = group.get(Table::Call, keys::pair(account, *number))?;
        if let Some(bytes) = bytes
            && CallRecord::read(&bytes)?.head()?.message_id == record.ids()?.1
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn with_number(numbers: Option<&Slice>, number: u64) -> Vec<u8> {
    let mut all = numbers.map_or_else(Vec::new, |numbers| numbers.to_vec());
    all.extend_from_slice(&number.to_be_bytes());
    all
}

pub(super) fn missing(account: AccountId, seq: u64) -> StoreError {
    StoreError::Corrupt(format!("report {seq} of account {} is missing", account.0))
}
