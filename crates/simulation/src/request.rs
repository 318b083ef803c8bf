//! A submit request drawn from the seed, and what it asks for, in words that share nothing with
//! those of the server.

use bytes::Bytes;
use fastrand::Rng;
use model::Timestamp;
use serde_json::{Value, json};

use crate::customer::Customer;
use crate::price::charges_b;

/// A request, and what is asked for with each of its messages.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) path: &'static str,
    pub(crate) body: Bytes,
    pub(crate) key: Option<String>,
    pub(crate) asked: Vec<Asked>,
}

/// What is asked for with one message.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Its id, if the customer gives one.
    pub(crate) message_id: Option<String>,
    pub(crate) a: String,
    pub(crate) b: Option<String>,
    /// Minutes since midnight, UTC, every day.
    pub(crate) window: Option<(i64, i64)>,
    pub(crate) send_at: Option<Timestamp>,
    pub(crate) validity_minutes: Option<i64>,
    /// Attempts at most.
    pub(crate) attempts_max: usize,
    pub(crate) audio_is_missing: bool,
    /// The status that it is refused with, if it must be.
    pub(crate) refused_with: Option<u64>,
}

/// Prefixes of the deck, one that charges both legs among them.
const PREFIXES: [&str; 6] = ["38598", "38591", "4479", "4366", "1212", "3861"];
/// A prefix that the deck has no line for.
const UNLISTED: &str = "99912";
/// What the sandbox makes of a number's last three digits; most calls meet a person.
const ENDINGS: [&str; 15] = [
    "486", "603", "480", "180", "404", "484", "503", "408", "210", "211", "219", "298", "299",
    "001", "002",
];

impl Outgoing {
    /// The customer's request of that number, made at `now`.
    pub(crate) fn draw(customer: &Customer, number: u64, now: Timestamp, rng: &mut Rng) -> Self {
        let mut draw = Draw { customer, number, now, rng, asked: Vec::new() };
        let (path, body, needs_key) = match draw.rng.u8(0..20) {
            0..12 => ("/voice/ctc/1/send", draw.click_to_call(), false),
            12..17 => ("/tts/3/advanced", draw.advanced(), false),
            17..19 => ("/tts/3/single", draw.single(), true),
            _ => ("/tts/3/multi", draw.multi(), true),
        };
        let key = (needs_key || draw.rng.bool()).then(|| format!("{}-{number}", customer.name));
        Self { path, body: body.to_string().into(), key, asked: draw.asked }
    }
}

struct Draw<'a> {
    customer: &'a Customer,
    number: u64,
    now: Timestamp,
    rng: &'a mut Rng,
    asked: Vec<Asked>,
}

impl Draw<'_> {
    fn click_to_call(&mut self) -> Value {
        let messages = (0..self.rng.usize(1..8)).map(|_| {
            let (a, b) = (self.number(), self.number());
            let place = self.ask(a.clone(), Some(b.clone()), true);
            let mut message = json!({
                "from": self.customer.from,
                "destinationA": a,
                "destinationB": b,
                "messageId": self.asked[place].message_id,
            });
            self.common(&mut message, place);
            if self.rng.bool() {
                message["maxDuration"] = self.rng.u32(1..60).into();
            }
            message
        });
        json!({"messages": messages.collect::<Vec<_>>()})
    }

    fn advanced(&mut self) -> Value {
        let bulk_id =
            self.rng.bool().then(|| format!("{}-bulk-{}", self.customer.name, self.number));
        let first = self.asked.len();
        let numbers: Vec<String> = (0..self.rng.usize(1..12)).map(|_| self.number()).collect();
        let destinations: Vec<Value> = numbers
            .into_iter()
            .map(|to| {
                let place = self.ask(to.clone(), None, true);
                json!({"to": to, "messageId": self.asked[place].message_id})
            })
            .collect();
        let mut message = json!({"from": self.customer.from, "destinations": destinations});
        self.common(&mut message, first);
        if message.get("audioFileUrl").is_none() {
            message["text"] = "Please press one of the keys".into();
        }
        if self.rng.bool() {
            let send_at = self.now.as_millis() + self.rng.i64(0..7_200_000);
            message["sendAt"] = written(send_at).into();
            self.asked[first].send_at = Some(Timestamp::from_millis(send_at));
        }
        if self.rng.u8(0..3) == 0 {
            let minutes = self.rng.i64(1..240);
            message["validityPeriod"] = minutes.into();
            self.asked[first].validity_minutes = Some(minutes);
        }
        if self.rng.bool() {
            message["maxDtmf"] = self.rng.u8(1..3).into();
            message["dtmfTimeout"] = self.rng.u8(1..10).into();
        }
        // What holds for the first destination holds for all.
        let shared = self.asked[first].clone();
        for asked in &mut self.asked[first + 1..] {
            let Asked { message_id, a, b, refused_with, .. } = asked.clone();
            *asked = Asked { message_id, a, b, refused_with, ..shared.clone() };
        }
        json!({"bulkId": bulk_id, "messages": [message]})
    }

    fn single(&mut self) -> Value {
        let to = self.number();
        self.ask(to.clone(), None, false);
        json!({"from": self.customer.from, "to": to, "text": "A short one"})
    }

    fn multi(&mut self) -> Value {
        let to: Vec<String> = (0..self.rng.usize(1..5)).map(|_| self.number()).collect();
        for to in &to {
            self.ask(to.clone(), None, false);
        }
        let from = &self.customer.from;
        json!({"messages": [{"from": from, "to": to, "text": "To several of you"}]})
    }

    fn common(&mut self, message: &mut Value, place: usize) {
        if self.rng.bool() {
            message["text"] = "You are being connected".into();
        } else if self.rng.u8(0..4) == 0 {
            let is_missing = self.rng.bool();
            let name = if is_missing { "missing.wav" } else { "there.wav" };
            message["audioFileUrl"] = format!("http://audio.example/{name}").into();
            self.asked[place].audio_is_missing = is_missing;
        }
        if self.rng.bool() {
            let (shortest, count) = (self.rng.u32(1..10), self.rng.u8(0..4));
            message["retry"] = json!({
                "minPeriod": shortest,
                "maxPeriod": shortest * 4,
                "maxCount": count,
            });
            self.asked[place].attempts_max = 1 + usize::from(count);
        }
        if self.rng.u8(0..5) == 0 {
            let (from, span) = (self.rng.i64(0..1_440), self.rng.i64(60..1_380));
            let to = (from + span) % 1_440;
            let time = |minute: i64| json!({"hour": minute / 60, "minute": minute % 60});
            let days =
                ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"];
            message["deliveryTimeWindow"] =
                json!({"days": days, "from": time(from), "to": time(to)});
            self.asked[place].window = Some((from, to));
        }
        if self.rng.u8(0..4) == 0 {
            message["machineDetection"] = "hangup".into();
        }
    }

    fn ask(&mut self, a: String, b: Option<String>, is_named: bool) -> usize {
        let is_no_number = |number: &String| number.len() > 15;
        let is_unlisted = |number: &String| number.starts_with(UNLISTED);
        let refused_with = if is_no_number(&a) || b.as_ref().is_some_and(is_no_number) {
            Some(52)
        } else if self.customer.is_rated
            && (is_unlisted(&a) || charges_b(&a) && b.as_ref().is_some_and(is_unlisted))
        {
            Some(8)
        } else {
            None
        };
        let place = self.asked.len();
        let id = || format!("{}-{}-{place}", self.customer.name, self.number);
        self.asked.push(Asked {
            message_id: is_named.then(id),
            a,
            b,
            window: None,
            send_at: None,
            validity_minutes: None,
            attempts_max: 1,
            audio_is_missing: false,
            refused_with,
        });
        place
    }

    fn number(&mut self) -> String {
        let prefix = match self.rng.u8(0..30) {
            0 => UNLISTED,
            1 => "385981234567890123",
            _ => *self.rng.choice(&PREFIXES).expect("a prefix"),
        };
        let ending = match self.rng.bool() {
            true => "000",
            false => *self.rng.choice(&ENDINGS).expect("an ending"),
        };
        format!("{prefix}{}{ending}", self.rng.u8(1..9))
    }
}

/// A time as clients write it: `2026-11-23T12:00:00.000+0000`.
fn written(millis: i64) -> String {
    let (days, of_day) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
    // Days to a date, by the civil calendar: http://howardhinnant.github.io/date_algorithms.html
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (seconds, millis) = (of_day / 1_000, of_day % 1_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}+0000")
}
