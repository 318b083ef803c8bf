//! Fates and polls: all that wait at a desk, in one round trip.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use model::AccountId;
use tokio_postgres::Row;

use super::bulletin::News;
use super::command::{Ask, Asked, Command};
use super::line::Lent;
use super::office::Office;
use super::row::{self, Columns};
use super::takes::Claim;
use super::trouble::{Done, Trouble};
use crate::{Fate, Record, ReturnReason, StoreError, TakeAsk, TakeId, Taken};

/// Between attempts at a server that refuses.
const PAUSE: Duration = Duration::from_millis(20);
/// Fates of one round that may be refused before the others have to wait for the next one.
const REFUSALS_MAX: usize = 8;

type TakeCommand = Ask<TakeAsk, (Taken, Option<Claim>)>;

/// What an exchange is asked, column by column.
#[derive(Default)]
struct Sheet {
    takes: Vec<i64>,
    fates: Vec<i16>,
    bytes: Vec<i64>,
    times: Vec<i64>,
    limits: Vec<i64>,
    credentials: Vec<Vec<u8>>,
    peers: Vec<Vec<u8>>,
    requests: Vec<Vec<u8>>,
}

impl Sheet {
    fn ask(&mut self, ask: &TakeAsk) {
        self.limits.push(row::many(ask.limit));
        self.credentials.push(ask.by.credential.clone().into_bytes());
        self.peers.push(ask.by.peer.clone().into_bytes());
        self.requests.push(ask.by.request_id.clone().into_bytes());
    }

    fn note(&mut self, take: TakeId, fate: Fate, at: i64) {
        let bytes = match fate {
            Fate::Acknowledged { bytes } => row::number(bytes),
            Fate::Settled | Fate::Returned(_) => 0,
        };
        self.takes.push(row::number(take.0));
        self.fates.push(fate_code(fate));
        self.bytes.push(bytes);
        self.times.push(at);
    }
}

/// Notes the fates and takes for everybody. Gives the fates that were refused, by a server that was
/// there for as long as the patience: those who take are not to wait for them, and they are not to
/// be lost.
pub(super) async fn exchange(
    office: &Arc<Office>,
    account: AccountId,
    commands: Vec<Command>,
    patience: Duration,
) -> Vec<Command> {
    // The line may have to be waited for a long time.
    let line = office.pool.lend().await;
    let mut sheet = Sheet::default();
    let (mut fates, mut asks) = (Vec::new(), Vec::new());
    for command in commands {
        match command {
            Command::Fate(take, fate, at) => {
                sheet.note(take, fate, row::time(at));
                fates.push(command);
            }
            // Nothing was asked yet of the database, so that nobody's take need not be made.
            Command::Take(ask) if !ask.is_abandoned() => {
                sheet.ask(&ask.what);
                asks.push(ask);
            }
            _ => {}
        }
    }
    if fates.is_empty() && asks.is_empty() {
        return Vec::new();
    }
    let refused = match ask(office, line, account, &sheet, patience).await {
        Ok((woken, given)) => {
            if !given.is_empty() || !fates.is_empty() {
                office.commits.fetch_add(1, Ordering::Relaxed);
            }
            office.bulletin.publish(account, News { reports: woken, ..News::default() });
            office.fates.noted(account, fates.len() as u64);
            hand_out(office, account, asks, given);
            return Vec::new();
        }
        Err(StoreError::NoSuchAccount) => {
            office.fates.noted(account, fates.len() as u64);
            asks.iter_mut().for_each(|ask| ask.fail(StoreError::NoSuchAccount));
            return Vec::new();
        }
        Err(refused) => refused,
    };
    if fates.is_empty() || asks.is_empty() {
        tracing::error!(error = %refused, "The ledger could not do what was asked.");
        asks.iter_mut().for_each(|ask| ask.fail(refused.clone()));
    } else {
        // One of the fates may be to blame.
        let asks = asks.into_iter().map(Command::Take).collect();
        Box::pin(exchange(office, account, asks, patience)).await;
    }
    fates
}

/// Calls in again what was refused, one by one; gives what is refused again, those that were not
/// tried first.
pub(super) async fn note_again(
    office: &Arc<Office>,
    account: AccountId,
    fates: Vec<Command>,
) -> Vec<Command> {
    let (mut left, mut refused) = (Vec::new(), Vec::new());
    for fate in fates {
        match refused.len() < REFUSALS_MAX {
            true => refused.extend(exchange(office, account, vec![fate], Duration::ZERO).await),
            false => left.push(fate),
        }
    }
    left.extend(refused);
    left
}

/// Asks until it is known what happened: an exchange that is asked again gives the same.
async fn ask(
    office: &Arc<Office>,
    mut line: Lent,
    account: AccountId,
    sheet: &Sheet,
    patience: Duration,
) -> std::result::Result<Given, StoreError> {
    let operation = office.next_operation();
    let (began, mut is_in_doubt, mut again) = (Instant::now(), false, false);
    loop {
        match run(office, &line, (account, operation, again), sheet).await {
            Ok(rows) => return Ok(given(&rows)?),
            Err(Trouble::Refused(error)) => return Err(error),
            Err(Trouble::Lost(reason)) => {
                is_in_doubt |= line.client.is_closed();
                // It is there, and has not done it: what waits behind is not to wait for ever.
                if !is_in_doubt && began.elapsed() >= patience {
                    return Err(StoreError::Unavailable(reason));
                }
                tracing::debug!(reason, "An exchange was cut short and is done again.");
                drop(line);
                tokio::time::sleep(PAUSE).await;
                line = office.pool.lend().await;
            }
        }
        again = true;
    }
}

async fn run(
    office: &Office,
    line: &Lent,
    (account, operation, again): (AccountId, i64, bool),
    sheet: &Sheet,
) -> Done<Vec<Row>> {
    const EXCHANGE: &str = "SELECT place, take, record \
        FROM exchange($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    line.query(
        EXCHANGE,
        &[
            &row::account(account),
            &office.node,
            &operation,
            &again,
            &row::time(office.clock.now()),
            &sheet.takes,
            &sheet.fates,
            &sheet.bytes,
            &sheet.times,
            &sheet.limits,
            &sheet.credentials,
            &sheet.peers,
            &sheet.requests,
        ],
    )
    .await
}

/// What was given to whom, by their places; and whether something may be pending again.
type Given = (bool, BTreeMap<usize, (TakeId, Vec<Record>)>);

fn given(rows: &[Row]) -> Done<Given> {
    let (mut woken, mut given) = (false, BTreeMap::new());
    for row in rows {
        let place = usize::try_from(row.try_get::<_, i32>("place")?).unwrap_or(0);
        match row.maybe_bytes("record")? {
            Some(record) if place > 0 => {
                let (_, records) = given.entry(place - 1).or_insert((row.take()?, Vec::new()));
                records.push(Record::from_slice(record.into()));
            }
            Some(_) | None => woken = true,
        }
    }
    Ok((woken, given))
}

fn hand_out(
    office: &Office,
    account: AccountId,
    asks: Vec<TakeCommand>,
    mut given: BTreeMap<usize, (TakeId, Vec<Record>)>,
) {
    for (place, mut ask) in asks.into_iter().enumerate() {
        ask.answer = Some(Ok(match given.remove(&place) {
            Some((take, records)) => {
                let claim = office.fates.claim(account, take);
                (Taken { take: Some(take), records, replayed: false }, Some(claim))
            }
            None => (Taken::default(), None),
        }));
        ask.deliver();
    }
}

/// How the database writes a fate, or the state that it makes of a take.
pub(super) const fn fate_code(fate: Fate) -> i16 {
    match fate {
        Fate::Acknowledged { .. } => 0,
        Fate::Settled => 1,
        Fate::Returned(ReturnReason::NotWritten) => 2,
        Fate::Returned(ReturnReason::Reset) => 3,
        Fate::Returned(ReturnReason::NotAcknowledged) => 4,
        Fate::Returned(ReturnReason::Crash) => 5,
        Fate::Returned(ReturnReason::WindowEnded) => 6,
    }
}
