//! Feeding and taking: each report once, oldest first.

use super::{Open, Stage, account, ask, messages, report};
use crate::{Fed, Filter, TakeAsk};

pub(super) async fn exercise(open: &impl Open) {
    take_returns_each_report_once(open).await;
    a_report_comes_back_as_it_was_fed(open).await;
    a_message_is_kept_once(open).await;
    filters_choose(open).await;
    a_bulk_that_is_strewn_about_is_found(open).await;
    accounts_do_not_mix(open).await;
    nothing_leaves_no_trace(open).await;
    feeding_wakes(open).await;
}

fn filtered(bulk: Option<&str>, message: Option<&str>, limit: usize) -> TakeAsk {
    let filter =
        Filter { bulk_id: bulk.map(str::to_owned), message_id: message.map(str::to_owned) };
    TakeAsk { filter, ..ask(limit) }
}

async fn take_returns_each_report_once(open: &impl Open) {
    let stage = Stage::new(open, "each once").await;
    assert_eq!(stage.feed("b", &["1", "2", "3"]).await, [Fed::New; 3]);
    stage.feed("b", &["4", "5"]).await;
    assert_eq!(messages(&stage.take(2).await), ["1", "2"]);
    assert!(stage.take(0).await.take.is_none());
    assert_eq!(messages(&stage.take(2).await), ["3", "4"]);
    assert_eq!(stage.waiting().await, (1, 4));
    assert_eq!(stage.take_all().await, ["5"]);
    assert!(stage.take_all().await.is_empty());
    stage.feed("b", &["6"]).await;
    assert_eq!(stage.take_all().await, ["6"]);
}

async fn a_report_comes_back_as_it_was_fed(open: &impl Open) {
    let stage = Stage::new(open, "as it was fed").await;
    let full = report("bulk", "full");
    let mut bare = report("bulk", "bare");
    (bare.from, bare.callback_data, bare.mcc_mnc) = (None, None, None);
    (bare.start_time, bare.answer_time) = (None, None);
    bare.text = Some("ž\u{0}\u{1F4DE}".repeat(500));
    bare.dtmf_codes = String::new();
    bare.error.permanent = false;
    let reports = vec![full, bare];
    stage.ledger.feed(stage.account, reports.clone()).await.expect("a feed");
    let stage = stage.reopen().await;
    let taken = stage.take(2).await;
    for (record, fed) in taken.records.iter().zip(&reports) {
        let seen = record.report().expect("a whole record");
        assert_eq!(format!("{seen:?}"), format!("{fed:?}"));
        assert_eq!(seen.price.per_second.to_string(), "0.010");
        assert_eq!(record.fed_at().expect("a whole record"), super::START);
    }
}

async fn a_message_is_kept_once(open: &impl Open) {
    let stage = Stage::new(open, "a message once").await;
    let mut other = report("b", "1");
    other.duration_seconds += 1;
    assert_eq!(stage.feed("b", &["1", "1", "2"]).await, [Fed::New, Fed::Duplicate, Fed::New]);
    let stage = stage.reopen().await;
    stage.clock.advance(std::time::Duration::from_secs(1));
    let again = vec![report("b", "1"), other, report("b", "3")];
    let fed = stage.ledger.feed(stage.account, again).await.expect("a feed");
    assert_eq!(fed, [Fed::Duplicate, Fed::Conflict, Fed::New]);
    assert_eq!(stage.take_all().await, ["1", "2", "3"]);
    assert_eq!(stage.feed("b", &["2"]).await, [Fed::Duplicate], "taken, and still known");
    assert!(stage.take_all().await.is_empty());
}

async fn filters_choose(open: &impl Open) {
    let stage = Stage::new(open, "filters").await;
    stage.feed("x", &["1", "2"]).await;
    stage.feed("y", &["3", "4"]).await;
    stage.feed("x", &["5"]).await;
    let take =
        async |bulk, message, limit| messages(&stage.take_as(filtered(bulk, message, limit)).await);
    assert!(take(Some("y"), Some("1"), 9).await.is_empty(), "both must hold");
    assert!(take(Some("z"), None, 9).await.is_empty());
    assert!(take(None, Some("z"), 9).await.is_empty());
    assert_eq!(take(None, Some("4"), 9).await, ["4"]);
    assert!(take(None, Some("4"), 9).await.is_empty());
    assert_eq!(take(Some("x"), None, 2).await, ["1", "2"]);
    assert_eq!(take(Some("x"), Some("5"), 9).await, ["5"]);
    assert!(take(Some("x"), None, 9).await.is_empty());
    assert_eq!(stage.take_all().await, ["3"]);
}

async fn a_bulk_that_is_strewn_about_is_found(open: &impl Open) {
    let stage = Stage::new(open, "strewn").await;
    let name = |number: usize| format!("{number:03}");
    for number in 0..90 {
        stage.feed(["x", "y", "z"][number % 3], &[&name(number)]).await;
    }
    stage.take_as(filtered(Some("x"), None, 5)).await;
    stage.take_as(filtered(None, Some("016"), 1)).await;
    stage.take_as(filtered(None, Some("031"), 1)).await;
    stage.take(20).await;
    let stage = stage.reopen().await;
    // Everything in flight is pending again.
    stage.take(10).await;
    stage.take_as(filtered(None, Some("016"), 1)).await;
    let expect: Vec<_> = (10..90).filter(|n| n % 3 == 1 && *n != 16).map(name).collect();
    let first = messages(&stage.take_as(filtered(Some("y"), None, 7)).await);
    assert_eq!(first, expect[..7]);
    let rest = messages(&stage.take_as(filtered(Some("y"), None, 100)).await);
    assert_eq!(rest, expect[7..]);
}

async fn accounts_do_not_mix(open: &impl Open) {
    let stage = Stage::new(open, "mine").await;
    let other = stage.ledger.add_account(account("theirs")).await.expect("the name is free").id;
    stage.feed("b", &["1", "2"]).await;
    let fed = stage.ledger.feed(other, vec![report("b", "1")]).await.expect("a feed");
    assert_eq!(fed, [Fed::New]);
    let theirs = stage.ledger.take(other, filtered(Some("b"), None, 9)).await.expect("a take");
    assert_eq!(messages(&theirs), ["1"]);
    assert!(stage.ledger.take(other, ask(9)).await.expect("a take").records.is_empty());
    assert_eq!(stage.take_all().await, ["1", "2"]);
}

async fn nothing_leaves_no_trace(open: &impl Open) {
    let stage = Stage::new(open, "no trace").await;
    let commits = async || stage.ledger.figures().await.expect("figures").commits;
    let before = commits().await;
    for ask in [ask(9), super::ask_with_key(9, "k"), filtered(Some("b"), None, 9)] {
        let taken = stage.take_as(ask).await;
        assert!(taken.take.is_none() && taken.records.is_empty() && !taken.replayed);
    }
    assert_eq!(commits().await, before);
    stage.feed("b", &["1"]).await;
    let taken = stage.take_as(super::ask_with_key(8, "k")).await;
    assert_eq!(messages(&taken), ["1"], "the key of an empty take is free");
}

async fn feeding_wakes(open: &impl Open) {
    let stage = Stage::new(open, "wakes").await;
    let mut watch = stage.ledger.watch(stage.account);
    watch.mark_unchanged();
    let (seen, ()) = tokio::join!(
        async {
            watch.changed().await.expect("the ledger is open");
            stage.take_all().await
        },
        async {
            stage.feed("b", &["1"]).await;
        }
    );
    assert_eq!(seen, ["1"]);
    let taken = stage.take(1).await;
    assert!(taken.take.is_none());
    assert!(!watch.has_changed().expect("the ledger is open"));
}
