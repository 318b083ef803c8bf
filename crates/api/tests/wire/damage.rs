//! The fuzz targets, driven for about a second each by damage to known inputs.
//!
//! `CALLSLIP_SEED=<number>` repeats a run.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use crate::{submit, targets};

const SPAN: Duration = Duration::from_secs(1);

/// What grammars hang on.
const TOKENS: [&[u8]; 28] = [
    b"\"",
    b"\\u0000",
    b"\\ud800",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"null",
    b"true",
    b"1e400",
    b"-0.0",
    b"<result>",
    b"</result>",
    b"<![CDATA[",
    b"]]>",
    b"&#0;",
    b"&amp;",
    b"&x;",
    b"<!--",
    b"<!DOCTYPE a>",
    b"\0",
    b"\xFF",
    b"%",
    b"+",
    b"q=0",
    b"Z",
];

const JSON: [&[u8]; 2] =
    [include_bytes!("../golden/no_parameters.json"), include_bytes!("../golden/limit_2.json")];
const XML: [&[u8]; 2] =
    [include_bytes!("../golden/no_parameters.xml"), include_bytes!("../golden/limit_2.xml")];
const SUBMITS_JSON: [&[u8]; 4] = [
    submit::CTC_JSON.as_bytes(),
    submit::SINGLE_JSON.as_bytes(),
    submit::MULTI_JSON.as_bytes(),
    submit::ADVANCED_JSON.as_bytes(),
];
const SUBMITS_XML: [&[u8]; 4] = [
    submit::CTC_XML.as_bytes(),
    submit::SINGLE_XML.as_bytes(),
    submit::MULTI_XML.as_bytes(),
    submit::ADVANCED_XML.as_bytes(),
];
const QUERIES: [&[u8]; 3] = [
    b"bulkId=8c20f086&messageId=null&limit=2",
    b"from=%2B1&sentSince=2015-02-12T09:58:20.323+0100&mcc=219&generalStatus=DELIVERED",
    b"text=Your+table%20is+ready&voice.gender=female&from=%2B41793026700&to=41793026727",
];
const ACCEPTS: [&[u8]; 2] = [
    b"text/html, application/xml;q=0.9, */*;q=.8",
    b"application/json; charset=\"utf-8\"\napplication/*",
];
const DATES: [&[u8]; 2] = [b"2015-02-12T09:58:20.323+0100", b"9999-12-31T23:59:59Z"];

/// Damages the inputs in every way there is time for, and hands them to the target.
fn drive(target: fn(&[u8]), inputs: &[&[u8]]) {
    let mut dice = Dice::from_environment();
    for input in inputs {
        target(input);
    }
    let end = Instant::now() + SPAN;
    while Instant::now() < end {
        for _ in 0..100 {
            let mut input = inputs[dice.below(inputs.len())].to_vec();
            for _ in 0..=dice.below(4) {
                damage(&mut input, inputs, &mut dice);
            }
            target(&input);
        }
    }
}

fn damage(input: &mut Vec<u8>, inputs: &[&[u8]], dice: &mut Dice) {
    let start = dice.below(input.len() + 1);
    let end = start + dice.below((input.len() - start).min(40) + 1);
    match dice.below(6) {
        0 if start < input.len() => input[start] ^= 1 << dice.below(8),
        1 => input.truncate(start),
        2 => drop(input.drain(start..end)),
        3 => {
            let again = input[start..end].to_vec();
            input.splice(end..end, again);
        }
        4 => {
            let other = inputs[dice.below(inputs.len())];
            let from = dice.below(other.len() + 1);
            let to = from + dice.below((other.len() - from).min(200) + 1);
            input.splice(start..end, other[from..to].iter().copied());
        }
        _ => drop(input.splice(start..start, TOKENS[dice.below(TOKENS.len())].iter().copied())),
    }
}

/// Numbers that only their seed decides.
struct Dice(u64);

impl Dice {
    fn from_environment() -> Self {
        let given = std::env::var("CALLSLIP_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| RandomState::new().hash_one(0));
        println!("CALLSLIP_SEED={seed}");
        Self(seed)
    }

    /// SplitMix64.
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let bound = u64::try_from(bound).unwrap();
        usize::try_from((mixed ^ (mixed >> 31)) % bound).unwrap()
    }
}

#[test]
fn damaged_json_is_refused_or_survives() {
    drive(targets::feed_json, &JSON);
}

#[test]
fn damaged_xml_is_refused_or_survives() {
    drive(targets::feed_xml, &XML);
}

#[test]
fn damaged_submits_in_json_are_refused_or_within_bounds() {
    drive(targets::submit_json, &SUBMITS_JSON);
}

#[test]
fn damaged_submits_in_xml_are_refused_or_within_bounds() {
    drive(targets::submit_xml, &SUBMITS_XML);
}

#[test]
fn damaged_queries_are_refused_or_within_bounds() {
    drive(targets::query, &QUERIES);
}

#[test]
fn damaged_accepts_choose_something() {
    drive(targets::accept, &ACCEPTS);
}

#[test]
fn damaged_dates_are_refused_or_survive() {
    drive(targets::date, &DATES);
}
