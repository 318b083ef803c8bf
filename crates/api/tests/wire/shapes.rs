//! What is written, byte for byte.

use api::wire::error::error_body;
use api::wire::receipt::{Receipt, Refusal, feed_reply};
use api::wire::{Fault, Format, content_type, logs, reports, voice_reports};
use model::{Report, Zone};

use crate::reports::{complete, documented};

fn zagreb() -> Zone {
    Zone::named("Europe/Zagreb").unwrap()
}

/// One report in both formats, as the given function shapes it.
#[track_caller]
fn check(
    shape: fn(Format, &[Report<String>], &Zone) -> Vec<u8>,
    report: &Report,
    json: &str,
    xml: &str,
) {
    let one = std::slice::from_ref(report);
    assert_eq!(String::from_utf8(shape(Format::Json, one, &zagreb())).unwrap(), json);
    assert_eq!(String::from_utf8(shape(Format::Xml, one, &zagreb())).unwrap(), xml);
}

#[track_caller]
fn check_empty(
    shape: fn(Format, &[Report<&'static str>], &Zone) -> Vec<u8>,
    json: &str,
    xml: &str,
) {
    assert_eq!(String::from_utf8(shape(Format::Json, &[], &zagreb())).unwrap(), json);
    assert_eq!(String::from_utf8(shape(Format::Xml, &[], &zagreb())).unwrap(), xml);
}

const PROLOG: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
const STATUS_JSON: &str = r#""status":{"groupId":3,"groupName":"DELIVERED","id":5,"name":"DELIVERED_TO_HANDSET","description":"Message delivered to handset"}"#;
const STATUS_XML: &str = "<status><groupId>3</groupId><groupName>DELIVERED</groupName><id>5</id><name>DELIVERED_TO_HANDSET</name><description>Message delivered to handset</description></status>";
const ERROR_JSON: &str = r#""error":{"groupId":0,"groupName":"OK","id":5000,"name":"VOICE_ANSWERED","description":"Call answered by human","permanent":true}"#;
const ERROR_XML: &str = "<error><groupId>0</groupId><groupName>OK</groupName><id>5000</id><name>VOICE_ANSWERED</name><description>Call answered by human</description><permanent>true</permanent></error>";
const IDS_JSON: &str = r#""bulkId":"8c20f086-d82b-48cc-b2b3-3ca5f7aca9fb","messageId":"ff4804ef-6ab6-4abd-984d-ab3b1387e852""#;
const IDS_XML: &str = "<bulkId>8c20f086-d82b-48cc-b2b3-3ca5f7aca9fb</bulkId><messageId>ff4804ef-6ab6-4abd-984d-ab3b1387e852</messageId>";

#[test]
fn content_types_are_bare() {
    assert_eq!(content_type(Format::Json), "application/json");
    assert_eq!(content_type(Format::Xml), "application/xml");
}

#[test]
fn nothing_is_an_empty_collection() {
    check_empty(reports, r#"{"results":[]}"#, "<reportResponse><results/></reportResponse>");
    check_empty(
        voice_reports,
        r#"{"results":[]}"#,
        &format!("{PROLOG}<reportResponse><results/></reportResponse>"),
    );
    check_empty(
        |format, reports, zone| logs(format, &[], reports, zone),
        r#"{"results":[]}"#,
        &format!("{PROLOG}<voiceLogsResponse><results/></voiceLogsResponse>"),
    );
}

#[test]
fn a_classic_report_leaves_out_what_the_documentation_does_not_have() {
    let report = Report {
        mcc_mnc: None,
        dtmf_codes: String::new(),
        price: model::Price { per_second: "0.0100".parse().unwrap(), currency: "EUR".into() },
        ..complete()
    };
    check(
        reports,
        &report,
        &format!(
            r#"{{"results":[{{{IDS_JSON},"to":"385981178","sentAt":"2015-02-12T09:58:20.323+0100","doneAt":"2015-02-12T09:58:20.337+0100","duration":10,"dtmfCodes":"","price":{{"pricePerSecond":0.0100,"currency":"EUR"}},{STATUS_JSON},{ERROR_JSON}}}]}}"#
        ),
        &format!(
            "<reportResponse><results><result>{IDS_XML}<to>385981178</to><sentAt>2015-02-12T09:58:20.323+0100</sentAt><doneAt>2015-02-12T09:58:20.337+0100</doneAt><duration>10</duration><dtmfCodes></dtmfCodes><price><pricePerMessage>0.0100</pricePerMessage><currency>EUR</currency></price>{STATUS_XML}{ERROR_XML}</result></results></reportResponse>"
        ),
    );
}

#[test]
fn a_newer_report_has_the_call_in_an_object() {
    check(
        voice_reports,
        &complete(),
        &format!(
            r#"{{"results":[{{{IDS_JSON},"from":"41793026700","to":"385981178","sentAt":"2015-02-12T09:58:20.323+0100","mccMnc":"21901","callbackData":"order <7>","voiceCall":{{"feature":"Click-to-call","startTime":"2015-02-12T09:58:20.325+0100","answerTime":"2015-02-12T09:58:20.330+0100","endTime":"2015-02-12T09:58:30.330+0100","duration":10,"fileDuration":3.21305,"dtmfCodes":"3, 9","answeredBy":"HUMAN"}},"price":{{"pricePerSecond":0.01,"currency":"EUR"}},{STATUS_JSON},{ERROR_JSON}}}]}}"#
        ),
        &format!(
            "{PROLOG}<reportResponse><results><results>{IDS_XML}<from>41793026700</from><to>385981178</to><sentAt>2015-02-12T09:58:20.323+0100</sentAt><mccMnc>21901</mccMnc><callbackData>order &lt;7&gt;</callbackData><voiceCall><feature>Click-to-call</feature><startTime>2015-02-12T09:58:20.325+0100</startTime><answerTime>2015-02-12T09:58:20.330+0100</answerTime><endTime>2015-02-12T09:58:30.330+0100</endTime><duration>10</duration><fileDuration>3.21305</fileDuration><dtmfCodes>3, 9</dtmfCodes><answeredBy>HUMAN</answeredBy></voiceCall><price><pricePerSecond>0.01</pricePerSecond><currency>EUR</currency></price>{STATUS_XML}{ERROR_XML}</results></results></reportResponse>"
        ),
    );
}

#[test]
fn a_newer_report_says_who_answered_only_when_someone_did() {
    let answered_by = |error_id| {
        let mut report = documented();
        report.error.id = error_id;
        let json = String::from_utf8(voice_reports(Format::Json, &[report], &zagreb())).unwrap();
        let (_, after) = json.split_once(r#""dtmfCodes":"1""#).unwrap();
        after.split_once('}').unwrap().0.to_owned()
    };
    assert_eq!(answered_by(5000), r#","answeredBy":"HUMAN""#);
    assert_eq!(answered_by(5001), r#","answeredBy":"MACHINE""#);
    assert_eq!(answered_by(5003), "");
}

#[test]
fn a_log_has_caller_and_text() {
    check(
        |format, reports, zone| logs(format, &[], reports, zone),
        &complete(),
        &format!(
            r#"{{"results":[{{{IDS_JSON},"to":"385981178","from":"41793026700","text":"Fish & chips","sentAt":"2015-02-12T09:58:20.323+0100","doneAt":"2015-02-12T09:58:20.337+0100","duration":10,"mccMnc":"21901","price":{{"pricePerSecond":0.01,"currency":"EUR"}},{STATUS_JSON},{ERROR_JSON}}}]}}"#
        ),
        &format!(
            "{PROLOG}<voiceLogsResponse><results><results>{IDS_XML}<to>385981178</to><from>41793026700</from><text>Fish &amp; chips</text><sentAt>2015-02-12T09:58:20.323+0100</sentAt><doneAt>2015-02-12T09:58:20.337+0100</doneAt><duration>10</duration><mccMnc>21901</mccMnc><price><pricePerSecond>0.01</pricePerSecond><currency>EUR</currency></price>{STATUS_XML}{ERROR_XML}</results></results></voiceLogsResponse>"
        ),
    );
}

#[test]
fn texts_are_escaped_and_what_xml_forbids_is_replaced() {
    let told = |text: &str| {
        let faults = [];
        let [json, xml] = [Format::Json, Format::Xml]
            .map(|format| String::from_utf8(error_body(format, "X", text, &faults)).unwrap());
        let json = json.split_once(r#""text":"#).unwrap().1.trim_end_matches('}').to_owned();
        let xml = xml.split_once("<text>").unwrap().1.split_once("</text>").unwrap().0.to_owned();
        (json, xml)
    };
    let check = |text: &str, json: &str, xml: &str| {
        assert_eq!(told(text), (json.to_owned(), xml.to_owned()), "{text:?}");
    };
    check("a<b>&\"'", r#""a<b>&\"'""#, "a&lt;b&gt;&amp;\"'");
    check("]]>", r#""]]>""#, "]]&gt;");
    check("\t\n\r", r#""\t\n\r""#, "\t\n&#13;");
    check("a\u{1}\u{0}b\u{1F}", "\"a\\u0001\\u0000b\\u001f\"", "a\u{FFFD}\u{FFFD}b\u{FFFD}");
    check("\u{FFFE}x\u{FFFF}", "\"\u{FFFE}x\u{FFFF}\"", "\u{FFFD}x\u{FFFD}");
    check(
        "č\u{FFFD}😀\u{EFBF}\u{7F}",
        "\"č\u{FFFD}😀\u{EFBF}\u{7F}\"",
        "č\u{FFFD}😀\u{EFBF}\u{7F}",
    );
    check("back\\slash", r#""back\\slash""#, "back\\slash");
}

#[test]
fn an_error_names_what_is_wrong() {
    // 97 bytes: the very length that a real reply was seen with.
    let json = error_body(Format::Json, "UNAUTHORIZED", "Invalid login details", &[]);
    assert_eq!(json.len(), 97);
    assert_eq!(
        String::from_utf8(json).unwrap(),
        r#"{"requestError":{"serviceException":{"messageId":"UNAUTHORIZED","text":"Invalid login details"}}}"#
    );
    let errors = [
        ("messages[0].to".to_owned(), vec!["is missing".to_owned(), "is <odd>".to_owned()]),
        ("limit".to_owned(), vec!["is 0".to_owned()]),
    ];
    assert_eq!(
        String::from_utf8(error_body(Format::Json, "BAD_REQUEST", "Bad Request", &errors)).unwrap(),
        r#"{"requestError":{"serviceException":{"messageId":"BAD_REQUEST","text":"Bad Request","validationErrors":{"messages[0].to":["is missing","is <odd>"],"limit":["is 0"]}}}}"#
    );
    assert_eq!(
        String::from_utf8(error_body(Format::Xml, "BAD_REQUEST", "Bad Request", &errors)).unwrap(),
        format!(
            "{PROLOG}<ApiException><requestError><serviceException><messageId>BAD_REQUEST</messageId><text>Bad Request</text><validationErrors><validationError><path>messages[0].to</path><message>is missing</message><message>is &lt;odd&gt;</message></validationError><validationError><path>limit</path><message>is 0</message></validationError></validationErrors></serviceException></requestError></ApiException>"
        )
    );
}

#[test]
fn a_receipt_says_what_became_of_each_report() {
    let fault = Fault { path: "results[3].to".into(), reason: "is missing".into() };
    let receipt = Receipt {
        accepted: 2,
        duplicates: 1,
        refused: vec![
            Refusal { index: 3, message_id: None, fault: fault.clone() },
            Refusal { index: 4, message_id: Some("m\"4".into()), fault },
        ],
    };
    assert_eq!(
        String::from_utf8(feed_reply(Format::Json, &receipt)).unwrap(),
        r#"{"accepted":2,"duplicates":1,"refused":[{"index":3,"path":"results[3].to","reason":"is missing"},{"index":4,"path":"results[3].to","messageId":"m\"4","reason":"is missing"}]}"#
    );
    assert_eq!(
        String::from_utf8(feed_reply(Format::Xml, &receipt)).unwrap(),
        format!(
            "{PROLOG}<feedResponse><accepted>2</accepted><duplicates>1</duplicates><refused><refusal><index>3</index><path>results[3].to</path><reason>is missing</reason></refusal><refusal><index>4</index><path>results[3].to</path><messageId>m\"4</messageId><reason>is missing</reason></refusal></refused></feedResponse>"
        )
    );
    assert_eq!(
        String::from_utf8(feed_reply(Format::Json, &Receipt::default())).unwrap(),
        r#"{"accepted":0,"duplicates":0,"refused":[]}"#
    );
}
