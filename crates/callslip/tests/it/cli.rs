//! The commands: accounts, keys, audits, and what a server does about signals and neighbours.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use crate::binary::{Home, Ran};
use crate::server::{report, wait_for};

/// What an account goes through, seen from the outside with `login`.
fn live_as_account(home: &Home, login: impl Fn(&str) -> u16) {
    home.file("first", "open sesame\n");
    home.file("second", "open barley");
    let added = home.done(&[
        "account",
        "add",
        "Aladdin",
        "--password-file",
        "first",
        "--time-zone",
        "Europe/Zagreb",
    ]);
    assert!(added.contains("role read,send, times in Europe/Zagreb"), "{added}");
    assert!(!added.contains("Password"), "{added}");
    assert_eq!(login("open sesame"), 200);

    let again = home.run(&["account", "add", "Aladdin", "--data", "ledger"]);
    again.expect(1, "an account named `Aladdin`");
    home.run(&["account", "add", "a:b", "--data", "ledger"]).expect(1, "name");
    home.run(&["account", "add", "x", "--time-zone", "Mars/Base", "--data", "ledger"])
        .expect(1, "timeZone `Mars/Base` is not an IANA time zone");
    home.run(&["account", "disable", "nobody", "--data", "ledger"]).expect(1, "NOT_FOUND");

    home.done(&["account", "passwd", "Aladdin", "--password-file", "second"]);
    assert_eq!((login("open sesame"), login("open barley")), (401, 200));
    let made_up = home.done(&["account", "passwd", "Aladdin"]);
    let password = made_up.trim().rsplit(' ').next().unwrap();
    assert_eq!((login("open barley"), login(password)), (401, 200));

    home.done(&["account", "disable", "Aladdin"]);
    assert_eq!(login(password), 403);
    let list = home.done(&["account", "list"]);
    let row = list.lines().nth(1).unwrap().split_whitespace().collect::<Vec<_>>();
    assert_eq!(row[..4], ["Aladdin", "disabled", "read,send", "Europe/Zagreb"], "{list}");
    home.done(&["account", "enable", "Aladdin"]);
    assert_eq!(login(password), 200);
}

#[test]
fn an_account_lives_on_a_running_server() {
    let home = Home::new();
    let serving = home.serve();
    serving.process.wait_for("callslip account add NAME --data ledger");
    live_as_account(&home, |password| serving.login("Aladdin", password));
}

#[test]
fn an_account_lives_in_an_idle_directory() {
    let home = Home::new();
    live_as_account(&home, |password| home.serve().login("Aladdin", password));
}

#[test]
fn an_account_without_a_password_file_gets_a_password_shown_once() {
    let home = Home::new();
    let added = home.done(&["account", "add", "acme", "--role", "read", "--role", "feed"]);
    let password = added.trim().rsplit(' ').next().unwrap();
    assert!(added.contains("shown this once"), "{added}");
    assert_eq!(home.serve().login("acme", password), 200);
    let list: Value = serde_json::from_str(&home.done(&["account", "list", "--json"])).unwrap();
    assert_eq!(list["accounts"][0]["roles"], serde_json::json!(["read", "feed"]));
    assert_eq!(list["accounts"][0]["password"], Value::Null);
}

#[test]
fn a_key_opens_until_it_is_revoked() {
    let home = Home::new();
    home.done(&["account", "add", "acme"]);
    home.done(&["account", "add", "other"]);
    let key = home.done(&["key", "add", "acme", "--role", "read", "--label", "crm"]);
    home.done(&["key", "add", "other", "--role", "feed"]);
    let list: Value =
        serde_json::from_str(&home.done(&["key", "list", "--account", "acme", "--json"])).unwrap();
    let [entry] = list["keys"].as_array().unwrap().as_slice() else { panic!("{list}") };
    assert_eq!((&entry["label"], &entry["account"]), (&"crm".into(), &"acme".into()));
    assert!(!list.to_string().contains(key.trim()), "the secret is listed");

    let serving = home.serve();
    let take = |key: &str| {
        let take = ["take", "--url", serving.url()];
        Ran::of(home.command(&take).env("CALLSLIP_KEY", key))
    };
    take(key.trim()).expect(0, "Reports taken: 0.");
    home.done(&["key", "revoke", entry["id"].as_str().unwrap()]);
    take(key.trim()).expect(1, "UNAUTHORIZED");
    let table = home.done(&["key", "list"]);
    assert!(table.lines().any(|row| row.contains("crm") && row.contains("revoked")), "{table}");
    home.run(&["key", "revoke", "none", "--data", "ledger"]).expect(1, "no such key");
}

#[test]
fn a_server_elsewhere_is_reached_with_an_admin_key() {
    let home = Home::new();
    home.done(&["account", "add", "root"]);
    let admin = home.done(&["key", "add", "root", "--role", "admin"]);
    let read = home.done(&["key", "add", "root", "--role", "read"]);
    home.file("admin.key", &admin);
    home.file("read.key", &read);
    let serving = home.serve();
    let list =
        |key| home.run(&["account", "list", "--url", serving.admin_url(), "--admin-key-file", key]);
    list("admin.key").expect(0, "root");
    list("read.key").expect(1, "FORBIDDEN");
    home.run(&["account", "list", "--url", serving.admin_url()]).expect(2, "--admin-key-file");
}

#[test]
fn the_admin_file_is_its_owners_and_goes_with_the_server() {
    let home = Home::new();
    let mut serving = home.serve();
    let file = home.path("ledger/admin.json");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(home.path("ledger").metadata().unwrap().permissions().mode() & 0o077, 0);
    assert_eq!(serving.process.stop(), Some(0));
    assert!(!file.exists());
}

#[test]
fn a_second_server_on_the_directory_is_refused() {
    let home = Home::new();
    let serving = home.serve();
    let args = ["serve", "--data", "ledger", "--listen", "127.0.0.1:0"];
    let ran = home.run(&args);
    ran.expect(75, "in use by another process");
    ran.expect(75, serving.url());
    assert_eq!(home.run(&["account", "list", "--data", "ledger"]).code, Some(0));
}

#[test]
fn commands_work_after_a_server_was_killed() {
    let home = Home::new();
    home.with_account("acme");
    let mut serving = home.serve();
    serving.process.kill();
    assert!(home.path("ledger/admin.json").exists());
    assert!(home.done(&["account", "list"]).contains("acme"));
    let stale = serving.doors["token"].clone();
    assert_ne!(home.serve().doors["token"], stale);
}

#[test]
fn a_directory_that_is_not_there_is_not_made_by_looking() {
    let home = Home::new();
    for look in [&["account", "list"][..], &["key", "list"], &["audit", "m-1"]] {
        let args = [look, &["--data", "ledger"]].concat();
        home.run(&args).expect(1, "there is no ledger in ledger");
    }
    assert!(!home.path("ledger").exists());
}

#[test]
fn an_audit_tells_who_took_a_report() {
    let home = Home::new();
    home.with_account("acme");
    home.file("one.json", &serde_json::json!({ "results": [report("m-1")] }).to_string());
    home.done(&["reports", "import", "one.json", "--account", "acme"]);
    let audit = home.done(&["audit", "m-1"]);
    assert!(audit.contains("of account acme") && audit.contains("not taken by anyone"), "{audit}");

    let serving = home.serve();
    let take = ["take", "--url", serving.url(), "--key-file", "read.key", "--out", "out"];
    home.run(&take).expect(0, "Reports taken: 1.");
    let keys: Value = serde_json::from_str(&home.done(&["key", "list", "--json"])).unwrap();
    let audit = home.done(&["audit", "m-1"]);
    let id = keys["keys"][0]["id"].as_str().unwrap();
    assert!(audit.contains(&format!("with key {id}")), "{audit}");
    assert!(audit.contains("under the Idempotency-Key"), "{audit}");
    let json: Value = serde_json::from_str(&home.done(&["audit", "m-1", "--json"])).unwrap();
    assert_eq!(json["audits"][0]["takes"][0]["reports"], 1);
    home.run(&["audit", "m-2", "--data", "ledger"]).expect(1, "no report of a message m-2");
}

#[test]
fn a_health_check_tells_a_ready_server_from_none() {
    let home = Home::new();
    let mut serving = home.serve();
    home.run(&["healthcheck", "--data", "ledger"]).expect(0, "is ready");
    home.run(&["healthcheck", "--url", serving.admin_url()]).expect(0, "is ready");
    serving.process.stop();
    home.run(&["healthcheck", "--url", serving.admin_url()]).expect(69, "cannot reach");
}

/// Makes a certificate for `localhost`, and gives its PEM.
fn renew_certificate(home: &Home) -> String {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    home.file("key.pem", &made.signing_key.serialize_pem());
    home.file("cert.pem", &made.cert.pem());
    made.cert.pem()
}

#[test]
fn a_hangup_signal_brings_in_the_renewed_certificate() {
    let home = Home::new();
    renew_certificate(&home);
    home.file("c.toml", "[http]\ntls_cert = \"cert.pem\"\ntls_key = \"key.pem\"\n");
    let serving = home.serve_with(&["--config", "c.toml", "--listen", "127.0.0.1:0"]);
    let port = serving.url().strip_prefix("https://127.0.0.1:").unwrap();
    let url = format!("https://localhost:{port}/tts/3/reports");
    let trusts = |ca: &str| {
        let args = ["-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", ca, &url];
        Ran::of(Command::new("curl").current_dir(home.path("")).args(args)).out == "401"
    };
    assert!(trusts("cert.pem"));
    let renewed = renew_certificate(&home);
    home.file("renewed.pem", &renewed);
    assert!(!trusts("renewed.pem"), "before the signal");
    serving.process.signal(Signal::HUP);
    serving.process.wait_for("The certificate was read again");
    assert!(trusts("renewed.pem"), "after the signal");

    home.file("cert.pem", "nonsense");
    serving.process.signal(Signal::HUP);
    serving.process.wait_for("the old one still holds");
    assert!(trusts("renewed.pem"), "after a renewal that failed");
}

#[test]
fn a_second_signal_stops_at_once() {
    let home = Home::new();
    home.with_account("acme");
    let mut serving = home.serve();
    // A client that waits for reports is under way for longer than anyone waits here.
    let key = format!("Authorization: App {}", home.read("read.key").trim());
    let url = format!("{}/tts/3/reports", serving.url());
    let mut waiting = Command::new("curl")
        .args(["-s", "-H", &key, "-H", "Prefer: wait=60", &url])
        .spawn()
        .unwrap();
    let metrics = format!("{}/metrics", serving.admin_url());
    wait_for("the client waits", || {
        let page = Ran::of(Command::new("curl").args(["-s", &metrics])).out;
        page.lines().any(|line| line.starts_with("callslip_http_connections 2"))
    });
    serving.process.signal(Signal::TERM);
    serving.process.wait_for("finishing what was begun");
    serving.process.signal(Signal::INT);
    assert_eq!(serving.process.child.wait().unwrap().code(), Some(0));
    waiting.wait().unwrap();
}

#[test]
fn completions_are_printed_for_a_shell() {
    Home::new().run(&["completions", "bash"]).expect(0, "_callslip");
}

#[test]
fn help_teaches() {
    let help = Home::new().run(&["--help"]);
    for text in ["callslip sandbox", "callslip account add", "callslip take", "Exit codes"] {
        help.expect(0, text);
    }
}
