//! Bodies that are refused as a whole, and the bounds of those that are not.

use api::wire::Format;
use api::wire::submit::{advanced, click_to_call, multi, single};
use model::limits::DESTINATIONS_MAX;
use proptest::prelude::*;

use super::{CTC_JSON, CTC_XML, MULTI_JSON, MULTI_XML, Reader, fate, planned, read, with};

#[track_caller]
fn check(reader: Reader, format: Format, body: &str, expect: &str) {
    assert_eq!(fate(read(reader, format, body)), expect, "{body:.200}");
}

#[test]
fn what_is_no_request_is_refused() {
    let json = |body: &str, expect: &str| check(click_to_call, Format::Json, body, expect);
    json("", "is not a JSON object: EOF while parsing a value (line 1, column 0)");
    json(
        "[]",
        "is not a JSON object: invalid type: sequence, expected an object (line 1, column 0)",
    );
    json("{}", "messages is missing");
    json("{\"messages\":null}", "messages is missing");
    json("{\"messages\":[]}", "messages is empty");
    json("{\"messages\":{}}", "messages is not a list");
    json("{\"messages\":[7,null]}", "messages[0] is not an object; messages[1] is not an object");
    // One click is not a request by itself.
    json(
        "{\"from\":\"12345\",\"destinationA\":\"111\",\"destinationB\":\"222\"}",
        "messages is missing",
    );
    json(
        "{\"messages\":[{\"x\":1,\"x\":2}]}",
        "has the field `x` twice in one object (line 1, column 25)",
    );
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    json(&deep, "is nested deeper than 16 levels (line 1, column 21)");
    let many = format!("{{\"x\":[{}]}}", vec!["0"; 1_000_000].join(","));
    json(&many, "has more than 1000000 values");
    let faults = format!("{{\"messages\":[{}]}}", vec!["7"; 200].join(","));
    assert_eq!(fate(read(click_to_call, Format::Json, &faults)).split("; ").count(), 100);
}

#[test]
fn what_makes_xml_mean_something_else_than_it_shows_is_refused() {
    let told = |part: &str, instead: &str| {
        fate(read(click_to_call, Format::Xml, &with(CTC_XML, part, instead)))
    };
    let check = |part: &str, instead: &str, expect: &str| {
        let told = told(part, instead);
        assert!(told.starts_with(expect), "{instead}: {told}");
    };
    check(
        "<request>",
        "<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><request>",
        "has a document type",
    );
    check("Fish &amp;", "Fish &x;", "has an entity that is not one of XML's own");
    check("Fish &amp;", "Fish & ", "is not XML");
    check("Fish &amp;", "Fish &#1;", "has a reference to a character that XML forbids");
    check("Fish &amp;", "Fish \u{1}", "has a character that XML forbids");
    check("<text>", "<text lang='en'>", "has an attribute, where none has a meaning");
    check("encoding=\"UTF-8\"", "encoding=\"utf-16\"", "declares another encoding than UTF-8");
    check("<request>", "<x/><request>", "has no root element `request`");
    check("</request>", "</request><request/>", "has something after its root element");
    check("</request>", "", "ends before its elements do");
    check("<bulkId>", "text<bulkId>", "request is not an object");
    let deep = format!("<text>{}{}", "<x>".repeat(100), "</x>".repeat(100));
    check("<text>", &deep, "is nested deeper than 16 levels");
    assert_eq!(fate(read(click_to_call, Format::Xml, "<request/>")), "messages is missing");
    let empty = "<request><messages> </messages></request>";
    assert_eq!(fate(read(click_to_call, Format::Xml, empty)), "messages is empty");
}

#[test]
fn items_of_xml_may_have_either_name() {
    let plural = planned(click_to_call, Format::Xml, CTC_XML);
    let singular = CTC_XML.replace("\n    <messages>", "<message>");
    let singular = singular.replace("\n    </messages>", "</message>");
    assert_ne!(singular, CTC_XML);
    assert_eq!(planned(click_to_call, Format::Xml, &singular), plural);
}

#[test]
fn a_request_has_a_largest_number_of_destinations() {
    let to = |many: usize| vec!["\"111\""; many].join(",");
    let message = |many: usize| format!("{{\"text\":\"x\",\"to\":[{}]}}", to(many));
    let body = format!("{{\"messages\":[{}]}}", message(DESTINATIONS_MAX));
    assert_eq!(planned(multi, Format::Json, &body).len(), DESTINATIONS_MAX);
    let body = format!("{{\"messages\":[{},{}]}}", message(DESTINATIONS_MAX), message(1));
    check(multi, Format::Json, &body, "messages[1].to makes more than 20000 destinations in all");
    let tos = "<to>111</to>".repeat(DESTINATIONS_MAX + 1);
    let body = format!(
        "<request><messages><messages><text>x</text><to>{tos}</to></messages></messages></request>"
    );
    check(multi, Format::Xml, &body, "messages[0].to makes more than 20000 destinations in all");
    let destinations = vec!["{\"to\":\"111\"}"; DESTINATIONS_MAX + 1].join(",");
    let body = format!("{{\"messages\":[{{\"text\":\"x\",\"destinations\":[{destinations}]}}]}}");
    check(
        advanced,
        Format::Json,
        &body,
        "messages[0].destinations makes more than 20000 destinations in all",
    );
    let body = format!("{{\"messages\":[{}]}}", vec!["{}"; DESTINATIONS_MAX + 1].join(","));
    check(click_to_call, Format::Json, &body, "messages has more than 20000 items");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_body_makes_it_panic(
        which in 0_usize..4,
        at in any::<prop::sample::Index>(),
        length in 0_usize..40,
        instead in prop_oneof![any::<Vec<u8>>(), "[\\[\\]{}\":,<>/&;a-z0-9 ]{0,12}".prop_map(String::into_bytes)],
    ) {
        let (format, example) =
            [(Format::Json, CTC_JSON), (Format::Xml, CTC_XML), (Format::Json, MULTI_JSON), (Format::Xml, MULTI_XML)][which];
        let mut body = example.as_bytes().to_vec();
        let at = at.index(body.len());
        let end = (at + length).min(body.len());
        body.splice(at..end, instead);
        for reader in [click_to_call as Reader, single, multi, advanced] {
            super::under(super::NOW, true, |terms| drop(reader(format, &body, terms)));
        }
    }
}
