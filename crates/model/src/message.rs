//! A message: one call to be made, as it was submitted, and the plan for making it.

use std::time::Duration;

use crate::catalogue::StatusRow;
use crate::{AccountId, Number, Timestamp};

/// One call to be made. Immutable once submitted; what happens to it is kept beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Whose it is.
    pub account: AccountId,
    /// The request that it came in.
    pub bulk_id: String,
    /// Names it everywhere; unique within the account.
    pub message_id: String,
    /// Shown to A.
    pub from: String,
    /// Called first; what the report calls `to`.
    pub destination_a: Number,
    /// Called and joined once A has answered; none for a voice message.
    pub destination_b: Option<Leg2>,
    /// Whom A may choose to be joined to instead, by pressing keys; a voice message alone has them.
    pub transfers: Vec<Leg2>,
    /// How long after A's answer the prompt begins.
    pub pause: Duration,
    /// Played to A.
    pub prompt: Option<Prompt>,
    /// Keys to be collected from A while and after the prompt is played.
    pub keys: Option<Keys>,
    /// What to do when a machine answers; nobody looks if none.
    pub machine_detection: Option<MachineDetection>,
    /// How long A may ring.
    pub ring_timeout: Duration,
    /// How long the whole call may last, from A's answer.
    pub call_timeout: Option<Duration>,
    /// Tried again when it fails for a passing reason.
    pub retry: Option<Retry>,
    /// Placed only within it.
    pub window: Option<DeliveryWindow>,
    /// When it was asked to be placed; at once if none.
    pub asked_send_at: Option<Timestamp>,
    /// Not before: as asked, but not before it was submitted, and in its turn where the request
    /// bounds how fast its messages are sent.
    pub send_at: Timestamp,
    /// Given up at: a span after `send_at`.
    pub valid_until: Option<Timestamp>,
    /// The report is pushed there in place of being taken.
    pub notify: Option<Notify>,
    /// Echoed in the report.
    pub callback_data: Option<String>,
    /// Record what A and B say to each other.
    pub record: bool,
}

impl Message {
    /// Who is called next, after A has pressed these keys: destination B; else the transfer with
    /// exactly these keys; else, if any were pressed, the transfer for any.
    pub fn second_leg(&self, pressed: &str) -> Option<&Leg2> {
        if self.destination_b.is_some() {
            return self.destination_b.as_ref();
        }
        let is_exact = |leg: &&Leg2| leg.if_keys.iter().any(|keys| keys == pressed);
        let is_for_any = |leg: &&Leg2| leg.if_keys.is_empty() && !pressed.is_empty();
        self.transfers.iter().find(is_exact).or_else(|| self.transfers.iter().find(is_for_any))
    }

    /// Whether both ask for the same call, however and whenever they were submitted: this tells a
    /// `messageId` that was sent again from one that was used again.
    ///
    /// Neither ids count nor what follows from the time of submission: of the time to send it,
    /// what was asked for; of the end of its validity, how long that is.
    pub fn asks_the_same(&self, other: &Self) -> bool {
        let Self {
            account: _,
            bulk_id: _,
            message_id: _,
            from,
            destination_a,
            destination_b,
            transfers,
            pause,
            prompt,
            keys,
            machine_detection,
            ring_timeout,
            call_timeout,
            retry,
            window,
            asked_send_at,
            send_at: _,
            valid_until: _,
            notify,
            callback_data,
            record,
        } = self;
        let validity = |message: &Self| message.valid_until.map(|at| at.since(message.send_at));
        validity(self) == validity(other)
            && *asked_send_at == other.asked_send_at
            && *from == other.from
            && *destination_a == other.destination_a
            && *destination_b == other.destination_b
            && *transfers == other.transfers
            && *pause == other.pause
            && *prompt == other.prompt
            && *keys == other.keys
            && *machine_detection == other.machine_detection
            && *ring_timeout == other.ring_timeout
            && *call_timeout == other.call_timeout
            && *retry == other.retry
            && *window == other.window
            && *notify == other.notify
            && *callback_data == other.callback_data
            && *record == other.record
    }
}

/// A message of a request that was read: the call to be made, or why there will be none.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The client's own, or a new one; a refused message has one too.
    pub message_id: String,
    /// Its destination: the digits of a number, and otherwise what was written, if not too long.
    pub to: String,
    /// The call to be made, or the status that refuses it.
    pub verdict: Result<Message, StatusRow>,
}

/// The second leg of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Leg2 {
    /// Called once A has answered.
    pub number: Number,
    /// Shown to B.
    pub shown: String,
    /// How long the two may talk.
    pub max_duration: Option<Duration>,
    /// How long before that a beep warns them.
    pub warning_time: Option<Duration>,
    /// The keys of A that lead to it; whatever was pressed if empty. See [`Message::second_leg`].
    pub if_keys: Vec<String>,
}

/// What is played to A.
#[derive(Clone, Debug, PartialEq)]
pub enum Prompt {
    /// Spoken.
    Text {
        /// The words.
        text: String,
        /// A language tag such as `en`.
        language: String,
        /// A voice's name or gender, if one was asked for.
        voice: Option<String>,
        /// 0.5 to 2, in percent.
        rate_percent: u16,
    },
    /// Fetched.
    Audio {
        /// `http` or `https`.
        url: String,
    },
}

/// Keys to be collected from A.
#[derive(Clone, Debug, PartialEq)]
pub struct Keys {
    /// Collection ends after that many.
    pub max: u16,
    /// Or after that long without one.
    pub timeout: Duration,
    /// How often the prompt is repeated: for `repeat_on` if there is one, else when no key came.
    pub repeats: u16,
    /// The keys that ask for the prompt again.
    pub repeat_on: Option<String>,
}

/// What to do when a machine answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MachineDetection {
    /// Hang up.
    Hangup,
    /// Play the prompt all the same.
    Continue,
}

/// A retry ladder: the pause doubles from the shortest to the longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The first pause.
    pub min_period: Duration,
    /// The longest pause.
    pub max_period: Duration,
    /// Attempts after the first, at most 4.
    pub max_count: u8,
}

/// When a call may be placed, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryWindow {
    /// Bit 0 is Monday.
    pub days: u8,
    /// Minutes since midnight, from and to; the whole day if none. `from` after `to` spans midnight.
    pub minutes: Option<(u16, u16)>,
}

/// Where the report is pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// `http` or `https`.
    pub url: String,
    /// XML in place of JSON.
    pub xml: bool,
    /// The older report model in place of the newer one.
    pub version_1: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leg(number: &str, keys: &[&str]) -> Leg2 {
        Leg2 {
            number: number.parse().unwrap(),
            shown: "12345".into(),
            max_duration: None,
            warning_time: None,
            if_keys: keys.iter().map(|keys| (*keys).to_owned()).collect(),
        }
    }

    fn message() -> Message {
        Message {
            account: AccountId(1),
            bulk_id: "bulk".into(),
            message_id: "message".into(),
            from: "12345".into(),
            destination_a: "385981178".parse().unwrap(),
            destination_b: None,
            transfers: Vec::new(),
            pause: Duration::ZERO,
            prompt: None,
            keys: None,
            machine_detection: None,
            ring_timeout: Duration::from_secs(45),
            call_timeout: None,
            retry: None,
            window: None,
            asked_send_at: None,
            send_at: Timestamp::from_millis(1_000),
            valid_until: Some(Timestamp::from_millis(61_000)),
            notify: None,
            callback_data: None,
            record: false,
        }
    }

    #[test]
    fn keys_lead_to_the_second_leg() {
        let exact = leg("111", &["1"]);
        let any = leg("222", &[]);
        let voice = Message { transfers: vec![any.clone(), exact.clone()], ..message() };
        assert_eq!(voice.second_leg("1"), Some(&exact));
        assert_eq!(voice.second_leg("12"), Some(&any));
        assert_eq!(voice.second_leg(""), None);
        let click_to_call = Message { destination_b: Some(any.clone()), ..message() };
        assert_eq!(click_to_call.second_leg(""), Some(&any));
        assert_eq!(message().second_leg("1"), None);
    }

    #[test]
    fn a_message_sent_again_asks_the_same() {
        let at = Timestamp::from_millis;
        let later = Message {
            bulk_id: "another".into(),
            send_at: at(9_000),
            valid_until: Some(at(69_000)),
            ..message()
        };
        assert!(message().asks_the_same(&later));
        let scheduled = Message { asked_send_at: Some(at(8_000)), ..message() };
        assert!(!message().asks_the_same(&scheduled));
        let again = Message { asked_send_at: Some(at(8_000)), ..later };
        assert!(scheduled.asks_the_same(&again));
        let shorter = Message { valid_until: Some(at(60_000)), ..message() };
        assert!(!message().asks_the_same(&shorter));
        let other = Message { callback_data: Some("x".into()), ..message() };
        assert!(!message().asks_the_same(&other));
    }
}
