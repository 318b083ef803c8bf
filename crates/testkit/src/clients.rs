//! Everyday HTTP clients, each run as its own process with the retrying that it comes with.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

/// An HTTP client as an application would use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// The name that `tests/clients/run` knows it by.
    pub name: &'static str,
}

/// Every client, the seed's own languages first.
pub const ALL: [Client; 8] = [
    Client { name: "ruby-net-http" },
    Client { name: "python-http-client" },
    Client { name: "python-urllib3" },
    Client { name: "php-curl" },
    Client { name: "java-url-connection" },
    Client { name: "java-http-client" },
    Client { name: "node-http" },
    Client { name: "node-fetch" },
];

/// What the client handed to the application.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Answer {
    /// Whether the client called it a success.
    pub ok: bool,
    /// The body, as far as the client handed it over; it may be cut short without an error.
    pub body: String,
    /// What the client complained of otherwise.
    pub error: String,
}

impl Client {
    /// What the application gets from one ordinary request for two reports, with that
    /// `Idempotency-Key` if one is given. Blocks until the client is done.
    ///
    /// # Errors
    /// The client is not installed, or did not say what it got.
    pub fn ask(self, base_url: &str, key: Option<&str>) -> io::Result<Answer> {
        let mut command = Command::new(directory().join("run"));
        command.arg(self.name).arg(base_url).stdin(Stdio::null());
        if let Some(key) = key {
            command.args(["--key", key]);
        }
        let output = command.output()?;
        serde_json::from_slice(&output.stdout).map_err(|error| {
            let said = String::from_utf8_lossy(&output.stderr);
            io::Error::other(format!(
                "{}: {error}: {said}(scripts/install-test-deps.sh installs the clients)",
                self.name
            ))
        })
    }
}

/// Compiles the clients that are compiled, if they have changed.
///
/// # Errors
/// There is no compiler, or it complained.
pub fn compile() -> io::Result<()> {
    let status = Command::new(directory().join("compile")).stdin(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other("tests/clients/compile failed")) }
}

/// What runs the vendor's own client library of that version, and the script that it is to run.
/// `scripts/install-test-deps.sh` installs the library.
pub fn sdk(version: &str) -> (PathBuf, PathBuf) {
    let script = directory().join("sdk/click_to_call.py");
    let installed = directory().join(format!("../../target/test-deps/sdk-{version}"));
    (installed.join("bin/python"), script)
}

/// Where the clients are: `tests/clients`.
pub fn directory() -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let root = crates.and_then(Path::parent).expect("testkit is two directories below the root");
    root.join("tests/clients")
}
