//! Every bound that is not a setting, named and in one place.

/// The longest `bulkId` or `messageId`, in bytes.
pub const ID_BYTES_MAX: usize = 200;
/// The longest of a report's other texts, in bytes.
pub const TEXT_BYTES_MAX: usize = 8_000;
/// The longest `Idempotency-Key`, in bytes.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 200;
/// The longest account name, in bytes.
pub const ACCOUNT_NAME_BYTES_MAX: usize = 100;
/// The longest password, in bytes; argon2 is not run on more.
pub const PASSWORD_BYTES_MAX: usize = 1_000;
/// Reports in one feed request.
pub const FEED_ITEMS_MAX: usize = 20_000;
/// The longest call that a report can tell of, in seconds: 366 days.
pub const DURATION_SECONDS_MAX: u32 = 366 * 86_400;
/// Destinations in one submit request.
pub const DESTINATIONS_MAX: usize = 20_000;
/// The longest text to be spoken, in characters.
pub const SPOKEN_CHARS_MAX: usize = 1_400;
/// The longest `callbackData`, in characters.
pub const CALLBACK_CHARS_MAX: usize = 700;
/// The longest URL in a submit request, in bytes.
pub const URL_BYTES_MAX: usize = 2_000;
/// Attempts after the first.
pub const RETRIES_MAX: u8 = 4;
/// How often A may have the prompt repeated.
pub const REPEATS_MAX: u16 = 5;
/// Keys collected from A.
pub const KEYS_MAX: u16 = 255;
/// Second legs that A may choose from.
pub const TRANSFERS_MAX: usize = 20;
/// The longest wait for a key, in seconds.
pub const DTMF_TIMEOUT_SECONDS_MAX: u32 = 120;
/// The longest ringing, in seconds: less than the three minutes of RFC 3261 §16.6, timer C.
pub const RING_TIMEOUT_SECONDS_MAX: u32 = 170;
/// The longest call that may be asked for, in seconds: four hours.
pub const CALL_SECONDS_MAX: u32 = 4 * 3_600;
/// The longest pause before the prompt, in seconds.
pub const PAUSE_SECONDS_MAX: u32 = 10;
/// The longest validity of a message, in minutes: 48 hours.
pub const VALIDITY_MINUTES_MAX: u32 = 48 * 60;
/// The shortest span between the ends of a delivery window, in minutes.
pub const WINDOW_MINUTES_MIN: u16 = 60;
/// The longest prompt, in seconds: ten minutes.
pub const PROMPT_SECONDS_MAX: u32 = 600;
/// Calls without a report in one ledger: each takes a little memory.
pub const CALLS_OPEN_MAX: u64 = 2_000_000;
/// SIP messages kept of a call; one of two legs without trouble has about twenty.
pub const LADDER_MESSAGES_MAX: usize = 64;
/// Bytes of them.
pub const LADDER_BYTES_MAX: usize = 48 * 1024;
/// Bytes of a dialog as a carrier notes it; one takes about 250.
pub const DIALOG_BYTES_MAX: usize = 16 * 1024;
/// Bytes of a part of a recording: about a minute of both sides.
pub const RECORDING_PART_BYTES_MAX: usize = 1024 * 1024;
