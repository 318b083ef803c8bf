//! NATS JetStream as a contestant: a work queue on disk, each `Nats-Msg-Id` once.
//!
//! From 2.10 on it can sync before it acknowledges (`sync_interval: always`). What Debian 12 has
//! cannot: it acknowledges what a power cut would lose, and its rows say so.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use async_nats::jetstream;
use async_nats::jetstream::consumer::PullConsumer;
use async_nats::jetstream::consumer::pull::Config as Pull;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{Config, RetentionPolicy, StorageType};
use async_trait::async_trait;
use futures_util::StreamExt as _;
use model::Report;
use rustix::process::Signal;

use crate::ledger::{Contestant, TAKERS};
use crate::process::Process;
use crate::scratch::Scratch;
use crate::work::{self, TAKE};

/// A server of its own, and a connection per taker.
pub(crate) struct Nats {
    connections: Vec<Connection>,
    pub(crate) name: &'static str,
    pub(crate) durable: bool,
    /// Ends before its directory goes.
    _server: Process,
    _dir: Scratch,
}

struct Connection {
    context: jetstream::Context,
    consumer: PullConsumer,
}

impl Nats {
    pub(crate) async fn start(dir: Scratch) -> anyhow::Result<Self> {
        let durable = can_sync()?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let store = dir.path().join("store");
        let sync = if durable { "sync_interval: always" } else { "" };
        let config = format!(
            "host: 127.0.0.1\nport: {port}\njetstream {{ store_dir: {store:?}\n{sync} }}\n"
        );
        let file = dir.path().join("nats.conf");
        std::fs::write(&file, config)?;
        let mut command = Command::new("nats-server");
        command.arg("-c").arg(&file);
        let server = Process::start(&mut command, &dir.path().join("log"), Signal::KILL)?;
        let first = jetstream::new(reached(port).await?);
        let stream = first.create_stream(Config {
            name: "reports".into(),
            subjects: vec!["reports".into()],
            retention: RetentionPolicy::WorkQueue,
            storage: StorageType::File,
            ..Config::default()
        });
        stream.await?;
        let mut connections = Vec::new();
        for _ in 0..TAKERS {
            let context = jetstream::new(reached(port).await?);
            let stream = context.get_stream("reports").await?;
            let pull = Pull {
                durable_name: Some("takers".into()),
                max_ack_pending: 1_000_000,
                ..Pull::default()
            };
            let consumer = stream.get_or_create_consumer("takers", pull).await?;
            connections.push(Connection { context, consumer });
        }
        let name =
            if durable { "NATS JetStream, synced" } else { "NATS JetStream 2.9 (not durable)" };
        Ok(Self { connections, name, durable, _server: server, _dir: dir })
    }
}

#[async_trait]
impl Contestant for Nats {
    async fn append(&self, writer: usize, reports: Vec<Report>) -> anyhow::Result<()> {
        let context = &self.connections[writer % TAKERS].context;
        let mut acks = Vec::with_capacity(reports.len());
        for report in &reports {
            let message = PublishMessage::build()
                .payload(work::body(report).into())
                .message_id(&report.message_id);
            acks.push(context.send_publish("reports", message).await?);
        }
        for ack in acks {
            anyhow::ensure!(!ack.await?.duplicate, "a report was not new");
        }
        Ok(())
    }

    async fn take(&self, taker: usize) -> anyhow::Result<usize> {
        let consumer = &self.connections[taker].consumer;
        let mut batch = consumer.fetch().max_messages(TAKE).messages().await?;
        let mut taken = Vec::with_capacity(TAKE);
        while let Some(message) = batch.next().await {
            taken.push(message.map_err(anyhow::Error::from_boxed)?);
        }
        // The last acknowledgement is waited for: by then the server has them all.
        if let Some((last, others)) = taken.split_last() {
            for message in others {
                message.ack().await.map_err(anyhow::Error::from_boxed)?;
            }
            last.double_ack().await.map_err(anyhow::Error::from_boxed)?;
        }
        Ok(taken.len())
    }
}

async fn reached(port: u16) -> anyhow::Result<async_nats::Client> {
    for _ in 0..100 {
        if let Ok(client) = async_nats::connect(format!("127.0.0.1:{port}")).await {
            return Ok(client);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("NATS did not come up")
}

fn can_sync() -> anyhow::Result<bool> {
    let out = Command::new("nats-server").arg("--version").output();
    let out = out.context("nats-server is not installed; run scripts/install-bench-deps.sh")?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let version = text.rsplit('v').next().unwrap_or_default();
    let mut parts = version.trim().split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let (major, minor) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    Ok((major, minor) >= (2, 10))
}
