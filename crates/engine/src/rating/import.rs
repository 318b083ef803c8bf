//! Reads a deck from a CSV file. All or nothing: one bad cell and there is no deck, but a list of
//! every bad cell.

use std::collections::HashMap;
use std::fmt;

use csv::{ReaderBuilder, StringRecord, Trim};

use super::header::{Column, Header};
use super::period::{parse_from, parse_to};
use super::rate::{parse_price, whole_seconds};
use super::{Currency, Deck, Increments, Period, Prefix, Rate, Unit};

/// The most lines of a deck.
const LINES_MAX: usize = 500_000;
/// The most lines of one prefix, so that a lookup stays short.
const LINES_PER_PREFIX_MAX: u32 = 100;
/// The longest destination name, in bytes.
const DESTINATION_BYTES_MAX: usize = 200;
/// The most decimals that totals are rounded to.
const DECIMALS_MAX: u32 = 8;

/// What holds where a file has no column, or an empty cell, for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The currency; without one, the file must say.
    pub currency: Option<Currency>,
    /// How seconds are rounded up.
    pub increments: Increments,
    /// Whether leg B is charged too.
    pub charge_b: bool,
    /// Decimals that totals are rounded to, at most 8.
    pub decimals: u32,
}

impl Default for Terms {
    /// By the second, leg A alone, four decimals; the currency in the file.
    fn default() -> Self {
        let increments = Increments::BY_THE_SECOND;
        Self { currency: None, increments, charge_b: false, decimals: 4 }
    }
}

/// Something wrong with a deck file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line of the file, from 1; 0 for what holds where the file is silent.
    pub line: u64,
    /// The column, as the file names it; `None` if the whole line is at fault.
    pub column: Option<String>,
    /// What is wrong, to be read after the name of the column.
    pub reason: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        match &self.column {
            Some(column) => write!(f, "`{column}` {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

pub(super) fn import(csv: &[u8], terms: &Terms) -> Result<Deck, Vec<Fault>> {
    let whole_line = |line, reason: &str| Fault { line, column: None, reason: reason.to_owned() };
    let text = match std::str::from_utf8(csv) {
        Ok(text) => text,
        Err(error) => {
            let line = newlines(&csv[..error.valid_up_to()]) + 1;
            return Err(vec![whole_line(line, "there is a byte that is not UTF-8")]);
        }
    };
    let mut rows = records(text);
    let Some((header_line, header)) = rows.next() else {
        return Err(vec![whole_line(1, "there is no header")]);
    };
    let header = Header::read(&header).map_err(|faults| {
        let fault = |(column, reason)| Fault { line: header_line, column, reason };
        faults.into_iter().map(fault).collect::<Vec<_>>()
    })?;
    if terms.currency.is_none() && !header.has(Column::Currency) {
        return Err(vec![whole_line(header_line, "there is no column `currency`")]);
    }

    let mut faults = Vec::new();
    let mut rates = Vec::new();
    for (line, record) in rows {
        if rates.len() == LINES_MAX {
            let reason = format!("there are more than {LINES_MAX} rates");
            return Err(vec![whole_line(line, &reason)]);
        }
        let mut row = Row { header: &header, record: &record, line, faults: &mut faults };
        rates.extend(row.rate(terms));
    }
    if rates.is_empty() && faults.is_empty() {
        return Err(vec![whole_line(header_line, "there are no rates below the header")]);
    }
    faults.extend(too_many_of_a_prefix(&rates));
    faults.extend(foreign_currencies(&rates, header.name(Column::Currency)));
    if faults.is_empty() {
        return Ok(Deck::new(rates, terms.decimals.min(DECIMALS_MAX)));
    }
    faults.sort_by_key(|fault| fault.line);
    Err(faults)
}

/// The header and the rows, with their lines; blank ones are left out, and so is a byte order
/// mark, by the reader.
fn records(text: &str) -> impl Iterator<Item = (u64, StringRecord)> {
    let header = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |wanted| header.chars().filter(|&c| c == wanted).count();
    let delimiter = if count(';') > count(',') { b';' } else { b',' };
    let reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let records = reader.into_records().map(move |record| {
        let record = record.expect("UTF-8 in memory, of any number of cells, is always CSV");
        // The position is that of the blank lines before a record, if there are any.
        let place = record.position().expect("a record that was read has a position");
        let rest = &text.as_bytes()[usize::try_from(place.byte()).expect("it lies in memory")..];
        let blank = rest.iter().take_while(|byte| b"\r\n".contains(byte)).count();
        (place.line() + newlines(&rest[..blank]), record)
    });
    records.filter(|(_, record)| record.iter().any(|cell| !cell.is_empty()))
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|&&byte| byte == b'\n').count() as u64
}

/// A line under its header.
struct Row<'i> {
    header: &'i Header,
    record: &'i StringRecord,
    line: u64,
    faults: &'i mut Vec<Fault>,
}

impl Row<'_> {
    /// The rate of the line, or `None` and one fault or more.
    fn rate(&mut self, terms: &Terms) -> Option<Rate> {
        let known = self.faults.len();
        let (cells, columns) = (self.record.len(), self.header.len());
        if cells != columns {
            self.fault(None, format!("there are {cells} cells under {columns} columns"));
            return None;
        }
        let is_per_second = self.header.has(Column::PerSecond);
        let (priced_by, unit) = match is_per_second {
            true => (Column::PerSecond, Unit::Second),
            false => (Column::PerMinute, Unit::Minute),
        };
        let prefix = self.required(Column::Prefix, str::parse::<Prefix>);
        let price = self.required(priced_by, parse_price);
        let currency = match terms.currency {
            None => self.required(Column::Currency, str::parse),
            Some(currency) => self.optional(Column::Currency, str::parse).or(Some(currency)),
        };
        let destination = self.optional(Column::Destination, parse_destination);
        let mcc_mnc = self.optional(Column::MccMnc, parse_mcc_mnc);
        let connect_fee = self.optional(Column::ConnectFee, parse_price);
        let increments = self.increments();
        let period = self.period();
        let charge_b = self.optional(Column::ChargeB, parse_yes_or_no);
        if self.faults.len() > known {
            return None;
        }
        Some(Rate {
            line: self.line,
            prefix: prefix?,
            destination: destination.unwrap_or_default(),
            mcc_mnc,
            price: price?,
            unit,
            currency: currency?,
            connect_fee: connect_fee.unwrap_or_default(),
            increments: increments.unwrap_or(terms.increments),
            period,
            charge_b: charge_b.unwrap_or(terms.charge_b),
        })
    }

    fn increments(&mut self) -> Option<Increments> {
        if !self.header.has(Column::FirstIncrement) {
            return self.optional(Column::Increments, str::parse);
        }
        let first = self.optional(Column::FirstIncrement, one_increment);
        let further = self.optional(Column::FurtherIncrement, one_increment);
        let is_empty = |column| self.header.cell(self.record, column).is_none();
        let (no_first, no_further) =
            (is_empty(Column::FirstIncrement), is_empty(Column::FurtherIncrement));
        if no_first != no_further {
            self.fault(None, "one of the two increments is empty".into());
        }
        Increments::new(first?, further?).ok()
    }

    fn period(&mut self) -> Period {
        let from = self.optional(Column::From, parse_from);
        let to = self.optional(Column::To, parse_to);
        let period = Period { from, to };
        if period.start() >= period.end() {
            self.fault(Some(Column::To), "is not after the start".into());
        }
        period
    }

    fn required<T>(
        &mut self,
        column: Column,
        parse: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Option<T> {
        if self.header.cell(self.record, column).is_none() {
            self.fault(Some(column), "is empty".to_owned());
        }
        self.optional(column, parse)
    }

    fn optional<T>(
        &mut self,
        column: Column,
        parse: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Option<T> {
        let cell = self.header.cell(self.record, column)?;
        parse(cell).map_err(|reason| self.fault(Some(column), reason.to_owned())).ok()
    }

    fn fault(&mut self, column: Option<Column>, reason: String) {
        let column = column.and_then(|column| self.header.name(column)).map(str::to_owned);
        self.faults.push(Fault { line: self.line, column, reason });
    }
}

fn one_increment(text: &str) -> Result<u32, &'static str> {
    let seconds = whole_seconds(text)?;
    Increments::new(seconds, seconds).map(|_| seconds)
}

fn parse_destination(text: &str) -> Result<String, &'static str> {
    if text.len() > DESTINATION_BYTES_MAX {
        return Err("is longer than 200 bytes");
    }
    if text.chars().any(char::is_control) {
        return Err("has a control character; is a quotation mark open?");
    }
    Ok(text.to_owned())
}

fn parse_mcc_mnc(text: &str) -> Result<String, &'static str> {
    let is_code = matches!(text.len(), 5 | 6) && text.bytes().all(|b| b.is_ascii_digit());
    is_code.then(|| text.to_owned()).ok_or("must be five or six digits, such as 21901")
}

fn parse_yes_or_no(text: &str) -> Result<bool, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "1" => Ok(true),
        "no" | "false" | "0" => Ok(false),
        _ => Err("must be yes or no"),
    }
}

fn too_many_of_a_prefix(rates: &[Rate]) -> Vec<Fault> {
    let mut counts: HashMap<Prefix, u32> = HashMap::new();
    let mut faults = Vec::new();
    for rate in rates {
        let count = counts.entry(rate.prefix).or_default();
        *count += 1;
        // Said once for each prefix.
        if *count == LINES_PER_PREFIX_MAX + 1 {
            let reason = format!("{} has more than {LINES_PER_PREFIX_MAX} lines", rate.prefix);
            faults.push(Fault { line: rate.line, column: None, reason });
        }
    }
    faults
}

/// The two legs of a call are folded into one price, so a deck has one currency.
fn foreign_currencies(rates: &[Rate], column: Option<&str>) -> Vec<Fault> {
    let Some(first) = rates.first() else { return Vec::new() };
    let foreign = rates.iter().filter(|rate| rate.currency != first.currency);
    let fault = |rate: &Rate| Fault {
        line: rate.line,
        column: column.map(str::to_owned),
        reason: format!(
            "is {}, but line {} is in {}: a deck has one currency",
            rate.currency, first.line, first.currency
        ),
    };
    foreign.map(fault).collect()
}
