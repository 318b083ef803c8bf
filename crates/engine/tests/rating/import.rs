//! What a deck file may say, in which words, and every way in which it may be wrong.

use engine::rating::{Deck, Increments, Terms, Unit, diff};
use rust_decimal::Decimal;

use super::{at, deck};

/// Imports a file that names its currency, and compares all faults, a line for each.
#[track_caller]
fn check_faults(csv: &[u8], expect: &[&str]) {
    let faults = Deck::import(csv, &Terms::default()).unwrap_err();
    let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(faults, expect, "{}", String::from_utf8_lossy(csv));
}

/// The same, of one cell in an otherwise sound file.
#[track_caller]
fn check_cell(column: &str, cell: &str, reason: &str) {
    let csv = format!("prefix,rate,currency,{column}\n385,0.1,EUR,\n386,0.1,EUR,{cell}\n");
    check_faults(csv.as_bytes(), &[&format!("line 3: `{column}` {reason}")]);
}

#[test]
fn columns_have_many_names() {
    let one = deck(
        "prefix,destination,rate,first_increment,further_increment,connect_fee,\
        effective_from,effective_to,mccMnc,currency,charge_b\n\
        385,Croatia,0.12,30,6,0.01,2026-01-01,2026-12-31,21901,EUR,yes\n",
    );
    for (header, row) in [
        (
            "Code;Name;Price;Min_Increment;Increment;Connection Fee;Effective Date;End;MCC-MNC;CURRENCY;Both Legs",
            "+385;Croatia;0.12;30;6;0.01;2026-01-01;2026-12-31;21901;EUR;TRUE",
        ),
        (
            "\u{feff}dialcode,description,price_per_minute,increments,setup_fee,start,end_date,mccmnc,currency,chargeB",
            "385,\"Croatia\",0.120,30/6,0.010,2026-01-01T00:00:00Z,2027-01-01T00:00:00Z,21901,EUR,1",
        ),
        (
            "both_legs,currency,mccMnc,to,from,connect_fee,increment,per_second,name,dial_prefix",
            " yes , EUR,21901,2026-12-31,2026-01-01T01:00:00+01:00,0.01,30 / 6,0.002,Croatia,385",
        ),
    ] {
        for end in ["\n", "\r\n"] {
            let other = deck(&format!("{header}{end}{row}{end}"));
            let (mut left, mut right) = (one.rates()[0].clone(), other.rates()[0].clone());
            assert_eq!(left.per_minute(), right.per_minute(), "{header}");
            (left.price, left.unit) = (Decimal::ONE, Unit::Minute);
            (right.price, right.unit) = (Decimal::ONE, Unit::Minute);
            assert_eq!(left, right, "{header}");
        }
    }
}

#[test]
fn what_a_file_does_not_say_the_terms_do() {
    let terms = Terms {
        currency: Some("EUR".parse().unwrap()),
        increments: Increments::new(60, 30).unwrap(),
        charge_b: true,
        decimals: 2,
    };
    let deck =
        Deck::import(b"prefix,rate,increments,charge_b\n1,0.1,,\n2,0.1,6,no\n", &terms).unwrap();
    let said: Vec<_> = deck.rates().iter().map(ToString::to_string).collect();
    let bare = "line 2: 1, 0.1 EUR a minute, 60/30, both legs, always";
    assert_eq!(said, [bare, "line 3: 2, 0.1 EUR a minute, 6/6, always"]);
    assert_eq!(deck.decimals(), 2);
}

#[test]
fn a_date_begins_and_ends_in_utc_and_its_last_day_counts() {
    let deck = deck("prefix,rate,from,to\n1,0.1,2026-03-29,2026-03-29\n");
    let period = deck.rates()[0].period;
    assert_eq!(period.from, Some(at("2026-03-29T00:00:00Z")));
    assert_eq!(period.to, Some(at("2026-03-30T00:00:00Z")));
}

#[test]
fn a_bad_cell_is_named_with_its_line_and_column() {
    let decimal = "is not a decimal number, such as 0.012";
    let comma = "must be written with a decimal point, without commas";
    let instant =
        "must be a date in UTC such as 2026-01-31, or an instant such as 2026-01-31T12:00:00Z";
    let seconds = "must be whole seconds, such as 60/60, 30/6 or 1";
    for (column, cell, reason) in [
        ("connect_fee", "\"0,05\"", comma),
        ("connect_fee", "\"1,000.00\"", comma),
        ("connect_fee", "-0.01", "is negative"),
        ("connect_fee", "free", decimal),
        ("connect_fee", "1e-2", decimal),
        ("connect_fee", ".5", decimal),
        ("connect_fee", "5.", decimal),
        ("connect_fee", "$0.05", decimal),
        ("connect_fee", "0.12345678901", "has more than 10 decimals"),
        ("connect_fee", "1000000", "must be below 1000000"),
        ("connect_fee", "99999999999999999999999999999999", "has too many digits"),
        ("increments", "60/", seconds),
        ("increments", "60/60/60", seconds),
        ("increments", "1.5", seconds),
        ("increments", "-1", seconds),
        ("increments", "99999999999", seconds),
        ("increments", "0/60", "increments must be of 1 to 86400 seconds"),
        ("increments", "60/86401", "increments must be of 1 to 86400 seconds"),
        ("effective_from", "01.02.2026", instant),
        ("effective_from", "2026-02-30", instant),
        ("effective_from", "2026-02-03T10:00:00", instant),
        ("effective_from", "20260203", instant),
        ("effective_from", "soon", instant),
        ("effective_to", "9999-12-31T00:00", instant),
        ("mccMnc", "219-01", "must be five or six digits, such as 21901"),
        ("mccMnc", "2190", "must be five or six digits, such as 21901"),
        ("charge_b", "perhaps", "must be yes or no"),
        ("destination", "\"a\nb\"", "has a control character; is a quotation mark open?"),
    ] {
        check_cell(column, cell, reason);
    }
    check_cell("destination", &"x".repeat(201), "is longer than 200 bytes");
}

#[test]
fn a_bad_prefix_price_or_currency_is_named() {
    let prefix = "line 2: `code` must be digits, with or without a leading +";
    let zero = "line 2: `code` must begin with a country code, and none begins with 0";
    for (row, fault) in [
        (",0.1,EUR", "line 2: `code` is empty"),
        ("38x,0.1,EUR", prefix),
        ("+,0.1,EUR", prefix),
        ("38 5,0.1,EUR", prefix),
        ("\"91,92\",0.1,EUR", prefix),
        ("٣٨٥,0.1,EUR", prefix),
        ("00385,0.1,EUR", zero),
        ("1234567890123456,0.1,EUR", "line 2: `code` has more than 15 digits"),
        ("385,,EUR", "line 2: `rate` is empty"),
        ("385,NaN,EUR", "line 2: `rate` is not a decimal number, such as 0.012"),
        ("385,0.1,", "line 2: `currency` is empty"),
        ("385,0.1,eur", "line 2: `currency` must be three capital letters, such as EUR"),
        ("385,0.1,EURO", "line 2: `currency` must be three capital letters, such as EUR"),
        ("385,0.1", "line 2: there are 2 cells under 3 columns"),
        ("385,0,1,EUR", "line 2: there are 4 cells under 3 columns"),
    ] {
        check_faults(format!("code,rate,currency\n{row}\n").as_bytes(), &[fault]);
    }
}

#[test]
fn a_bad_header_is_refused_before_any_rate() {
    for (header, faults) in [
        ("", &["line 1: there is no header"][..]),
        ("prefix,rate,currency", &["line 1: there are no rates below the header"]),
        ("prefix,rate", &["line 1: there is no column `currency`"]),
        ("rate,currency", &["line 1: there is no column `prefix`"]),
        ("prefix,currency", &["line 1: there is no column `per_minute` or `per_second`"]),
        ("prefix,rate,per_second", &["line 1: there are prices both per minute and per second"]),
        ("prefix,rate,conect_fee", &["line 1: `conect_fee` is not a column of a deck"]),
        ("prefix,rate,", &["line 1: `` is not a column of a deck"]),
        ("prefix,rate,price", &["line 1: `price` means the same as column 2 of this file"]),
        ("prefix,rate,min_increment", &["line 1: first and further increment need a column each"]),
        (
            "prefix,rate,first_increment,next_increment,increments",
            &["line 1: increments are both in one column and in two"],
        ),
        (
            "\n\nwhat,is,this",
            &[
                "line 3: `what` is not a column of a deck",
                "line 3: `is` is not a column of a deck",
                "line 3: `this` is not a column of a deck",
                "line 3: there is no column `prefix`",
                "line 3: there is no column `per_minute` or `per_second`",
            ],
        ),
    ] {
        check_faults(header.as_bytes(), faults);
    }
}

#[test]
fn every_fault_of_a_file_is_told_and_blank_lines_count() {
    let csv = "\u{feff}prefix;rate;currency;first_increment;further_increment;from;to\r\n\
        385;0.1;EUR;60;60;;\r\n\
        \r\n\
        \r\n\
        x;y;EUR;0;;2026-01-02;2026-01-01\r\n\
        ;;;;;;\r\n\
        386;0.1;USD;;;2026-01-01T12:00:00Z;2026-01-01T12:00:00Z\r\n\
        387;0.1;USD;1;1;;\r\n\
        388;0,1;EUR;1;1;;";
    check_faults(
        csv.as_bytes(),
        &[
            "line 5: `prefix` must be digits, with or without a leading +",
            "line 5: `rate` is not a decimal number, such as 0.012",
            "line 5: `first_increment` increments must be of 1 to 86400 seconds",
            "line 5: one of the two increments is empty",
            "line 5: `to` is not after the start",
            "line 7: `to` is not after the start",
            "line 8: `currency` is USD, but line 2 is in EUR: a deck has one currency",
            "line 9: `rate` must be written with a decimal point, without commas",
        ],
    );
}

#[test]
fn bytes_that_are_no_text_and_endless_files_are_refused() {
    check_faults(
        b"prefix,rate,currency\n385,0.1,EUR\n386,\xff,EUR\n",
        &["line 3: there is a byte that is not UTF-8"],
    );
    let many = "385,0.1,EUR\n".repeat(102);
    check_faults(
        format!("prefix,rate,currency\n{many}").as_bytes(),
        &["line 102: 385 has more than 100 lines"],
    );
    let endless = "3,1,EUR\n".repeat(500_001);
    check_faults(
        format!("prefix,rate,currency\n{endless}").as_bytes(),
        &["line 500002: there are more than 500000 rates"],
    );
}

#[test]
fn a_dry_run_says_what_would_be_added_removed_and_changed() {
    let old = deck("prefix,rate,from\n1,0.1,\n2,0.2,\n3,0.3,\n3,0.4,2026-01-01\n4,0.4,\n4,0.5,\n");
    let new = deck(
        "prefix,rate,from\n4,0.5,\n4,0.6,\n3,0.30,\n3,0.5,2026-01-01\n3,0.6,2027-01-01\n1,0.1,\n5,0.5,\n",
    );
    assert_eq!(
        diff(&old, &new).to_string(),
        "- line 3: 2, 0.2 EUR a minute, 1/1, always\n\
         - line 5: 3, 0.4 EUR a minute, 1/1, from 2026-01-01T00:00:00Z\n\
         + line 5: 3, 0.5 EUR a minute, 1/1, from 2026-01-01T00:00:00Z\n\
         - line 6: 4, 0.4 EUR a minute, 1/1, always\n\
         + line 3: 4, 0.6 EUR a minute, 1/1, always\n\
         + line 6: 3, 0.6 EUR a minute, 1/1, from 2027-01-01T00:00:00Z\n\
         + line 8: 5, 0.5 EUR a minute, 1/1, always\n"
    );
    assert!(diff(&old, &old.clone()).is_empty());
    assert!(!diff(&old, &new).is_empty());
}
