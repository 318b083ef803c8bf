//! `store copy`: what is in a directory is in the database, and back.

use std::process::Command;

use testkit::postgres::PostgresServer;

use crate::binary::{Home, Ran, Running};
use crate::server::report;

/// The command, on the ledger in the database.
fn shared(home: &Home, url: &str, args: &[&str]) -> Command {
    let mut command = home.command(&[args, &["--data", "node"]].concat());
    command.env("CALLSLIP_DATA__URL", url);
    command
}

fn pending(list: &str) -> u64 {
    let list: serde_json::Value = serde_json::from_str(list).unwrap();
    list["accounts"][0]["pending"].as_u64().unwrap()
}

#[test]
fn a_ledger_moves_to_a_database_and_back() {
    let home = Home::new();
    home.with_account("acme");
    let lines: String = (0..30).map(|id| format!("{}\n", report(&format!("m{id}")))).collect();
    home.file("f", &lines);
    home.done(&["reports", "import", "f", "--account", "acme"]);
    let server = PostgresServer::shared();
    let url = server.database();
    let there = ["store", "copy", "--from", "ledger", "--to", &url];
    let back = ["store", "copy", "--from", &url, "--to", "back"];
    let moved = home.run(&there);
    moved.expect(0, "30 reports");
    home.run(&there).expect(1, "is not empty");

    let mut serving = Running::start(&mut shared(
        &home,
        &url,
        &["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"],
    ));
    serving.wait_for("listens on");
    let list = Ran::of(&mut shared(&home, &url, &["account", "list", "--json"]));
    assert_eq!(pending(&list.out), 30, "{}", list.err);
    home.run(&back).expect(75, "a server has");
    assert_eq!(serving.stop(), Some(0));
    let returned = home.run(&back);
    returned.expect(0, "30 reports");
    assert_eq!(moved.out, returned.out, "with the same digest");
    let list = home.run(&["account", "list", "--json", "--data", "back"]);
    assert_eq!(pending(&list.out), 30);
}

#[test]
fn a_wrong_end_is_refused_before_anything_is_made() {
    let home = Home::new();
    let copy = |from: &str, to: &str| home.run(&["store", "copy", "--from", from, "--to", to]);
    copy("none", "to").expect(1, "there is no ledger in none");
    copy("a", "mysql://db/x").expect(2, "postgres:// is known");
    copy("a", "postgres://u:secret@db/x").expect(2, "password_file");
    copy("a", "postgres://u@db/x?password=secret").expect(2, "password_file");
    assert!(!home.path("to").exists() && !home.path("none").exists());
}
