//! What calls cost, and what an account may spend.

use model::calling::Unlisted;
use model::cdr::Charged;
use model::deck::DeckFile;
use model::{Calling, Message, Timestamp};
use store::Ledger;

use crate::house::{House, NOON, ONE, Plan, message, persons, secs};

const HEAD: &str = "prefix,destination,per_minute,increments,connect_fee,mccMnc,currency,charge_b";
const MOBILE: &str = "38598,Croatia mobile,0.6,60/60,0.05,21901,EUR,no";

fn deck(lines: &[&str]) -> DeckFile {
    let lines: Vec<&str> = [HEAD].into_iter().chain(lines.iter().copied()).collect();
    DeckFile {
        name: "retail".into(),
        imported_at: NOON,
        currency: None,
        increments: "1/1".into(),
        charge_b: false,
        decimals: 4,
        csv: lines.join("\n").into_bytes(),
    }
}

fn calling() -> Calling {
    Calling { deck: Some("retail".into()), ..Calling::default() }
}

async fn priced(calling: Calling, deck: DeckFile) -> House {
    let house = House::empty(Plan { accounts: vec![calling], ..Plan::default() }).await;
    house.ledger().put_deck(deck).await.unwrap();
    let mut house = house;
    house.start();
    house
}

fn total(charged: &Charged) -> (String, u64) {
    (charged.total.to_string(), charged.billed_seconds)
}

#[tokio::test(start_paused = true)]
async fn a_call_is_priced_by_its_deck_line() {
    let house = priced(calling(), deck(&[MOBILE])).await;
    house.submit(vec![persons("m")]).await;
    let record = house.report().await;
    let report = record.report().unwrap();
    assert_eq!(
        (report.price.per_second.to_string().as_str(), report.price.currency),
        ("0.01", "EUR")
    );
    assert_eq!(report.mcc_mnc, Some("21901"));
    let charged = house.charged("m").await;
    assert_eq!(total(&charged), ("0.65".into(), 60));
    assert_eq!(charged.deck.as_deref(), Some("retail"));
    let line = charged.line_a.unwrap();
    assert_eq!((line.line, line.text.starts_with("line 2: 38598")), (2, true), "{}", line.text);
    assert_eq!(charged.line_b, None);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_nobody_answers_costs_nothing_and_says_its_rate() {
    let house = priced(calling(), deck(&[MOBILE])).await;
    house.submit(vec![message("m", "385981486", "385981001")]).await;
    let record = house.report().await;
    let report = record.report().unwrap();
    assert_eq!(report.price.per_second.to_string(), "0.01");
    assert_eq!(report.mcc_mnc, Some("21901"));
    let charged = house.charged("m").await;
    assert_eq!((total(&charged), charged.line_a.is_some()), (("0".into(), 0), true));
}

#[tokio::test(start_paused = true)]
async fn both_legs_are_charged_if_the_line_says_so() {
    let both = "38598,Croatia mobile,0.6,1/1,0,21901,EUR,yes";
    let house = priced(calling(), deck(&[both, "44,United Kingdom,0.3,1/1,0,,EUR,no"])).await;
    house.submit(vec![message("m", "385981001", "442079460001")]).await;
    let record = house.report().await;
    assert_eq!(record.report().unwrap().price.per_second.to_string(), "0.015");
    let (cdr, charged) = (house.cdrs("m").await.remove(0), house.charged("m").await);
    let (a, b) = (cdr.leg_a.connected().as_secs(), cdr.leg_b.unwrap().connected().as_secs());
    assert!(a > b && b > 0);
    assert_eq!(charged.billed_seconds, a + b);
    assert_eq!(charged.line_b.unwrap().line, 3);
    let millis = a * 10 + b * 5;
    assert_eq!(charged.total, format!("0.{millis:03}").trim_end_matches('0').parse().unwrap());
}

#[tokio::test(start_paused = true)]
async fn the_leg_that_a_key_leads_to_is_charged() {
    let both = "38598,Croatia mobile,0.6,1/1,0,21901,EUR,yes";
    let house = priced(calling(), deck(&[both, "44,United Kingdom,0.3,1/1,0,,EUR,no"])).await;
    let to_london = model::message::Leg2 {
        number: "442079460001".parse().unwrap(),
        shown: "38598000".into(),
        max_duration: None,
        warning_time: None,
        if_keys: vec!["3".into()],
    };
    let keys = model::message::Keys { max: 1, timeout: secs(5), repeats: 0, repeat_on: None };
    let voice = Message {
        destination_b: None,
        transfers: vec![to_london],
        keys: Some(keys),
        prompt: crate::house::text("Press three."),
        ..message("m", "385981213", "385981001")
    };
    house.submit(vec![voice]).await;
    let record = house.report().await;
    assert_eq!(record.report().unwrap().price.per_second.to_string(), "0.015");
    assert_eq!(house.charged("m").await.line_b.unwrap().line, 3);
}

#[tokio::test(start_paused = true)]
async fn an_account_without_a_deck_pays_nothing() {
    let house = House::new().await;
    house.submit(vec![persons("m")]).await;
    let record = house.report().await;
    let report = record.report().unwrap();
    assert_eq!(
        (report.price.per_second.to_string().as_str(), report.price.currency),
        ("0", "UNKNOWN")
    );
    assert_eq!((report.mcc_mnc, house.charged("m").await.deck), (None, None));
}

#[tokio::test(start_paused = true)]
async fn a_number_that_has_no_line_any_more_is_refused_or_unrated() {
    for (unlisted, error, lines) in [(Unlisted::Refuse, 5403, 0), (Unlisted::Unrated, 5000, 1)] {
        let house = priced(Calling { unlisted, ..calling() }, deck(&[MOBILE])).await;
        house.submit(vec![Message { send_at: NOON.plus(secs(60)), ..persons("m") }]).await;
        house.pass(secs(30)).await;
        house.ledger().put_deck(deck(&["44,United Kingdom,0.3,1/1,0,,EUR,no"])).await.unwrap();
        let record = house.report().await;
        let report = record.report().unwrap();
        assert_eq!((report.error.id, report.price.currency), (error, "UNKNOWN"));
        assert_eq!(house.carrier.lines().len(), lines);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_under_way_is_priced_by_the_deck_that_it_was_placed_under() {
    let mut plan = Plan { accounts: vec![calling()], ..Plan::default() };
    plan.sandbox.talk = secs(30);
    let mut house = House::empty(plan).await;
    house.ledger().put_deck(deck(&[MOBILE])).await.unwrap();
    house.start();
    house.submit(vec![persons("m")]).await;
    house.pass(secs(20)).await;
    let dearer = DeckFile {
        imported_at: NOON.plus(secs(20)),
        ..deck(&["38598,Croatia mobile,6,60/60,0,21901,EUR,no"])
    };
    house.ledger().put_deck(dearer).await.unwrap();
    house.submit(vec![persons("dearer")]).await;
    let records = house.reports(2).await;
    let prices: Vec<String> =
        records.iter().map(|r| r.report().unwrap().price.per_second.to_string()).collect();
    assert_eq!(prices, ["0.01", "0.1"]);
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_a_deck_that_can_be_read() {
    let broken = DeckFile { csv: b"prefix,per_minute\n385,dear".to_vec(), ..deck(&[]) };
    let house = priced(calling(), broken.clone()).await;
    house.submit(vec![persons("m")]).await;
    house.pass(secs(3_600)).await;
    assert!(house.carrier.lines().is_empty());
    house.ledger().put_deck(deck(&[MOBILE])).await.unwrap();
    let record = house.report().await;
    assert_eq!(record.report().unwrap().price.currency, "EUR");
    let house = priced(Calling { unlisted: Unlisted::Unrated, ..calling() }, broken).await;
    house.submit(vec![persons("m")]).await;
    let record = house.report().await;
    assert_eq!(record.report().unwrap().price.currency, "UNKNOWN");
    assert!(house.clock.elapsed() < secs(60));
}

#[tokio::test(start_paused = true)]
async fn an_account_that_has_spent_its_day_calls_again_tomorrow() {
    let calling =
        Calling { daily_spend: Some("1".parse().unwrap()), concurrent_calls: Some(1), ..calling() };
    let house = priced(calling, deck(&[MOBILE])).await;
    let one_at_a_time: Vec<Message> = (0..4).map(|n| persons(&format!("{n}"))).collect();
    house.submit(one_at_a_time).await;
    let records = house.reports(4).await;
    let errors: Vec<u32> = records.iter().map(|r| r.report().unwrap().error.id).collect();
    // 0.65 and 1.30: the limit is passed by the call that was placed below it.
    assert_eq!(errors, [5000, 5000, 5403, 5403]);
    assert_eq!(records[2].report().unwrap().status.name, "REJECTED_NOT_ENOUGH_CREDITS");
    let today = day(NOON);
    assert_eq!(house.ledger().spent(ONE, today).await.unwrap().to_string(), "1.30");
    house.pass(secs(12 * 3_600)).await;
    house.submit(vec![persons("tomorrow")]).await;
    let records = house.reports(5).await;
    assert_eq!(records[4].report().unwrap().error.id, 5000);
    assert_eq!(house.ledger().spent(ONE, today + 1).await.unwrap().to_string(), "0.65");
}

#[tokio::test(start_paused = true)]
async fn the_day_is_that_of_the_accounts_zone() {
    let house = priced(calling(), deck(&[MOBILE])).await;
    let mut account = (*house.tariffs.account(ONE).unwrap()).clone();
    // Noon in UTC is the next day's small hours there.
    account.zone = model::Zone::named("Pacific/Kiritimati").unwrap();
    house.replace(account).await;
    house.submit(vec![persons("m")]).await;
    house.report().await;
    assert_eq!(house.ledger().spent(ONE, day(NOON)).await.unwrap().to_string(), "0");
    assert_eq!(house.ledger().spent(ONE, day(NOON) + 1).await.unwrap().to_string(), "0.65");
}

fn day(at: Timestamp) -> i32 {
    i32::try_from(at.as_millis() / 86_400_000).unwrap()
}
