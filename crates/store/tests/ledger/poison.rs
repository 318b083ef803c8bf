//! The disk fails: the ledger says so until it is opened again, and has lost nothing by then.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Command;

use crate::both::crash::{CHILD, Told, check, check_rest, spawn};
use crate::support::{Home, account, open};

#[tokio::test]
async fn a_failed_write_poisons_and_loses_nothing() {
    let home = Home::new();
    let at = home.word();
    // Made beforehand: a journal begins with its full size, which the limit below would refuse.
    let ledger = open(Path::new(&at));
    account(&ledger).await;
    drop(ledger);
    let mut told = Told::default();
    let mut shell = Command::new("sh");
    let limit = "trap '' XFSZ; ulimit -f 4000; exec \"$0\" --exact \"$1\" --nocapture";
    shell.args(["-c", limit]).arg(std::env::current_exe().unwrap()).arg(CHILD);
    let mut child = spawn(shell, &at, 0, 0);
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        told.hear(&line.unwrap());
    }
    assert!(child.wait().unwrap().success());
    assert!(told.poisoned, "the write never failed; {} were fed", told.fed.len());
    assert!(told.fed.len() > 10);
    check(&at, 1, &told).await;
    check_rest(&at, 2, &told).await;
}
