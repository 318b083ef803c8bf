//! Submitting calls: the documented requests, every field wrong in every way, bounds and answers.

mod bulks;
mod ctc;
mod limits;
mod tts;
mod wrong;

use api::wire::Format;
use api::wire::submit::{self, Refused, Submit, Terms};
use model::catalogue::status::PENDING_ACCEPTED;
use model::message::Draft;
use model::{AccountId, Message, Timestamp};
use store::Answer;

/// 2026-11-23T12:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_435_200_000);

pub(crate) const CTC_JSON: &str = include_str!("../../golden/submit/ctc.json");
pub(crate) const CTC_XML: &str = include_str!("../../golden/submit/ctc.xml");
pub(crate) const SINGLE_JSON: &str = include_str!("../../golden/submit/single.json");
pub(crate) const SINGLE_XML: &str = include_str!("../../golden/submit/single.xml");
pub(crate) const MULTI_JSON: &str = include_str!("../../golden/submit/multi.json");
pub(crate) const MULTI_XML: &str = include_str!("../../golden/submit/multi.xml");
pub(crate) const ADVANCED_JSON: &str = include_str!("../../golden/submit/advanced.json");
pub(crate) const ADVANCED_XML: &str = include_str!("../../golden/submit/advanced.xml");

/// A reader of one kind of request.
pub(crate) type Reader = fn(Format, &[u8], &mut Terms<'_>) -> Result<Submit, Refused>;

/// What the reader makes of the body, when new ids are `id-1`, `id-2` and so on.
pub(crate) fn read(reader: Reader, format: Format, body: &str) -> Result<Submit, Refused> {
    under(NOW, true, |terms| reader(format, body.as_bytes(), terms))
}

/// What is read at that time, with or without machine detection.
pub(crate) fn under<T>(
    now: Timestamp,
    machine_detection: bool,
    read: impl FnOnce(&mut Terms<'_>) -> T,
) -> T {
    let mut ids = 0;
    read(&mut Terms {
        account: AccountId(1),
        now,
        machine_detection,
        speaks: &|tag| matches!(tag, "en" | "de-AT"),
        fresh_id: &mut || {
            ids += 1;
            format!("id-{ids}")
        },
    })
}

/// The messages of a request in which none is refused.
#[track_caller]
pub(crate) fn planned(reader: Reader, format: Format, body: &str) -> Vec<Message> {
    let submit = read(reader, format, body).unwrap_or_else(|refused| panic!("{refused:?}"));
    let verdicts = submit.messages.into_iter().map(|draft| draft.verdict);
    verdicts.map(|verdict| verdict.unwrap_or_else(|row| panic!("{row:?}"))).collect()
}

/// What becomes of a request: `ok`, the statuses of its refused messages, or its faults.
pub(crate) fn fate(result: Result<Submit, Refused>) -> String {
    match result {
        Ok(submit) => {
            let refused = submit.messages.into_iter().filter_map(|draft| draft.verdict.err());
            let ids: Vec<String> = refused.map(|row| row.id.to_string()).collect();
            if ids.is_empty() { "ok".to_owned() } else { ids.join(" ") }
        }
        Err(Refused::Body(fault)) => fault.to_string(),
        Err(Refused::Fields(faults)) => {
            let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
            told.join("; ")
        }
    }
}

/// What a ledger that had none of these messages before answers.
pub(crate) fn answers(submit: &Submit) -> Vec<Answer> {
    let answer = |draft: &Draft| Answer {
        message_id: draft.message_id.clone(),
        to: draft.to.clone(),
        status: draft.verdict.as_ref().err().copied().unwrap_or(PENDING_ACCEPTED).into(),
    };
    submit.messages.iter().map(answer).collect()
}

/// The example with one part exchanged.
pub(crate) fn with(example: &str, part: &str, instead: &str) -> String {
    assert!(example.contains(part), "{part} is not in the example");
    example.replacen(part, instead, 1)
}

#[test]
fn a_refusal_names_each_path_once() {
    let body = r#"{"messages":[{"from":1,"destinationA":2,"destinationB":"111"}]}"#;
    let refused = read(submit::click_to_call, Format::Json, body).unwrap_err();
    assert_eq!(refused.to_string(), "Bad request");
    let text = vec!["is not a text".to_owned()];
    assert_eq!(
        refused.validation_errors(),
        [("messages[0].from".into(), text.clone()), ("messages[0].destinationA".into(), text)]
    );
    let refused = read(submit::click_to_call, Format::Json, "[").unwrap_err();
    assert!(refused.to_string().starts_with("is not a JSON object"), "{refused}");
    assert_eq!(refused.validation_errors(), []);
}
