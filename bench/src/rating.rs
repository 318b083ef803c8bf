//! Ratings on one core: a deck of a hundred thousand lines, calls of two charged legs.

use std::hint::black_box;
use std::time::{Duration, Instant};

use engine::rating::{Billed, BilledLeg, Deck, Terms, charge};
use model::calling::Unlisted;
use model::{Number, Timestamp};

use crate::Plan;
use crate::table::{Goal, Table, Unit};

const LINES: u64 = 100_000;
const CALLS: u64 = 1_000;
const SPAN: Duration = Duration::from_millis(500);
/// Ratings a second and core.
const GOAL: f64 = 200_000.0;

pub(crate) fn measure(plan: Plan, table: &mut Table) {
    let imports: Vec<f64> = (0..plan.rounds.min(3)).map(|_| timed(deck).1).collect();
    let deck = deck();
    let rates: Vec<f64> = (0..plan.rounds).map(|_| rate(&deck)).collect();
    table.value("ratings, on one core", &rates, Unit::PerSecond, Goal::AtLeast(GOAL));
    table.value("import of a deck of 100,000 lines", &imports, Unit::Seconds, Goal::None);
}

fn rate(deck: &Deck) -> f64 {
    let numbers: Vec<Number> = (0..CALLS + 1).map(number).collect();
    let at = Timestamp::from_millis(1_700_000_000_000);
    let call = |turn: u64| {
        let place = (turn % CALLS) as usize;
        let talked_seconds = Some((turn % 600) as u32);
        let a = BilledLeg { number: &numbers[place], talked_seconds };
        let b = Some(BilledLeg { number: &numbers[place + 1], talked_seconds });
        Billed { a, b, at }
    };
    let (started, mut ratings) = (Instant::now(), 0);
    while started.elapsed() < SPAN {
        for _ in 0..CALLS {
            let priced = charge(black_box(&call(ratings)), deck, Unlisted::Refuse);
            black_box(priced.expect("every number has a line").price());
            ratings += 1;
        }
    }
    ratings as f64 / started.elapsed().as_secs_f64()
}

fn deck() -> Deck {
    Deck::import(csv().as_bytes(), &Terms::default()).expect("the made-up deck is sound")
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let began = Instant::now();
    let done = work();
    (done, began.elapsed().as_secs_f64())
}

/// All prefixes of one, and most of five digits, with two periods each: both legs are charged.
fn csv() -> String {
    let mut csv = "prefix,rate,increments,connect_fee,from,to,currency,both_legs\n".to_owned();
    for prefix in 1..10 {
        csv.push_str(&format!("{prefix},0.02,60/60,0.01,,,EUR,yes\n"));
    }
    for line in 0..LINES / 2 {
        let prefix = 20_000 + line;
        csv.push_str(&format!("{prefix},0.01{line},30/6,0.005,,2024-12-31,EUR,yes\n"));
        csv.push_str(&format!("{prefix},0.02{line},30/6,0.005,2025-01-01,,EUR,yes\n"));
    }
    csv
}

/// Spread over the deck; those that begin with 1, 8 or 9 find only a line of one digit.
fn number(turn: u64) -> Number {
    let digits = 100_000_000_000 + (turn * 7_919_777_777) % 900_000_000_000;
    digits.to_string().parse().expect("twelve digits are a number")
}
