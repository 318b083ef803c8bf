//! The log, on standard error.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::fmt;

use crate::settings::{Log, LogFormat};

/// Logs as the settings say.
pub(crate) fn start(log: &Log) {
    // The level was parsed when the settings were read.
    let level = EnvFilter::new(&log.level);
    let lines = fmt().with_env_filter(level).with_writer(stderr);
    match log.format {
        LogFormat::Text => lines.with_ansi(stderr().is_terminal()).with_target(false).init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
}

/// Logs what is wrong, and nothing else: the command itself says what it did.
pub(crate) fn start_quiet() {
    start(&Log { level: "warn".into(), format: LogFormat::Text });
}
