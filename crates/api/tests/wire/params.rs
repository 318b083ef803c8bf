//! Query strings and the parameters in them.

use api::wire::Fault;
use api::wire::params::{TakeParams, archive_query};
use api::wire::query::Query;
use model::Timestamp;
use model::limits::ID_BYTES_MAX;

const LIMIT_MAX: usize = 1000;

/// `bulkId messageId limit` of a take, or the path that is refused.
#[track_caller]
fn check(query: &str, expect: Result<(Option<&str>, Option<&str>, usize), &str>) {
    let params = Query::parse(query).and_then(|query| TakeParams::parse(&query, LIMIT_MAX));
    let got = params
        .as_ref()
        .map(|params| (params.bulk_id.as_deref(), params.message_id.as_deref(), params.limit));
    assert_eq!(got.map_err(|fault| fault.path.as_str()), expect, "?{query}");
}

#[track_caller]
fn check_logs_fault(query: &str, expect: &str) {
    let fault = Query::parse(query).and_then(|query| archive_query(&query, LIMIT_MAX));
    assert_eq!(fault.unwrap_err().to_string(), expect, "?{query}");
}

#[test]
fn a_take_is_filtered_by_both_ids() {
    check("", Ok((None, None, 50)));
    check("bulkId=b&messageId=m&limit=2", Ok((Some("b"), Some("m"), 2)));
    check("bulkId=B%20%C4%8D+x%2B", Ok((Some("B č x+"), None, 50)));
    check("bulkId=a%26b%3Dc", Ok((Some("a&b=c"), None, 50)));
    check("bulkId=a=b", Ok((Some("a=b"), None, 50)));
    check("%62ulkId=x", Ok((Some("x"), None, 50)));
    check("&&limit=3&", Ok((None, None, 3)));
}

#[test]
fn null_and_empty_are_absent() {
    check("bulkId=null&messageId=x", Ok((None, Some("x"), 50)));
    check("bulkId=&messageId=&limit=", Ok((None, None, 50)));
    check("bulkId&limit=null", Ok((None, None, 50)));
    check("bulkId=NULL", Ok((Some("NULL"), None, 50)));
}

#[test]
fn unknown_parameters_are_ignored() {
    check("_=1423731500&BulkId=x&limit=5&_=2", Ok((None, None, 5)));
}

#[test]
fn a_limit_above_the_maximum_is_the_maximum() {
    check("limit=1", Ok((None, None, 1)));
    check("limit=0007", Ok((None, None, 7)));
    check("limit=1000", Ok((None, None, 1000)));
    check("limit=1001", Ok((None, None, 1000)));
    check("limit=18446744073709551616", Ok((None, None, 1000)));
    check(&format!("limit={}", "9".repeat(10_000)), Ok((None, None, 1000)));
}

#[test]
fn what_is_no_limit_is_refused() {
    for limit in ["0", "000", "-1", "+5", "%2B5", "%205", "5+", "5.0", "0x5", "abc", "1e3", "٣"] {
        check(&format!("limit={limit}"), Err("limit"));
    }
}

#[test]
fn a_parameter_twice_is_refused() {
    check("limit=1&limit=1", Err("limit"));
    check("bulkId=a&bulkId=a", Err("bulkId"));
    check("bulkId=&bulkId=null", Err("bulkId"));
    check("messageId=a&x=1&messageId=b", Err("messageId"));
}

#[test]
fn what_cannot_be_decoded_is_refused() {
    check("bulkId=%", Err("bulkId"));
    check("bulkId=%4", Err("bulkId"));
    check("bulkId=%zz", Err("bulkId"));
    check("bulkId=%+1", Err("bulkId"));
    check("bulkId=%C4", Err("bulkId"));
    check("bulkId=%C0%80", Err("bulkId"));
    check("x=%", Err("x"));
    check("%FF=1", Err("%FF"));
}

#[test]
fn ids_have_a_longest_length() {
    let longest = "i".repeat(ID_BYTES_MAX);
    check(&format!("messageId={longest}"), Ok((None, Some(&longest), 50)));
    check(&format!("messageId={longest}i"), Err("messageId"));
    check(&format!("bulkId={}", "%61".repeat(10_240)), Err("bulkId"));
}

#[test]
fn the_logs_are_searched_by_everything_given() {
    let query = "from=1&to=2&bulkId=a&bulkId=b&bulkId=&messageId=m&generalStatus=DELIVERED\
                 &sentSince=2015-02-12T09:58:20.323+0100&sentUntil=2015-02-12T08:58:20.337000Z\
                 &limit=7&mcc=219&mnc=01";
    let found = archive_query(&Query::parse(query).unwrap(), LIMIT_MAX).unwrap();
    assert_eq!(found.from.as_deref(), Some("1"));
    assert_eq!(found.to.as_deref(), Some("2"));
    assert_eq!(found.bulk_ids, ["a", "b"]);
    assert_eq!(found.message_ids, ["m"]);
    assert_eq!(found.status_group.as_deref(), Some("DELIVERED"));
    assert_eq!(found.sent_since, Some(Timestamp::from_millis(1_423_731_500_323)));
    assert_eq!(found.sent_until, Some(Timestamp::from_millis(1_423_731_500_337)));
    assert_eq!(found.limit, 7);
    assert_eq!(found.mcc.as_deref(), Some("219"));
    assert_eq!(found.mnc.as_deref(), Some("01"));
    assert_eq!(found.fed_since, None);
}

#[test]
fn what_the_logs_cannot_be_searched_by_is_named() {
    check_logs_fault(
        "generalStatus=delivered",
        "generalStatus is none of ACCEPTED, PENDING, UNDELIVERABLE, DELIVERED, EXPIRED, REJECTED",
    );
    check_logs_fault("sentSince=2015-02-30T00:00:00Z", "sentSince is a date that does not exist");
    check_logs_fault(
        "sentUntil=yesterday",
        "sentUntil is not a date such as 2015-02-12T09:58:20.323+0100",
    );
    check_logs_fault("mcc=21", "mcc is not a mobile country or network code");
    check_logs_fault("mnc=abc", "mnc is not a mobile country or network code");
    check_logs_fault("limit=0", "limit is not a whole number above 0");
    check_logs_fault("from=1&from=1", "from is given more than once");
    let long_id = format!("messageId={}", "i".repeat(ID_BYTES_MAX + 1));
    check_logs_fault(&long_id, "messageId is longer than 200 bytes");
}

#[test]
fn lookups_tell_one_from_many() {
    let query = Query::parse("a=1&b=2&a=3").unwrap();
    assert_eq!(query.one("b"), Ok(Some("2")));
    assert_eq!(query.one("c"), Ok(None));
    let twice = Fault { path: "a".into(), reason: "is given more than once".into() };
    assert_eq!(query.one("a"), Err(twice));
    assert_eq!(query.many("a").collect::<Vec<_>>(), ["1", "3"]);
}
