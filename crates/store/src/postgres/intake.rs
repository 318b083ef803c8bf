//! Intake: the feeds that wait at a desk, in one round trip, as long as nothing of them is there
//! already. What may be is left to a page, which looks.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use model::{AccountId, Timestamp};

use super::bulletin::News;
use super::command::{Ask, Asked};
use super::feed::Sheet;
use super::line::Lent;
use super::office::Office;
use super::row;
use super::trouble::{Done, Trouble};
use crate::order::FeedItem;
use crate::{Fed, StoreError};

/// Between attempts at a server that refuses.
const PAUSE: Duration = Duration::from_millis(20);

type FeedCommand = Ask<Vec<FeedItem>, Vec<Fed>>;

/// Keeps the feeds and answers them. Gives back those that have to be looked at, of which none is
/// kept. Repeats itself until it is known what happened: an intake that is asked again is done once.
pub(super) async fn intake(
    office: &Arc<Office>,
    account: AccountId,
    mut feeds: Vec<FeedCommand>,
) -> Vec<FeedCommand> {
    // The line may have to be waited for a long time.
    let mut line = office.pool.lend().await;
    let operation = office.next_operation();
    let mut is_in_doubt = false;
    loop {
        // In doubt it is asked even if nobody waits any more: what was kept has to be told.
        feeds.retain(|feed| !feed.is_abandoned());
        if feeds.is_empty() && !is_in_doubt {
            return feeds;
        }
        let Some(sheet) = all_new(&feeds, office.clock.now()) else { return feeds };
        match keep(office, &line, (account, operation), &sheet).await {
            Ok(true) => break,
            Ok(false) => return feeds,
            Err(Trouble::Refused(error @ StoreError::NoSuchAccount)) => {
                feeds.iter_mut().for_each(|feed| feed.fail(error.clone()));
                return Vec::new();
            }
            Err(Trouble::Refused(_)) => return feeds,
            Err(Trouble::Lost(reason)) => {
                tracing::debug!(reason, "An intake was cut short and is done again.");
                drop(line);
                tokio::time::sleep(PAUSE).await;
                line = office.pool.lend().await;
                is_in_doubt = true;
            }
        }
    }
    drop(line);
    office.commits.fetch_add(1, Ordering::Relaxed);
    office.bulletin.publish(account, News { reports: true, ..News::default() });
    for feed in &mut feeds {
        feed.answer = Some(Ok(vec![Fed::New; feed.what.len()]));
        feed.deliver();
    }
    Vec::new()
}

/// The reports, column by column; none if two of them may be the same.
fn all_new(feeds: &[FeedCommand], now: Timestamp) -> Option<Sheet> {
    let mut seen = HashSet::new();
    let mut sheet = Sheet::default();
    for item in feeds.iter().flat_map(|feed| &feed.what) {
        if !seen.insert(item.message_hash) {
            return None;
        }
        sheet.add(item, now);
    }
    Some(sheet)
}

async fn keep(
    office: &Office,
    line: &Lent,
    (account, operation): (AccountId, i64),
    sheet: &Sheet,
) -> Done<bool> {
    const FEED: &str = "SELECT kept FROM feed($1, $2, $3, $4, $5, $6, $7) AS kept";
    let (account, fed_at) = (row::account(account), row::time(sheet.fed_at));
    let Sheet { messages, bulks, records, .. } = sheet;
    let row = line
        .one(FEED, &[&account, &office.node, &operation, &fed_at, messages, bulks, records])
        .await?;
    Ok(row.try_get("kept")?)
}
