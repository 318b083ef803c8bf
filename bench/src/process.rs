//! A process that ends when it is dropped.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};

/// How long a process may take to end before it is killed.
const PATIENCE: Duration = Duration::from_secs(5);

/// A process that ends when it is dropped.
pub(crate) struct Process {
    child: Child,
    farewell: Signal,
}

impl Process {
    /// Starts it, with its output in a file. It is asked to end with the signal `farewell`.
    pub(crate) fn start(
        command: &mut Command,
        log: &Path,
        farewell: Signal,
    ) -> anyhow::Result<Self> {
        let log = File::create(log)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        Ok(Self { child, farewell })
    }

    /// Over a process that was started already.
    pub(crate) const fn of(child: Child, farewell: Signal) -> Self {
        Self { child, farewell }
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> std::io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Sockets that it has open.
    pub(crate) fn sockets(&self) -> std::io::Result<usize> {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.child.id()))?;
        let leads = open.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
        Ok(leads.filter(|to| to.as_os_str().as_encoded_bytes().starts_with(b"socket:")).count())
    }

    /// Memory that it holds, in megabytes.
    pub(crate) fn resident_megabytes(&self) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        let kilobytes: f64 = kilobytes.context("/proc says nothing of its memory")?;
        Ok(kilobytes / 1000.0)
    }
}

/// Processor time that the threads of a process have had which are still there, to the nanosecond.
pub(crate) fn scheduled(pid: u32) -> std::io::Result<Duration> {
    let mut nanos = 0;
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        // One that ends meanwhile is not there any more.
        let line = std::fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
        nanos += line.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0);
    }
    Ok(Duration::from_nanos(nanos))
}

/// Processor time that a process has had, also by threads that have ended, to a hundredth of a
/// second.
pub(crate) fn used(pid: u32) -> anyhow::Result<Duration> {
    let line = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, rest) = line.rsplit_once(')').context("/proc says nothing of its time")?;
    let fields = rest.split_whitespace().skip(11).take(2);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 10))
}

/// Processor time that a process and its children have had, those that have ended too.
pub(crate) fn used_with_children(pid: u32) -> anyhow::Result<Duration> {
    let mut ticks = 0;
    for entry in std::fs::read_dir("/proc")? {
        // One that ends meanwhile is not there any more: its parent has its time.
        let path = entry?.path().join("stat");
        let Ok(line) = std::fs::read_to_string(path) else { continue };
        let (Some((id, _)), Some((_, rest))) = (line.split_once(' '), line.rsplit_once(')')) else {
            continue;
        };
        let fields: Vec<u64> =
            rest.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect();
        if id.parse() == Ok(pid) {
            ticks += fields.iter().skip(11).take(4).sum::<u64>();
        } else if fields.get(1) == Some(&u64::from(pid)) {
            ticks += fields.iter().skip(11).take(2).sum::<u64>();
        }
    }
    Ok(Duration::from_millis(ticks * 10))
}

impl Drop for Process {
    fn drop(&mut self) {
        let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) else { return };
        let _ = kill_process(pid, self.farewell);
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
