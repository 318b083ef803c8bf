//! `callslip rates`: decks come in whole or not at all, and every price can be told.

use crate::binary::Home;
use crate::phones::{Phones, click};

const DECK: &str = "\
code,name,rate,increment,currency
385,Croatia,0.24,60/60,EUR
38598,Croatia mobile,0.60,1,EUR
";

/// A home with the account `acme` and the deck `retail`, which prices it.
fn priced() -> Home {
    let home = Home::new();
    home.file("deck.csv", DECK);
    let imported = home.done(&["rates", "import", "deck.csv", "--deck", "retail"]);
    assert!(imported.contains("Deck retail is new: 2 lines."), "{imported}");
    home.done(&["account", "add", "acme", "--deck", "retail"]);
    home
}

#[test]
fn a_deck_with_faults_is_refused_and_every_fault_named() {
    let home = Home::new();
    home.file("deck.csv", "prefix,rate,incrementt\n385,0.1,60\n");
    let import = ["rates", "import", "deck.csv", "--deck", "retail", "--data", "ledger"];
    home.run(&import).expect(1, "deck.csv: line 1: `incrementt` is not a column of a deck");

    home.file("deck.csv", "prefix,rate,currency\n385,0.1,EUR\n38x,0.1,EUR\n386,-1,euro\n");
    let ran = home.run(&import);
    ran.expect(1, "deck.csv: line 3: `prefix` must be digits");
    ran.expect(1, "deck.csv: line 4: `rate` is negative");
    ran.expect(1, "deck.csv: line 4: `currency` must be three capital letters");
    ran.expect(1, "3 to put right; nothing was imported");
    assert!(!home.path("ledger").exists(), "the ledger was touched");

    home.file("deck.csv", "prefix,rate\n385,0.1\n");
    home.run(&import).expect(1, "there is no column `currency`");
    home.run(&["rates", "import", "none.csv", "--deck", "x"]).expect(1, "cannot read none.csv");
    home.run(&["rates", "import", "deck.csv", "--deck", "x", "--currency", "euro"])
        .expect(2, "three capital letters");
    home.run(&["rates", "import", "deck.csv", "--deck", "x", "--increments", "0/1"])
        .expect(2, "1 to 86400 seconds");
}

#[test]
fn an_import_tells_what_changes_and_a_dry_run_changes_nothing() {
    let home = priced();
    let next = "\
code,name,rate,increment,currency,effective,end
385,Croatia,0.30,60/60,EUR,,
38591,Croatia A1,0.60,1,EUR,2026-01-01,2026-06-30
38591,Croatia A1,0.50,1,EUR,2026-08-01,
38591,Croatia A1,0.40,1,EUR,2026-09-01,
";
    home.file("next.csv", next);
    let import = ["rates", "import", "next.csv", "--deck", "retail"];
    let told = |said: &str| {
        for line in [
            "- line 3: 38598 Croatia mobile, 0.60 EUR a minute, 1/1, always",
            "- line 2: 385 Croatia, 0.24 EUR a minute, 60/60, always",
            "+ line 2: 385 Croatia, 0.30 EUR a minute, 60/60, always",
            "Deck retail: 4 lines; 3 added, 1 removed, 1 changed.",
            "Overlap, 38591: lines 4 and 5 are both in force from 2026-09-01T00:00:00Z, \
             and line 5 wins",
            "Gap, 38591: no line from 2026-07-01T00:00:00Z until 2026-08-01T00:00:00Z",
        ] {
            assert!(said.lines().any(|said| said == line), "{line}\nis not in\n{said}");
        }
    };
    let dry = home.done(&[&import[..], &["--dry-run"]].concat());
    told(&dry);
    assert!(dry.contains("Nothing was imported"), "{dry}");
    assert!(home.done(&["rates", "list", "retail"]).contains("0.24 EUR a minute"));

    // On a running server it is the same, and holds from then on.
    let serving = home.serve();
    let done = home.done(&import);
    told(&done);
    assert!(done.contains("Deck retail imported"), "{done}");
    drop(serving);
    let lines = home.done(&["rates", "list", "retail"]);
    assert!(lines.contains("0.30 EUR a minute") && !lines.contains("38598"), "{lines}");
    let same = home.done(&import);
    assert!(same.contains("4 lines, the same as before"), "{same}");
}

#[test]
fn the_terms_of_an_import_hold_where_the_file_is_silent() {
    let home = Home::new();
    home.file("bare.csv", "prefix,rate\n385,0.6\n");
    let terms = ["--currency", "USD", "--increments", "30/6", "--charge-b", "--decimals", "2"];
    home.done(&[&["rates", "import", "bare.csv", "--deck", "bare"], &terms[..]].concat());
    let lines = home.done(&["rates", "list", "bare"]);
    let row: Vec<&str> =
        lines.lines().nth(1).unwrap().split("  ").filter(|c| !c.is_empty()).collect();
    assert_eq!(
        row.iter().map(|cell| cell.trim()).collect::<Vec<_>>(),
        ["385", "-", "0.6 USD a minute", "30/6", "-", "A+B", "-", "always", "2"]
    );
    let told = home.done(&[
        "rates",
        "explain",
        "385911",
        "31",
        "2026-05-01",
        "--deck",
        "bare",
        "--b",
        "385912",
        "--b-seconds",
        "10",
    ]);
    for line in [
        "By deck bare, at 2026-05-01T00:00:00.000+0000:",
        "Leg A, 385911, 31 s:",
        "  31 s by 30/6 are billed as 36 s",
        "  total = 0.36, half up to 2 decimals: 0.36 USD",
        "Leg B, 385912, 10 s:",
        "  10 s by 30/6 are billed as 30 s",
        "Both legs: 0.02 USD a second in the report, 0.66 USD in all, rounded once.",
    ] {
        assert!(told.lines().any(|said| said == line), "{line}\nis not in\n{told}");
    }
}

#[test]
fn a_price_is_explained_step_by_step() {
    let home = priced();
    let explain = ["rates", "explain", "+385 98 123 456", "61"];
    let by_account = home.done(&[&explain[..], &["--account", "acme"]].concat());
    for line in [
        "Leg A, 38598123456, 61 s:",
        "  longest prefix in force: line 3: 38598 Croatia mobile, 0.60 EUR a minute, 1/1, always",
        "  price shown in the report: 0.01 EUR a second",
        "  61 s by 1/1 are billed as 61 s",
        "  61 s × 0.6 a minute ÷ 60 = 0.61",
        "  total = 0.61, half up to 4 decimals: 0.61 EUR",
    ] {
        assert!(by_account.lines().any(|said| said == line), "{line}\nis not in\n{by_account}");
    }
    let fixed = home.done(&["rates", "explain", "38511", "1", "--deck", "retail"]);
    assert!(fixed.contains("1 s by 60/60 are billed as 60 s"), "{fixed}");
    let none =
        home.done(&["rates", "explain", "4471", "1", "2026-01-01T10:00:00Z", "--deck", "retail"]);
    assert!(none.contains("no line for 4471 is in force at 2026-01-01T10:00:00Z"), "{none}");
    let second = ["--deck", "retail", "--b", "38591", "--b-seconds", "5"];
    let second = home.done(&[&explain[..], &second].concat());
    assert!(second.contains("Leg B costs nothing"), "{second}");
}

#[test]
fn what_cannot_be_explained_says_why() {
    let home = priced();
    home.done(&["account", "add", "other"]);
    let explain = |more: &[&str]| {
        home.run(&[&["rates", "explain", "38598", "1", "--data", "ledger"], more].concat())
    };
    explain(&["--deck", "wholesale"]).expect(1, "there is no deck wholesale; there are: retail");
    explain(&["--account", "other"]).expect(1, "other has no deck");
    explain(&["--account", "nobody"]).expect(1, "there is no account nobody");
    explain(&[]).expect(2, "--deck");
    home.run(&["rates", "explain", "38x", "1", "--deck", "retail"]).expect(2, "none of digits");
    home.run(&["rates", "explain", "385", "1", "soon", "--deck", "retail"]).expect(2, "date");
    home.run(&["rates", "list", "--data", "none"]).expect(1, "there is no ledger in none");
}

#[test]
fn decks_and_their_lines_are_listed() {
    let home = priced();
    let decks = home.done(&["rates", "list"]);
    assert!(decks.lines().nth(1).unwrap().starts_with("retail "), "{decks}");
    let all = home.done(&["rates", "list", "retail"]);
    assert_eq!(all.lines().count(), 3, "{all}");
    let some = home.done(&["rates", "list", "retail", "--prefix", "+3859"]);
    assert_eq!(some.lines().count(), 2, "{some}");
    assert!(some.contains("Croatia mobile"), "{some}");
}

#[test]
fn how_an_account_may_call_is_set_and_unset() {
    let home = priced();
    let set = |flags: &[&str]| home.done(&[&["account", "set", "acme"], flags].concat());
    let calling = || {
        let list = home.done(&["account", "list", "--json"]);
        let list: serde_json::Value = serde_json::from_str(&list).unwrap();
        list["accounts"][0]["calling"].clone()
    };
    let flags = "--unlisted unrated --generation newer --calls-per-second 3 --concurrent-calls 4 \
        --waiting-calls 5 --daily-spend 10.50 --allow 385 --allow +386";
    set(&flags.split_whitespace().collect::<Vec<_>>());
    let set_all = calling();
    assert_eq!(set_all["deck"], "retail");
    assert_eq!(set_all["unlisted"], "unrated");
    assert_eq!(set_all["generation"], "newer");
    assert_eq!(set_all["callsPerSecond"], 3);
    assert_eq!(set_all["concurrentCalls"], 4);
    assert_eq!(set_all["waitingCalls"], 5);
    assert_eq!(set_all["dailySpend"].to_string().trim_matches('"'), "10.50");
    assert_eq!(set_all["destinations"], serde_json::json!(["385", "386"]));

    let flags = "--deck none --calls-per-second none --concurrent-calls none --waiting-calls none \
        --daily-spend none --allow none";
    set(&flags.split_whitespace().collect::<Vec<_>>());
    let unset = calling();
    for member in ["deck", "callsPerSecond", "concurrentCalls", "waitingCalls", "dailySpend"] {
        assert!(unset[member].is_null(), "{member}: {unset}");
    }
    assert_eq!(unset["unlisted"], "unrated", "what was not given stays");
    let table = home.done(&["account", "list"]);
    assert!(table.lines().nth(1).unwrap().contains("read,send"), "{table}");

    let refused = |flags: &[&str], code, text| {
        home.run(&[&["account", "set", "acme", "--data", "ledger"], flags].concat())
            .expect(code, text);
    };
    refused(&["--calls-per-second", "0"], 2, "above 0");
    refused(&["--daily-spend", "-1"], 2, "");
    refused(&["--allow", "38x"], 2, "1 to 15 digits");
    refused(&["--generation", "newest"], 2, "classic");
    refused(&[], 1, "say what to set");
    refused(&["--deck", "wholesale"], 1, "names a deck that is not there");
}

#[test]
fn a_deck_holds_once_its_import_is_answered() {
    let phones = Phones::serving("[calls]\ncarrier = \"sandbox\"\n");
    let call = |number: &str| {
        let answers = phones.submit("/voice/ctc/1/send", &[click(number, number)]);
        answers[0]["status"]["name"].clone()
    };
    let mut deck = "prefix,per_second,currency\n".to_owned();
    for prefix in 500..515 {
        let number = format!("{prefix}98100486");
        assert_eq!(call(&number), "REJECTED_PREFIX_MISSING");
        deck.push_str(&format!("{prefix},0.01,EUR\n"));
        phones.home.file("grown.csv", &deck);
        phones.home.done(&["rates", "import", "grown.csv", "--deck", "demo"]);
        assert_eq!(call(&number), "PENDING_ACCEPTED", "{prefix}");
    }
}
