//! From a flat list of fields to a checked report, or to everything that is wrong with it.

use std::borrow::Cow;
use std::time::Duration;

use model::limits::{DURATION_SECONDS_MAX, ID_BYTES_MAX, TEXT_BYTES_MAX};
use model::{Amount, Price, Report, ReportError, Status, Timestamp};

use super::flat::{Flat, GROUPS, Scalar};
use crate::wire::{Fault, date, seconds};

/// The report, judged alone. `index` is its place in `results`, if it has one.
pub(super) fn report(flat: Option<Flat<'_>>, index: Option<usize>) -> Result<Report, Vec<Fault>> {
    let Some(flat) = flat else {
        let path = index.map_or_else(String::new, |index| format!("results[{index}]"));
        return Err(vec![Fault { path, reason: "is not an object".into() }]);
    };
    let mut check = Check { flat, index, faults: Vec::new() };
    let report = check.report();
    check.unknown();
    match report {
        Some(report) if check.faults.is_empty() => Ok(report),
        _ => Err(check.faults),
    }
}

/// A report being judged. What is wrong becomes a fault, and the judging goes on.
struct Check<'a> {
    flat: Flat<'a>,
    index: Option<usize>,
    faults: Vec<Fault>,
}

/// What a value is, or the reason why it is not what it should be.
type Read<T> = Result<T, Cow<'static, str>>;

impl Check<'_> {
    /// Reads every field before it needs any, so that all faults are named at once.
    fn report(&mut self) -> Option<Report> {
        let bulk_id = self.required("bulkId", |value| filled(value, ID_BYTES_MAX));
        let message_id = self.required("messageId", |value| filled(value, ID_BYTES_MAX));
        let to = self.required("to", |value| filled(value, TEXT_BYTES_MAX));
        let from = self.optional("from", |value| filled(value, TEXT_BYTES_MAX));
        let text = self.optional("text", |value| filled(value, TEXT_BYTES_MAX));
        let callback_data = self.optional("callbackData", |value| filled(value, TEXT_BYTES_MAX));
        let sent_at = self.required("sentAt", instant);
        let done_at = self.required("doneAt", instant);
        let start_time = self.optional("startTime", instant);
        let answer_time = self.optional("answerTime", instant);
        let end_time = self.optional("endTime", instant);
        let duration_seconds = self.required("duration", duration);
        let file_duration = self.optional("fileDuration", file_duration);
        let mcc_mnc = self.optional("mccMnc", mcc_mnc);
        let dtmf_codes = self.optional("dtmfCodes", |value| filled(value, TEXT_BYTES_MAX));
        for group in GROUPS {
            self.group(group);
        }
        let price = self.price();
        let status = self.status();
        let error = self.error();
        Some(Report {
            bulk_id: bulk_id?,
            message_id: message_id?,
            to: to?,
            from: from?,
            text: text?,
            callback_data: callback_data?,
            sent_at: sent_at?,
            done_at: done_at?,
            start_time: start_time?,
            answer_time: answer_time?,
            end_time: end_time?,
            duration_seconds: duration_seconds?,
            file_duration: file_duration?,
            mcc_mnc: mcc_mnc?,
            dtmf_codes: dtmf_codes?.unwrap_or_default(),
            // What others recorded is not here.
            recorded: false,
            price: price?,
            status: status?,
            error: error?,
        })
    }

    fn price(&mut self) -> Option<Price> {
        let names = ["price.pricePerSecond", "price.pricePerMessage"];
        let per_second = match names.map(|name| self.flat.has(name)) {
            [true, true] => {
                self.fault("price", "has both pricePerSecond and pricePerMessage");
                None
            }
            [_, false] => self.required(names[0], amount),
            [false, true] => self.required(names[1], amount),
        };
        let currency = self.required("price.currency", |value| filled(value, TEXT_BYTES_MAX));
        Some(Price { per_second: per_second?, currency: currency? })
    }

    fn status(&mut self) -> Option<Status> {
        let group_id = self.required("status.groupId", whole);
        let group_name = self.required("status.groupName", |value| filled(value, TEXT_BYTES_MAX));
        let id = self.required("status.id", whole);
        let name = self.required("status.name", |value| filled(value, TEXT_BYTES_MAX));
        let description = self.required("status.description", |value| text(value, TEXT_BYTES_MAX));
        Some(Status {
            group_id: group_id?,
            group_name: group_name?,
            id: id?,
            name: name?,
            description: description?,
        })
    }

    fn error(&mut self) -> Option<ReportError> {
        let group_id = self.required("error.groupId", whole);
        let group_name = self.required("error.groupName", |value| filled(value, TEXT_BYTES_MAX));
        let id = self.required("error.id", whole);
        let name = self.required("error.name", |value| filled(value, TEXT_BYTES_MAX));
        let description = self.required("error.description", |value| text(value, TEXT_BYTES_MAX));
        let permanent = self.required("error.permanent", boolean);
        Some(ReportError {
            group_id: group_id?,
            group_name: group_name?,
            id: id?,
            name: name?,
            description: description?,
            permanent: permanent?,
        })
    }

    /// Names the group once, if it is missing or is no group; its fields are then not asked for.
    fn group(&mut self, group: &'static str) {
        match self.flat.take(group) {
            Some(Scalar::Null) => self.fault(group, "is missing"),
            Some(_) => self.fault(group, "is not an object"),
            None if !self.flat.has_group(group) => self.fault(group, "is missing"),
            None => {}
        }
    }

    fn required<T>(
        &mut self,
        path: &'static str,
        read: impl FnOnce(Scalar<'_>) -> Read<T>,
    ) -> Option<T> {
        let reason = match self.flat.take(path) {
            None if is_in_missing_group(&self.flat, path) => return None,
            None | Some(Scalar::Null) => "is missing".into(),
            Some(value) => match read(value) {
                Ok(value) => return Some(value),
                Err(reason) => reason,
            },
        };
        self.fault(path, reason);
        None
    }

    /// Null and empty count as absent.
    fn optional<T>(
        &mut self,
        path: &'static str,
        read: impl FnOnce(Scalar<'_>) -> Read<T>,
    ) -> Option<Option<T>> {
        match self.flat.take(path) {
            None | Some(Scalar::Null) => Some(None),
            Some(Scalar::Text(text) | Scalar::Untyped(text)) if text.is_empty() => Some(None),
            Some(value) => match read(value) {
                Ok(value) => Some(Some(value)),
                Err(reason) => {
                    self.fault(path, reason);
                    None
                }
            },
        }
    }

    /// To drop what is not known would be to lose it silently.
    fn unknown(&mut self) {
        for name in self.flat.unknown().to_vec() {
            self.fault(&name, "is not a field of a report");
        }
    }

    fn fault(&mut self, path: &str, reason: impl Into<String>) {
        let path = match self.index {
            Some(index) => format!("results[{index}].{path}"),
            None => path.to_owned(),
        };
        self.faults.push(Fault { path, reason: reason.into() });
    }
}

fn is_in_missing_group(flat: &Flat<'_>, path: &str) -> bool {
    path.split_once('.').is_some_and(|(group, _)| !flat.has_group(group))
}

fn text(value: Scalar<'_>, bytes_max: usize) -> Read<String> {
    let (Scalar::Text(text) | Scalar::Untyped(text)) = value else {
        return Err("is not a text".into());
    };
    if text.len() > bytes_max {
        Err(format!("is longer than {bytes_max} bytes").into())
    } else if text.contains('\0') {
        Err("holds a NUL character".into())
    } else {
        Ok(text.into_owned())
    }
}

fn filled(value: Scalar<'_>, bytes_max: usize) -> Read<String> {
    let text = text(value, bytes_max)?;
    if text.is_empty() { Err("is empty".into()) } else { Ok(text) }
}

fn instant(value: Scalar<'_>) -> Read<Timestamp> {
    let text = value.as_text().ok_or("is not a text")?;
    date::parse(text).map_err(|error| error.to_string().into())
}

fn mcc_mnc(value: Scalar<'_>) -> Read<String> {
    let codes = text(value, TEXT_BYTES_MAX)?;
    if matches!(codes.len(), 5 | 6) && codes.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(codes)
    } else {
        Err("is not five or six digits".into())
    }
}

fn number<'a>(value: &'a Scalar<'_>) -> Read<&'a str> {
    value.as_number().ok_or_else(|| "is not a number".into())
}

fn whole(value: Scalar<'_>) -> Read<u32> {
    let digits = number(&value)?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("is not a whole number of 0 or more".into());
    }
    digits.parse().map_err(|_| format!("is above {}", u32::MAX).into())
}

fn duration(value: Scalar<'_>) -> Read<u32> {
    let seconds = whole(value)?;
    if seconds > DURATION_SECONDS_MAX {
        return Err(format!("is above {DURATION_SECONDS_MAX} seconds").into());
    }
    Ok(seconds)
}

fn file_duration(value: Scalar<'_>) -> Read<Duration> {
    seconds::parse(number(&value)?, DURATION_SECONDS_MAX).map_err(Cow::from)
}

fn amount(value: Scalar<'_>) -> Read<Amount> {
    number(&value)?.parse().map_err(|error: model::amount::AmountError| error.to_string().into())
}

fn boolean(value: Scalar<'_>) -> Read<bool> {
    value.as_boolean().ok_or_else(|| "is not true or false".into())
}
