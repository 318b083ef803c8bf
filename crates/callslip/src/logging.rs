//! The log, on standard error.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::fmt;

use engine::sip::LOG_FILTER;

use crate::settings::{Log, LogFormat};

/// Logs as the settings say.
pub(crate) fn start(log: &Log) {
    // The level was parsed when the settings were read.
    let filter = EnvFilter::new(filter_of(&log.level));
    let lines = fmt().with_env_filter(filter).with_writer(stderr);
    match log.format {
        LogFormat::Text => lines.with_ansi(stderr().is_terminal()).with_target(false).init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
}

/// Logs what is wrong, and nothing else: the command itself says what it did.
pub(crate) fn start_quiet() {
    start(&Log { level: "warn".into(), format: LogFormat::Text });
}

/// A level alone is that of Callslip's own parts: what libraries do is news only if it is wrong.
fn filter_of(level: &str) -> String {
    match level.trim().to_ascii_lowercase().as_str() {
        own @ ("warn" | "info" | "debug" | "trace") => {
            format!("warn,callslip={own},api={own},engine={own},store={own},{LOG_FILTER}")
        }
        _ => format!("{level},{LOG_FILTER}"),
    }
}
