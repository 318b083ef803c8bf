//! Dates, in and out.

use api::wire::date::{DateError, parse, text};
use model::{Timestamp, Zone};

#[track_caller]
fn check(written: &str, expect: Result<&str, DateError>) {
    let read = parse(written).map(|at| text(at, &Zone::utc()));
    assert_eq!(read.as_deref().map_err(|error| *error), expect, "{written}");
}

#[track_caller]
fn check_zone(zone: &str, utc: &str, expect: &str) {
    let at = parse(utc).unwrap();
    assert_eq!(text(at, &Zone::named(zone).unwrap()), expect, "{utc} in {zone}");
}

#[test]
fn every_way_in_which_clients_write_dates_is_read() {
    let expect = Ok("2015-02-01T11:22:33.444+0000");
    check("2015-02-01T12:22:33.444+0100", expect);
    check("2015-02-01T12:22:33.444+01:00", expect);
    check("2015-02-01T12:22:33.444 0100", expect);
    check("2015-02-01T12:22:33.444 01:00", expect);
    check("2015-02-01T08:22:33.444-0300", expect);
    check("2015-02-01T11:22:33.444Z", expect);
    check("2015-02-01T11:22:33.444000+0000", expect);
    check("2015-02-01T11:22:33.444999999-00:00", expect);
    check("2015-02-01T11:22:33.4Z", Ok("2015-02-01T11:22:33.400+0000"));
    check("2015-02-01T11:22:33.04Z", Ok("2015-02-01T11:22:33.040+0000"));
    check("2015-02-01T11:22:33Z", Ok("2015-02-01T11:22:33.000+0000"));
}

#[test]
fn the_ends_of_the_calendar_are_where_they_should_be() {
    check("1970-01-01T00:00:00.000Z", Ok("1970-01-01T00:00:00.000+0000"));
    check("9999-12-31T23:59:59.999Z", Ok("9999-12-31T23:59:59.999+0000"));
    check("1969-12-31T23:00:00.000-0100", Ok("1970-01-01T00:00:00.000+0000"));
    check("1969-12-31T23:59:59.999Z", Err(DateError::OutOfRange));
    check("9999-12-31T23:59:59.999-0001", Err(DateError::OutOfRange));
    check("0000-01-01T00:00:00.000Z", Err(DateError::OutOfRange));
    check("2000-02-29T00:00:00.000Z", Ok("2000-02-29T00:00:00.000+0000"));
    check("2015-02-01T00:00:00.000+1800", Ok("2015-01-31T06:00:00.000+0000"));
}

#[test]
fn days_and_times_that_do_not_exist_are_refused() {
    for written in [
        "2015-02-30T00:00:00.000Z",
        "2015-02-29T00:00:00.000Z",
        "2100-02-29T00:00:00.000Z",
        "2015-04-31T00:00:00.000Z",
        "2015-00-01T00:00:00.000Z",
        "2015-13-01T00:00:00.000Z",
        "2015-01-00T00:00:00.000Z",
        "2015-01-01T24:00:00.000Z",
        "2015-01-01T00:60:00.000Z",
        "2015-01-01T00:00:60.000Z",
        "2015-01-01T00:00:00.000+1801",
        "2015-01-01T00:00:00.000-19:00",
        "2015-01-01T00:00:00.000+0060",
    ] {
        check(written, Err(DateError::Impossible));
    }
}

#[test]
fn what_is_no_date_is_refused() {
    for written in [
        "",
        "2015-02-01",
        "2015-02-01T00:00",
        "2015-02-01T00:00:00",
        "2015-02-01 00:00:00Z",
        "2015-02-01T00:00:00.Z",
        "2015-02-01T00:00:00.0000000000Z",
        "2015-02-01T00:00:00,000Z",
        "2015-02-01T00:00:00.000+01",
        "2015-02-01T00:00:00.000Z ",
        " 2015-02-01T00:00:00.000Z",
        "15-02-01T00:00:00.000Z",
        "+2015-02-01T00:00:00.000Z",
        "2015-2-1T00:00:00.000Z",
        "2015-02-01T00:00:00.000ZZ",
        "2015-02-01T-1:00:00.000Z",
        "２015-02-01T00:00:00.000Z",
        "1423731500323",
    ] {
        check(written, Err(DateError::Form));
    }
}

#[test]
fn instants_are_shown_in_the_zone() {
    check_zone("Europe/Zagreb", "2015-02-12T08:58:20.323Z", "2015-02-12T09:58:20.323+0100");
    check_zone("Europe/Zagreb", "2015-07-01T00:00:00.005Z", "2015-07-01T02:00:00.005+0200");
    check_zone("America/Sao_Paulo", "2015-12-31T23:00:00.050Z", "2015-12-31T21:00:00.050-0200");
    check_zone("Asia/Kolkata", "2016-02-29T20:00:00.000Z", "2016-03-01T01:30:00.000+0530");
    check_zone("America/St_Johns", "2016-01-01T00:00:00.000Z", "2015-12-31T20:30:00.000-0330");
    check_zone("America/New_York", "1970-01-01T00:00:00.000Z", "1969-12-31T19:00:00.000-0500");
    // Four digits cannot show the year 10000, so this one is shown in UTC.
    check_zone("Europe/Zagreb", "9999-12-31T23:30:00.000Z", "9999-12-31T23:30:00.000+0000");
}

#[test]
fn the_offset_changes_with_the_clocks_of_the_zone() {
    check_zone("Europe/Zagreb", "2015-03-29T00:59:59.999Z", "2015-03-29T01:59:59.999+0100");
    check_zone("Europe/Zagreb", "2015-03-29T01:00:00.000Z", "2015-03-29T03:00:00.000+0200");
    check_zone("Europe/Zagreb", "2015-10-25T00:59:59.999Z", "2015-10-25T02:59:59.999+0200");
    check_zone("Europe/Zagreb", "2015-10-25T01:00:00.000Z", "2015-10-25T02:00:00.000+0100");
}

#[test]
fn a_page_of_dates_across_a_clock_change_is_the_same_as_one_by_one() {
    for name in ["Australia/Lord_Howe", "Africa/Monrovia", "Europe/Dublin", "Asia/Kathmandu"] {
        let zone = Zone::named(name).unwrap();
        let mut dates = api::wire::date::Dates::of(&zone);
        // The years from the end of 1971, the end of 1985 and the end of 2014.
        for start in [62_000_000_000_i64, 500_000_000_000, 1_420_000_000_000] {
            for half_hour in 0..(366 * 24 * 2) {
                let at = Timestamp::from_millis(start + half_hour * 1_800_000 + 7);
                let shown = dates.show(at);
                assert_eq!(shown.as_str(), text(at, &zone));
                assert_eq!(parse(shown.as_str()), Ok(at), "{name} {}", shown.as_str());
            }
        }
    }
}

#[test]
fn instants_that_no_report_has_are_shown_without_panic() {
    for millis in [i64::MIN, i64::MAX, -1, -62_167_219_200_000, 253_402_300_799_999] {
        for zone in ["UTC", "Pacific/Kiritimati", "America/Los_Angeles"] {
            let shown = text(Timestamp::from_millis(millis), &Zone::named(zone).unwrap());
            assert_eq!(shown.len(), 28, "{shown}");
        }
    }
}
