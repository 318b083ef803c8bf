//! What is kept of a call while it lasts: which legs are up, and what was recorded.

use std::time::Duration;

use ::model::Timestamp;
use ::model::cdr::Leg;

use super::message::{finished, names};
use super::{Open, START, Stage};
use crate::{CallEntry, Fate, Finished, Keeping, LeaseId, LegUp, Recording, StoreError};

pub(super) async fn exercise(open: &impl Open) {
    the_legs_of_a_call_outlive_the_process(open).await;
    what_is_up_belongs_to_an_attempt(open).await;
    a_recording_is_kept_with_its_report(open).await;
    a_recording_outlives_the_process(open).await;
    a_recording_without_a_report_that_says_so_is_gone(open).await;
    only_the_holder_of_a_lease_notes_and_records(open).await;
}

fn up(leg: Leg, dialog: &str) -> LegUp {
    LegUp { leg, at: Timestamp::from_millis(START.as_millis() + 1), dialog: dialog.into() }
}

fn recorded(bulk: &str, message: &str) -> Finished {
    let mut end = finished(bulk, message, "0.25");
    end.report.recorded = true;
    end
}

impl<O: Open> Stage<'_, O> {
    async fn begin_call(&self, message: &str) -> LeaseId {
        self.submit("b", &[message]).await;
        let work = self.lease().await;
        self.start(&work.due[0]).await.expect("a start");
        work.due[0].lease
    }

    async fn note(&self, lease: LeaseId, up: LegUp) {
        self.ledger.note(lease, up).await.expect("a note");
    }

    async fn part(&self, message: &str, part: u32) -> Option<Vec<u8>> {
        self.ledger.recording(self.account, message, part).await.expect("a look")
    }
}

async fn the_legs_of_a_call_outlive_the_process(open: &impl Open) {
    let stage = Stage::new(open, "legs up").await;
    let lease = stage.begin_call("1").await;
    stage.note(lease, up(Leg::A, "first")).await;
    stage.note(lease, up(Leg::B, "second")).await;
    // A session that is refreshed may be noted anew.
    stage.note(lease, up(Leg::A, "third")).await;
    let stage = stage.reopen().await;
    let work = stage.lease().await;
    assert_eq!(names(&work.closing), ["1"]);
    let mut legs = work.closing[0].call.legs_up.clone();
    legs.sort_by_key(|up| up.leg == Leg::B);
    assert_eq!(legs, [up(Leg::A, "third"), up(Leg::B, "second")]);
    stage.finish(&work.closing[0]).await.expect("it is closed");
    assert_eq!(stage.take_all().await, ["1"]);
}

async fn what_is_up_belongs_to_an_attempt(open: &impl Open) {
    let stage = Stage::new(open, "legs of an attempt").await;
    let lease = stage.begin_call("1").await;
    stage.note(lease, up(Leg::A, "first")).await;
    let cdr = super::cdr(1, ::model::Outcome::AnsweredByMachine);
    stage.ledger.retry(lease, cdr, START).await.expect("a retry");
    let work = stage.lease().await;
    assert_eq!(work.due[0].call.legs_up, []);
}

async fn a_recording_is_kept_with_its_report(open: &impl Open) {
    let keeping = Keeping { retention: Duration::from_secs(3_600), ..Keeping::default() };
    let stage = Stage::keeping(open, "recording", keeping).await;
    let lease = stage.begin_call("1").await;
    // Whoever does not know whether a part is kept tells it again.
    for (from, part) in [(0, b"one".as_slice()), (0, b"one"), (3, b"three"), (3, b"three")] {
        stage.ledger.record(lease, from, part.to_vec()).await.expect("a part");
    }
    assert_eq!(stage.part("1", 0).await, None, "it is not over");
    stage.ledger.finish(lease, recorded("b", "1")).await.expect("an end");
    let stage = stage.reopen().await;
    assert_eq!(stage.part("1", 0).await.as_deref(), Some(b"one".as_slice()));
    assert_eq!(stage.part("1", 1).await.as_deref(), Some(b"three".as_slice()));
    assert_eq!(stage.part("1", 2).await, None);
    assert_eq!(stage.part("2", 0).await, None);
    let entry = stage.ledger.call(stage.account, "1").await.expect("a look");
    let Some(CallEntry::Finished(ended)) = entry else { panic!("{entry:?}") };
    assert_eq!(ended.recording, Recording { parts: 2, bytes: 8 });
    let taken = stage.take(1).await;
    assert!(taken.records[0].report().expect("a whole record").recorded);
    let take = taken.take.expect("something was taken");
    stage.ledger.resolve(take, Fate::Settled);
    stage.pass(Duration::from_secs(3_601)).await;
    assert_eq!(stage.part("1", 0).await, None, "it goes with its report");
}

async fn a_recording_outlives_the_process(open: &impl Open) {
    let stage = Stage::new(open, "recording left behind").await;
    let lease = stage.begin_call("1").await;
    stage.ledger.record(lease, 0, b"one".to_vec()).await.expect("a part");
    let stage = stage.reopen().await;
    let work = stage.lease().await;
    let left = &work.closing[0];
    assert_eq!(left.call.recording, Recording { parts: 1, bytes: 3 });
    stage.ledger.finish(left.lease, recorded("b", "1")).await.expect("it is closed");
    assert_eq!(stage.part("1", 0).await.as_deref(), Some(b"one".as_slice()));
}

async fn a_recording_without_a_report_that_says_so_is_gone(open: &impl Open) {
    let stage = Stage::new(open, "recording refused").await;
    let lease = stage.begin_call("1").await;
    stage.ledger.record(lease, 0, b"one".to_vec()).await.expect("a part");
    stage.ledger.finish(lease, finished("b", "1", "0")).await.expect("an end");
    assert_eq!(stage.part("1", 0).await, None);
}

async fn only_the_holder_of_a_lease_notes_and_records(open: &impl Open) {
    let stage = Stage::new(open, "notes of a lost lease").await;
    let lease = stage.begin_call("1").await;
    let stage = stage.reopen().await;
    let noted = stage.ledger.note(lease, up(Leg::A, "late")).await;
    assert!(matches!(noted, Err(StoreError::LeaseLost)), "{noted:?}");
    let recorded = stage.ledger.record(lease, 0, b"late".to_vec()).await;
    assert!(matches!(recorded, Err(StoreError::LeaseLost)), "{recorded:?}");
    let work = stage.lease().await;
    let call = &work.closing[0].call;
    assert_eq!((call.legs_up.len(), call.recording.bytes), (0, 0));
}
