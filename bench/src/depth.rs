//! A ledger with much in it: how long a take takes, how long a start after `kill -9`, how much
//! memory it holds.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rustix::fs::{Advice, fadvise};

use crate::Plan;
use crate::ledger::Contestant;
use crate::own::Own;
use crate::scratch::Scratch;
use crate::survivor;
use crate::table::{Goal, Table, Unit, quantile};
use crate::work::{Numbers, TAKE};

const SHALLOW: u64 = 10_000;
const DEEP: u64 = 1_000_000;
const DEEPEST: u64 = 10_000_000;
/// Reopenings per depth, and kind of reopening.
const STARTS: usize = 3;

pub(crate) async fn measure(
    plan: Plan,
    scratch: &Scratch,
    table: &mut Table,
) -> anyhow::Result<()> {
    let depths: &[u64] = if plan.long { &[SHALLOW, DEEP, DEEPEST] } else { &[SHALLOW, DEEP] };
    let mut ledgers = Vec::new();
    for pending in depths {
        let dir = scratch.sub(&format!("pending-{pending}"))?;
        let filled = survivor::run("fill", dir.path(), Some(*pending)).await?;
        anyhow::ensure!(filled.pending == *pending, "{} are pending", filled.pending);
        if *pending > SHALLOW {
            starts(*pending, dir.path(), filled.megabytes, table).await?;
        }
        ledgers.push(Arc::new(Own::open(dir).await?) as Arc<dyn Contestant>);
    }
    let samples = takes(&ledgers, plan.rounds * 1000).await?;
    let shallow = &samples[0];
    for (pending, deep) in depths.iter().zip(&samples).skip(1) {
        for (name, of) in [("p50", 0.5), ("p99", 0.99)] {
            let what = format!("take of 50, {name}, {} pending", short(*pending));
            let ours = [quantile(deep, of)];
            let theirs = [quantile(shallow, of)];
            let against = format!("itself with {}", short(SHALLOW));
            table.compare(&what, (&ours, Unit::Micros), (&against, &theirs), Goal::AtMost(1.5));
        }
    }
    Ok(())
}

/// Kills and opens it again, with its files in memory and without.
async fn starts(
    pending: u64,
    dir: &Path,
    filled_megabytes: f64,
    table: &mut Table,
) -> anyhow::Result<()> {
    let (mut warm, mut cold, mut megabytes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..STARTS {
        for (forget, seconds) in [(false, &mut warm), (true, &mut cold)] {
            if forget {
                forget_files(dir)?;
            }
            let opened = survivor::run("open", dir, None).await?;
            anyhow::ensure!(opened.pending == pending, "{} are pending", opened.pending);
            seconds.push(opened.seconds);
            megabytes.push(opened.megabytes);
        }
    }
    let (goal, memory) = (Goal::AtMost(3.0), Goal::AtMost(500.0));
    let pending = short(pending);
    let what = format!("open after kill -9, {pending} pending, files ");
    table.value(&(what.clone() + "cached"), &warm, Unit::Seconds, goal);
    table.value(&(what + "not cached"), &cold, Unit::Seconds, goal);
    let what = format!("memory, {pending} pending, ");
    table.value(&(what.clone() + "just fed"), &[filled_megabytes], Unit::Megabytes, memory);
    table.value(&(what + "just opened"), &megabytes, Unit::Megabytes, memory);
    Ok(())
}

/// Takes from each ledger in turn, and feeds it what was taken; microseconds per ledger.
pub(crate) async fn takes(
    ledgers: &[Arc<dyn Contestant>],
    count: usize,
) -> anyhow::Result<Vec<Vec<f64>>> {
    let mut samples = vec![Vec::with_capacity(count); ledgers.len()];
    let numbers = Numbers::starting(u64::from(u32::MAX));
    for _ in 0..count {
        for (own, samples) in ledgers.iter().zip(&mut samples) {
            let began = Instant::now();
            let taken = own.take(0).await?;
            samples.push(began.elapsed().as_secs_f64() * 1e6);
            anyhow::ensure!(taken == TAKE, "a take gave {taken}");
            own.append(0, numbers.reports(TAKE)).await?;
        }
    }
    Ok(samples)
}

/// Asks the kernel to drop the files of the directory from its cache.
fn forget_files(dir: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            forget_files(&entry.path())?;
        } else {
            let file = File::open(entry.path())?;
            file.sync_all()?; // what is not yet on disk is not dropped
            fadvise(&file, 0, None, Advice::DontNeed)?;
        }
    }
    Ok(())
}

/// A count, in words.
pub(crate) fn short(count: u64) -> String {
    if count >= 1_000_000 {
        format!("{} M", count / 1_000_000)
    } else {
        format!("{} k", count / 1000)
    }
}
