//! Trunks in the settings: what is said about those that are wrong, and what `check` shows;
//! and below it, calls through trunks whose far ends are sipp.

mod answered;
pub(crate) mod board;
mod caps;
mod crash;
mod damage;
mod drain;
mod failover;
pub(crate) mod far_end;
mod reload;
pub(crate) mod script;
mod strangers;
mod unanswered;
mod voice;

use crate::binary::{Home, Ran};

/// What a configuration with that trunk is refused with.
#[track_caller]
fn check_wrong(file: &str, expect: &[&str]) {
    let home = Home::new();
    home.file("c.toml", file);
    let ran = home.run(&["check", "--config", "c.toml"]);
    for text in expect {
        ran.expect(78, text);
    }
}

/// The same for one line of a trunk; the caret stands below what is wrong.
#[track_caller]
fn check_line(line: &str, expect: &[&str]) {
    let given =
        if line.starts_with("destinations") { "" } else { "destinations = [{ host = \"a\" }]" };
    let file = format!("[[trunk]]\nname = \"a\"\n{given}\n{line}\n");
    check_wrong(&file, &[expect, &["c.toml", "line 4", "^"]].concat());
}

#[test]
fn a_wrong_value_of_a_trunk_is_shown_with_line_and_caret() {
    check_line("destinations = []", &["must not be empty"]);
    check_line("destinations = [{ host = \"\" }]", &["^^", "is no name or address"]);
    check_line("destinations = [{ host = \"a b\" }]", &["is no name or address"]);
    check_line("destinations = [{ host = \"192.0.2.300\" }]", &["is no name or address"]);
    check_line("destinations = [{ host = \"h:5060\" }]", &["is no name or address"]);
    check_line("destinations = [{ host = \"h\", port = 0 }]", &["must be 1 to 65535, not 0"]);
    check_line("destinations = [{ host = \"h\", weight = 0 }]", &["must be 1 to 65535, not 0"]);
    check_line("destinations = [{ host = \"h\", transport = \"sctp\" }]", &["`udp`, `tcp`, `tls`"]);
    check_line("destinations = [{ hots = \"h\" }]", &["unknown field `hots`"]);
    check_line("destinations = [\"h\"]", &["line 4"]);
    check_line("sources = [\"10.0.0.0/33\"]", &["is no network"]);
    check_line("serves = [\"044\"]", &["is no beginning of an international number"]);
    check_line("serves = [\"44a\"]", &["is no beginning of an international number"]);
    check_line("priority = 65536", &["must be 0 to 65535"]);
    check_line("weight = 0", &["must be 1 to 65535, not 0"]);
    check_line("user = \"a>b\"", &["must be 1 to 128"]);
    check_line("user = \"a\\r\\nb\"", &["must be 1 to 128"]);
    check_line("password_file = \"\"", &["must not be empty"]);
    check_line("register_s = 59", &["must be 60 to 86400, not 59"]);
    check_line("ping_s = 3601", &["must be 0 to 3600"]);
    check_line("number_format = \"+\"", &["`e164`, `+e164`, `00`"]);
    check_line("strip = \"x\"", &["must be up to 32 digits"]);
    check_line("prepend = \"1@h\"", &["must be up to 32 digits"]);
    check_line("uri_parameters = [\"a;b\"]", &["is no parameter such as user=phone"]);
    check_line("uri_parameters = [\"user=\"]", &["is no parameter such as user=phone"]);
    check_line("caller_headers = [\"from\"]", &["`p-asserted-identity` or `remote-party-id`"]);
    check_line("from_domain = \"a/b\"", &["is no name or address"]);
    check_line("codecs = []", &["must not be empty"]);
    check_line("codecs = [\"opus\"]", &["`pcma` or `pcmu`"]);
    check_line("dtmf = \"tones\"", &["`rfc4733` or `info`"]);
    check_line("calls_per_second = 0", &["must be 1 to 10000, not 0"]);
    check_line("concurrent_calls = 0", &["must be 1 to 100000, not 0"]);
    check_line("ring_s = 171", &["must be 1 to 170"]);
    check_line("no_reply_ms = 199", &["must be 200 to 32000"]);
    check_line("final_codes = [299]", &["must be 300 to 699, not 299"]);
    check_line("final_codes = [-1]", &["must be 300 to 699, not -1"]);
    check_line("session_timer_s = 89", &["must be 0, or 90 to 86400, not 89"]);
    check_line("password = \"secret\"", &["^^^^^^^^", "unknown field `password`"]);
    check_wrong("[[trunk]]\nname = \"a/b\"\n", &["line 2", "^^^^^", "must be 1 to 64 letters"]);
    check_wrong("[[trunk]]\nname = \"a\"\n", &["line 1", "missing field `destinations`"]);
    check_wrong("[trunk]\nname = \"a\"\n", &["line 1"]);
}

#[test]
fn a_wrong_value_of_sip_media_or_amd_is_shown_too() {
    let check = |section: &str, line: &str, expect: &str| {
        check_wrong(&format!("[{section}]\n{line}\n"), &["c.toml", "line 2", "^", expect]);
    };
    check("sip", "udp = \"5060\"", "address and port");
    check("sip", "tcp = \"\"", "address and port");
    check("sip", "advertised = \"nat\"", "IP address");
    check("sip", "domain = \"a b\"", "is no name or address");
    check("sip", "user_agent = \"\"", "must be 1 to 128");
    check("sip", "t1_ms = 49", "must be 50 to 2000");
    check("sip", "tls_ca = \"\"", "must not be empty");
    check("media", "bind = \"all\"", "IP address");
    check("media", "port_min = 80", "must be 1024 to 65534");
    check("media", "threads = 0", "must be 1 to 64");
    check("media", "rtp_timeout_s = 4", "must be 5 to 3600");
    check("media", "ringback = \"Germany\"", "two letters of a country");
    check("media", "recording = \"some\"", "`none`, `asked`, `all`");
    check("amd", "machine_words = 0", "must be 1 to 100");
    check("amd", "total_ms = 100", "must be 500 to 60000");
    check("amd", "on_silence = \"nobody\"", "`human` or `machine`");
    check("amd", "greeting = 1500", "unknown field `greeting`");
}

#[test]
fn keys_that_do_not_fit_together_are_refused() {
    let trunk = |rest: &str| {
        format!("[[trunk]]\nname = \"a\"\ndestinations = [{{ host = \"h\" }}]\n{rest}\n")
    };
    let check = |file: &str, expect: &str| check_wrong(file, &["c.toml", expect]);
    check("[calls]\ncarrier = \"sip\"\n", "and there is no [[trunk]]");
    check(&format!("{0}{0}", trunk("")), "there are two trunks of the name a");
    check(&trunk("user = \"u\""), "trunk a: user is given, neither password_file nor password_env");
    check(&trunk("register_s = 60"), "trunk a: register_s is given, user is not");
    check(&trunk("password_env = \"P\""), "trunk a: a password is given, user is not");
    let both = "user = \"u\"\npassword_env = \"P\"\npassword_file = \"p\"";
    check(&trunk(both), "trunk a: password_file and password_env are both given");
    check(&trunk("codecs = [\"pcma\", \"pcma\"]"), "trunk a: codecs has one twice");
    let twice = "[[trunk]]\nname = \"a\"\ndestinations = [{ host = \"h\" }, { host = \"H\" }]\n";
    check(twice, "trunk a: destinations has H twice");
    check("[sip]\ntls = \"127.0.0.1:5061\"\n", "sip.tls is given, sip.tls_cert is not");
    check("[sip]\ntls_key = \"k.pem\"\n", "sip.tls_key is given, sip.tls is not");
    check("[media]\nport_min = 20000\n", "media.port_max: 20000 to 19999 has no room");
    check("[media]\nadvertised = \"2001:db8::1\"\n", "one is IPv4, the other IPv6");
    check("[amd]\nword_min_ms = 300\nword_max_ms = 300\n", "amd.word_min_ms must be less");
    check("[amd]\ninitial_silence_ms = 5001\n", "amd.initial_silence_ms must not be more");
}

/// A provider that we log in at.
const PROVIDER: &str = "\
[calls]
carrier = \"sip\"
[[trunk]]
name = \"provider\"
destinations = [{ host = \"sip.example.net\", transport = \"tcp\" }]
serves = [\"+44\", \"385\"]
user = \"100200\"
register_s = 600
";

#[test]
fn check_shows_the_trunks_and_never_a_password() {
    let home = Home::new();
    let with_file = format!("{PROVIDER}password_file = \"password\"\n");
    home.file("c.toml", &with_file);
    let check = ["check", "--config", "c.toml"];
    home.run(&check).expect(78, "trunk provider: password_file: cannot read password");
    home.file("password", "\n");
    home.run(&check).expect(78, "trunk provider: its password is empty");
    home.file("password", "hush-hush\n");
    let ran = home.run(&check);
    ran.expect(0, "The settings are in order.");
    let line = "Trunk provider: sip:sip.example.net;transport=tcp; serves 44, 385, registers.";
    ran.expect(0, line);
    let printed = home.run(&["check", "--print", "--config", "c.toml"]);
    printed.expect(0, "[[trunk]]");
    printed.expect(0, "password_file = \"password\"");
    assert!(!printed.out.contains("hush") && !ran.out.contains("hush"));

    home.file("c.toml", &printed.out);
    home.run(&check).expect(0, line);
}

#[test]
fn a_password_may_come_from_a_variable() {
    let home = Home::new();
    home.file("c.toml", &format!("{PROVIDER}password_env = \"TRUNK_PASSWORD\"\n"));
    let check = ["check", "--config", "c.toml"];
    let wrong = home.run(&check);
    wrong.expect(78, "trunk provider: password_env TRUNK_PASSWORD: environment variable not found");
    let ran = Ran::of(home.command(&check).env("TRUNK_PASSWORD", "hush"));
    ran.expect(0, "registers");
}

#[test]
fn authorities_are_needed_for_a_trunk_on_tls() {
    let home = Home::new();
    let tls = "[sip]\ntls_ca = \"none.pem\"\n[[trunk]]\nname = \"a\"\n";
    home.file(
        "c.toml",
        &format!("{tls}destinations = [{{ host = \"h\", transport = \"udp\" }}]\n"),
    );
    home.run(&["check", "--config", "c.toml"]).expect(0, "Trunk a: sip:h; serves all numbers.");
    home.file(
        "c.toml",
        &format!("{tls}destinations = [{{ host = \"h\", transport = \"tls\" }}]\n"),
    );
    home.run(&["check", "--config", "c.toml"]).expect(78, "sip.tls_ca: cannot read none.pem");
}

#[test]
fn trunks_have_no_variables() {
    let home = Home::new();
    let ran = Ran::of(home.command(&["check"]).env("CALLSLIP_TRUNK__NAME", "a"));
    ran.expect(78, "CALLSLIP_TRUNK__NAME: there is no key `name` in a section `trunk`");
    let ran = Ran::of(home.command(&["check"]).env("CALLSLIP_SIP__T1_MS", "10"));
    ran.expect(78, "CALLSLIP_SIP__T1_MS: must be 50 to 2000, not 10");
}
