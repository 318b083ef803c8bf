//! The archive, the audit, and what time takes away.

use std::time::Duration;

use ::model::Report;

use super::{Open, START, Stage, ask, report};
use crate::{ArchiveQuery, Fate, Fed, Keeping, ReportState, TakeAsk, TakenBy, Upkept};

pub(super) async fn exercise(open: &impl Open) {
    the_archive_is_searched(open).await;
    listing_takes_nothing(open).await;
    an_audit_tells_the_whole_story(open).await;
    retention_drops_what_is_settled(open).await;
    retention_is_bounded_and_complete(open).await;
    pending_reports_age_only_if_wanted(open).await;
}

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn the_archive_is_searched(open: &impl Open) {
    let stage = Stage::new(open, "search").await;
    let feed = async |change: fn(&mut Report), bulk: &str, message: &str| {
        let mut report = report(bulk, message);
        change(&mut report);
        stage.ledger.feed(stage.account, vec![report]).await.expect("a feed");
        stage.clock.advance(Duration::from_secs(10));
    };
    feed(|_| {}, "x", "1").await;
    feed(|r| r.from = None, "x", "2").await;
    feed(|r| r.to = "49170".into(), "y", "3").await;
    feed(|r| r.status.group_name = "UNDELIVERABLE".into(), "z", "4").await;
    feed(|r| r.mcc_mnc = None, "x", "5").await;
    feed(|r| r.sent_at = START.plus(Duration::from_secs(60)), "y", "6").await;
    let check = async |query: ArchiveQuery, expect: &[&str]| {
        assert_eq!(stage.listed(query.clone()).await, expect, "{query:?}");
    };
    let any = ArchiveQuery::default;
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    let later = |seconds| Some(START.plus(Duration::from_secs(seconds)));
    check(any(), &["6", "5", "4", "3", "2", "1"]).await;
    check(ArchiveQuery { bulk_ids: ids(&["x"]), ..any() }, &["5", "2", "1"]).await;
    check(ArchiveQuery { bulk_ids: ids(&["z", "y", "y"]), ..any() }, &["6", "4", "3"]).await;
    check(ArchiveQuery { message_ids: ids(&["2", "6", "no"]), ..any() }, &["6", "2"]).await;
    let both = ArchiveQuery { bulk_ids: ids(&["x"]), message_ids: ids(&["2", "6"]), ..any() };
    check(both, &["2"]).await;
    let from = Some("385922222222".to_owned());
    check(ArchiveQuery { from, bulk_ids: ids(&["x"]), ..any() }, &["5", "1"]).await;
    check(ArchiveQuery { to: Some("49170".into()), ..any() }, &["3"]).await;
    check(ArchiveQuery { status_group: Some("UNDELIVERABLE".into()), ..any() }, &["4"]).await;
    check(ArchiveQuery { sent_since: later(60), ..any() }, &["6"]).await;
    check(ArchiveQuery { sent_until: later(0), bulk_ids: ids(&["y"]), ..any() }, &["3"]).await;
    let codes = ArchiveQuery { mcc: Some("219".into()), mnc: Some("10".into()), ..any() };
    check(codes, &["6", "4", "3", "2", "1"]).await;
    check(ArchiveQuery { mnc: Some("9".into()), ..any() }, &[]).await;
    check(ArchiveQuery { fed_since: later(30), ..any() }, &["6", "5", "4"]).await;
    check(ArchiveQuery { fed_since: later(31), bulk_ids: ids(&["x"]), ..any() }, &["5"]).await;
    let two = ArchiveQuery { limit: 2, ..any() };
    assert_eq!(stage.ledger.list(stage.account, two).await.expect("a list").len(), 2);
}

async fn listing_takes_nothing(open: &impl Open) {
    let stage = Stage::new(open, "look and leave").await;
    stage.feed("b", &["1", "2"]).await;
    assert_eq!(stage.listed(ArchiveQuery::default()).await, ["2", "1"]);
    assert_eq!(stage.waiting().await, (2, 0));
    assert_eq!(stage.take_all().await, ["1", "2"]);
    assert_eq!(stage.listed(ArchiveQuery::default()).await, ["2", "1"], "taken, and still there");
}

async fn an_audit_tells_the_whole_story(open: &impl Open) {
    let stage = Stage::new(open, "audit").await;
    stage.feed("b", &["0", "1", "2"]).await;
    let by = TakenBy {
        credential: "password".into(),
        peer: "192.0.2.7:4000".into(),
        request_id: "r-1".into(),
    };
    let first = stage.take_as(TakeAsk { by: by.clone(), ..ask(3) }).await;
    let first = first.take.expect("something was taken");
    stage.ledger.resolve(first, Fate::Returned(crate::ReturnReason::NotWritten));
    stage.clock.advance(Duration::from_secs(5));
    let second = stage.take(2).await.take.expect("something was taken");
    let stage = stage.reopen().await;
    let mut audits = stage.ledger.audit("1").await.expect("an audit");
    assert_eq!(audits.len(), 1);
    let audit = audits.remove(0);
    assert_eq!((audit.account, audit.report.bulk_id.as_str()), (stage.account, "b"));
    assert_eq!((audit.report.fed_at, audit.report.state), (START, ReportState::Pending));
    let ids: Vec<_> = audit.takes.iter().map(|take| take.take).collect();
    assert_eq!(ids, [first, second]);
    assert_eq!((&audit.takes[0].by, audit.takes[0].reports), (&by, 3));
    assert_eq!(audit.takes[1].at, START.plus(Duration::from_secs(5)));
    let audit = stage.ledger.audit("2").await.expect("an audit").remove(0);
    assert_eq!(audit.takes.len(), 1);
    assert!(stage.ledger.audit("3").await.expect("an audit").is_empty());
    let waiting = stage.ledger.waiting(stage.account).await.expect("it is there");
    assert_eq!(waiting.oldest, Some(START));
}

async fn retention_drops_what_is_settled(open: &impl Open) {
    let keeping = Keeping { retention: DAY, ..Keeping::default() };
    let stage = Stage::keeping(open, "retention", keeping).await;
    stage.feed("b", &["1", "2", "3", "4"]).await;
    let settled = stage.take(2).await.take.expect("something was taken");
    stage.ledger.resolve(settled, Fate::Settled);
    let dropped = |reports_dropped| Upkept { reports_dropped, ..Upkept::default() };
    assert_eq!(stage.pass(DAY - Duration::from_millis(1)).await, dropped(0));
    assert_eq!(stage.pass(Duration::from_millis(1)).await, dropped(2));
    assert_eq!(stage.pass(DAY * 400).await, dropped(0), "what is pending stays");
    assert_eq!(stage.listed(ArchiveQuery::default()).await, ["4", "3"]);
    let bulk = ArchiveQuery { bulk_ids: vec!["b".into()], ..ArchiveQuery::default() };
    assert_eq!(stage.listed(bulk.clone()).await, ["4", "3"]);
    assert!(stage.ledger.audit("1").await.expect("an audit").is_empty());
    assert_eq!(stage.feed("b", &["1"]).await, [Fed::New], "it is not known any more");
    let taken = stage.take(9).await.take.expect("something was taken");
    stage.ledger.resolve(taken, Fate::Settled);
    assert_eq!(stage.pass(DAY).await, dropped(3));
    let stage = stage.reopen().await;
    assert!(stage.listed(bulk).await.is_empty());
    stage.feed("b", &["9"]).await;
    assert_eq!(stage.take_all().await, ["9"], "numbers go on after everything was dropped");
    let audit = stage.ledger.audit("9").await.expect("an audit").remove(0);
    assert!(audit.takes[0].take > taken, "and so do takes");
}

async fn retention_is_bounded_and_complete(open: &impl Open) {
    let stage = Stage::new(open, "much to drop").await;
    for part in 0..5 {
        let reports = (0..1_000)
            .map(|number| report(["x", "y"][number % 7 % 2], &format!("{part}-{number}")));
        stage.ledger.feed(stage.account, reports.collect()).await.expect("a feed");
    }
    for _ in 0..50 {
        let taken = stage.take(100).await.take.expect("something was taken");
        stage.ledger.resolve(taken, Fate::Settled);
    }
    let mut dropped = stage.pass(DAY * 2).await.reports_dropped;
    while dropped < 5_000 {
        let step = stage.pass(Duration::ZERO).await.reports_dropped;
        assert!(step > 0, "only {dropped} were dropped");
        dropped += step;
    }
    assert!(stage.listed(ArchiveQuery::default()).await.is_empty());
    let bulks = vec!["x".to_owned(), "y".to_owned()];
    assert!(stage.listed(ArchiveQuery { bulk_ids: bulks, ..Default::default() }).await.is_empty());
}

async fn pending_reports_age_only_if_wanted(open: &impl Open) {
    let keeping = Keeping { pending_max_age: Some(DAY), ..Keeping::default() };
    let stage = Stage::keeping(open, "age", keeping).await;
    stage.feed("b", &["1", "2", "3"]).await;
    let taken = stage.take(1).await.take.expect("something was taken");
    stage.clock.advance(DAY / 2);
    stage.feed("b", &["4"]).await;
    let dropped = |pending_dropped| Upkept { pending_dropped, ..Upkept::default() };
    assert_eq!(stage.pass(DAY / 2).await, dropped(2));
    assert_eq!(stage.waiting().await, (1, 1), "what is in flight stays");
    stage.ledger.resolve(taken, Fate::Returned(crate::ReturnReason::NotWritten));
    assert_eq!(stage.pass(Duration::ZERO).await, dropped(1));
    assert_eq!(stage.listed(ArchiveQuery::default()).await, ["4"]);
    assert_eq!(stage.take_all().await, ["4"]);
}
