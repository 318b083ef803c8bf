//! Redis as a contestant: a list, and a set that keeps each `messageId` once.
//!
//! With `appendfsync always` it answers after the sync, one sync for all that came in together.
//! It takes part twice: once it pops fifty reports and forgets them, which is the least it can do;
//! once it does what the ledger does, and keeps each report in an archive and a note of each take.

use std::process::Command;
use std::time::Duration;

use async_trait::async_trait;
use model::Report;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Script};
use rustix::process::Signal;

use crate::ledger::{Contestant, Memory, WRITERS};
use crate::process::Process;
use crate::scratch::Scratch;
use crate::work::{self, TAKE};

const APPEND_FORGETTING: &str = "
    local new = 0
    for i = 1, #ARGV, 2 do
        if redis.call('SADD', KEYS[1], ARGV[i]) == 1 then
            redis.call('RPUSH', KEYS[2], ARGV[i + 1])
            new = new + 1
        end
    end
    return new";

const APPEND_KEEPING: &str = "
    local new = 0
    for i = 1, #ARGV, 2 do
        if redis.call('HSETNX', KEYS[1], ARGV[i], ARGV[i + 1]) == 1 then
            redis.call('RPUSH', KEYS[2], ARGV[i])
            new = new + 1
        end
    end
    return new";

const TAKE_FORGETTING: &str = "return redis.call('LPOP', KEYS[2], ARGV[1]) or {}";

const TAKE_KEEPING: &str = "
    local ids = redis.call('LPOP', KEYS[2], ARGV[1])
    if not ids then return {} end
    redis.call('RPUSH', 'takes', ARGV[2] .. ' ' .. table.concat(ids, ' '))
    return redis.call('HMGET', KEYS[1], unpack(ids))";

/// A server of its own, and a connection per writer.
pub(crate) struct Redis {
    connections: Vec<MultiplexedConnection>,
    append: Script,
    take: Script,
    /// Ends before its directory goes.
    _server: Process,
    _dir: Scratch,
}

impl Redis {
    pub(crate) async fn start(dir: Scratch, memory: Memory) -> anyhow::Result<Self> {
        let socket = dir.path().join("redis.sock");
        let mut command = Command::new("redis-server");
        command
            .arg("--port")
            .arg("0")
            .arg("--unixsocket")
            .arg(&socket)
            .arg("--dir")
            .arg(dir.path());
        command.args(["--appendonly", "yes", "--appendfsync", "always", "--save", ""]);
        let log = dir.path().join("log");
        let server = Process::start(&mut command, &log, Signal::KILL)?;
        let client = Client::open(format!("redis+unix://{}", socket.display()))?;
        let mut connections = vec![reached(&client).await?];
        while connections.len() < WRITERS {
            connections.push(connect(&client).await?);
        }
        let (append, take) = match memory {
            Memory::Forgets => (APPEND_FORGETTING, TAKE_FORGETTING),
            Memory::Keeps => (APPEND_KEEPING, TAKE_KEEPING),
        };
        let (append, take) = (Script::new(append), Script::new(take));
        Ok(Self { connections, append, take, _server: server, _dir: dir })
    }
}

#[async_trait]
impl Contestant for Redis {
    async fn append(&self, writer: usize, reports: Vec<Report>) -> anyhow::Result<()> {
        let mut call = self.append.prepare_invoke();
        call.key("ids").key("reports");
        for report in &reports {
            call.arg(&report.message_id).arg(work::body(report));
        }
        let new: usize = call.invoke_async(&mut self.connections[writer].clone()).await?;
        anyhow::ensure!(new == reports.len(), "a report was not new");
        Ok(())
    }

    async fn take(&self, taker: usize) -> anyhow::Result<usize> {
        let mut call = self.take.prepare_invoke();
        call.key("ids").key("reports").arg(TAKE).arg("password 127.0.0.1:40000 bench");
        let mut connection = self.connections[taker].clone();
        let taken: Vec<Vec<u8>> = call.invoke_async(&mut connection).await?;
        Ok(taken.len())
    }
}

async fn reached(client: &Client) -> anyhow::Result<MultiplexedConnection> {
    for _ in 0..100 {
        if let Ok(connection) = connect(client).await {
            return Ok(connection);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("Redis did not come up")
}

async fn connect(client: &Client) -> redis::RedisResult<MultiplexedConnection> {
    let patient = AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_secs(60)));
    client.get_multiplexed_async_connection_with_config(&patient).await
}
