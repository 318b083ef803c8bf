//! Settings: what wins, and what is said about those that are wrong.

use std::net::TcpListener;

use crate::binary::{Home, Ran, Running};

#[track_caller]
fn check_wrong(file: &str, expect: &[&str]) {
    let home = Home::new();
    home.file("c.toml", file);
    for command in ["check", "serve"] {
        let ran = home.run(&[command, "--config", "c.toml"]);
        for text in expect {
            ran.expect(78, text);
        }
    }
    assert!(!home.path("callslip-data").exists(), "the ledger was touched");
}

#[test]
fn a_wrong_value_is_shown_with_file_line_and_caret() {
    check_wrong(
        "[reports]\nlimit_max = 0\n",
        &["c.toml", "line 2", "2 | limit_max = 0", "            ^\n", "must be 1 to 20000, not 0"],
    );
    check_wrong("[reports]\nreset_means = \"lost\"\n", &["line 2", "^^^^^^", "`unread` or `read`"]);
    check_wrong("[http]\n\nlisten = 8080\n", &["line 3", "^^^^", "expected a string"]);
    check_wrong("[http]\nlisten = \"8080\"\n", &["line 2", "^^^^^^", "address and port"]);
    check_wrong("[http]\ncors_origins = [\"crm.example/x\"]\n", &["line 2", "not an origin"]);
    check_wrong("[log]\nlevel = \"info,=,\"\n", &["line 2", "not a log level"]);
    check_wrong("[calls]\ncarrier = \"pstn\"\n", &["line 2", "^^^^^^", "`none`, `sandbox`, `sip`"]);
    check_wrong("[calls]\ncalls_per_second = 0\n", &["line 2", "must be 1 to 10000, not 0"]);
    check_wrong("[calls]\nlease_s = 4\n", &["line 2", "must be 5 to 3600, not 4"]);
    check_wrong("[calls]\ndrain_s = 14401\n", &["line 2", "must be 0 to 14400"]);
    check_wrong("[prompts]\nfetch_bytes_max = 1\n", &["line 2", "must be 1024 to 104857600"]);
    check_wrong("[prompts]\nspeech_program = \"\"\n", &["line 2", "must not be empty"]);
    let networks = "[prompts]\nprivate_networks = [\"10.0.0.0/33\"]\n";
    check_wrong(networks, &["line 2", "\"10.0.0.0/33\" is no network"]);
    check_wrong("[data]\ndir = \"\"\n", &["line 2", "must not be empty"]);
}

#[test]
fn what_is_no_setting_is_refused() {
    check_wrong("[http]\nlissten = \"x\"\n", &["line 2", "^^^^^^^", "unknown field `lissten`"]);
    check_wrong("[calls]\ntrunk = \"x\"\n", &["line 2", "^^^^^", "unknown field `trunk`"]);
    check_wrong("[htp]\nlisten = \"x\"\n", &["line 1", "unknown field `htp`"]);
    check_wrong("[http\n", &["line 1"]);
    let home = Home::new();
    home.run(&["check", "--config", "none.toml"]).expect(78, "cannot read none.toml");
}

#[test]
fn a_certificate_goes_with_its_key() {
    let alone = "[http]\ntls_cert = \"a.pem\"\n";
    check_wrong(alone, &["c.toml", "line 2", "           ^^^^^^^\n", "http.tls_key is not"]);
    check_wrong("[http]\ntls_cert = \"a.pem\"\ntls_key = \"b.pem\"\n", &["a.pem"]);
}

#[test]
fn a_shared_ledger_is_named_without_its_password() {
    let data = |line: &str| format!("[data]\n{line}\n");
    check_wrong(
        &data("url = \"mysql://db.example/callslip\""),
        &["c.toml", "line 2", "      ^^^^^^", "must begin with postgres://"],
    );
    let with_password = data("url = \"postgres://callslip:sesame@db.example/callslip\"");
    check_wrong(
        &with_password,
        &["line 2", "      ^^^^^^", "has a password in it", "password_file"],
    );
    check_wrong(&data("connections = 1"), &["line 2", "must be 2 to 1000, not 1"]);
    check_wrong(&data("patience_s = 0"), &["line 2", "must be 1 to 300, not 0"]);
    check_wrong(&data("silence_s = 4"), &["line 2", "must be 5 to 3600, not 4"]);
    check_wrong(&data("password_file = \"\""), &["line 2", "must not be empty"]);
    check_wrong(&data("ca_file = \"\""), &["line 2", "must not be empty"]);
}

#[test]
fn a_role_is_one_of_three_and_needs_a_shared_ledger() {
    let wrong = "[data]\nrole = \"sip\"\n";
    check_wrong(wrong, &["line 2", "       ^^^^^", "`api`, `engine`, `all`"]);
    let alone = "[data]\nrole = \"engine\"\n";
    check_wrong(
        alone,
        &["c.toml", "line 2", "2 | role = \"engine\"", "       ^^^^^^^^\n", "data.role: a node"],
    );
    check_wrong(alone, &["needs a shared ledger, data.url"]);
    let home = Home::new();
    home.run(&["serve", "--role", "api"]).expect(78, "needs a shared ledger, data.url");
    home.run(&["serve", "--role", "sip"]).expect(2, "api, engine, all");
    assert!(!home.path("callslip-data").exists(), "the ledger was touched");
}

/// What the URL asks for beyond what its beginning shows is found out before anything is opened.
#[test]
fn a_shared_ledger_that_cannot_be_reached_as_it_is_set_is_told() {
    let home = Home::new();
    let check = |code: i32, lines: &str, expect: &str| {
        home.file("c.toml", &format!("[data]\npatience_s = 1\n{lines}\n"));
        let serve = ["serve", "--config", "c.toml", "--listen", "127.0.0.1:0"];
        home.run(&serve).expect(code, expect);
    };
    let url = |rest: &str| format!("url = \"postgres://callslip@127.0.0.1:{rest}\"");
    check(78, &url("notaport/callslip"), "the database's URL");
    let tls = url("1/callslip?sslmode=require");
    check(78, &tls, "needs the CA's certificate as a file");
    check(78, &format!("{tls}\nca_file = \"no.pem\""), "the CA's file no.pem");
    let password = format!("{}\npassword_file = \"none\"", url("1/callslip"));
    check(69, &password, "the password's file none");
    check(69, &url("1/callslip"), "cannot open the ledger at postgres://callslip@127.0.0.1:1/");
}

#[test]
fn a_wrong_variable_is_named() {
    let home = Home::new();
    let check = |name: &str, value: &str| Ran::of(home.command(&["check"]).env(name, value));
    check("CALLSLIP_HTTP__LISTN", "x").expect(78, "CALLSLIP_HTTP__LISTN: there is no key `listn`");
    check("CALLSLIP_REPORTS__LIMIT_MAX", "0").expect(78, "CALLSLIP_REPORTS__LIMIT_MAX: must be 1");
    check("CALLSLIP_KEY", "a key").expect(0, "in order");
}

#[test]
fn flags_win_over_variables_over_the_file_over_defaults() {
    let home = Home::new();
    home.file("c.toml", "[reports]\nlimit_max = 11\nsettle_after_s = 12\n[data]\ndir = \"file\"\n");
    let print = ["check", "--print", "--config", "c.toml"];
    let variables = [("CALLSLIP_REPORTS__LIMIT_MAX", "21"), ("CALLSLIP_DATA__DIR", "variable")];

    let ran = home.run(&print);
    ran.expect(0, "limit_max = 11");
    ran.expect(0, "settle_after_s = 12");
    ran.expect(0, "ack_timeout_s = 30");
    ran.expect(0, "dir = \"file\"");

    let ran = Ran::of(home.command(&print).envs(variables));
    ran.expect(0, "limit_max = 21");
    ran.expect(0, "settle_after_s = 12");
    ran.expect(0, "dir = \"variable\"");

    let flagged = [&print[..], &["--data", "flag"]].concat();
    let ran = Ran::of(home.command(&flagged).envs(variables));
    ran.expect(0, "limit_max = 21");
    ran.expect(0, "dir = \"flag\"");
}

#[test]
fn the_flag_of_serve_wins_over_the_variable() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let home = Home::new();
    let serve = ["serve", "--data", "ledger", "--admin-listen", "127.0.0.1:0"];
    let ran = Ran::of(home.command(&serve).env("CALLSLIP_HTTP__LISTEN", &address));
    ran.expect(69, &format!("cannot listen on {address}"));
    let serving = home.serve_with(&["--listen", "127.0.0.1:0"]);
    assert_ne!(serving.address(), address);
}

#[test]
fn the_default_file_can_be_used_as_it_is() {
    let home = Home::new();
    let defaults = home.run(&["check", "--defaults"]);
    defaults.expect(0, "[reports]");
    home.file("c.toml", &defaults.out);
    let printed = home.run(&["check", "--print", "--config", "c.toml"]);
    printed.expect(0, "[reports]");
    assert_eq!(printed.out, home.run(&["check", "--print"]).out);
}

#[test]
fn the_log_can_be_read_by_machines() {
    let home = Home::new();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    let mut command = home.command(&serve);
    let server = Running::start(command.env("CALLSLIP_LOG__FORMAT", "json"));
    for line in server.wait_for("listens on") {
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["level"], "INFO");
    }
}
