//! Bulks: put off, held, let go on, cancelled, together.

use std::time::Duration;

use ::model::{Message, Timestamp};

use super::message::{LEASE, cdr, message, names, submission};
use super::{Open, START, Stage};
use crate::{ArchiveQuery, Bulk, BulkChange, BulkState, CallEntry, Cancelled, StoreError};

pub(super) async fn exercise(open: &impl Open) {
    a_bulk_tells_how_far_it_is(open).await;
    a_paused_bulk_waits(open).await;
    a_paused_bulk_expires(open).await;
    what_is_under_way_goes_on(open).await;
    a_paused_bulk_is_put_off(open).await;
    a_cancelled_bulk_is_closed(open).await;
    a_bulk_grows(open).await;
    a_bulk_is_changed_only_as_it_can_be(open).await;
    a_bulk_goes_with_its_reports(open).await;
}

const MINUTE: Duration = Duration::from_secs(60);

fn at(minutes: u32, id: &str) -> Message {
    let send_at = START.plus(minutes * MINUTE);
    Message { send_at, valid_until: Some(send_at.plus(10 * MINUTE)), ..message("b", id) }
}

impl<O: Open> Stage<'_, O> {
    async fn bulk(&self) -> Bulk {
        self.ledger.bulk(self.account, "b").await.expect("a look").expect("it is there")
    }

    async fn change(&self, change: BulkChange) -> Bulk {
        let changed = self.ledger.change_bulk(self.account, "b", change).await;
        let changed = changed.expect("a change").expect("it is there");
        assert_eq!(changed, self.bulk().await, "it gives what the bulk is then");
        changed
    }

    #[track_caller]
    fn told(&self, bulk: Bulk, state: BulkState, open: u64, send_at: Timestamp) {
        assert_eq!(bulk, Bulk { bulk_id: "b".to_owned(), send_at, state, open });
    }
}

async fn a_bulk_tells_how_far_it_is(open: &impl Open) {
    let stage = Stage::new(open, "how far").await;
    assert_eq!(stage.ledger.bulk(stage.account, "b").await.expect("a look"), None);
    stage.submit_as(submission("b", vec![at(1, "1"), at(0, "2"), at(0, "3")])).await;
    stage.told(stage.bulk().await, BulkState::Pending, 3, START);
    let work = stage.lease().await;
    stage.told(stage.bulk().await, BulkState::Pending, 3, START);
    stage.finish(&work.due[0]).await.expect("it is closed unplaced");
    stage.told(stage.bulk().await, BulkState::Pending, 2, START);
    stage.start(&work.due[1]).await.expect("a start");
    stage.told(stage.bulk().await, BulkState::Processing, 2, START);
    stage.finish(&work.due[1]).await.expect("an end");
    let stage = stage.reopen().await;
    stage.told(stage.bulk().await, BulkState::Processing, 1, START);
    stage.clock.advance(MINUTE);
    stage.finish(&stage.lease().await.due[0]).await.expect("an end");
    stage.told(stage.bulk().await, BulkState::Finished, 0, START);
    let none = stage.ledger.change_bulk(stage.account, "c", BulkChange::Pause).await;
    assert_eq!(none.expect("a look"), None);
}

async fn a_paused_bulk_waits(open: &impl Open) {
    let stage = Stage::new(open, "paused").await;
    stage.submit("b", &["1", "2"]).await;
    stage.submit("c", &["3"]).await;
    stage.told(stage.change(BulkChange::Pause).await, BulkState::Paused, 2, START);
    stage.submit("b", &["4"]).await;
    assert_eq!(names(&stage.lease().await.due), ["3"]);
    let stage = stage.reopen().await;
    assert_eq!(names(&stage.lease().await.due), ["3"]);
    let watch = stage.ledger.watch_calls();
    stage.told(stage.change(BulkChange::Resume).await, BulkState::Pending, 3, START);
    assert!(watch.has_changed().expect("the ledger is open"));
    assert_eq!(names(&stage.lease().await.due), ["1", "2", "4"]);
}

async fn a_paused_bulk_expires(open: &impl Open) {
    let stage = Stage::new(open, "paused and expired").await;
    let forever = Message { valid_until: None, ..at(0, "forever") };
    stage.submit_as(submission("b", vec![at(0, "1"), at(5, "2"), forever])).await;
    stage.change(BulkChange::Pause).await;
    stage.clock.advance(10 * MINUTE - Duration::from_millis(1));
    assert!(stage.lease().await.due.is_empty());
    stage.clock.advance(Duration::from_millis(1));
    assert_eq!(names(&stage.lease().await.due), ["1"], "so that it is told to have expired");
    stage.clock.advance(100 * MINUTE);
    let stage = stage.reopen().await;
    assert_eq!(names(&stage.lease().await.due), ["1", "2"]);
}

async fn what_is_under_way_goes_on(open: &impl Open) {
    let stage = Stage::new(open, "pause under way").await;
    stage.submit("b", &["1", "2", "3"]).await;
    let work = stage.lease().await;
    stage.start(&work.due[0]).await.expect("a start");
    stage.told(stage.change(BulkChange::Pause).await, BulkState::Paused, 3, START);
    stage.start(&work.due[1]).await.expect("it was leased before");
    assert!(stage.lease().await.cancelled.is_empty());
    stage.finish(&work.due[0]).await.expect("an end");
    let retry = cdr(1, ::model::Outcome::Busy);
    stage.ledger.retry(work.due[1].lease, retry, START).await.expect("a retry");
    stage.release(&work.due[2]).await.expect("it is given back");
    assert!(stage.lease().await.due.is_empty(), "what came back waits");
    stage.change(BulkChange::Resume).await;
    assert_eq!(names(&stage.lease().await.due), ["2", "3"]);
}

async fn a_paused_bulk_is_put_off(open: &impl Open) {
    let stage = Stage::new(open, "put off").await;
    stage.submit_as(submission("b", vec![at(2, "1"), at(1, "2")])).await;
    stage.submit_as(submission("b", vec![at(4, "3")])).await;
    stage.change(BulkChange::Pause).await;
    let later = START.plus(31 * MINUTE);
    stage.told(stage.change(BulkChange::SendAt(later)).await, BulkState::Paused, 3, later);
    let stage = stage.reopen().await;
    let entry = stage.ledger.call(stage.account, "1").await.expect("a look");
    let Some(CallEntry::Open(call)) = entry else { panic!("{entry:?}") };
    let expect = Message { account: stage.account, ..at(32, "1") };
    assert_eq!((call.message, call.due), (expect, later.plus(MINUTE)));
    stage.clock.advance(31 * MINUTE);
    assert!(stage.lease().await.due.is_empty(), "it is paused, and still valid");
    stage.told(stage.change(BulkChange::Resume).await, BulkState::Pending, 3, later);
    let work = stage.lease().await;
    assert_eq!(names(&work.due), ["2"]);
    assert_eq!(work.due[0].call.due, later);
    let due = stage.ledger.due().await.expect("who is due");
    assert_eq!(due[0].next, Some(later.plus(MINUTE)));
    let retry = cdr(1, ::model::Outcome::Busy);
    let soon = later.plus(2 * MINUTE);
    stage.ledger.retry(work.due[0].lease, retry, soon).await.expect("a retry");
    stage.clock.advance(2 * MINUTE);
    let work = stage.lease().await;
    assert_eq!(names(&work.due), ["1", "2"]);
    assert_eq!(work.due[1].call.due, soon, "that is when it was asked for");
    stage.clock.advance(LEASE);
    stage.change(BulkChange::Pause).await;
    stage.told(stage.change(BulkChange::SendAt(START)).await, BulkState::Paused, 3, START);
    stage.change(BulkChange::Resume).await;
    assert_eq!(names(&stage.lease().await.due), ["1", "2", "3"], "brought forward");
}

async fn a_cancelled_bulk_is_closed(open: &impl Open) {
    let stage = Stage::new(open, "cancelled bulk").await;
    stage.submit("b", &["1", "2", "3"]).await;
    stage.submit("c", &["4"]).await;
    let work = stage.lease_most(1, 9).await;
    stage.start(&work.due[0]).await.expect("a start");
    stage.clock.advance(Duration::from_secs(1));
    let watch = stage.ledger.watch_calls();
    for _ in 0..2 {
        stage.told(stage.change(BulkChange::Cancel).await, BulkState::Canceled, 3, START);
    }
    assert!(watch.has_changed().expect("the ledger is open"));
    let told = stage.lease().await;
    assert_eq!((names(&told.due), names(&told.closing)), (vec!["4"], vec!["2", "3"]));
    assert_eq!(told.cancelled, [work.due[0].call.id]);
    let cancelled_at = told.closing[0].call.cancelled_at;
    assert_eq!(cancelled_at, Some(START.plus(Duration::from_secs(1))));
    let cancelled = stage.ledger.cancel(stage.account, "1").await.expect("a cancellation");
    assert_eq!(cancelled, Some(Cancelled::UnderWay));
    let stage = stage.reopen().await;
    let work = stage.lease().await;
    assert_eq!((names(&work.due), names(&work.closing)), (vec!["4"], vec!["1", "2", "3"]));
    assert_eq!(work.closing[2].call.cancelled_at, cancelled_at);
    for leased in &work.closing {
        stage.finish(leased).await.expect("it is closed");
    }
    stage.told(stage.bulk().await, BulkState::Canceled, 0, START);
}

async fn a_bulk_grows(open: &impl Open) {
    let stage = Stage::new(open, "grown").await;
    stage.submit_as(submission("b", vec![at(5, "1")])).await;
    stage.submit_as(submission("b", vec![at(3, "2"), at(0, "2b")])).await;
    stage.told(stage.bulk().await, BulkState::Pending, 3, START);
    stage.change(BulkChange::Cancel).await;
    stage.submit_as(submission("b", vec![at(7, "3")])).await;
    let then = START.plus(7 * MINUTE);
    stage.told(stage.bulk().await, BulkState::Pending, 4, then);
    let work = stage.lease().await;
    assert_eq!(names(&work.closing), ["1", "2", "2b"], "what came later is not cancelled");
    stage.clock.advance(7 * MINUTE);
    assert_eq!(names(&stage.lease().await.due), ["3"]);
}

async fn a_bulk_is_changed_only_as_it_can_be(open: &impl Open) {
    let stage = Stage::new(open, "changes").await;
    let send_at = BulkChange::SendAt(START.plus(MINUTE));
    let refused = async |changes: &[BulkChange], state| {
        let before = stage.bulk().await;
        for change in changes {
            let changed = stage.ledger.change_bulk(stage.account, "b", *change).await;
            assert!(
                matches!(changed, Err(StoreError::BulkState(is)) if is == state),
                "{changed:?}"
            );
        }
        assert_eq!(before, stage.bulk().await);
    };
    stage.submit("b", &["1"]).await;
    refused(&[send_at, BulkChange::Resume], BulkState::Pending).await;
    stage.change(BulkChange::Pause).await;
    refused(&[BulkChange::Pause], BulkState::Paused).await;
    stage.change(BulkChange::Resume).await;
    let work = stage.lease().await;
    stage.start(&work.due[0]).await.expect("a start");
    refused(&[send_at, BulkChange::Resume], BulkState::Processing).await;
    stage.change(BulkChange::Pause).await;
    stage.finish(&work.due[0]).await.expect("an end");
    let all = [send_at, BulkChange::Pause, BulkChange::Resume, BulkChange::Cancel];
    refused(&all, BulkState::Finished).await;
    stage.submit("b", &["2"]).await;
    stage.told(stage.bulk().await, BulkState::Processing, 1, START);
    assert_eq!(names(&stage.lease().await.due), ["2"], "what was paused is over");
    stage.change(BulkChange::Cancel).await;
    refused(&[send_at, BulkChange::Pause, BulkChange::Resume], BulkState::Canceled).await;
}

async fn a_bulk_goes_with_its_reports(open: &impl Open) {
    let stage = Stage::new(open, "retention of bulks").await;
    stage.submit("b", &["1", "2"]).await;
    stage.change(BulkChange::Cancel).await;
    let work = stage.lease().await;
    stage.finish(&work.closing[0]).await.expect("it is closed");
    stage.feed("b", &["fed"]).await;
    let settle = async || {
        let taken = stage.take(9).await.take.expect("something was taken");
        stage.ledger.resolve(taken, crate::Fate::Settled);
        stage.pass(stage.keeping.retention).await.reports_dropped
    };
    assert_eq!(settle().await, 2);
    assert_eq!(stage.ledger.call(stage.account, "1").await.expect("a look"), None);
    stage.told(stage.bulk().await, BulkState::Canceled, 1, START);
    let work = stage.lease().await;
    assert_eq!(names(&work.closing), ["2"]);
    stage.finish(&work.closing[0]).await.expect("it is closed");
    stage.told(stage.bulk().await, BulkState::Canceled, 0, START);
    assert_eq!(settle().await, 1);
    assert_eq!(stage.ledger.bulk(stage.account, "b").await.expect("a look"), None);
    assert!(stage.listed(ArchiveQuery::default()).await.is_empty());
    let stage = stage.reopen().await;
    assert_eq!(stage.submit("b", &["1"]).await.bulk_id, "b", "its id is free again");
    stage.told(stage.bulk().await, BulkState::Pending, 1, START);
    assert_eq!(names(&stage.lease().await.due), ["1"]);
}
