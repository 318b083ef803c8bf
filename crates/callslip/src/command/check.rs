//! `callslip check`: what the settings come to, or why they do not.

use clap::Args;

use super::say;
use crate::server::tls_of;
use crate::settings::{DEFAULT_FILE, Flags};

/// The flags of `check`.
#[derive(Args, Debug)]
pub(crate) struct Check {
    #[command(flatten)]
    flags: Flags,
    /// Print every setting as it would hold.
    #[arg(long)]
    print: bool,
    /// Print the default file, with the meaning of every key; a start for a file of your own.
    #[arg(long, conflicts_with = "print")]
    defaults: bool,
}

impl Check {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        if self.defaults {
            return say(DEFAULT_FILE.trim_end());
        }
        let settings = self.flags.settings()?;
        tls_of(&settings)?;
        if self.print {
            return say(toml::to_string(&settings)?.trim_end());
        }
        say("The settings are in order.")
    }
}
