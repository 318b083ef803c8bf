//! PostgreSQL, and queues on it as contestants: a table, and takes that delete what they return.
//!
//! Durable as it comes (`synchronous_commit=on`), over a socket in its own directory. A unique
//! index keeps each `messageId` once, as the ledger does; the `bulkId` is not indexed. A queue either
//! forgets what it has handed out, as `pgmq.pop` does, or keeps it: it makes reports invisible for a
//! while as it reads them, and moves them to an archive in a second statement, as `pgmq.read` and
//! `pgmq.archive` do.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use model::Report;
use rustix::process::Signal;
use tokio_postgres::{Client, NoTls, Statement};

use crate::ledger::{Contestant, Memory, WRITERS};
use crate::process::{Process, used_with_children};
use crate::scratch::Scratch;
use crate::work;

const TABLE: &str = "
    CREATE TABLE report (
        seq bigserial PRIMARY KEY,
        account int NOT NULL,
        message_id text NOT NULL,
        body bytea NOT NULL,
        visible_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (account, message_id)
    );
    CREATE TABLE archive (
        seq bigint PRIMARY KEY,
        account int NOT NULL,
        message_id text NOT NULL,
        body bytea NOT NULL,
        archived_at timestamptz NOT NULL DEFAULT now()
    )";
const APPEND: &str = "
    INSERT INTO report (account, message_id, body)
    SELECT 1, t.message_id, t.body FROM unnest($1::text[], $2::bytea[]) AS t (message_id, body)
    ON CONFLICT DO NOTHING";
const POP: &str = "
    DELETE FROM report WHERE seq IN (
        SELECT seq FROM report WHERE account = 1
        ORDER BY seq FOR UPDATE SKIP LOCKED LIMIT 50
    ) RETURNING seq, body";

const READ: &str = "
    UPDATE report SET visible_at = now() + interval '30 seconds' WHERE seq IN (
        SELECT seq FROM report WHERE account = 1 AND visible_at <= clock_timestamp()
        ORDER BY seq FOR UPDATE SKIP LOCKED LIMIT 50
    ) RETURNING seq, body";
const ARCHIVE: &str = "
    WITH taken AS (DELETE FROM report WHERE seq = ANY ($1) RETURNING seq, account, message_id, body)
    INSERT INTO archive (seq, account, message_id, body) SELECT * FROM taken";

/// A server of its own.
pub(crate) struct Server {
    /// Ends before its directory goes.
    process: Process,
    dir: Scratch,
}

/// A queue, and a connection per writer.
pub(crate) struct Queue {
    connections: Vec<Connection>,
    memory: Memory,
}

struct Connection {
    client: Client,
    append: Statement,
    pop: Statement,
    read: Statement,
    archive: Statement,
}

impl Server {
    pub(crate) async fn start(dir: Scratch) -> anyhow::Result<Self> {
        let owner = owner()?;
        if let Some((user, group)) = owner {
            chown(dir.path(), Some(user), Some(group))?;
        }
        let data = dir.path().join("data");
        let mut init = command(&binary("initdb")?, owner);
        init.args(["--auth=trust", "--username=bench", "--encoding=UTF8", "--locale=C", "-D"]);
        let made = init.arg(&data).current_dir(dir.path()).output()?;
        anyhow::ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut serve = command(&binary("postgres")?, owner);
        serve.arg("-D").arg(&data).arg("-k").arg(dir.path()).current_dir(dir.path());
        for setting in [
            "listen_addresses=",
            "fsync=on",
            "synchronous_commit=on",
            "shared_buffers=256MB",
            "max_wal_size=4GB",
            "max_connections=400",
        ] {
            serve.args(["-c", setting]);
        }
        let process = Process::start(&mut serve, &dir.path().join("log"), Signal::QUIT)?;
        reached(dir.path()).await?;
        Ok(Self { process, dir })
    }

    /// Where it is, in the words of its clients.
    pub(crate) fn url(&self) -> String {
        format!("host={} user=bench dbname=postgres", self.dir.path().display())
    }

    /// Writes out what a fill has left to be written.
    pub(crate) async fn settle(&self) -> anyhow::Result<()> {
        Ok(connect(self.dir.path()).await?.batch_execute("CHECKPOINT").await?)
    }

    /// Processor time that it has had, also in sessions that have ended.
    pub(crate) fn used(&self) -> anyhow::Result<Duration> {
        used_with_children(self.process.id())
    }

    /// A queue in a schema of that name.
    pub(crate) async fn queue(&self, schema: &str, memory: Memory) -> anyhow::Result<Queue> {
        let first = connect(self.dir.path()).await?;
        first.batch_execute(&format!("CREATE SCHEMA {schema}")).await?;
        let path = format!("SET search_path = {schema}");
        first.batch_execute(&format!("{path}; {TABLE}")).await?;
        let mut connections = Vec::new();
        for _ in 0..WRITERS {
            let client = connect(self.dir.path()).await?;
            client.batch_execute(&path).await?;
            let (append, pop) = (client.prepare(APPEND).await?, client.prepare(POP).await?);
            let (read, archive) = (client.prepare(READ).await?, client.prepare(ARCHIVE).await?);
            connections.push(Connection { client, append, pop, read, archive });
        }
        Ok(Queue { connections, memory })
    }
}

#[async_trait]
impl Contestant for Queue {
    async fn append(&self, writer: usize, reports: Vec<Report>) -> anyhow::Result<()> {
        let Connection { client, append, .. } = &self.connections[writer];
        let bodies: Vec<Vec<u8>> = reports.iter().map(work::body).collect();
        let ids: Vec<String> = reports.into_iter().map(|report| report.message_id).collect();
        let inserted = client.execute(append, &[&ids, &bodies]).await?;
        anyhow::ensure!(inserted == ids.len() as u64, "a report was not new");
        Ok(())
    }

    async fn take(&self, taker: usize) -> anyhow::Result<usize> {
        let Connection { client, pop, read, archive, .. } = &self.connections[taker];
        let Memory::Keeps = self.memory else { return Ok(client.query(pop, &[]).await?.len()) };
        let taken = client.query(read, &[]).await?;
        let numbers: Vec<i64> = taken.iter().map(|row| row.get(0)).collect();
        if !numbers.is_empty() {
            let kept = client.execute(archive, &[&numbers]).await?;
            anyhow::ensure!(kept == numbers.len() as u64, "what was read was gone");
        }
        Ok(taken.len())
    }
}

async fn reached(dir: &Path) -> anyhow::Result<Client> {
    for _ in 0..200 {
        if let Ok(client) = connect(dir).await {
            return Ok(client);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let log = std::fs::read_to_string(dir.join("log")).unwrap_or_default();
    anyhow::bail!("PostgreSQL did not come up: {log}")
}

async fn connect(dir: &Path) -> anyhow::Result<Client> {
    let mut config = tokio_postgres::Config::new();
    let (client, connection) =
        config.host_path(dir).user("bench").dbname("postgres").connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The newest one that Debian installed.
fn binary(name: &str) -> anyhow::Result<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .context("PostgreSQL is not installed; run scripts/install-bench-deps.sh")?
        .filter_map(|version| Some(version.ok()?.path().join("bin").join(name)))
        .filter(|path| path.exists())
        .collect();
    found.sort();
    found.pop().with_context(|| format!("there is no {name} below /usr/lib/postgresql"))
}

/// PostgreSQL refuses to be run by root: then its own user runs it.
fn owner() -> anyhow::Result<Option<(u32, u32)>> {
    if !rustix::process::getuid().is_root() {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd")?;
    let line = users.lines().find(|line| line.starts_with("postgres:"));
    let mut fields = line.context("there is no user postgres")?.split(':').skip(2);
    let mut number = || fields.next().and_then(|field| field.parse().ok());
    Ok(number().zip(number()))
}

fn command(program: &Path, owner: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
    command
}
