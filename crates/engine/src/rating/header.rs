//! The header of a deck file: which column is where, under any of its names.

use csv::StringRecord;

/// The columns of a deck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Prefix,
    Destination,
    PerMinute,
    PerSecond,
    Increments,
    FirstIncrement,
    FurtherIncrement,
    ConnectFee,
    From,
    To,
    MccMnc,
    Currency,
    ChargeB,
}

/// Every name of a column, in small letters without `_`, `-` and spaces.
const NAMES: &[(&str, Column)] = &[
    ("prefix", Column::Prefix),
    ("code", Column::Prefix),
    ("dialcode", Column::Prefix),
    ("dialprefix", Column::Prefix),
    ("destination", Column::Destination),
    ("name", Column::Destination),
    ("description", Column::Destination),
    ("perminute", Column::PerMinute),
    ("rate", Column::PerMinute),
    ("price", Column::PerMinute),
    ("priceperminute", Column::PerMinute),
    ("rateperminute", Column::PerMinute),
    ("persecond", Column::PerSecond),
    ("pricepersecond", Column::PerSecond),
    ("ratepersecond", Column::PerSecond),
    ("increments", Column::Increments),
    ("increment", Column::Increments),
    ("billingincrement", Column::Increments),
    ("firstincrement", Column::FirstIncrement),
    ("minincrement", Column::FirstIncrement),
    ("initialincrement", Column::FirstIncrement),
    ("furtherincrement", Column::FurtherIncrement),
    ("nextincrement", Column::FurtherIncrement),
    ("connectfee", Column::ConnectFee),
    ("connectionfee", Column::ConnectFee),
    ("setupfee", Column::ConnectFee),
    ("effectivefrom", Column::From),
    ("effectivedate", Column::From),
    ("effective", Column::From),
    ("start", Column::From),
    ("startdate", Column::From),
    ("validfrom", Column::From),
    ("from", Column::From),
    ("effectiveto", Column::To),
    ("end", Column::To),
    ("enddate", Column::To),
    ("validto", Column::To),
    ("to", Column::To),
    ("mccmnc", Column::MccMnc),
    ("currency", Column::Currency),
    ("chargeb", Column::ChargeB),
    ("bothlegs", Column::ChargeB),
];

/// Where the columns of one file are.
pub(super) struct Header {
    /// As written, for messages.
    names: Vec<String>,
    columns: Vec<Column>,
}

impl Header {
    /// The columns that a header names, or what is wrong: the name of a column, if it is one's
    /// fault, and the reason.
    pub(super) fn read(record: &StringRecord) -> Result<Self, Vec<(Option<String>, String)>> {
        let names: Vec<String> = record.iter().map(str::to_owned).collect();
        let mut faults = Vec::new();
        let mut columns = Vec::new();
        for name in &names {
            let Some(column) = column_named(name) else {
                faults.push((Some(name.clone()), "is not a column of a deck".to_owned()));
                continue;
            };
            if let Some(place) = columns.iter().position(|&other| other == column) {
                let reason = format!("means the same as column {} of this file", place + 1);
                faults.push((Some(name.clone()), reason));
            }
            columns.push(column);
        }
        // `min_increment,increment`: beside a first one, `increment` is the further one.
        let has = |columns: &[Column], column| columns.contains(&column);
        if has(&columns, Column::FirstIncrement) && !has(&columns, Column::FurtherIncrement) {
            let further = columns.iter_mut().find(|column| **column == Column::Increments);
            further.into_iter().for_each(|column| *column = Column::FurtherIncrement);
        }
        faults.extend(conflicts(&columns).into_iter().map(|reason| (None, reason.to_owned())));
        if faults.is_empty() { Ok(Self { names, columns }) } else { Err(faults) }
    }

    /// The number of columns.
    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    pub(super) fn has(&self, column: Column) -> bool {
        self.columns.contains(&column)
    }

    /// The name of the column as the file writes it.
    pub(super) fn name(&self, column: Column) -> Option<&str> {
        self.place(column).map(|place| self.names[place].as_str())
    }

    /// The cell of the column, if there is one with something in it.
    pub(super) fn cell<'r>(&self, record: &'r StringRecord, column: Column) -> Option<&'r str> {
        record.get(self.place(column)?).filter(|cell| !cell.is_empty())
    }

    fn place(&self, column: Column) -> Option<usize> {
        self.columns.iter().position(|&other| other == column)
    }
}

fn column_named(name: &str) -> Option<Column> {
    let plain: String = name.chars().filter(|c| !" _-".contains(*c)).collect();
    let plain = plain.to_lowercase();
    NAMES.iter().find(|(known, _)| *known == plain).map(|&(_, column)| column)
}

/// What is missing, and what may not stand together.
fn conflicts(columns: &[Column]) -> Vec<&'static str> {
    let has = |column| columns.contains(&column);
    let first = has(Column::FirstIncrement);
    let further = has(Column::FurtherIncrement);
    let table = [
        (!has(Column::Prefix), "there is no column `prefix`"),
        (
            !has(Column::PerMinute) && !has(Column::PerSecond),
            "there is no column `per_minute` or `per_second`",
        ),
        (
            has(Column::PerMinute) && has(Column::PerSecond),
            "there are prices both per minute and per second",
        ),
        (first != further, "first and further increment need a column each"),
        (
            has(Column::Increments) && (first || further),
            "increments are both in one column and in two",
        ),
    ];
    table.into_iter().filter(|(wrong, _)| *wrong).map(|(_, reason)| reason).collect()
}
