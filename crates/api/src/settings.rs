//! What an operator can set about the HTTP edge. The executable's configuration fills it in.

use std::time::Duration;

/// What an operator can set about the HTTP edge.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Reports in an answer at most; a larger `limit` is clamped to it.
    pub limit_max: usize,
    /// How long bytes of an answer may stay unacknowledged before its reports return to pending.
    pub ack_timeout: Duration,
    /// How long an acknowledged answer must stay quiet to count as settled.
    pub settle_after: Duration,
    /// What a reset says that comes after everything was acknowledged.
    pub reset_means: ResetMeans,
    /// The longest `Prefer: wait` that is honoured.
    pub wait_max: Duration,
    /// The longest request body, in bytes.
    pub body_bytes_max: usize,
    /// How long a request body may take to arrive.
    pub body_timeout: Duration,
    /// The longest request line and headers, in bytes.
    pub header_bytes_max: usize,
    /// How long the headers of a request may take, and how long a connection may idle.
    pub header_timeout: Duration,
    /// Open connections per listener.
    pub connections_max: usize,
    /// Requests to the logs per account and minute.
    pub logs_per_minute: u32,
    /// How far back the logs reach.
    pub logs_window: Duration,
    /// Submit requests per account and second.
    pub submits_per_second: u32,
    /// Calls of an account that may wait, if the account says nothing else.
    pub waiting_calls_max: u32,
    /// Failed logins per peer and user name and minute.
    pub auth_failures_per_minute: u32,
    /// Origins whose pages may call the API with credentials.
    pub cors_origins: Vec<String>,
    /// How long a stop waits for answers under way.
    pub drain: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limit_max: 1000,
            ack_timeout: Duration::from_secs(30),
            settle_after: Duration::from_secs(5),
            reset_means: ResetMeans::Unread,
            wait_max: Duration::from_secs(60),
            body_bytes_max: 16 << 20,
            body_timeout: Duration::from_secs(30),
            header_bytes_max: 64 << 10,
            header_timeout: Duration::from_secs(75),
            connections_max: 10_000,
            logs_per_minute: 120,
            logs_window: Duration::from_secs(48 * 3600),
            submits_per_second: 2_000,
            waiting_calls_max: 100_000,
            auth_failures_per_minute: 30,
            cors_origins: Vec::new(),
            drain: Duration::from_secs(10),
        }
    }
}

/// What a reset says that comes after everything was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetMeans {
    /// The client closed without reading the answer: its reports return to pending.
    Unread,
    /// The client resets by habit after reading: the answer is settled.
    Read,
}
