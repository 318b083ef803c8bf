//! A ladder drawn with characters: a column for each end, and an arrow for each message.

use std::fmt;

use super::message::Short;
use super::{Ladder, Leg, Rung};

/// How much room an arrow has, from one column to the next.
const ROOM: std::ops::RangeInclusive<usize> = 24..=48;
/// What an arrow takes beside its label.
const ARROW: usize = 6;
/// Where the first column is.
const MARGIN: usize = 11;

/// How a ladder is drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// With nothing but ASCII.
    pub(crate) ascii: bool,
    /// With the whole messages below it.
    pub(crate) full: bool,
}

/// A ladder, to be drawn.
pub(crate) struct Drawing<'a> {
    ladder: &'a Ladder,
    /// What the columns of the far ends are called.
    ends: [&'a str; 2],
    style: Style,
}

/// The characters that lines are made of.
struct Pen {
    bar: char,
    line: char,
    left: char,
    right: char,
}

const FINE: Pen = Pen { bar: '│', line: '─', left: '←', right: '→' };
const PLAIN: Pen = Pen { bar: '|', line: '-', left: '<', right: '>' };

impl Style {
    /// As the terminal can show it, unless ASCII is wished for.
    pub(crate) fn of(ascii: bool, full: bool) -> Self {
        Self { ascii: ascii || !speaks_utf8(|name| std::env::var(name).ok()), full }
    }

    fn pen(self) -> Pen {
        if self.ascii { PLAIN } else { FINE }
    }

    /// The text without what a terminal would obey rather than show.
    fn shown(self, text: &str) -> String {
        let show = |c: char| match c {
            c if c.is_control() || (self.ascii && !c.is_ascii()) => '?',
            // What turns the direction of writing around hides what stands where.
            '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '?',
            c => c,
        };
        text.chars().map(show).collect()
    }
}

/// Whether the locale that these variables make writes UTF-8 (POSIX, section 8.2).
fn speaks_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &&str| variable(name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(set).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

impl<'a> Drawing<'a> {
    /// A ladder between these far ends and Callslip; the second is left out if nothing was said
    /// to it.
    pub(crate) fn of(ladder: &'a Ladder, ends: [&'a str; 2], style: Style) -> Self {
        Self { ladder, ends, style }
    }

    fn has_b(&self) -> bool {
        self.ladder.messages.iter().any(|rung| rung.leg == Leg::B)
    }

    /// What each message is, repetitions told, and what else there is to say.
    fn shorts(&self) -> Vec<Short> {
        let rungs = &self.ladder.messages;
        // Where each far end is, as far as it was told.
        let mut told = [None, None];
        let short = |(at, rung): (usize, &Rung)| {
            let mut short = Short::of(&rung.text);
            let is_same = |other: &Rung| {
                (other.leg, other.sent, &other.text) == (rung.leg, rung.sent, &rung.text)
            };
            if rungs[..at].iter().any(is_same) {
                short.label.push_str(" again");
                short.notes.clear();
            }
            let there = Some((rung.remote, rung.transport));
            let told = &mut told[usize::from(rung.leg == Leg::B)];
            if *told != there {
                *told = there;
                short.notes.insert(0, format!("{} {}", rung.transport, rung.remote));
            }
            short.label = self.style.shown(&short.label);
            short.notes.iter_mut().for_each(|note| *note = self.style.shown(note));
            short
        };
        rungs.iter().enumerate().map(short).collect()
    }

    fn heading(&self, room: usize) -> String {
        let names = [self.ends[0], "Callslip", self.ends[1]];
        let count = if self.has_b() { 3 } else { 2 };
        let mut line = String::new();
        for (column, name) in names.into_iter().take(count).enumerate() {
            let middle = MARGIN + column * (room + 1);
            let start = (middle + 1).saturating_sub(name.chars().count().div_ceil(2));
            let gap = start.saturating_sub(line.chars().count());
            line.push_str(&" ".repeat(gap));
            line.push_str(name);
        }
        line
    }

    /// A line with something in the room of a leg.
    fn row(&self, time: &str, leg: Leg, inside: &str, room: usize) -> String {
        let bar = self.style.pen().bar;
        let blank = " ".repeat(room);
        let (a, b) = match leg {
            Leg::A => (inside, blank.as_str()),
            Leg::B => (blank.as_str(), inside),
        };
        let time = format!("{time:>width$}  ", width = MARGIN - 2);
        match self.has_b() {
            true => format!("{time}{bar}{a}{bar}{b}{bar}"),
            false => format!("{time}{bar}{a}{bar}"),
        }
    }

    fn arrow(&self, rung: &Rung, label: &str, room: usize) -> String {
        let Pen { line, left, right, .. } = self.style.pen();
        let label = cut(label, room - ARROW, self.style);
        let lines = room - label.chars().count() - 3;
        let before: String = std::iter::repeat_n(line, lines / 2).collect();
        let after: String = std::iter::repeat_n(line, lines - lines / 2).collect();
        // Callslip stands to the right of A and to the left of B.
        if rung.sent == (rung.leg == Leg::A) {
            format!("{left}{before} {label} {after}")
        } else {
            format!("{before} {label} {after}{right}")
        }
    }

    fn whole(&self, f: &mut fmt::Formatter<'_>, first: i64) -> fmt::Result {
        for rung in &self.ladder.messages {
            let (from, to) = rung.ends();
            let after = seconds(rung.at - first);
            writeln!(f, "\n{after}  {} from {from} to {to}", rung.transport)?;
            for line in rung.text.trim_end().lines() {
                writeln!(f, "{}", format!("    {}", self.style.shown(line)).trim_end())?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Drawing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ladder { messages, dropped } = self.ladder;
        let first = messages.first().map_or(0, |rung| rung.at);
        let shorts = self.shorts();
        let texts = shorts.iter().flat_map(|short| short.notes.iter().chain([&short.label]));
        let widest = texts.map(|text| text.chars().count()).max().unwrap_or(0);
        let room = (widest + ARROW).clamp(*ROOM.start(), *ROOM.end());
        if !messages.is_empty() {
            writeln!(f, "{}", self.heading(room))?;
        }
        for (rung, short) in messages.iter().zip(&shorts) {
            let arrow = self.arrow(rung, &short.label, room);
            writeln!(f, "{}", self.row(&seconds(rung.at - first), rung.leg, &arrow, room))?;
            for note in &short.notes {
                let note = format!("{:^room$}", cut(note, room - 2, self.style));
                writeln!(f, "{}", self.row("", rung.leg, &note, room))?;
            }
        }
        match dropped {
            0 => {}
            1 => writeln!(f, "One more message came, and was not kept.")?,
            more => writeln!(f, "{more} more messages came, and were not kept.")?,
        }
        if self.style.full { self.whole(f, first) } else { Ok(()) }
    }
}

/// Milliseconds, as seconds.
fn seconds(millis: i64) -> String {
    let sign = if millis < 0 { "-" } else { "" };
    let millis = millis.unsigned_abs();
    format!("{sign}{}.{:03}", millis / 1000, millis % 1000)
}

fn cut(text: &str, most: usize, style: Style) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let end = if style.ascii { "..." } else { "…" };
    let kept = most - end.chars().count();
    text.chars().take(kept).chain(end.chars()).collect()
}

#[cfg(test)]
mod tests;
