//! `callslip check`: what the settings come to, or why they do not.

use clap::Args;
use engine::sip::Trunk;

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
        let trunks = settings.trunks()?;
        settings.stack(Vec::new())?;
        if self.print {
            return say(toml::to_string(&settings)?.trim_end());
        }
        say("The settings are in order.")?;
        for trunk in &trunks {
            say(line_of(trunk))?;
        }
        Ok(())
    }
}

/// A trunk on one line.
fn line_of(trunk: &Trunk) -> String {
    let places: Vec<String> =
        trunk.destinations.iter().map(|there| there.hop.to_string()).collect();
    let serves = match trunk.serves.as_slice() {
        [] => "all numbers".to_owned(),
        prefixes => prefixes.join(", "),
    };
    let login = match (&trunk.credentials, trunk.register) {
        (Some(_), Some(_)) => ", registers",
        (Some(_), None) => ", with a password",
        (None, _) => "",
    };
    format!("Trunk {}: {}; serves {serves}{login}.", trunk.name, places.join(", "))
}
