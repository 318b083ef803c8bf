//! Feeding: reports enter the ledger, each `messageId` once.

use fjall::Slice;
use model::AccountId;

use super::command::FeedItem;
use super::group::Group;
use super::keys::{self, Table};
use super::writer::Writer;
use crate::record::stamp;
use crate::{Fed, Record, Result, StoreError};

impl Writer {
    pub(super) fn feed(
        &mut self,
        account: AccountId,
        items: Vec<FeedItem>,
        group: &mut Group<'_>,
    ) -> Result<Vec<Fed>> {
        let now = self.clock.now();
        let queue = self.state.queue(account)?;
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
        queue.pending_count += queue.next_seq - first;
        if queue.next_seq > first {
            queue.changed = true;
            queue.woken = true;
        }
        Ok(answers)
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

fn with_number(numbers: Option<&Slice>, number: u64) -> Vec<u8> {
    let mut all = numbers.map_or_else(Vec::new, |numbers| numbers.to_vec());
    all.extend_from_slice(&number.to_be_bytes());
    all
}

pub(super) fn missing(account: AccountId, seq: u64) -> StoreError {
    StoreError::Corrupt(format!("report {seq} of account {} is missing", account.0))
}
