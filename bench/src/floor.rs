//! The physical floor: the same bytes, one write and one sync per group, and nothing else. No
//! queue, no index, no task to wake: what no ledger on this disk can be faster than.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::work::TAKE;

/// What a take leaves behind: who took which range.
const TAKE_RECORD_BYTES: usize = 120;

/// Appends groups of `group` records for the time given; records per second.
pub(crate) fn append(
    dir: &Path,
    record_bytes: usize,
    group: usize,
    span: Duration,
) -> std::io::Result<f64> {
    let mut file = growing(dir, "floor.log")?;
    let bytes = vec![b'r'; record_bytes * group];
    let (began, mut written) = (Instant::now(), 0);
    while began.elapsed() < span {
        file.write_all(&bytes)?;
        file.sync_data()?;
        written += group;
    }
    Ok(written as f64 / began.elapsed().as_secs_f64())
}

/// Reads the records of `group` takes and notes the takes; reports per second.
pub(crate) fn take(
    dir: &Path,
    record_bytes: usize,
    group: usize,
    span: Duration,
) -> std::io::Result<f64> {
    let source = File::open(dir.join("floor.log"))?;
    let whole = source.metadata()?.len();
    let mut file = growing(dir, "floor.takes")?;
    let note = vec![b't'; TAKE_RECORD_BYTES * group];
    let mut records = vec![0; record_bytes * TAKE];
    let (began, mut taken, mut at) = (Instant::now(), 0, 0);
    while began.elapsed() < span {
        for _ in 0..group {
            if at + records.len() as u64 > whole {
                at = 0;
            }
            source.read_exact_at(&mut records, at)?;
            at += records.len() as u64;
        }
        file.write_all(&note)?;
        file.sync_data()?;
        taken += group * TAKE;
    }
    Ok(taken as f64 / began.elapsed().as_secs_f64())
}

fn growing(dir: &Path, name: &str) -> std::io::Result<File> {
    OpenOptions::new().create(true).append(true).open(dir.join(name))
}
