//! The work that everybody does: the same reports, the same bytes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use model::{
    Account, AccountId, Clock, Price, Report, ReportError, Roles, Status, Timestamp, Zone,
};
use store::Ledger;

/// Reports of one take.
pub(crate) const TAKE: usize = 50;
/// An ordinary instant: 2026-01-01T00:00:00Z.
const START_MILLIS: i64 = 1_767_225_600_000;

/// A clock that runs, from a fixed instant on.
pub(crate) struct Running(Instant);

impl Running {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for Running {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(START_MILLIS).plus(self.0.elapsed())
    }
}

/// Gives every report of a run its own `messageId`.
#[derive(Default)]
pub(crate) struct Numbers(AtomicU64);

impl Numbers {
    /// Numbers from `first` on.
    pub(crate) const fn starting(first: u64) -> Self {
        Self(AtomicU64::new(first))
    }

    /// The next reports, of one bulk.
    pub(crate) fn reports(&self, count: usize) -> Vec<Report> {
        let first = self.0.fetch_add(count as u64, Ordering::Relaxed);
        (first..first + count as u64).map(|number| report(number, first)).collect()
    }
}

/// A report as they are: about 600 bytes in JSON, as many as a record.
fn report(number: u64, bulk: u64) -> Report {
    let sent_at = Timestamp::from_millis(START_MILLIS + number as i64);
    // Spread as UUIDs are, so that indexes see what they would see.
    let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Report {
        bulk_id: format!("8c20f086-d82b-48cc-b2b3-{bulk:012x}"),
        message_id: format!("{:08x}-d1c2-4f3a-9b5e-{number:012x}", spread >> 32),
        to: format!("3859{:08}", number % 100_000_000),
        from: Some("442032864231".into()),
        text: Some("Your parcel is on its way. Press one to speak to the driver. ".repeat(4)),
        callback_data: None,
        sent_at,
        done_at: Timestamp::from_millis(sent_at.as_millis() + 21_337),
        start_time: Some(sent_at),
        answer_time: Some(sent_at),
        end_time: Some(sent_at),
        file_duration: None,
        recorded: false,
        duration_seconds: 10,
        mcc_mnc: Some("21901".into()),
        dtmf_codes: "1".into(),
        price: Price { per_second: "0.01".parse().expect("an amount"), currency: "EUR".into() },
        status: Status {
            group_id: 3,
            group_name: "DELIVERED".into(),
            id: 5,
            name: "DELIVERED_TO_HANDSET".into(),
            description: "Message delivered to handset".into(),
        },
        error: ReportError {
            group_id: 0,
            group_name: "OK".into(),
            id: 5000,
            name: "VOICE_ANSWERED".into(),
            description: "Call answered by human".into(),
            permanent: true,
        },
    }
}

/// The report's bytes, for those who keep bytes: as many as a record of the ledger has.
pub(crate) fn body(report: &Report) -> Vec<u8> {
    let mut out = Vec::with_capacity(640);
    out.extend_from_slice(&[1; 54]); // version, presence, times and numbers
    let optional = [&report.from, &report.text, &report.callback_data, &report.mcc_mnc];
    let texts = [
        &report.bulk_id,
        &report.message_id,
        &report.to,
        &report.dtmf_codes,
        &report.price.currency,
        &report.status.group_name,
        &report.status.name,
        &report.status.description,
        &report.error.group_name,
        &report.error.name,
        &report.error.description,
    ];
    for text in texts.into_iter().chain(optional.into_iter().flatten()) {
        out.push(text.len() as u8);
        out.extend_from_slice(text.as_bytes());
    }
    out
}

/// Adds the account that everything happens to.
pub(crate) async fn add_account(ledger: &dyn Ledger) -> anyhow::Result<AccountId> {
    add_account_named(ledger, "bench").await
}

/// Adds an account of that name.
pub(crate) async fn add_account_named(
    ledger: &dyn Ledger,
    name: &str,
) -> anyhow::Result<AccountId> {
    let account = Account {
        id: AccountId(0),
        name: name.into(),
        zone: Zone::utc(),
        password_hash: None,
        roles: Roles::default(),
        disabled: false,
        calling: Default::default(),
        created_at: Timestamp::from_millis(START_MILLIS),
    };
    Ok(ledger.add_account(account).await?.id)
}
