//! The faults: what is done to the cluster under load, and how long nobody could write.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::check::Death;
use crate::dice::Dice;
use crate::etcd::ETCDS;
use crate::load::Load;
use crate::node::{Callslip, Node};
use crate::patroni::Cluster;
use crate::table::{Moment, Recovery, promotion};

/// A failover that takes longer has failed.
const RECOVERY_MAX: Duration = Duration::from_secs(60);
/// Between the loss of the leader and that of a node.
const NODE_AFTER: Duration = Duration::from_secs(4);
/// Between two faults.
const REST: Duration = Duration::from_secs(2);

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Power is lost where the leader is.
    Leader,
    /// One of the etcds, then the leader, then a node.
    Three,
    /// The server of the leader crashes, and its Patroni lives.
    Server,
    /// The machine of the leader hangs for longer than `ttl`, and goes on.
    Frozen,
    /// The leader hands over.
    Switchover,
    /// Power is lost where the synchronous standby is.
    Standby,
    /// One of the etcds is killed.
    Etcd,
}

impl Fault {
    /// All of them, in an order of the dice; but first the one after which a lease has to end.
    pub(crate) fn all(dice: &mut Dice) -> Vec<Self> {
        use Fault::{Etcd, Frozen, Leader, Server, Standby, Switchover, Three};
        let mut others = [Leader, Server, Frozen, Switchover, Standby, Etcd];
        dice.shuffle(&mut others);
        [&[Three], &others[..]].concat()
    }

    fn name(self) -> &'static str {
        match self {
            Self::Leader => "leader killed",
            Self::Three => "etcd, leader, node killed",
            Self::Server => "leader's server crashed",
            Self::Frozen => "leader frozen, then awake",
            Self::Switchover => "planned switchover",
            Self::Standby => "sync. standby killed",
            Self::Etcd => "etcd member killed",
        }
    }

    /// Whether another one has to lead afterwards.
    fn ends_leadership(self) -> bool {
        matches!(self, Self::Leader | Self::Three | Self::Frozen | Self::Switchover)
    }

    /// Whether the database is away for so long that nodes have to say so.
    fn is_long(self) -> bool {
        matches!(self, Self::Leader | Self::Three | Self::Frozen)
    }
}

/// What the faults are done to.
pub(crate) struct Stage {
    pub(crate) cluster: Cluster,
    pub(crate) callslip: Callslip,
    pub(crate) nodes: Vec<Node>,
    pub(crate) load: Arc<Load>,
    pub(crate) dice: Dice,
    pub(crate) death: Option<Death>,
}

impl Stage {
    /// Does it, waits until writes are acknowledged again, mends it, and waits until the cluster is
    /// whole.
    pub(crate) fn suffer(&mut self, fault: Fault) -> anyhow::Result<Recovery> {
        std::thread::sleep(REST);
        // After the last fault it may have looked whole for a moment too early.
        self.cluster.wait_until_whole()?;
        let rested = Instant::now().checked_sub(REST).context("a clock")?;
        ensure!(self.load.tally.first_after(rested).is_some(), "nothing is acknowledged before");
        let (leader, standby) = (self.cluster.leader()?, self.cluster.next_leader()?);
        let etcd = self.dice.below(ETCDS);
        let open_calls = self.load.tally.open_calls();
        if fault == Fault::Three {
            self.cluster.etcd.kill(etcd);
            std::thread::sleep(REST);
        }
        let mut at = Moment::now();
        match fault {
            Fault::Leader | Fault::Three => self.cluster.kill(leader)?,
            Fault::Server => self.cluster.kill_server(leader)?,
            Fault::Frozen => self.cluster.freeze(leader, true),
            Fault::Switchover => self.cluster.switch_over()?,
            Fault::Standby => self.cluster.kill(standby)?,
            Fault::Etcd => self.cluster.etcd.kill(etcd),
        }
        if fault != Fault::Switchover {
            // What was acknowledged while it was being done says nothing.
            at = Moment::now();
        }
        if fault == Fault::Three {
            self.kill_node(at.instant);
        }
        self.wait_until_written(fault, at.instant)?;
        match fault {
            Fault::Leader => self.cluster.bring_back(leader)?,
            Fault::Standby => self.cluster.bring_back(standby)?,
            Fault::Frozen => self.wake(leader)?,
            Fault::Etcd => self.cluster.etcd.start_one(etcd)?,
            Fault::Three => {
                self.cluster.etcd.start_one(etcd)?;
                self.cluster.bring_back(leader)?;
                self.start_node_again()?;
            }
            Fault::Server | Fault::Switchover => {}
        }
        self.cluster.wait_until_whole().with_context(|| format!("after: {}", fault.name()))?;
        if fault.ends_leadership() {
            ensure!(self.cluster.leader()? != leader, "the same one leads: {}", fault.name());
        }
        self.wait_until_written(Fault::Etcd, Instant::now())?;
        let first_write = |promoted| self.load.tally.first_after(promoted);
        let possible =
            fault.ends_leadership().then(|| promotion(&self.cluster.logs(), &at, first_write));
        let possible = possible.flatten();
        Ok(Recovery {
            fault: fault.name(),
            open_calls,
            away: self.load.tally.longest_gap(at.instant),
            promoted: possible.as_ref().map(|found| found.promoted - at.instant),
            joined: possible.as_ref().map(|found| found.joined - at.instant),
            own: possible.as_ref().map(|found| found.written - found.joined),
        })
    }

    /// Until a feed that was sent after that instant is acknowledged.
    fn wait_until_written(&self, fault: Fault, since: Instant) -> anyhow::Result<()> {
        let mut excuse = None;
        while self.load.tally.recovered(since).is_none() {
            if since.elapsed() > RECOVERY_MAX {
                bail!("no feed was acknowledged within {RECOVERY_MAX:?}: {}", fault.name());
            }
            if let Ok((false, why)) = self.nodes[0].ready() {
                excuse.get_or_insert(why);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        if fault.is_long() {
            let excuse = excuse.context("a node was ready all the while")?;
            ensure!(excuse.contains("database"), "its health page does not say why: {excuse}");
        }
        Ok(())
    }

    /// The second node, while the database is away.
    fn kill_node(&mut self, mute: Instant) {
        std::thread::sleep(NODE_AFTER);
        self.nodes[1].kill();
        let (life, at) = (self.load.life(1), Instant::now());
        self.death = Some(Death { life, mute, at, said: self.callslip.said("node1").len() });
    }

    fn start_node_again(&mut self) -> anyhow::Result<()> {
        self.nodes[1] = self.callslip.start("node1")?;
        self.load.risen(1, self.nodes[1].url.clone());
        Ok(())
    }

    /// Lets one that was frozen go on: it believes that it leads, must acknowledge nothing, and must
    /// not lead again: what another one has acknowledged meanwhile it does not have.
    fn wake(&mut self, frozen: usize) -> anyhow::Result<()> {
        self.cluster.freeze(frozen, false);
        let awake = Instant::now();
        while !self.cluster.is_standby(frozen) {
            ensure!(!self.cluster.acknowledges(frozen), "a leader that woke acknowledged a write");
            ensure!(
                awake.elapsed() < RECOVERY_MAX,
                "the frozen leader does not follow the new one"
            );
        }
        Ok(())
    }
}
