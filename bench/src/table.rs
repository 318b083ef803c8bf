//! The one table that comes out: ratios first, in Markdown.

use std::fmt;

/// What a row should come to: its ratio, or its value if there is nothing beside it.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
    /// More than the other has.
    Ahead,
    /// Shown for what it is.
    None,
}

/// The unit of a value, which says how it is printed.
#[derive(Clone, Copy)]
pub(crate) enum Unit {
    PerSecond,
    Micros,
    /// Microseconds of which tenths count.
    Tenths,
    Seconds,
    Kilobytes,
    Megabytes,
    Percent,
    /// A number of things.
    Count,
}

/// One line.
struct Row {
    ratio: String,
    rounds: String,
    goal: String,
    verdict: String,
    what: String,
    ours: String,
    against: String,
    theirs: String,
}

/// The table.
#[derive(Default)]
pub(crate) struct Table(Vec<Row>);

impl Table {
    /// A row that compares medians of interleaved rounds.
    pub(crate) fn compare(
        &mut self,
        what: &str,
        (ours, unit): (&[f64], Unit),
        (against, theirs): (&str, &[f64]),
        goal: Goal,
    ) {
        let ratio = median(ours) / median(theirs);
        let mut rounds: Vec<f64> = ours.iter().zip(theirs).map(|(a, b)| a / b).collect();
        rounds.sort_by(f64::total_cmp);
        let span = match rounds.as_slice() {
            [first, _, .., last] => format!("{first:.2}–{last:.2}"),
            _ => String::new(),
        };
        self.0.push(Row {
            ratio: format!("{ratio:.2}"),
            rounds: span,
            goal: goal.text("×"),
            verdict: goal.verdict(ratio),
            what: what.to_owned(),
            ours: unit.print(median(ours)),
            against: against.to_owned(),
            theirs: unit.print(median(theirs)),
        });
    }

    /// A row with a value of its own.
    pub(crate) fn value(&mut self, what: &str, samples: &[f64], unit: Unit, goal: Goal) {
        let value = median(samples);
        self.0.push(Row {
            ratio: "–".into(),
            rounds: String::new(),
            goal: goal.text(unit.name()),
            verdict: goal.verdict(value),
            what: what.to_owned(),
            ours: unit.print(value),
            against: String::new(),
            theirs: String::new(),
        });
    }
}

impl Goal {
    fn text(self, unit: &str) -> String {
        match self {
            Self::AtLeast(least) => format!("≥ {least} {unit}"),
            Self::AtMost(most) => format!("≤ {most} {unit}"),
            Self::Ahead => "> 1 ×".into(),
            Self::None => String::new(),
        }
    }

    fn verdict(self, value: f64) -> String {
        let (met, miss) = match self {
            Self::AtLeast(least) => (value >= least, 1.0 - value / least),
            Self::AtMost(most) if most > 0.0 => (value <= most, value / most - 1.0),
            Self::AtMost(_) if value > 0.0 => return "missed".into(),
            Self::AtMost(_) => (true, 0.0),
            Self::Ahead => (value > 1.0, 1.0 - value),
            Self::None => return String::new(),
        };
        if met { "met".into() } else { format!("missed by {:.1} %", miss * 100.0) }
    }
}

impl Unit {
    const fn name(self) -> &'static str {
        match self {
            Self::PerSecond => "/s",
            Self::Micros | Self::Tenths => "µs",
            Self::Seconds => "s",
            Self::Kilobytes => "KB",
            Self::Megabytes => "MB",
            Self::Percent => "%",
            Self::Count => "",
        }
    }

    fn print(self, value: f64) -> String {
        let name = self.name();
        match self {
            Self::PerSecond if value >= 10_000.0 => format!("{:.1} k{name}", value / 1000.0),
            Self::PerSecond | Self::Micros | Self::Kilobytes | Self::Megabytes | Self::Percent => {
                format!("{value:.0} {name}")
            }
            Self::Tenths => format!("{value:.1} {name}"),
            Self::Count => format!("{value:.0}"),
            Self::Seconds => format!("{value:.2} {name}"),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["ratio", "rounds", "goal", "", "what", "Callslip", "against", ""];
        let head = head.map(str::to_owned);
        let body = self.0.iter().map(|row| {
            [&row.ratio, &row.rounds, &row.goal, &row.verdict, &row.what, &row.ours, &row.against]
                .into_iter()
                .chain([&row.theirs])
                .cloned()
                .collect::<Vec<_>>()
        });
        let lines: Vec<Vec<String>> = std::iter::once(head.to_vec()).chain(body).collect();
        let widths: Vec<usize> = (0..head.len())
            .map(|column| lines.iter().map(|l| l[column].chars().count()).max().unwrap_or(0))
            .collect();
        for (number, line) in lines.iter().enumerate() {
            let cells = line.iter().zip(&widths).map(|(cell, width)| format!(" {cell:<width$} "));
            writeln!(f, "|{}|", cells.collect::<Vec<_>>().join("|"))?;
            if number == 0 {
                let rules = widths.iter().map(|width| "-".repeat(width + 2));
                writeln!(f, "|{}|", rules.collect::<Vec<_>>().join("|"))?;
            }
        }
        Ok(())
    }
}

/// The middle sample; of an even number, the upper of the two in the middle.
pub(crate) fn median(samples: &[f64]) -> f64 {
    quantile(samples, 0.5)
}

/// The sample that the share `of` of all samples is below; not a number if there is none.
pub(crate) fn quantile(samples: &[f64], of: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (sorted.len() as f64 * of) as usize;
    sorted.get(place.min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}
