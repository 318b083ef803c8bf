//! Ratings a second on one core: a deck of 100,000 lines, calls of two charged legs.
//!
//! `cargo bench -p engine --bench rating`; the floor is 200,000.

use std::hint::black_box;
use std::time::{Duration, Instant};

use engine::rating::{Billed, BilledLeg, Deck, Terms, charge};
use model::calling::Unlisted;
use model::{Number, Timestamp};

const LINES: u64 = 100_000;
const CALLS: u64 = 1_000;
const SPAN: Duration = Duration::from_secs(1);

fn main() {
    let started = Instant::now();
    let deck =
        Deck::import(csv().as_bytes(), &Terms::default()).expect("the made-up deck is sound");
    println!("import of {LINES} lines: {:?}", started.elapsed());

    let numbers: Vec<Number> = (0..CALLS + 1).map(number).collect();
    let at = Timestamp::from_millis(1_700_000_000_000);
    let call = |turn: u64| {
        let number = |turn: u64| &numbers[usize::try_from(turn).expect("few calls")];
        let talked_seconds = u32::try_from(turn % 600).ok();
        let a = BilledLeg { number: number(turn % CALLS), talked_seconds };
        let b = Some(BilledLeg { number: number(turn % CALLS + 1), talked_seconds });
        Billed { a, b, at }
    };
    let (started, mut ratings) = (Instant::now(), 0);
    while started.elapsed() < SPAN {
        for _ in 0..CALLS {
            let priced = charge(black_box(&call(ratings)), &deck, Unlisted::Refuse);
            black_box(priced.expect("every number has a line").price());
            ratings += 1;
        }
    }
    let per_second = u128::from(ratings) * 1_000_000 / started.elapsed().as_micros();
    println!("{per_second} ratings a second on one core, two legs each");
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
