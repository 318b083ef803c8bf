//! `callslip sandbox`: the first five minutes. A server with an account, reports, and lines to
//! paste.

mod reports;

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use ureq::http::Method;
use uuid::Uuid;

use super::say;
use super::serve::Signals;
use crate::client::Client;
use crate::logging;
use crate::server::{CannotListen, Server};
use crate::settings::Settings;

const ACCOUNT: &str = "Aladdin";
const PASSWORD: &str = "open sesame";
const ZONE: &str = "Europe/Zagreb";
const FEED_KEY: &str = "sandbox feed";

/// The flags of `sandbox`.
#[derive(Args, Debug)]
pub(crate) struct Sandbox {
    /// Directory to keep the ledger in; else a temporary one, removed at the end.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address and port of the API.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: String,
}

/// A directory that goes when the sandbox ends.
struct Temporary(PathBuf);

impl Sandbox {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let mut settings = Settings::default();
        settings.log.level = "warn".into();
        logging::start(&settings.log);
        let temporary = if self.data.is_none() { Some(Temporary::new()?) } else { None };
        settings.data.dir = match (&self.data, &temporary) {
            (Some(dir), _) | (None, Some(Temporary(dir))) => dir.clone(),
            (None, None) => settings.data.dir,
        };
        settings.http.listen.clone_from(&self.listen);
        settings.admin.listen = "127.0.0.1:0".into();
        let runtime = Runtime::new().context("cannot start the runtime")?;
        let (signals, server) = runtime
            .block_on(async { anyhow::Ok((Signals::new()?, Server::start(&settings).await?)) })
            .map_err(|error| with_advice(error, &self.listen))?;
        let shown = furnish(&runtime, &server).and_then(|feed_key| {
            say(welcome(&server.doors().public_url, &feed_key, &settings, temporary.is_some()))
        });
        match shown {
            Ok(()) => runtime.block_on(signals.attend(server)),
            Err(_) => runtime.block_on(server.stop()),
        }
        runtime.shutdown_background();
        shown
    }
}

fn with_advice(error: anyhow::Error, listen: &str) -> anyhow::Error {
    if error.is::<CannotListen>() {
        error.context(format!("{listen} is not free; choose another: --listen 127.0.0.1:8090"))
    } else {
        error
    }
}

/// Sees to it that there are the account, a key to feed with, and reports to take.
fn furnish(runtime: &Runtime, server: &Server) -> anyhow::Result<String> {
    let doors = server.doors();
    let admin = Client::new(&doors.url, Some(&doors.token));
    let is_first_time = add_account(&admin)?;
    let feed_key = replace_feed_key(&admin)?;
    let ledger = server.ledger();
    let waiting = runtime.block_on(async {
        let accounts = ledger.accounts().await?;
        match accounts.iter().find(|account| account.name == ACCOUNT) {
            Some(account) => ledger.waiting(account.id).await,
            None => Ok(store::Waiting::default()),
        }
    })?;
    if waiting == store::Waiting::default() {
        let reports = if is_first_time { reports::first() } else { reports::fresh() };
        let feed = Client::new(&doors.public_url, Some(&feed_key));
        feed.send(Method::POST, "/callslip/1/reports", &json!({ "results": reports }))?;
    }
    Ok(feed_key)
}

/// Adds the account; says whether it was not there yet.
fn add_account(admin: &Client) -> anyhow::Result<bool> {
    let accounts = admin.get("/callslip/1/admin/accounts")?;
    let mut accounts = accounts["accounts"].as_array().into_iter().flatten();
    if accounts.any(|account| account["name"] == ACCOUNT) {
        return Ok(false);
    }
    let account = json!({ "name": ACCOUNT, "password": PASSWORD, "timeZone": ZONE });
    admin.send(Method::POST, "/callslip/1/admin/accounts", &account)?;
    Ok(true)
}

/// A key is shown once, so each start has its own; those of earlier starts are revoked.
fn replace_feed_key(admin: &Client) -> anyhow::Result<String> {
    let keys = admin.get(&format!("/callslip/1/admin/keys?account={ACCOUNT}"))?;
    for key in keys["keys"].as_array().into_iter().flatten() {
        if key["label"] == FEED_KEY && key["revokedAt"].is_null() {
            let id = key["id"].as_str().unwrap_or_default();
            admin.delete(&format!("/callslip/1/admin/keys/{id}"))?;
        }
    }
    let key = json!({ "account": ACCOUNT, "label": FEED_KEY, "roles": ["feed"] });
    let added: Value = admin.send(Method::POST, "/callslip/1/admin/keys", &key)?;
    added["key"].as_str().map(str::to_owned).context("the server gave no key")
}

fn welcome(url: &str, feed_key: &str, settings: &Settings, is_temporary: bool) -> String {
    let dir = settings.data.dir.display();
    let ends = if is_temporary { ", removed at the end" } else { "" };
    let login = format!("curl -u '{ACCOUNT}:{PASSWORD}'");
    let one_more = reports::to_paste();
    format!(
        "\
Callslip's sandbox listens on {url}; its ledger is in {dir}{ends}.
The account {ACCOUNT} has reports of finished calls to take. Paste, line by line:

Take the two oldest, as JSON. Each report is returned once: asked again, the next two come.

  {login} '{url}/tts/3/reports?limit=2'

Take the rest, as XML. After that there is nothing left: an empty collection.

  {login} -H 'Accept: application/xml' '{url}/tts/3/reports'

List them. They are taken, not gone: the logs show them as often as asked.

  {login} '{url}/tts/3/logs'

Feed the report of one more call, as a switch or a dialler would; the first line then takes it.

  curl -H 'Authorization: App {feed_key}' -H 'Content-Type: application/json' -d '{one_more}' '{url}/callslip/1/reports'

Ctrl-C ends the sandbox."
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
