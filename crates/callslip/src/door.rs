//! The way to the admin API: of the server that has the directory, or of one started for the
//! moment over an idle directory, or of a server elsewhere. What comes after is the same.

use std::ops::Deref;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use store::StoreError;
use tokio::runtime::Runtime;

use crate::admin_file::AdminFile;
use crate::client::{Client, secret_from};
use crate::server::Server;
use crate::settings::{Flags, Settings};

/// How long a directory may be in use before its server can be reached: it is starting.
const STARTING_TRIES: u32 = 60;
const STARTING_PAUSE: Duration = Duration::from_millis(250);

/// The flags that say which server, or which directory.
#[derive(Args, Clone, Debug)]
pub(crate) struct Whose {
    #[command(flatten)]
    flags: Flags,
    /// Admin API of a server elsewhere, instead of a directory.
    #[arg(long, value_name = "URL", requires = "admin_key_file", conflicts_with = "data")]
    url: Option<String>,
    /// File with an API key of role admin, for --url.
    #[arg(long, value_name = "FILE", requires = "url")]
    admin_key_file: Option<PathBuf>,
}

/// What to do about a directory that is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Make it: this may be the first command.
    Make,
    /// Say so: there is nothing to look at.
    Refuse,
}

/// No server runs where one is needed.
#[derive(Debug, thiserror::Error)]
#[error("no server runs on {}; this needs one that does", .0.display())]
pub(crate) struct NotRunning(PathBuf);

/// An open admin API.
pub(crate) struct Door {
    client: Client,
    /// Stopped when the door is closed, after the client has hung up.
    _momentary: Option<Momentary>,
}

/// A server that lives as long as the command.
struct Momentary {
    runtime: Runtime,
    server: Option<Server>,
}

impl Whose {
    /// Opens the admin API of a server that runs: what it has in memory is asked for.
    pub(crate) fn open_running(&self) -> anyhow::Result<Door> {
        if let Some(door) = self.open_elsewhere()? {
            return Ok(door);
        }
        let dir = self.flags.settings()?.data.dir;
        let client = AdminFile::read(&dir).and_then(reached);
        Ok(Door { client: client.ok_or(NotRunning(dir))?, _momentary: None })
    }

    fn open_elsewhere(&self) -> anyhow::Result<Option<Door>> {
        let (Some(url), Some(file)) = (&self.url, &self.admin_key_file) else { return Ok(None) };
        let key = secret_from(file)?;
        Ok(Some(Door { client: Client::new(url, Some(&key)), _momentary: None }))
    }

    /// Opens the admin API.
    pub(crate) fn open(&self, missing: Missing) -> anyhow::Result<Door> {
        if let Some(door) = self.open_elsewhere()? {
            return Ok(door);
        }
        let settings = self.flags.settings()?;
        let dir = &settings.data.dir;
        if missing == Missing::Refuse && !dir.is_dir() {
            bail!("there is no ledger in {}; say which with --data", dir.display());
        }
        // The lock, not the admin file, says whether a server runs: a killed one leaves its file.
        for _ in 0..STARTING_TRIES {
            match Momentary::start(&settings) {
                Ok((client, momentary)) => {
                    return Ok(Door { client, _momentary: Some(momentary) });
                }
                Err(error) if is_in_use(&error) => {}
                Err(error) => return Err(error),
            }
            if let Some(client) = AdminFile::read(dir).and_then(reached) {
                return Ok(Door { client, _momentary: None });
            }
            std::thread::sleep(STARTING_PAUSE);
        }
        bail!("{} is in use, but its server cannot be reached", dir.display())
    }
}

fn is_in_use(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(StoreError::InUse(_)))
}

/// A client of the server that wrote the file, if it answers.
fn reached(file: AdminFile) -> Option<Client> {
    let client = Client::new(&file.url, Some(&file.token));
    client.get("/callslip/1/admin/accounts").ok().map(|_| client)
}

impl Momentary {
    fn start(settings: &Settings) -> anyhow::Result<(Client, Self)> {
        let runtime = Runtime::new().context("cannot start the runtime")?;
        let server = runtime.block_on(Server::start_admin(settings))?;
        let doors = server.doors();
        let client = Client::new(&doors.url, Some(&doors.token));
        Ok((client, Self { runtime, server: Some(server) }))
    }
}

impl Drop for Momentary {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.stop());
        }
    }
}

impl Deref for Door {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}
