//! The calls that the sandbox offers to place: one of a person, one of a busy line, one of a person
//! who presses a key. What the numbers do stands in their last three digits.

use serde_json::{Value, json};

/// A: mobile numbers that the demo deck prices.
const CALLED_FIRST: [&str; 3] = ["38598100001", "38598100486", "38598100213"];
/// B, who answers.
const JOINED_TO: &str = "38591100002";
/// Shown to both.
const SHOWN: &str = "38515507799";

/// The body of a submit for a shell to send.
pub(super) fn to_paste() -> String {
    let messages: Vec<Value> = CALLED_FIRST
        .iter()
        .map(|to| json!({ "from": SHOWN, "destinationA": to, "destinationB": JOINED_TO }))
        .collect();
    json!({ "messages": messages }).to_string()
}
