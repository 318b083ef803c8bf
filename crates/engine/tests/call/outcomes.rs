//! Every row of the table from SIP codes and Q.850 causes to outcomes.

use engine::outcome::{FINAL_CODES, Unanswered};
use model::Outcome::{self, *};
use model::cdr::Release;

const SILENT: bool = false;
const RANG: bool = true;

#[track_caller]
fn check(code: impl Into<Option<u16>>, cause: impl Into<Option<u8>>, rang: bool, expect: Outcome) {
    let release = Release { code: code.into(), cause: cause.into() };
    let got = Unanswered { release, rang, cancelled_as: None }.outcome();
    assert_eq!(got, expect, "{release:?}, rang: {rang}");
}

#[test]
fn codes_without_a_cause() {
    let rows: [(&[u16], Outcome); 14] = [
        (&[486, 600], Busy),
        (&[480], Unavailable),
        (&[603, 607, 608, 433], Declined),
        (&[403], Forbidden),
        (&[404, 604, 485], NoSuchNumber),
        (&[484, 416], IncompleteNumber),
        (&[410, 301], NumberChanged),
        (&[401, 407], TrunkRefused),
        (&[408], NetworkError),
        (&[488, 415, 606], MediaMismatch),
        (&[500, 502, 503, 504, 599], Congestion),
        (&[487], Terminated),
        (&[400, 420, 481, 302], Terminated),
        (&[699], Declined),
    ];
    for (codes, outcome) in rows {
        for code in codes {
            check(*code, None, SILENT, outcome);
        }
    }
    for code in [408, 480, 504] {
        check(code, None, RANG, NoAnswer);
    }
    for code in [486, 603, 503, 404] {
        check(code, 16, RANG, rows.iter().find(|row| row.0.contains(&code)).unwrap().1);
    }
}

#[test]
fn causes_say_what_vague_codes_do_not() {
    let rows: [(&[u8], Outcome); 10] = [
        (&[17], Busy),
        (&[18, 19, 102], NoAnswer),
        (&[20, 27, 31], Unavailable),
        (&[21], Declined),
        (&[55, 57, 87], Forbidden),
        (&[1, 2, 3, 26], NoSuchNumber),
        (&[28], IncompleteNumber),
        (&[22, 23], NumberChanged),
        (&[34, 38, 41, 42, 44, 47], Congestion),
        (&[65, 79, 88], MediaMismatch),
    ];
    for (causes, outcome) in rows {
        for cause in causes {
            for vague in [403, 410, 480, 500, 503, 603] {
                check(vague, *cause, SILENT, outcome);
                check(vague, *cause, RANG, outcome);
            }
            check(486, *cause, SILENT, Busy);
            check(404, *cause, RANG, NoSuchNumber);
        }
    }
    // Normal clearing adds nothing.
    check(480, 16, SILENT, Unavailable);
    check(603, 16, SILENT, Declined);
}

#[test]
fn without_a_code_nothing_came_back_unless_there_is_a_cause() {
    check(None, None, SILENT, NetworkError);
    check(None, 38, SILENT, NetworkError);
    check(None, 41, SILENT, NetworkError);
    check(408, 38, SILENT, NetworkError);
    check(None, 17, SILENT, Busy);
}

#[test]
fn what_we_cancelled_is_ours_unless_the_far_end_had_decided() {
    let of = |code, cancelled_as| {
        let release = Release { code, cause: None };
        Unanswered { release, rang: true, cancelled_as: Some(cancelled_as) }.outcome()
    };
    for code in [None, Some(487), Some(200), Some(408)] {
        for ours in [NoAnswer, NetworkError, Cancelled, Internal] {
            assert_eq!(of(code, ours), ours);
        }
    }
    assert_eq!(of(Some(486), NoAnswer), Busy);
    assert_eq!(of(Some(404), NetworkError), NoSuchNumber);
    assert_eq!(of(Some(486), Cancelled), Cancelled);
    assert_eq!(of(Some(486), Internal), Internal);
}

#[test]
fn another_trunk_is_tried_for_what_this_one_could_not() {
    let may = |code, rang, cancelled_as| {
        let release = Release { code, cause: None };
        Unanswered { release, rang, cancelled_as }.may_fail_over(&FINAL_CODES)
    };
    for code in [None, Some(401), Some(407), Some(408), Some(488), Some(500), Some(502), Some(503)]
    {
        assert!(may(code, SILENT, None), "{code:?}");
        assert!(may(code, SILENT, Some(NetworkError)), "{code:?}");
        assert!(!may(code, RANG, None), "{code:?}: somebody's telephone has rung");
        assert!(!may(code, SILENT, Some(Cancelled)), "{code:?}: nobody wants it");
    }
    assert!(may(Some(504), SILENT, None));
    for code in [486, 600, 603, 607, 404, 484, 604, 410, 433, 403, 480, 487] {
        assert!(!may(Some(code), SILENT, None), "{code}");
    }
}
