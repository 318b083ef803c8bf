//! Processes that end with the run, however that ends.

use std::fs::File;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// The server refuses to run as root.
const OWNER: &str = "postgres";

/// A process. Killed when dropped.
pub(crate) struct Process(Child);

impl Process {
    /// Starts it; what it says goes to a file of that name.
    pub(crate) fn start(command: &mut Command, log: &Path) -> anyhow::Result<Self> {
        let out = File::options().create(true).append(true).open(log)?;
        command.stdin(Stdio::null()).stderr(out.try_clone()?).stdout(out);
        Ok(Self(command.spawn().with_context(|| format!("cannot start {command:?}"))?))
    }

    /// As `kill -9`.
    pub(crate) fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Asks it to stop, and kills it if it does not.
    pub(crate) fn stop(&mut self, patience: Duration) -> Option<ExitStatus> {
        signal("TERM", self.0.id());
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.0.try_wait() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.kill();
        None
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Sends a signal to one process.
pub(crate) fn signal(name: &str, pid: u32) {
    let _ =
        Command::new("kill").args(["-s", name, &pid.to_string()]).stderr(Stdio::null()).status();
}

/// The processes that it has started itself.
pub(crate) fn children(of: u32) -> Vec<u32> {
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_its = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // After the name, which may have anything in it: the state, and the parent.
        let parent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1));
        parent == Some(of.to_string().as_str())
    };
    pids.filter(is_its).collect()
}

/// A command as the user who may run a database server.
pub(crate) fn as_owner(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", OWNER, "--regid", OWNER, "--clear-groups", "--"]).arg(program);
    command.current_dir("/").env("HOME", "/tmp");
    command
}

/// A directory of the run's own, which belongs to that user.
pub(crate) fn own_dir(dir: &Path) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(dir)?;
    if is_root() && !Command::new("chown").arg(OWNER).arg(dir).status()?.success() {
        bail!("cannot give {} to {OWNER}", dir.display());
    }
    Ok(dir.to_owned())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.starts_with(b"0\n"))
}

pub(crate) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// A shell that waits for the end of this process, which closes its standard input, and removes the
/// directory; if this process was killed, it first ends what is left by the ids in their files.
pub(crate) struct Watchman(Child);

impl Watchman {
    pub(crate) fn over(dir: &Path) -> anyhow::Result<Self> {
        // Patroni first: it would start its server again.
        let script = "read -r word || word=; [ \"$word\" = done ] || \
            for f in \"$0\"/*.pid \"$0\"/*/data/postmaster.pid; do \
            [ -f \"$f\" ] || continue; p=$(head -n 1 \"$f\"); \
            pkill -KILL -P \"$p\"; kill -KILL \"$p\" 2>/dev/null; done; \
            sleep 1; rm -rf \"$0\"";
        let mut shell = Command::new("setsid");
        shell.args(["sh", "-c", script]).arg(dir);
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self(shell.spawn().context("cannot start a shell")?))
    }

    /// Notes a process that is to end with the run.
    pub(crate) fn note(dir: &Path, name: &str, process: &Process) -> anyhow::Result<()> {
        Ok(std::fs::write(dir.join(format!("{name}.pid")), process.0.id().to_string())?)
    }
}

impl Drop for Watchman {
    fn drop(&mut self) {
        // Everything has ended in order by now; its numbers may be somebody else's.
        if let Some(mut stdin) = self.0.stdin.take() {
            let _ = stdin.write_all(b"done\n");
        }
        let _ = self.0.wait();
    }
}
