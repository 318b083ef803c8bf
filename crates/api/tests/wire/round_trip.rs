//! Random reports, written and read again.

use api::wire::feed::{parse, parse_one};
use api::wire::{Format, reports};
use model::{Price, Report, ReportError, Status, Timestamp, Zone};
use proptest::prelude::*;

/// Characters that both formats can carry; XML turns others into U+FFFD.
const TEXT: &str = "[\t\n\r -~č<>&'\"\\]\u{7F}-\u{9F}\u{FFFD}😀]";

fn text() -> impl Strategy<Value = String> {
    proptest::string::string_regex(&format!("{TEXT}{{1,40}}")).unwrap()
}

fn amount() -> impl Strategy<Value = model::Amount> {
    "(0|[1-9][0-9]{0,9})(\\.[0-9]{1,12})?".prop_map(|digits| digits.parse().unwrap())
}

fn instant() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        9 => 0..4_102_444_800_000_i64,
        1 => 0..=253_402_300_799_999_i64,
    ]
    .prop_map(Timestamp::from_millis)
}

fn outcome() -> impl Strategy<Value = (Status, ReportError)> {
    let status = (any::<u32>(), text(), any::<u32>(), text(), text());
    let error = (any::<u32>(), text(), any::<u32>(), text(), text(), any::<bool>());
    (status, error).prop_map(|(status, error)| {
        let status = Status {
            group_id: status.0,
            group_name: status.1,
            id: status.2,
            name: status.3,
            description: status.4,
        };
        let error = ReportError {
            group_id: error.0,
            group_name: error.1,
            id: error.2,
            name: error.3,
            description: error.4,
            permanent: error.5,
        };
        (status, error)
    })
}

/// Reports with what the classic shape has.
fn report() -> impl Strategy<Value = Report> {
    let ids = (text(), text(), text());
    let times = (instant(), instant(), 0..=model::limits::DURATION_SECONDS_MAX);
    let rest = (proptest::option::of("[0-9]{5,6}"), "[0-9*#,]{0,20}", amount(), text());
    (ids, times, rest, outcome()).prop_map(|(ids, times, rest, (status, error))| Report {
        bulk_id: ids.0,
        message_id: ids.1,
        to: ids.2,
        from: None,
        text: None,
        callback_data: None,
        sent_at: times.0,
        done_at: times.1,
        start_time: None,
        answer_time: None,
        end_time: None,
        duration_seconds: times.2,
        file_duration: None,
        mcc_mnc: rest.0,
        dtmf_codes: rest.1,
        recorded: false,
        price: Price { per_second: rest.2, currency: rest.3 },
        status,
        error,
    })
}

fn zone() -> impl Strategy<Value = Zone> {
    let names = ["UTC", "Europe/Zagreb", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia"];
    proptest::sample::select(names.to_vec()).prop_map(|name| Zone::named(name).unwrap())
}

proptest! {
    #[test]
    fn a_report_comes_back_as_it_was(
        all in proptest::collection::vec(report(), 0..4),
        zone in zone(),
    ) {
        for format in [Format::Json, Format::Xml] {
            let body = reports(format, &all, &zone);
            let back: Vec<_> = parse(format, &body).unwrap().items;
            prop_assert_eq!(&back, &all.iter().cloned().map(Ok).collect::<Vec<_>>());
            // A price keeps its digits, which equality of numbers would not tell.
            prop_assert_eq!(reports(format, &all, &zone), body);
        }
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for format in [Format::Json, Format::Xml] {
            let _ = parse(format, &bytes);
        }
        let _ = parse_one(&bytes);
    }

    #[test]
    fn no_damage_makes_the_parser_panic(
        report in report(),
        at in any::<prop::sample::Index>(),
        cut in 0_usize..30,
        insert in proptest::collection::vec(any::<u8>(), 0..6),
    ) {
        for format in [Format::Json, Format::Xml] {
            let mut body = reports(format, std::slice::from_ref(&report), &Zone::utc());
            let start = at.index(body.len());
            let end = (start + cut).min(body.len());
            body.splice(start..end, insert.iter().copied());
            if let Err(fault) = parse(format, &body) {
                prop_assert!(!fault.to_string().is_empty());
            }
        }
    }
}
