//! What a report says, row by row, of calls that the sandbox does not make.

use std::sync::Arc;

use engine::report::{End, Last, finished};
use engine::tariff::{DeckOf, Tariff};
use model::cdr::{Ending, LegRecord};
use model::ladder::Ladder;
use model::{Account, Calling, Cdr, Generation, Outcome, Roles, Zone};

use crate::house::{NOON, ONE, persons, secs};

fn tariff(generation: Generation) -> Tariff {
    let account = Account {
        id: ONE,
        name: "shop".into(),
        zone: Zone::utc(),
        password_hash: None,
        roles: Roles::default(),
        disabled: false,
        calling: Calling { generation, ..Calling::default() },
        created_at: NOON,
    };
    Tariff { account: Arc::new(account), deck: DeckOf::None }
}

fn cdr(outcome: Outcome) -> Cdr {
    let answered = LegRecord {
        answered: Some(NOON.plus(secs(5))),
        ended: Some(NOON.plus(std::time::Duration::from_millis(14_999))),
        outcome,
        ..LegRecord::dialled(NOON)
    };
    Cdr {
        attempt: 1,
        outcome,
        ending: Ending::ByA,
        leg_a: answered,
        leg_b: None,
        keys: vec!['1', '#', 'A'],
        detection: None,
        prompt: None,
        ladder: Ladder::default(),
    }
}

#[test]
fn every_outcome_has_its_rows() {
    for generation in [Generation::Classic, Generation::Newer] {
        for outcome in Outcome::ALL {
            let end =
                End { outcome, last: Last::None { due: NOON }, done_at: NOON, recorded: false };
            let report = finished(&persons("m"), end, &tariff(generation)).report;
            let (status, error) = outcome.rows(generation);
            assert_eq!((report.status, report.error), (status.into(), error.into()));
        }
    }
}

#[test]
fn seconds_are_whole_and_keys_are_parted_by_commas() {
    let last = Last::Over { cdr: Box::new(cdr(Outcome::Answered)), second: None };
    let end =
        End { outcome: Outcome::Answered, last, done_at: NOON.plus(secs(15)), recorded: false };
    let finished = finished(&persons("m"), end, &tariff(Generation::Classic));
    let report = finished.report;
    assert_eq!((report.duration_seconds, report.dtmf_codes.as_str()), (9, "1,#,A"));
    // It was answered before it was heard to ring.
    assert_eq!(report.start_time, report.answer_time);
    assert_eq!(finished.cdr, Some(cdr(Outcome::Answered)));
}

#[test]
fn what_was_never_dialled_was_to_be_sent_when_it_was_due() {
    let sent_at = |due, done_at| {
        let end =
            End { outcome: Outcome::Cancelled, last: Last::None { due }, done_at, recorded: false };
        finished(&persons("m"), end, &tariff(Generation::Classic)).report.sent_at
    };
    let later = NOON.plus(secs(60));
    assert_eq!(sent_at(NOON, later), NOON);
    assert_eq!(sent_at(later, NOON), NOON, "nothing is sent after it is done");
}

#[test]
fn an_attempt_that_is_kept_already_is_not_kept_twice() {
    let end = End {
        outcome: Outcome::Cancelled,
        last: Last::Kept(Box::new(cdr(Outcome::Busy))),
        done_at: NOON.plus(secs(60)),
        recorded: false,
    };
    assert_eq!(finished(&persons("m"), end, &tariff(Generation::Classic)).cdr, None);
}
