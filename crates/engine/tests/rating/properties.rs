//! Any deck, any call: the same price each time, never less for more seconds, and what the
//! definition of increments says, worked out again in whole numbers.

use std::fmt::Write as _;

use engine::rating::{Billed, BilledLeg, Charge, Deck, charge};
use model::calling::Unlisted;
use model::{Number, Timestamp};
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::{deck, number};

/// One line of a deck; money in ten-thousand-millionths, times in days since 1970.
#[derive(Clone, Debug)]
struct Line {
    prefix: String,
    per_minute: u64,
    fee: u64,
    first: u32,
    further: u32,
    from_day: Option<i64>,
    last_day: Option<i64>,
    charge_b: bool,
}

const UNITS: u64 = 10_000_000_000;
const DAY_MS: i64 = 86_400_000;

fn line() -> impl Strategy<Value = Line> {
    let money = || prop_oneof![0..UNITS * 10, (0..1_000_u64).prop_map(|cents| cents * UNITS / 100)];
    let day = || proptest::option::of(0..20_i64);
    let increment = || prop_oneof![Just(1), Just(6), Just(30), Just(60), 1..200_u32];
    let words = ("[1-3][0-3]{0,4}", money(), money(), any::<bool>());
    (words, increment(), increment(), day(), day()).prop_map(
        |((prefix, per_minute, fee, charge_b), first, further, from_day, to_day)| {
            let last_day = to_day.map(|day| from_day.unwrap_or(0) + day);
            Line { prefix, per_minute, fee, first, further, from_day, last_day, charge_b }
        },
    )
}

fn csv(lines: &[Line]) -> String {
    let mut csv = "prefix,rate,increments,connect_fee,from,to,charge_b\n".to_owned();
    let money = |units: u64| format!("{}.{:010}", units / UNITS, units % UNITS);
    let date = |day: Option<i64>| {
        let instant = |day| jiff::Timestamp::from_millisecond(day * DAY_MS).unwrap().to_string();
        day.map_or(String::new(), |day| instant(day)[..10].to_owned())
    };
    for line in lines {
        let Line { prefix, per_minute, fee, first, further, from_day, last_day, charge_b } = line;
        let (rate, fee) = (money(*per_minute), money(*fee));
        let (from, to) = (date(*from_day), date(*last_day));
        let charge_b = if *charge_b { "yes" } else { "no" };
        writeln!(csv, "{prefix},{rate},{first}/{further},{fee},{from},{to},{charge_b}").unwrap();
    }
    csv
}

/// The line that prices the number, found by looking at every line.
fn find<'l>(lines: &'l [Line], number: &Number, at_ms: i64) -> Option<&'l Line> {
    let day = at_ms.div_euclid(DAY_MS);
    let applies = |line: &&Line| {
        number.digits().starts_with(&line.prefix)
            && line.from_day.is_none_or(|from| from <= day)
            && line.last_day.is_none_or(|last| day <= last)
    };
    // `max_by_key` gives the last of equals: the last in the file.
    lines.iter().filter(applies).max_by_key(|line| (line.prefix.len(), line.from_day))
}

/// Billed seconds by counting increments, and what they cost in sixtieths of a unit.
fn recompute(line: &Line, talked: Option<u32>) -> u128 {
    let Some(talked) = talked else { return 0 };
    let mut billed = line.first;
    while billed < talked {
        billed += line.further;
    }
    u128::from(billed) * u128::from(line.per_minute) + 60 * u128::from(line.fee)
}

/// Half up to four decimals, in ten-thousandths.
fn round(sixtieths: u128) -> u128 {
    let divisor = u128::from(60 * UNITS / 10_000);
    (2 * sixtieths + divisor) / (2 * divisor)
}

#[derive(Clone, Debug)]
struct Call {
    a: Number,
    b: Option<Number>,
    talked_a: Option<u32>,
    talked_b: Option<u32>,
    at_ms: i64,
}

fn call() -> impl Strategy<Value = Call> {
    let digits = || "[1-3][0-3]{3,9}".prop_map(|digits| number(&digits));
    let talked = || proptest::option::of(prop_oneof![0..200_u32, 0..10_000_u32]);
    let at = prop_oneof![0..30 * DAY_MS, (0..30_i64).prop_map(|day| day * DAY_MS)];
    (digits(), proptest::option::of(digits()), talked(), talked(), at)
        .prop_map(|(a, b, talked_a, talked_b, at_ms)| Call { a, b, talked_a, talked_b, at_ms })
}

fn rated<'d>(call: &Call, deck: &'d Deck) -> Charge<'d> {
    let b = call.b.as_ref();
    let billed = Billed {
        a: BilledLeg { number: &call.a, talked_seconds: call.talked_a },
        b: b.map(|number| BilledLeg { number, talked_seconds: call.talked_b }),
        at: Timestamp::from_millis(call.at_ms),
    };
    charge(&billed, deck, Unlisted::Unrated).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..Default::default() })]

    #[test]
    fn a_call_costs_what_the_definition_says(
        lines in proptest::collection::vec(line(), 1..40),
        calls in proptest::collection::vec(call(), 20),
    ) {
        let deck = deck(&csv(&lines));
        for call in calls {
            let charge = rated(&call, &deck);
            prop_assert_eq!(&charge, &rated(&call, &deck));
            let a = find(&lines, &call.a, call.at_ms);
            let b = call.b.as_ref().filter(|_| a.is_some_and(|a| a.charge_b));
            let b = b.and_then(|b| find(&lines, b, call.at_ms));
            let sum = |share: &dyn Fn(&Line, Option<u32>) -> u128| {
                a.map_or(0, |a| share(a, call.talked_a)) + b.map_or(0, |b| share(b, call.talked_b))
            };
            let total = Decimal::from(round(sum(&recompute))) / Decimal::from(10_000);
            prop_assert_eq!(charge.total, total, "{:?} {:?} {:?}", call, a, b);
            prop_assert_eq!(charge.currency.is_none(), a.is_none());
            // Sixty shown seconds are a minute, but for the cut after the twelfth decimal.
            let minute = Decimal::from(sum(&|line, _| line.per_minute.into())) / Decimal::from(UNITS);
            let error = (charge.per_second * Decimal::from(60) - minute).abs();
            prop_assert!(error <= Decimal::new(30, 12), "{} is not 1/60 of {}", charge.per_second, minute);
        }
    }

    #[test]
    fn more_seconds_never_cost_less(
        lines in proptest::collection::vec(line(), 1..10),
        call in call(),
        more in 0..1_000_u32,
    ) {
        let deck = deck(&csv(&lines));
        let (short, price) = (rated(&call, &deck).total, rated(&call, &deck).per_second);
        let longer = |talked: Option<u32>| Some(talked.map_or(0, |talked| talked + more));
        for long in [
            Call { talked_a: longer(call.talked_a), ..call.clone() },
            Call { talked_b: longer(call.talked_b), ..call.clone() },
        ] {
            prop_assert!(rated(&long, &deck).total >= short);
            prop_assert_eq!(rated(&long, &deck).per_second, price);
        }
    }
}
