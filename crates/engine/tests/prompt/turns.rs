//! Child processes: bounded in number, time and output, and gone when they are not wanted.

use std::path::Path;
use std::time::Duration;

use engine::prompt::{PromptSettings, Prompter};
use model::Outcome;

use super::stand_in::StandIn;
use super::{english, prepared, prompts, refused};

#[tokio::test]
async fn a_child_that_hangs_is_killed() {
    let hung = StandIn::new("echo $$ >$here/pid\nexec sleep infinity");
    let settings = PromptSettings { speech_timeout: Duration::from_secs(2), ..hung.settings() };
    let prompts = prompts(settings).await;
    let error = refused(&prompts, &english("Hello")).await;
    assert_eq!(error.outcome(), Outcome::Internal);
    let pid = hung.read("pid").trim().to_owned();
    assert!(!pid.is_empty(), "{error}");
    while is_running(&pid) {
        tokio::task::yield_now().await;
    }
}

/// Whether the process is there, and not only waiting to be told of.
fn is_running(pid: &str) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test]
async fn endless_output_is_cut() {
    let endless = StandIn::new("head -c 100000000 /dev/zero && echo all >$here/all");
    let error = refused(&prompts(endless.settings()).await, &english("Hello")).await;
    assert!(error.to_string().contains("longer than"), "{error}");
    assert_eq!(endless.read("all"), "");
}

#[tokio::test]
async fn a_child_that_fails_or_says_nothing_is_an_error_of_ours() {
    for lines in ["exit 3", "exec true", "echo this is no sound", "kill -9 $$"] {
        let failing = StandIn::new(lines);
        let error = refused(&prompts(failing.settings()).await, &english("Hello")).await;
        assert_eq!(error.outcome(), Outcome::Internal, "{lines}: {error}");
    }
}

#[tokio::test]
async fn no_more_run_at_once_than_may() {
    let watched = StandIn::new(
        "mkdir $here/busy || echo two >>$here/overlaps\n\
         espeak-ng \"$@\"\nrmdir $here/busy\necho run >>$here/runs",
    );
    let prompts = prompts(PromptSettings { speech_at_once: 1, ..watched.settings() }).await;
    let prompts = std::sync::Arc::new(prompts);
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..12 {
        let prompts = prompts.clone();
        calls.spawn(async move { prompts.prepare(&english(&format!("{number}"))).await });
    }
    for result in calls.join_all().await {
        result.unwrap();
    }
    assert_eq!((watched.runs(), watched.read("overlaps").as_str()), (12, ""));
}

#[tokio::test]
async fn the_child_knows_nothing_of_the_server() {
    let nosy = StandIn::new(
        "env >$here/env; echo \"$*\" >$here/arguments; pwd >$here/pwd\nexec espeak-ng \"$@\"",
    );
    prepared(&prompts(nosy.settings()).await, &english("the secret text")).await;
    let allowed =
        |line: &str| ["PATH=", "PWD=", "_=", "OLDPWD="].iter().any(|name| line.starts_with(name));
    let env = nosy.read("env");
    assert!(env.lines().all(allowed), "{env}");
    assert_eq!(nosy.read("pwd").trim(), "/");
    assert!(!nosy.read("arguments").contains("secret"));
}
