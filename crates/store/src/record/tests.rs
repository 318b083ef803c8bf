//! Whatever was cut, or has grown, or is of a future version, is damaged.

use model::catalogue::status;
use model::cdr::Leg;
use model::deck::DeckFile;
use model::{AccountId, Outcome};

use super::message::write_message;
use super::{
    BatchRecord, CallRecord, ChangeRecord, EndedRecord, SubmitRecord, read_account, read_deck,
    write_account, write_deck,
};
use crate::conformance::{self, START};
use crate::{Answer, LegUp, Recording, Started};

/// `read` says whether the bytes are a whole record.
#[track_caller]
fn check(whole: &[u8], read: impl Fn(&[u8]) -> bool) {
    assert!(read(whole));
    for length in 0..whole.len() {
        assert!(!read(&whole[..length]), "cut to {length}");
    }
    assert!(!read(&[whole, b"x"].concat()), "grown");
    let mut newer = whole.to_vec();
    newer[0] += 1;
    assert!(!read(&newer), "of a version to come");
}

#[test]
fn a_call_is_read_whole_or_not_at_all() {
    let message = write_message(&conformance::message("bulk", "message"), "bulk");
    let record = CallRecord {
        submitted_at: START,
        due: START,
        batch: 7,
        started: Some(Started { attempt: 2, at: START }),
        cancelled_at: Some(START),
        cdrs: vec![conformance::cdr(1, Outcome::Busy)],
        legs_up: vec![LegUp { leg: Leg::B, at: START, dialog: b"dialog".to_vec() }],
        recording: Recording { parts: 2, bytes: 9 },
        message: &message,
    };
    let bytes = record.write();
    assert_eq!(CallRecord::read(&bytes).unwrap(), record);
    let id = AccountId(1);
    check(&bytes, |bytes| CallRecord::read(bytes).is_ok_and(|call| call.message(id).is_ok()));
    let record = EndedRecord {
        submitted_at: START,
        cdrs: vec![conformance::cdr(1, Outcome::Busy)],
        charged: conformance::finished("bulk", "message", "1.50").charged,
        number: 3,
        recording: Recording { parts: 1, bytes: 4 },
        message: &message,
    };
    let bytes = record.write();
    assert_eq!(EndedRecord::read(&bytes).unwrap(), record);
    check(&bytes, |bytes| EndedRecord::read(bytes).is_ok_and(|call| call.message(id).is_ok()));
}

#[test]
fn every_outcome_and_ending_is_read_as_it_was_written() {
    use model::cdr::Ending::{
        BNotReached, ByA, ByB, CallTimeout, Cancelled, Completed, Drained, LeftBehind, Machine,
        MaxDuration, NotReached, Silence,
    };
    let endings = [
        NotReached,
        Machine,
        Completed,
        BNotReached,
        ByA,
        ByB,
        MaxDuration,
        CallTimeout,
        Silence,
        Cancelled,
        Drained,
        LeftBehind,
    ];
    let attempts = Outcome::ALL.into_iter().zip(endings.into_iter().cycle());
    let cdrs =
        attempts.map(|(outcome, ending)| model::Cdr { ending, ..conformance::cdr(1, outcome) });
    let charged = conformance::finished("bulk", "message", "0").charged;
    let record = EndedRecord {
        submitted_at: START,
        cdrs: cdrs.collect(),
        charged,
        number: 0,
        recording: Recording::default(),
        message: b"",
    };
    assert_eq!(EndedRecord::read(&record.write()).unwrap(), record);
}

#[test]
fn a_bulk_is_read_whole_or_not_at_all() {
    let batch = BatchRecord { bulk_id: "bulk".into(), calls: 9, send_at: START, begun: true };
    assert_eq!(BatchRecord::read(&batch.write()).unwrap(), batch);
    check(&batch.write(), |bytes| BatchRecord::read(bytes).is_ok());
    let change = ChangeRecord { calls: 9, shift: -7, paused: true, cancelled_at: Some(START) };
    assert_eq!(ChangeRecord::read(&change.write()).unwrap(), change);
    check(&change.write(), |bytes| ChangeRecord::read(bytes).is_ok());
}

#[test]
fn a_submission_is_read_whole_or_not_at_all() {
    let answer = Answer {
        message_id: "message".into(),
        to: "385".into(),
        status: status::PENDING_ACCEPTED.into(),
    };
    let record = SubmitRecord {
        at: START,
        fingerprint: 7,
        bulk_id: "bulk".into(),
        answers: vec![answer.clone(), answer],
    };
    assert_eq!(SubmitRecord::read(&record.write()).unwrap(), record);
    check(&record.write(), |bytes| SubmitRecord::read(bytes).is_ok());
}

#[test]
fn settings_are_read_whole_or_not_at_all() {
    let deck = DeckFile {
        name: "retail".into(),
        imported_at: START,
        currency: Some("EUR".into()),
        increments: "60/60".into(),
        charge_b: true,
        decimals: 4,
        csv: b"385,0.01".to_vec(),
    };
    let read = |bytes: &[u8]| read_deck("retail".into(), bytes);
    assert_eq!(read(&write_deck(&deck)).unwrap(), deck);
    check(&write_deck(&deck), |bytes| read(bytes).is_ok());
    let mut account = conformance::account("account");
    account.calling.destinations = vec!["385".into()];
    account.calling.daily_spend = Some("9.90".parse().unwrap());
    let bytes = write_account(&account);
    assert_eq!(read_account(AccountId(0), &bytes).unwrap(), account);
    check(&bytes, |bytes| read_account(AccountId(0), bytes).is_ok());
}
