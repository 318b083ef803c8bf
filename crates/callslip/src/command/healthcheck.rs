//! `callslip healthcheck`: for a container's health check and for scripts.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::say;
use crate::admin_file::AdminFile;
use crate::client::{Ask, Client, ClientError};
use crate::settings::{Flags, Settings};

const READY: Ask<'static> =
    Ask { path: "/healthz/ready", headers: &[], timeout: Duration::from_secs(5) };

/// The flags of `healthcheck`.
#[derive(Args, Debug)]
pub(crate) struct Healthcheck {
    #[command(flatten)]
    flags: Flags,
    /// The admin API's address, if it is not the one that the directory or the settings tell.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

impl Healthcheck {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let url = match self.url {
            Some(url) => url,
            None => url_by(&self.flags.settings()?),
        };
        match Client::new(&url, None).get_bytes(&READY) {
            Ok(_) => {
                say(format!("{url} is ready."))?;
                Ok(ExitCode::SUCCESS)
            }
            Err(error @ (ClientError::Unreached { .. } | ClientError::Stranger { .. })) => {
                Err(error.into())
            }
            Err(ClientError::Refused { text, .. }) => {
                eprintln!("callslip: {url} is not ready: {text}");
                Ok(ExitCode::FAILURE)
            }
        }
    }
}

fn url_by(settings: &Settings) -> String {
    AdminFile::read(&settings.data.dir).map_or_else(
        || {
            let listen = &settings.admin.listen;
            let here = listen.replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "[::1]:");
            format!("http://{here}")
        },
        |file| file.url,
    )
}
