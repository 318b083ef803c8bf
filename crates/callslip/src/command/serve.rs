//! `callslip serve`: runs until it is told to stop.

use anyhow::Context;
use clap::Args;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::clock::Pace;
use crate::logging;
use crate::server::Server;
use crate::settings::{BadSettings, Carrier, Flags, Role, Settings};

/// The flags of `serve`.
#[derive(Args, Debug)]
#[command(after_help = "\
Signals: TERM or INT stops after finishing what was begun, a second one stops now; HUP reads the\n\
certificate and the trunks again. While it runs, DIR/admin.json tells the other commands how to reach it.")]
pub(crate) struct Serve {
    #[command(flatten)]
    flags: Flags,
    /// Address and port of the public API [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// What this node of a shared ledger does [default: all].
    #[arg(long, value_enum, value_name = "ROLE")]
    role: Option<Role>,
    /// Address and port of the admin API [default: 127.0.0.1:8081].
    #[arg(long, value_name = "ADDR")]
    admin_listen: Option<String>,
}

impl Serve {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let reread = || self.settings();
        let settings = reread()?;
        logging::start(&settings.log);
        let runtime = Runtime::new().context("cannot start the runtime")?;
        let served = runtime.block_on(serve(&settings, reread));
        // What a second signal left unfinished is not waited for.
        runtime.shutdown_background();
        served
    }
}

impl Serve {
    fn settings(&self) -> Result<Settings, BadSettings> {
        let mut settings = self.flags.settings()?;
        settings.http.listen = self.listen.clone().unwrap_or(settings.http.listen);
        settings.admin.listen = self.admin_listen.clone().unwrap_or(settings.admin.listen);
        settings.with_role(self.role)
    }
}

async fn serve(
    settings: &Settings,
    reread: impl Fn() -> Result<Settings, BadSettings>,
) -> anyhow::Result<()> {
    let signals = Signals::new()?;
    let server = Server::start(settings, Pace::of_life()).await?;
    let (doors, dir) = (server.doors(), settings.data.dir.display());
    let ledger = settings.data.url.clone().unwrap_or_else(|| dir.to_string());
    tracing::info!(
        url = doors.public_url,
        admin.url = doors.url,
        ledger,
        "Callslip {} listens on {}, the admin API on {}.",
        env!("CARGO_PKG_VERSION"),
        doors.public_url,
        doors.url,
    );
    if settings.calls.carrier == Carrier::None {
        tracing::info!("Nobody carries calls, and submits are refused; see carrier in [calls].");
    }
    if server.ledger().accounts().await?.is_empty() {
        tracing::info!("No account yet. Add one: callslip account add NAME --data {dir}");
    }
    signals.attend(server, reread).await;
    Ok(())
}

/// The signals that a server listens to.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// From here on the signals wait to be attended to. Called inside a runtime.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let catch = |kind| signal(kind).context("cannot listen to signals");
        Ok(Self {
            terminate: catch(SignalKind::terminate())?,
            interrupt: catch(SignalKind::interrupt())?,
            hangup: catch(SignalKind::hangup())?,
        })
    }

    /// Keeps the server until a signal stops it. The settings are read again when one asks for that.
    pub(crate) async fn attend(
        mut self,
        server: Server,
        reread: impl Fn() -> Result<Settings, BadSettings>,
    ) {
        loop {
            tokio::select! {
                _ = self.hangup.recv() => server.reload(reread()),
                () = stop(&mut self.terminate, &mut self.interrupt) => break,
            }
        }
        tracing::info!("Stopping: finishing what was begun; a second signal stops at once.");
        tokio::select! {
            () = server.stop() => tracing::info!("Stopped."),
            () = stop(&mut self.terminate, &mut self.interrupt) => {
                tracing::warn!("Stopped at once; answers under way may have been cut.");
            }
        }
    }
}

/// Cancel-safe: a signal that was not received waits.
async fn stop(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
