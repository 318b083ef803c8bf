//! Growth: the same work by one, two and three nodes, each a process, on one PostgreSQL.
//!
//! All of it shares the cores of this machine, the database too: what a second node adds here is what
//! the cores have left. So the rate by processor time is shown as well.

use futures_util::future::try_join_all;

use crate::Plan;
use crate::node::{Node, Task};
use crate::postgres::Server;
use crate::raw;
use crate::scratch::Scratch;
use crate::table::{Goal, Table, Unit};
use crate::work::TAKE;
use crate::wrk;

const NODES: usize = 3;
/// `bench0` to `bench2` with `open sesame`: an account for each node.
const BASIC: [&str; NODES] = [
    "Basic YmVuY2gwOm9wZW4gc2VzYW1l",
    "Basic YmVuY2gxOm9wZW4gc2VzYW1l",
    "Basic YmVuY2gyOm9wZW4gc2VzYW1l",
];
const REPORTS: &str = "/tts/3/reports";
const SECONDS: u32 = 1;

/// Rates of one round or of many, and the same by processor time: of nodes and database together,
/// and the share of the database in that.
#[derive(Default)]
struct Rates {
    rate: Vec<f64>,
    per_cpu_second: Vec<f64>,
    database: Vec<f64>,
}

/// What the nodes do.
#[derive(Clone, Copy)]
enum Work {
    Ledger(Task),
    /// Polls over HTTP that find nothing.
    Polls,
}

const WORK: [(Work, &str); 3] = [
    (Work::Ledger(Task::Append), "append, 4 writers × 64 a node"),
    (Work::Ledger(Task::Take), "take of 50, 16 takers a node"),
    (Work::Polls, "empty poll over HTTP, 64 connections a node"),
];

pub(crate) async fn measure(
    plan: Plan,
    scratch: &Scratch,
    table: &mut Table,
) -> anyhow::Result<()> {
    let server = Server::start(scratch.sub("growth")?).await?;
    let mut nodes = Vec::new();
    for number in 0..NODES {
        nodes.push(Node::start(&server.url(), number as u64).await?);
        nodes[0].add_account(&name(number)).await?;
    }
    // The first of each is slow: a password is looked at once.
    for node in &nodes {
        for basic in BASIC {
            raw::ask(node.public, &format!("GET {REPORTS}"), basic, "").await?;
        }
    }
    let mut rates: Vec<Rates> = Vec::new();
    // Round 0 warms up and is not kept.
    for round in 0..=plan.rounds {
        if round <= 1 {
            rates = (0..2 * NODES * WORK.len()).map(|_| Rates::default()).collect();
        }
        let mut rates = rates.iter_mut();
        for is_shared in [false, true] {
            for count in 1..=NODES {
                for (work, _) in WORK {
                    let Some(rates) = rates.next() else { continue };
                    once(&server, &mut nodes[..count], is_shared, work, rates).await?;
                }
            }
        }
    }
    for (scheme, rates) in
        ["an account each", "one account for all"].iter().zip(rates.chunks(NODES * WORK.len()))
    {
        for (place, (_, what)) in WORK.iter().enumerate() {
            let alone = &rates[place];
            for count in 2..=NODES {
                let these = &rates[(count - 1) * WORK.len() + place];
                let what = format!("{count} nodes, {scheme}, {what}");
                let one = "one node";
                let ours = (these.rate.as_slice(), Unit::PerSecond);
                table.compare(&what, ours, (one, &alone.rate), Goal::None);
                let what = format!("{what}, per second of processor time, nodes and database");
                let ours = (these.per_cpu_second.as_slice(), Unit::PerSecond);
                table.compare(&what, ours, (one, &alone.per_cpu_second), Goal::None);
            }
            let what = format!("one node, {scheme}, {what}, the database's share of the time");
            table.value(&what, &alone.database, Unit::Percent, Goal::None);
        }
    }
    Ok(())
}

fn name(number: usize) -> String {
    format!("bench{number}")
}

/// All nodes work at once, for a while.
async fn once(
    server: &Server,
    nodes: &mut [Node],
    is_shared: bool,
    work: Work,
    rates: &mut Rates,
) -> anyhow::Result<()> {
    let used = |nodes: &[Node]| -> anyhow::Result<[f64; 2]> {
        let of_nodes = nodes.iter().map(Node::used).sum::<anyhow::Result<f64>>()?;
        Ok([of_nodes, server.used()?.as_secs_f64()])
    };
    let before = used(nodes)?;
    let (mut done, mut rate) = (0.0, 0.0);
    let each = nodes.iter_mut().enumerate().map(|(number, node)| async move {
        let account = if is_shared { 0 } else { number };
        match work {
            Work::Ledger(task) => node.work(task, &name(account)).await,
            Work::Polls => {
                let load = wrk::load(node.public, REPORTS, BASIC[account], SECONDS).await?;
                Ok((load.0, f64::from(SECONDS)))
            }
        }
    });
    for (of_one, seconds) in try_join_all(each).await? {
        rate += of_one;
        done += of_one * seconds;
    }
    let after = used(nodes)?;
    let [of_nodes, of_database] = [after[0] - before[0], after[1] - before[1]];
    anyhow::ensure!(rate >= TAKE as f64, "next to nothing was done");
    rates.rate.push(rate);
    rates.per_cpu_second.push(done / (of_nodes + of_database).max(0.01));
    rates.database.push(100.0 * of_database / (of_nodes + of_database).max(0.01));
    Ok(())
}
