//! Every row of the sandbox's numbers, from its submission to what its report says.

use model::cdr::Ending;
use model::message::{Keys, MachineDetection};
use model::{Calling, Generation, Message, Outcome};
use store::Record;

use crate::house::{House, Plan, message, persons, secs, text};

const PERSON: &str = "385981001";

/// Number, outcome, status, error.
const UNREACHED: [(&str, Outcome, u32, u32); 8] = [
    ("385981486", Outcome::Busy, 15, 5002),
    ("385981603", Outcome::Declined, 15, 5603),
    ("385981480", Outcome::Unavailable, 15, 5480),
    ("385981180", Outcome::NoAnswer, 15, 5003),
    ("385981404", Outcome::NoSuchNumber, 15, 5404),
    ("385981484", Outcome::IncompleteNumber, 15, 5484),
    ("385981503", Outcome::Congestion, 15, 5503),
    ("385981408", Outcome::NetworkError, 15, 5408),
];

async fn carried(message: Message) -> (House, Record) {
    let house = House::new().await;
    house.submit(vec![message]).await;
    let report = house.report().await;
    (house, report)
}

#[tokio::test(start_paused = true)]
async fn who_is_not_reached_has_a_report_without_times() {
    for (number, outcome, status, error) in UNREACHED {
        let (house, record) = carried(message("m", number, PERSON)).await;
        let report = record.report().unwrap();
        assert_eq!((report.status.id, report.error.id), (status, error), "{number}");
        assert_eq!((report.duration_seconds, report.dtmf_codes), (0, ""), "{number}");
        let times = [report.start_time, report.answer_time, report.end_time];
        assert_eq!(times, [None; 3], "{number}");
        let cdr = house.cdrs("m").await.remove(0);
        assert_eq!(cdr.outcome, outcome, "{number}");
        assert_eq!((report.sent_at, report.done_at), (cdr.leg_a.invite, cdr.done_at()), "{number}");
        assert_eq!((report.to, report.from), (number, Some("38598000")));
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_of_the_newer_generation_has_the_newer_rows() {
    let calling = Calling { generation: Generation::Newer, ..Calling::default() };
    let house = House::built(Plan { accounts: vec![calling], ..Plan::default() }).await;
    for (number, ..) in UNREACHED {
        house.submit(vec![message(number, number, PERSON)]).await;
    }
    house.submit(vec![persons(PERSON)]).await;
    for record in house.reports(UNREACHED.len() + 1).await {
        let report = record.report().unwrap();
        let row = UNREACHED.iter().find(|row| row.0 == report.message_id);
        let (status, error) = row.map_or(Outcome::Answered, |row| row.1).rows(Generation::Newer);
        assert_eq!((report.status, report.error), (status.into(), error.into()));
    }
}

#[tokio::test(start_paused = true)]
async fn two_persons_talk() {
    let (house, record) = carried(persons("m")).await;
    let report = record.report().unwrap();
    assert_eq!((report.status.id, report.error.id), (5, 5000));
    let cdr = house.cdrs("m").await.remove(0);
    assert_eq!(cdr.bridged(), secs(2));
    let a = &cdr.leg_a;
    assert_eq!(report.sent_at, a.invite);
    let times = [report.start_time, report.answer_time, report.end_time];
    assert_eq!(times, [a.ringing, a.answered, a.ended]);
    assert_eq!(u64::from(report.duration_seconds), a.connected().as_secs());
    assert!(report.duration_seconds >= 3, "B rang meanwhile");
    assert_eq!(report.done_at, cdr.done_at());
}

#[tokio::test(start_paused = true)]
async fn if_b_is_not_reached_a_was() {
    for (number, outcome, ..) in UNREACHED {
        let (house, record) = carried(message("m", PERSON, number)).await;
        assert_eq!(record.report().unwrap().error.id, 5000, "{number}");
        let cdr = house.cdrs("m").await.remove(0);
        assert_eq!(cdr.ending, Ending::BNotReached, "{number}");
        assert_eq!(cdr.leg_b.unwrap().outcome, outcome, "{number}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_answers() {
    let detecting = Message {
        machine_detection: Some(MachineDetection::Hangup),
        ..message("m", "385981210", PERSON)
    };
    let (_house, record) = carried(detecting).await;
    let report = record.report().unwrap();
    assert_eq!((report.status.id, report.error.id), (5, 5001));
}

#[tokio::test(start_paused = true)]
async fn a_person_presses_a_key() {
    for key in '1'..='9' {
        let keys = Keys { max: 1, timeout: secs(10), repeats: 0, repeat_on: None };
        let asked = Message {
            destination_b: None,
            keys: Some(keys),
            prompt: text("Press a key."),
            callback_data: Some("order 7".into()),
            ..message("m", &format!("38598121{key}"), PERSON)
        };
        let (_house, record) = carried(asked).await;
        let report = record.report().unwrap();
        assert_eq!(report.dtmf_codes, key.to_string());
        assert_eq!((report.text, report.callback_data), (Some("Press a key."), Some("order 7")));
    }
}

#[tokio::test(start_paused = true)]
async fn slow_and_hasty_persons_answer() {
    let (_house, record) = carried(message("m", "385981298", PERSON)).await;
    let report = record.report().unwrap();
    let rang = report.answer_time.unwrap().since(report.start_time.unwrap());
    assert!((secs(18)..=secs(22)).contains(&rang), "{rang:?}");
    let (_house, record) = carried(message("m", "385981299", PERSON)).await;
    let report = record.report().unwrap();
    assert_eq!((report.error.id, report.duration_seconds), (5000, 0));
}
