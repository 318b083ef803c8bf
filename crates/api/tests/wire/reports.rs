//! Reports to test with.

use model::{Price, Report, ReportError, Status, Timestamp};

/// The report of the documentation's first example.
pub(crate) fn documented() -> Report {
    Report {
        bulk_id: "8c20f086-d82b-48cc-b2b3-3ca5f7aca9fb".into(),
        message_id: "ff4804ef-6ab6-4abd-984d-ab3b1387e852".into(),
        to: "385981178".into(),
        from: None,
        text: None,
        callback_data: None,
        // 2015-02-12T09:58:20.323+0100
        sent_at: Timestamp::from_millis(1_423_731_500_323),
        done_at: Timestamp::from_millis(1_423_731_500_337),
        start_time: None,
        answer_time: None,
        end_time: None,
        duration_seconds: 10,
        file_duration: None,
        mcc_mnc: Some("21901".into()),
        dtmf_codes: "1".into(),
        recorded: false,
        price: Price { per_second: "0.01".parse().unwrap(), currency: "EUR".into() },
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

/// The documented report with everything that the newer shapes have a place for.
pub(crate) fn complete() -> Report {
    Report {
        from: Some("41793026700".into()),
        text: Some("Fish & chips".into()),
        callback_data: Some("order <7>".into()),
        start_time: Some(Timestamp::from_millis(1_423_731_500_325)),
        answer_time: Some(Timestamp::from_millis(1_423_731_500_330)),
        end_time: Some(Timestamp::from_millis(1_423_731_510_330)),
        file_duration: Some(std::time::Duration::from_micros(3_213_050)),
        dtmf_codes: "3,9".into(),
        ..documented()
    }
}
