//! What a call must cost, worked out once more from the file of the deck, in whole millionths and
//! without a line of the engine's rating.

/// The deck of every customer that has one.
pub(crate) const DECK: &str = include_str!("deck.csv");

/// Decimals that totals are rounded to, when an import does not say.
const TOTAL_STEP: i128 = 100;

/// One leg: the number, and how many whole seconds it was connected if it was answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leg<'a> {
    pub(crate) number: &'a str,
    pub(crate) seconds: Option<i128>,
}

/// What is expected of a price, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) per_second: i128,
    pub(crate) total: i128,
}

struct Line {
    prefix: &'static str,
    per_second: i128,
    first: i128,
    further: i128,
    fee: i128,
    charges_b: bool,
}

/// The price of a call; none if the deck does not list the number of A.
pub(crate) fn expected(a: Leg<'_>, b: Option<Leg<'_>>) -> Option<Expected> {
    let line = line_of(a.number)?;
    let (mut per_second, mut total) = (line.per_second, cost(&line, a.seconds));
    if let (true, Some(b)) = (line.charges_b, b)
        && let Some(line) = line_of(b.number)
    {
        per_second += line.per_second;
        total += cost(&line, b.seconds);
    }
    // Half up.
    let total = (total + TOTAL_STEP / 2).div_euclid(TOTAL_STEP) * TOTAL_STEP;
    Some(Expected { per_second, total })
}

/// Whether a call pays for leg B too.
pub(crate) fn charges_b(a: &str) -> bool {
    line_of(a).is_some_and(|line| line.charges_b)
}

/// A decimal in millionths.
pub(crate) fn millionths(text: &str) -> i128 {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let decimals = format!("{decimals:0<6}");
    let all = format!("{whole}{}", &decimals[..6]);
    assert!(decimals[6..].bytes().all(|digit| digit == b'0'), "{text} has finer parts");
    all.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn cost(line: &Line, seconds: Option<i128>) -> i128 {
    let Some(seconds) = seconds else { return 0 };
    let mut billed = line.first;
    while billed < seconds {
        billed += line.further;
    }
    billed * line.per_second + line.fee
}

fn line_of(number: &str) -> Option<Line> {
    let lines = DECK.lines().skip(1).map(line);
    lines.filter(|line| number.starts_with(line.prefix)).max_by_key(|line| line.prefix.len())
}

fn line(row: &'static str) -> Line {
    let cells: Vec<&str> = row.split(',').collect();
    let (first, further) = cells[3].split_once('/').expect("increments");
    let fee = if cells[4].is_empty() { "0" } else { cells[4] };
    Line {
        prefix: cells[0],
        per_second: millionths(cells[2]),
        first: first.parse().expect("seconds"),
        further: further.parse().expect("seconds"),
        fee: millionths(fee),
        charges_b: cells[7] == "yes",
    }
}
