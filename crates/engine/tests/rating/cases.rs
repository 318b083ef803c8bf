//! The table of calls whose price was worked out by hand: `cases.csv`, arithmetic beside it.

use engine::rating::{Billed, BilledLeg, Deck, LegCharge, NoRate, Terms, charge};
use model::Number;
use model::calling::Unlisted;
use rust_decimal::Decimal;

use super::{at, by_the_minute, deck, number};

/// A line of the table, every cell as written.
struct Case(csv::StringRecord);

impl Case {
    fn cell(&self, place: usize) -> &str {
        &self.0[place]
    }

    fn whole(&self, place: usize) -> Option<u64> {
        Some(self.cell(place)).filter(|cell| !cell.is_empty()).map(|cell| cell.parse().unwrap())
    }

    fn number(&self, place: usize) -> Option<Number> {
        Some(self.cell(place)).filter(|cell| !cell.is_empty()).map(number)
    }

    /// Line and billed seconds.
    fn leg(&self, line: usize, billed: usize) -> Option<(u64, Option<u64>)> {
        self.whole(line).map(|line| (line, self.whole(billed)))
    }
}

#[test]
fn every_case_of_the_table_costs_what_its_arithmetic_says() {
    let (minute, demo) = (by_the_minute(), Deck::demo());
    let mut cases = 0;
    let mut table = csv::Reader::from_reader(&include_bytes!("cases.csv")[..]);
    for record in table.records() {
        let case = Case(record.unwrap());
        cases += 1;
        let line = cases + 1;
        let deck = if case.cell(0) == "demo" { &demo } else { &minute };
        let talked = |place| case.whole(place).map(|seconds| u32::try_from(seconds).unwrap());
        let (a, b) = (case.number(2).unwrap(), case.number(4));
        let call = Billed {
            a: BilledLeg { number: &a, talked_seconds: talked(3) },
            b: b.as_ref().map(|number| BilledLeg { number, talked_seconds: talked(5) }),
            at: at(case.cell(1)),
        };
        let charge = charge(&call, deck, Unlisted::Unrated).unwrap();
        let leg = |leg: Option<LegCharge<'_>>| leg.map(|leg| (leg.rate.line, leg.billed_seconds));
        assert_eq!(leg(charge.a), case.leg(6, 8), "leg A of line {line}");
        assert_eq!(leg(charge.b), case.leg(7, 9), "leg B of line {line}");
        let billed = [8, 9].into_iter().filter_map(|place| case.whole(place)).sum::<u64>();
        assert_eq!(charge.billed_seconds(), billed, "billed seconds of line {line}");
        let price = charge.price();
        assert_eq!(price.per_second.to_string(), case.cell(10), "price of line {line}");
        assert_eq!(charge.total.to_string(), case.cell(11), "total of line {line}");
        assert_eq!(price.currency, case.cell(12), "currency of line {line}");
    }
    assert!(cases >= 100, "the table has only {cases} cases");
}

#[test]
fn a_number_without_a_line_is_refused_or_unrated() {
    let deck = deck("prefix,rate,charge_b\n385,0.60,yes\n386,0.60,no\n");
    let (listed, a_alone, unlisted) = (number("38598"), number("38640"), number("49151"));
    let check = |a, b, refusal, total: &str, currency: &str| {
        let leg = |number| BilledLeg { number, talked_seconds: Some(10) };
        let call = Billed { a: leg(a), b: Some(leg(b)), at: at("2026-02-03T10:20:30Z") };
        assert_eq!(charge(&call, &deck, Unlisted::Refuse).err(), refusal);
        let charge = charge(&call, &deck, Unlisted::Unrated).unwrap();
        assert_eq!(charge.total, total.parse::<Decimal>().unwrap());
        assert_eq!(charge.price().currency, currency);
    };
    check(&listed, &listed, None, "0.2", "EUR");
    check(&listed, &unlisted, Some(NoRate::LegB), "0.1", "EUR");
    check(&a_alone, &unlisted, None, "0.1", "EUR");
    check(&unlisted, &listed, Some(NoRate::LegA), "0", "UNKNOWN");
}

#[test]
fn totals_are_rounded_half_up_to_the_decimals_of_the_deck() {
    let number = number("385981178");
    let a = BilledLeg { number: &number, talked_seconds: Some(1) };
    let call = Billed { a, b: None, at: at("2026-02-03T10:20:30Z") };
    for (decimals, total) in [(0, "1"), (1, "0.5"), (2, "0.55"), (3, "0.545"), (4, "0.5450")] {
        let currency = Some("EUR".parse().unwrap());
        let terms = Terms { currency, decimals, ..Terms::default() };
        let deck = Deck::import(b"prefix,per_second\n385,0.545\n", &terms).unwrap();
        let charge = charge(&call, &deck, Unlisted::Refuse).unwrap();
        assert_eq!(charge.total, total.parse::<Decimal>().unwrap(), "{decimals} decimals");
        assert_eq!(charge.price().per_second.to_string(), "0.545");
    }
}

#[test]
fn the_dearest_and_longest_call_is_still_exact() {
    let deck = deck(
        "prefix,per_second,increments,connect_fee,charge_b\n\
         385,999999.9999999999,86400/86400,999999.9999999999,yes\n",
    );
    let number = number("385981178");
    let leg = BilledLeg { number: &number, talked_seconds: Some(u32::MAX) };
    let call = Billed { a: leg, b: Some(leg), at: at("2026-02-03T10:20:30Z") };
    let charge = charge(&call, &deck, Unlisted::Refuse).unwrap();
    // Twice (49,711 days and the fee): 2 × 4,295,030,401 × 999,999.9999999999.
    assert_eq!(charge.total.to_string(), "8590060801999999.141");
    assert_eq!(charge.price().per_second.to_string(), "1999999.9999999998");
}
