//! The calls that the sandbox offers to place: one of a person, one of a busy line, one of a person
//! who presses a key. What the numbers do stands in their last three digits.

/// A: mobile numbers that the demo deck prices.
const CALLED_FIRST: [&str; 3] = ["38598100001", "38598100486", "38598100213"];
/// B, who answers.
const JOINED_TO: &str = "38591100002";
/// Shown to both.
const SHOWN: &str = "38515507799";

/// The body of a submit for a shell to send, in the order in which people read it.
pub(super) fn to_paste() -> String {
    let message = |a: &&str| {
        format!(r#"{{"from":"{SHOWN}","destinationA":"{a}","destinationB":"{JOINED_TO}"}}"#)
    };
    let messages: Vec<String> = CALLED_FIRST.iter().map(message).collect();
    format!(r#"{{"messages":[{}]}}"#, messages.join(","))
}
