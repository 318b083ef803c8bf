//! A process of the benchmark's own, which answers lines with lines: what is measured does not share
//! a process with who measures it.

use std::process::{Command, Stdio};

use anyhow::Context;
use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout};

use crate::process::Process;

/// The parent's side. Dropping it ends the process.
pub(crate) struct Child {
    pub(crate) process: Process,
    asked: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Child {
    /// Starts this program with those arguments.
    pub(crate) fn start(arguments: &[&str]) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let (asked, answers) = (child.stdin.take(), child.stdout.take());
        let process = Process::of(child, Signal::KILL);
        let asked = ChildStdin::from_std(asked.context("it has no input")?)?;
        let answers = ChildStdout::from_std(answers.context("it has no output")?)?;
        Ok(Self { process, asked, answers: BufReader::new(answers).lines() })
    }

    /// What it answers to that.
    pub(crate) async fn ask(&mut self, line: &str) -> anyhow::Result<String> {
        self.asked.write_all(format!("{line}\n").as_bytes()).await?;
        self.answers.next_line().await?.context("it failed; see above")
    }
}

/// The child's side: answers until nobody asks any more.
pub(crate) async fn serve(
    mut answer: impl AsyncFnMut(&str) -> anyhow::Result<String>,
) -> anyhow::Result<()> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut out = tokio::io::stdout();
    while let Some(line) = lines.next_line().await? {
        let answer = answer(&line).await?;
        out.write_all(format!("{answer}\n").as_bytes()).await?;
        out.flush().await?;
    }
    Ok(())
}
