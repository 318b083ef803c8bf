//! `callslip sandbox`: the first five minutes. A server whose telephones are simulated, with an
//! account, a deck, and lines to paste.

mod calls;

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use engine::rating::{Deck, Terms};
use serde_json::json;
use tokio::runtime::Runtime;
use ureq::http::Method;
use uuid::Uuid;

use super::rates::put_deck;
use super::say;
use super::serve::Signals;
use crate::client::Client;
use crate::clock::Pace;
use crate::logging;
use crate::server::{CannotListen, Server};
use crate::settings::{Carrier, Settings};

const ACCOUNT: &str = "Aladdin";
const PASSWORD: &str = "open sesame";
const ZONE: &str = "Europe/Zagreb";
const DECK: &str = "demo";

/// The flags of `sandbox`.
#[derive(Args, Debug)]
#[command(after_help = "\
A number's last three digits say what happens when it is called, as A or as B: 486 busy,\n\
603 declined, 480 unavailable, 180 nobody answers, 404 no such number, 484 incomplete,\n\
410 changed, 503 congestion, 408 nothing comes back, 403 refused by the network, 407 by the trunk,\n\
487 ended by the network, 488 no codec in common, 210 a machine answers, 211 to 219 a person\n\
answers and presses 1 to 9, 298 answers after 20 s, 299 hangs up at once; any other: a person.")]
pub(crate) struct Sandbox {
    /// Directory to keep the ledger in; else a temporary one, removed at the end.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address and port of the API.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: String,
    /// How many times faster than life its clock runs. Dates then run ahead of yours.
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    speed: u32,
    /// How long two people talk.
    #[arg(long, value_name = "SECONDS", default_value_t = 2,
          value_parser = clap::value_parser!(u64).range(0..=3600))]
    talk: u64,
}

/// A directory that goes when the sandbox ends.
struct Temporary(PathBuf);

impl Sandbox {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let temporary = if self.data.is_none() { Some(Temporary::new()?) } else { None };
        let settings = self.settings(temporary.as_ref());
        logging::start(&settings.log);
        let runtime = Runtime::new().context("cannot start the runtime")?;
        let pace = Pace::times(self.speed);
        let (signals, server) = runtime
            .block_on(async {
                anyhow::Ok((Signals::new()?, Server::start(&settings, pace).await?))
            })
            .map_err(|error| with_advice(error, &self.listen))?;
        let shown = furnish(&server).and_then(|()| {
            say(welcome(&server.doors().public_url, &settings, temporary.is_some()))
        });
        match shown {
            Ok(()) => {
                runtime.block_on(signals.attend(server, || Ok(settings.clone())));
            }
            Err(_) => runtime.block_on(server.stop()),
        }
        runtime.shutdown_background();
        shown
    }

    fn settings(&self, temporary: Option<&Temporary>) -> Settings {
        let mut settings = Settings::default();
        settings.log.level = "warn".into();
        if let Some(dir) = self.data.as_ref().or(temporary.map(|Temporary(dir)| dir)) {
            settings.data.dir.clone_from(dir);
        }
        settings.http.listen.clone_from(&self.listen);
        settings.admin.listen = "127.0.0.1:0".into();
        settings.calls.carrier = Carrier::Sandbox;
        settings.calls.sandbox_talk_s = self.talk;
        // Who ends a sandbox does not wait for simulated people.
        settings.calls.drain_s = 0;
        settings
    }
}

fn with_advice(error: anyhow::Error, listen: &str) -> anyhow::Error {
    if error.is::<CannotListen>() {
        error.context(format!("{listen} is not free; choose another: --listen 127.0.0.1:8090"))
    } else {
        error
    }
}

/// Sees to it that there are the deck and the account.
fn furnish(server: &Server) -> anyhow::Result<()> {
    let doors = server.doors();
    let admin = Client::new(&doors.url, Some(&doors.token));
    let accounts = admin.get("/callslip/1/admin/accounts")?;
    let mut accounts = accounts["accounts"].as_array().into_iter().flatten();
    if accounts.any(|account| account["name"] == ACCOUNT) {
        return Ok(());
    }
    put_deck(&admin, DECK, Deck::DEMO_CSV.to_vec(), &Terms::default())?;
    let account = json!({
        "name": ACCOUNT,
        "password": PASSWORD,
        "timeZone": ZONE,
        "roles": ["read", "send"],
        "calling": { "deck": DECK },
    });
    admin.send(Method::POST, "/callslip/1/admin/accounts", &account)?;
    Ok(())
}

fn welcome(url: &str, settings: &Settings, is_temporary: bool) -> String {
    let dir = settings.data.dir.display();
    let ends = if is_temporary { ", removed at the end" } else { "" };
    let login = format!("curl -u '{ACCOUNT}:{PASSWORD}'");
    let calls = calls::to_paste();
    format!(
        "\
Callslip's sandbox listens on {url}; its ledger is in {dir}{ends}.
Its telephones are simulated: the last three digits of a number say what happens. Paste, line by line:

Call three people and join each to a fourth. One answers, one is busy (…486), one presses 3 (…213).

  {login} -H 'Content-Type: application/json' -d '{calls}' '{url}/voice/ctc/1/send'

Take their reports, as soon as there are any. Each is returned once: ask again for the next ones.

  {login} -H 'Prefer: wait=20' '{url}/tts/3/reports'

List the calls, as XML. Their reports are taken, not gone: the logs show them as often as asked.

  {login} -H 'Accept: application/xml' '{url}/tts/3/logs'

`callslip sandbox --help` says what other numbers do. Ctrl-C ends the sandbox."
    )
}

impl Temporary {
    fn new() -> anyhow::Result<Self> {
        let dir = std::env::temp_dir().join(format!("callslip-sandbox-{}", Uuid::new_v4()));
        DirBuilder::new()
            .mode(0o700)
            .create(&dir)
            .with_context(|| format!("cannot make the directory {}", dir.display()))?;
        Ok(Self(dir))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("callslip: cannot remove {}: {error}", self.0.display());
        }
    }
}
