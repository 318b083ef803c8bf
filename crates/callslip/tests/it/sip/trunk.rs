//! A server with trunks: what stands in its settings, and what a test asks of it.

use std::fmt::Write as _;

use serde_json::Value;

use crate::phones::Phones;

/// A trunk to a port of this machine, as it stands in the settings.
pub(super) fn trunk(name: &str, transport: &str, port: u16, more: &str) -> String {
    format!(
        "[[trunk]]\nname = \"{name}\"\n\
         destinations = [{{ host = \"127.0.0.1\", port = {port}, transport = \"{transport}\" }}]\n\
         number_format = \"e164\"\n{more}\n"
    )
}

/// A server that calls through these trunks. `more` may set anything but who carries calls.
pub(super) fn server(more: &str, trunks: &[String]) -> Phones {
    let mut settings = String::from(
        "calls.carrier = \"sip\"\nsip.udp = \"127.0.0.1:0\"\nmedia.bind = \"127.0.0.1\"\n",
    );
    write!(settings, "{more}\n{}", trunks.concat()).unwrap();
    Phones::serving(&settings)
}

/// The only attempt at a call that is over.
#[track_caller]
pub(super) fn attempt(detail: &Value) -> &Value {
    let attempts = detail["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 1, "{detail:#}");
    &attempts[0]
}
