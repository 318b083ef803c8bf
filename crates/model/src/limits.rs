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
