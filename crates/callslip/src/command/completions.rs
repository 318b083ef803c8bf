//! `callslip completions`: for bash, zsh, fish and others.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Callslip, say};

/// The flags of `completions`.
#[derive(Args, Debug)]
#[command(after_help = "For bash: callslip completions bash > \
                        ~/.local/share/bash-completion/completions/callslip")]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Callslip::command(), "callslip", &mut script);
        say(String::from_utf8(script)?.trim_end())
    }
}
