//! What the feed accepts, and what it says of what it does not.

use api::wire::Format;
use api::wire::feed::{parse, parse_one};
use model::limits::{DURATION_SECONDS_MAX, FEED_ITEMS_MAX, ID_BYTES_MAX, TEXT_BYTES_MAX};
use model::{Report, Timestamp};

use crate::reports::documented;

const JSON: &str = include_str!("../golden/no_parameters.json");
const XML: &str = include_str!("../golden/no_parameters.xml");

/// The documented example with one part exchanged.
fn with(example: &str, part: &str, instead: &str) -> String {
    assert!(example.contains(part), "{part} is not in the example");
    example.replacen(part, instead, 1)
}

/// The only report of the body, or its faults as sentences.
#[track_caller]
fn one(format: Format, body: &str) -> Result<Report, Vec<String>> {
    let mut items = parse(format, body.as_bytes()).unwrap_or_else(|f| panic!("{f}: {body}")).items;
    assert_eq!(items.len(), 1);
    items.remove(0).map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

/// The JSON example with one part exchanged has these faults.
#[track_caller]
fn check_json(part: &str, instead: &str, expect: &[&str]) {
    let faults = one(Format::Json, &with(JSON, part, instead)).err().unwrap_or_default();
    assert_eq!(faults, expect, "{part} -> {instead}");
}

/// The XML example with one part exchanged has these faults.
#[track_caller]
fn check_xml(part: &str, instead: &str, expect: &[&str]) {
    let faults = one(Format::Xml, &with(XML, part, instead)).err().unwrap_or_default();
    assert_eq!(faults, expect, "{part} -> {instead}");
}

/// The body is refused as a whole, in these words.
#[track_caller]
fn check_body(format: Format, body: impl AsRef<[u8]>, expect: &str) {
    let fault = parse(format, body.as_ref()).unwrap_err().to_string();
    assert_eq!(fault, expect, "{}", String::from_utf8_lossy(body.as_ref()));
}

#[test]
fn the_documented_example_is_read() {
    assert_eq!(one(Format::Json, JSON), Ok(documented()));
    assert_eq!(one(Format::Xml, XML), Ok(documented()));
    let marked = format!("\u{FEFF}{JSON}");
    assert_eq!(one(Format::Json, &marked), Ok(documented()));
    let marked =
        format!("\u{FEFF}<?xml version='1.0' encoding='utf-8'?>\n<!-- x -->{XML}\n<?p?>\n");
    assert_eq!(one(Format::Xml, &marked), Ok(documented()));
}

#[test]
fn the_extras_are_read() {
    let extras = r#""from":"1","text":"Fish","callbackData":"x","startTime":"1970-01-01T00:00:01Z","answerTime":"1970-01-01T00:00:02Z","endTime":"1970-01-01T00:00:03Z","to""#;
    let expect = Report {
        from: Some("1".into()),
        text: Some("Fish".into()),
        callback_data: Some("x".into()),
        start_time: Some(Timestamp::from_millis(1000)),
        answer_time: Some(Timestamp::from_millis(2000)),
        end_time: Some(Timestamp::from_millis(3000)),
        ..documented()
    };
    assert_eq!(one(Format::Json, &with(JSON, "\"to\"", extras)), Ok(expect.clone()));
    let extras = "<from>1</from><text>Fish</text><callbackData>x</callbackData><startTime>1970-01-01T00:00:01Z</startTime><answerTime>1970-01-01T00:00:02Z</answerTime><endTime>1970-01-01T00:00:03Z</endTime><to>";
    assert_eq!(one(Format::Xml, &with(XML, "<to>", extras)), Ok(expect));
}

#[test]
fn null_and_empty_optionals_are_absent() {
    let bare = Report { mcc_mnc: None, dtmf_codes: String::new(), ..documented() };
    for value in ["null", "\"\""] {
        let body = with(JSON, "\"mccMnc\": \"21901\"", &format!("\"mccMnc\":{value}"));
        let body = with(&body, "\"dtmfCodes\":\"1\"", &format!("\"dtmfCodes\":{value}"));
        let extras = format!("\"from\":{value},\"text\":{value},\"endTime\":{value},\"to\"");
        assert_eq!(one(Format::Json, &with(&body, "\"to\"", &extras)), Ok(bare.clone()));
    }
    let body = with(JSON, "\"mccMnc\": \"21901\",\n\"dtmfCodes\":\"1\",", "");
    assert_eq!(one(Format::Json, &body), Ok(bare.clone()));
    let body = with(XML, "<mccMnc>21901</mccMnc>", "<mccMnc/>");
    let body = with(&body, "<dtmfCodes>1</dtmfCodes>", "<dtmfCodes></dtmfCodes><from/>");
    assert_eq!(one(Format::Xml, &body), Ok(bare));
}

#[test]
fn either_name_of_the_price_is_read_and_keeps_its_digits() {
    for name in ["pricePerSecond", "pricePerMessage"] {
        let body = with(JSON, "\"pricePerSecond\":0.01", &format!("\"{name}\":0.0100"));
        assert_eq!(one(Format::Json, &body).unwrap().price.per_second.to_string(), "0.0100");
        let body = with(
            XML,
            "<pricePerMessage>0.01</pricePerMessage>",
            &format!("<{name}>123456789012345.123456789</{name}>"),
        );
        let price = one(Format::Xml, &body).unwrap().price;
        assert_eq!(price.per_second.to_string(), "123456789012345.123456789");
    }
    check_json(
        "0.01",
        "0.01,\"pricePerMessage\":0.01",
        &["results[0].price has both pricePerSecond and pricePerMessage"],
    );
}

#[test]
fn items_of_xml_may_have_either_name() {
    let body = with(XML, "<result>", "<results>");
    let body = with(&body, "</result>", "</results>");
    assert_eq!(one(Format::Xml, &body), Ok(documented()));
}

#[test]
fn missing_fields_are_named() {
    check_json(
        "\"bulkId\":\"8c20f086-d82b-48cc-b2b3-3ca5f7aca9fb\",",
        "",
        &["results[0].bulkId is missing"],
    );
    check_json("\"groupId\":3,\n", "", &["results[0].status.groupId is missing"]);
    check_json(
        "\"permanent\"",
        "\"x\"",
        &["results[0].error.permanent is missing", "results[0].error.x is not a field of a report"],
    );
    check_xml("<duration>10</duration>", "", &["results[0].duration is missing"]);
    let empty: Vec<String> = one(Format::Json, r#"{"results":[{}]}"#).unwrap_err();
    let named =
        ["bulkId", "messageId", "to", "sentAt", "doneAt", "duration", "price", "status", "error"];
    assert_eq!(empty, named.map(|name| format!("results[0].{name} is missing")));
    assert_eq!(
        one(Format::Xml, "<reportResponse><results><result/></results></reportResponse>"),
        Err(empty)
    );
}

#[test]
fn every_field_is_checked() {
    let check = check_json;
    let id = "\"ff4804ef-6ab6-4abd-984d-ab3b1387e852\"";
    check(id, "\"\"", &["results[0].messageId is empty"]);
    check(id, "7", &["results[0].messageId is not a text"]);
    check(id, "null", &["results[0].messageId is missing"]);
    check(id, "{\"a\":[1]}", &["results[0].messageId is not a text"]);
    check(id, "\"a\\u0000b\"", &["results[0].messageId holds a NUL character"]);
    let longest = "i".repeat(ID_BYTES_MAX);
    check(id, &format!("\"{longest}\""), &[]);
    check(id, &format!("\"{longest}i\""), &["results[0].messageId is longer than 200 bytes"]);
    let text = "t".repeat(TEXT_BYTES_MAX + 1);
    check(
        "Call answered by human",
        &text,
        &["results[0].error.description is longer than 8000 bytes"],
    );
    check("\"Call answered by human\"", "\"\"", &[]);
    check("\"OK\"", "\"\"", &["results[0].error.groupName is empty"]);
    check("\"duration\":10", "\"duration\":\"10\"", &["results[0].duration is not a number"]);
    for number in ["10.0", "1e1", "-1", "-0"] {
        check(
            "\"duration\":10",
            &format!("\"duration\":{number}"),
            &["results[0].duration is not a whole number of 0 or more"],
        );
    }
    check("\"duration\":10", &format!("\"duration\":{DURATION_SECONDS_MAX}"), &[]);
    check(
        "\"duration\":10",
        &format!("\"duration\":{}", DURATION_SECONDS_MAX + 1),
        &["results[0].duration is above 31622400 seconds"],
    );
    check("5000", "4294967296", &["results[0].error.id is above 4294967295"]);
    check("5000", "99999999999999999999", &["results[0].error.id is above 4294967295"]);
    check("true", "\"true\"", &["results[0].error.permanent is not true or false"]);
    check("true", "1", &["results[0].error.permanent is not true or false"]);
    check("0.01", "-0.01", &["results[0].price.pricePerSecond is negative"]);
    check("0.01", "\"0.01\"", &["results[0].price.pricePerSecond is not a number"]);
    check("0.01", "1e-40", &["results[0].price.pricePerSecond has more than 28 digits"]);
    check("0.01", "null", &["results[0].price.pricePerSecond is missing"]);
    for codes in ["2190", "2190123", "2190a", " 21901"] {
        check(
            "\"21901\"",
            &format!("\"{codes}\""),
            &["results[0].mccMnc is not five or six digits"],
        );
    }
    check("\"21901\"", "21901", &["results[0].mccMnc is not a text"]);
    check(
        "2015-02-12T09:58:20.337",
        "2015-02-30T09:58:20.337",
        &["results[0].doneAt is a date that does not exist"],
    );
    check(
        "\"2015-02-12T09:58:20.337+0100\"",
        "1423731500337",
        &["results[0].doneAt is not a text"],
    );
    // Clocks differ: done before sent is not for the feed to judge.
    check("2015-02-12T09:58:20.337", "2014-02-12T09:58:20.337", &[]);
}

#[test]
fn the_length_of_the_prompt_is_checked() {
    let check = check_json;
    for number in ["-1", "1e1", "1e-1"] {
        check(
            "\"duration\":10",
            &format!("\"duration\":10,\"fileDuration\":{number}"),
            &["results[0].fileDuration is not a number of seconds, such as 19.3"],
        );
    }
    for (number, fault) in [
        ("\"1\"", "is not a number"),
        ("31622401", "is above 31622400 seconds"),
        ("99999999999999999999", "is above 31622400 seconds"),
        ("1.0123456789", "has more than 9 decimals"),
    ] {
        check(
            "\"duration\":10",
            &format!("\"duration\":10,\"fileDuration\":{number}"),
            &[&format!("results[0].fileDuration {fault}")],
        );
    }
}

#[test]
fn groups_must_be_objects() {
    let body = with(JSON, "{\n\"pricePerSecond\":0.01,\n\"currency\":\"EUR\"\n}", "0.01");
    let expect = "results[0].price is not an object";
    assert_eq!(one(Format::Json, &body), Err(vec![expect.to_owned()]));
    let body = with(&body, "\"price\":0.01", "\"price\":null");
    assert_eq!(one(Format::Json, &body), Err(vec!["results[0].price is missing".to_owned()]));
    let group = "\n<pricePerMessage>0.01</pricePerMessage>\n<currency>EUR</currency>\n";
    assert_eq!(one(Format::Xml, &with(XML, group, "0.01")).unwrap_err()[0], expect);
}

#[test]
fn unknown_fields_are_named_and_not_dropped() {
    check_json(
        "\"to\"",
        "\"To\":{\"deep\":[{}]},\"to\"",
        &["results[0].To is not a field of a report"],
    );
    check_json(
        "\"currency\"",
        "\"vat\":1,\"currency\"",
        &["results[0].price.vat is not a field of a report"],
    );
    check_json(
        "\"to\"",
        "\"price.currency\":\"x\",\"to\"",
        &["results[0].price.currency is not a field of a report"],
    );
    check_xml("<to>", "<vat><a>1</a>x</vat><to>", &["results[0].vat is not a field of a report"]);
    let many: String = (0..1000).map(|n| format!("\"{n}{}\":0,", "x".repeat(500))).collect();
    let faults = one(Format::Json, &with(JSON, "\"to\"", &format!("{many}\"to\""))).unwrap_err();
    assert_eq!(faults.len(), 8);
    assert!(faults.iter().all(|fault| fault.len() < 120));
}

#[test]
fn each_report_is_judged_alone() {
    let report = JSON.split_once('[').unwrap().1.rsplit_once(']').unwrap().0;
    let bad = report.replace("\"groupId\":3", "\"groupId\":\"x\"").replace(":10,", ":-10,");
    let body = format!(r#"{{"results":[{report},7,{bad},{report},["x"]]}}"#);
    let items = parse(Format::Json, body.as_bytes()).unwrap().items;
    let told: Vec<Vec<String>> = items
        .iter()
        .map(|item| item.as_ref().err().into_iter().flatten().map(ToString::to_string).collect())
        .collect();
    assert_eq!(
        told,
        [
            vec![],
            vec!["results[1] is not an object".to_owned()],
            vec![
                "results[2].duration is not a whole number of 0 or more".to_owned(),
                "results[2].status.groupId is not a number".to_owned(),
            ],
            vec![],
            vec!["results[4] is not an object".to_owned()],
        ]
    );
    let report = XML.split_once("<results>").unwrap().1.rsplit_once("</results>").unwrap().0;
    let body = format!(
        "<reportResponse><results>{report}<result>x</result>{report}</results></reportResponse>"
    );
    let items = parse(Format::Xml, body.as_bytes()).unwrap().items;
    assert_eq!(items[1].as_ref().unwrap_err()[0].to_string(), "results[1] is not an object");
    assert!(items[0].is_ok() && items[2].is_ok());
}

#[test]
fn control_characters_stay_in_json() {
    let report = one(Format::Json, &with(JSON, "handset\"", "\\u0001\\uFFFE\\u007f\"")).unwrap();
    assert_eq!(report.status.description, "Message delivered to \u{1}\u{FFFE}\u{7f}");
}

#[test]
fn text_of_xml_is_read_in_all_its_forms() {
    let written = "a&lt;&amp;&#x10D;&#13;<![CDATA[<b>&]]><!-- no -->\r\nz";
    let report = one(Format::Xml, &with(XML, "Call answered by human", written)).unwrap();
    assert_eq!(report.error.description, "a<&č\r<b>&\nz");
    check_xml("<to>385981178</to>", "<to>1<b/>2</to>", &["results[0].to is not a text"]);
    check_xml(">true<", ">1<", &["results[0].error.permanent is not true or false"]);
    check_xml(">10<", "> 10<", &["results[0].duration is not a whole number of 0 or more"]);
}

#[test]
fn a_body_that_is_no_feed_in_json_is_refused_as_a_whole() {
    let check = |body: &str, expect: &str| check_body(Format::Json, body, expect);
    check("", "is not a JSON object: EOF while parsing a value (line 1, column 0)");
    check(
        "[]",
        "is not a JSON object: invalid type: sequence, expected an object (line 1, column 0)",
    );
    check(
        "{\n \"results\":[",
        "is not a JSON object: EOF while parsing a list (line 2, column 12)",
    );
    check("{\"results\":[]}\n x", "is not a JSON object: trailing characters (line 2, column 2)");
    check("{}", "has no `results`");
    check("{\"results\":{}}", "has `results` that are no list (line 1, column 12)");
    check("{\"results\":null}", "has `results` that are no list (line 1, column 12)");
    check("{\"results\":[],\n\"x\":1}", "has a field `x` beside `results` (line 2, column 5)");
    check(
        "{\"results\":[],\"results\":[]}",
        "has the field `results` twice in one object (line 1, column 25)",
    );
    check(
        "{\"results\":[{\"to\":\"1\",\n\"t\\u006f\":\"1\"}]}",
        "has the field `to` twice in one object (line 2, column 11)",
    );
    check(
        "{\"results\":[{\"x\":[{\"a\":1,\"a\":1}]}]}",
        "has the field `a` twice in one object (line 1, column 30)",
    );
    check(
        "{\"results\":[[{\"a\":1,\"a\":1}]]}",
        "has the field `a` twice in one object (line 1, column 25)",
    );
    check(
        "{\"results\":[{\"to\":\"\\ud800\"}]}",
        "is not JSON: unexpected end of hex escape (line 1, column 19)",
    );
    let deep =
        format!("{{\"results\":[{{\"x\":{}{}}}]}}", "[".repeat(100_000), "]".repeat(100_000));
    check(&deep, "is nested deeper than 16 levels (line 1, column 32)");
    check_body(Format::Json, b"{\"results\":\n[\"\xFF\"]}", "is not UTF-8 (line 2, column 3)");
    check_body(Format::Json, b"\xFF\xFE{\0}\0", "is not UTF-8 (line 1, column 1)");
    check_body(
        Format::Json,
        b"{\"results\":[{\"to\":\"a\x00\"}]}",
        "is not a JSON object: control character (\\u0000-\\u001F) found while parsing a string (line 1, column 20)",
    );
}

fn xml_items(items: &str) -> String {
    format!("<reportResponse><results>{items}</results></reportResponse>")
}

#[test]
fn a_body_that_is_no_feed_in_xml_is_refused_as_a_whole() {
    let check = |body: &str, expect: &str| check_body(Format::Xml, body, expect);
    let items =
        |items: &str| format!("<reportResponse><results>{items}</results></reportResponse>");
    check("", "ends before its elements do (line 1, column 1)");
    check("{}", "has text in the document (line 1, column 3)");
    check("<x/>", "has no root element `reportResponse` (line 1, column 5)");
    check("<reportResponse/>", "has no `results` (line 1, column 18)");
    check("<reportResponse>\n<results>", "ends before its elements do (line 2, column 10)");
    check(
        "<reportResponse><results></x>",
        "is not XML: ill-formed document: expected `</results>`, but `</x>` was found (line 1, column 26)",
    );
    check(
        "<reportResponse><results/><results/></reportResponse>",
        "has `results` twice (line 1, column 37)",
    );
    check(
        "<reportResponse><results/><x/></reportResponse>",
        "has an element beside `results` (line 1, column 31)",
    );
    check(&items("<x/>"), "has an element in `results` that is no `result` (line 1, column 30)");
    check(&items("x"), "has text in results (line 1, column 27)");
    check(
        &items("<result><to>1</to><to>1</to></result>"),
        "has the element `to` twice in one report (line 1, column 48)",
    );
    check(
        &items("<result><price/><price/></result>"),
        "has the element `price` twice in one report (line 1, column 50)",
    );
    check(&format!("{}x", items("")), "has something after its root element (line 1, column 54)");
    check(
        &format!("{0}{0}", items("")),
        "has something after its root element (line 1, column 69)",
    );
}

#[test]
fn what_makes_xml_mean_something_else_than_it_shows_is_refused() {
    let check = |body: &str, expect: &str| check_body(Format::Xml, body, expect);
    let items = xml_items;
    check(
        &format!("<!DOCTYPE r [<!ENTITY x \"y\">]>{}", items("")),
        "has a document type (line 1, column 31)",
    );
    check(
        &items("<result><to>&x;</to></result>"),
        "has an entity that is not one of XML's own (line 1, column 41)",
    );
    check(
        &items("<result><to>a & b</to></result>"),
        "is not XML: ill-formed document: entity or character reference not closed: `;` not found before end of input (line 1, column 40)",
    );
    check(
        &items("<result><to>&#1;</to></result>"),
        "has a reference to a character that XML forbids (line 1, column 42)",
    );
    check(
        &items("<result><to>\u{1}</to></result>"),
        "has a character that XML forbids (line 1, column 38)",
    );
    check(&items("\0"), "has a character that XML forbids (line 1, column 26)");
    check(
        &items("<result><to>\u{FFFE}</to></result>"),
        "has a character that XML forbids (line 1, column 38)",
    );
    check(
        &items("<result><to x='1'>1</to></result>"),
        "has an attribute, where none has a meaning (line 1, column 44)",
    );
    check(
        &format!(" <?xml version='1.0'?>{}", items("")),
        "has something outside its root element (line 1, column 23)",
    );
    check(
        &format!("<?xml version='1.0' encoding='utf-16'?>{}", items("")),
        "declares another encoding than UTF-8 (line 1, column 40)",
    );
    check(&format!("<?xml version='1.1'?>{}", items("")), "is not XML 1.0 (line 1, column 22)");
    let deep =
        items(&format!("<result>{}{}</result>", "<x>".repeat(100_000), "</x>".repeat(100_000)));
    check(&deep, "is nested deeper than 16 levels (line 1, column 76)");
    check_body(Format::Xml, b"<reportResponse>\xFF", "is not UTF-8 (line 1, column 17)");
}

#[test]
fn name_spaces_on_the_root_are_let_pass() {
    let body =
        with(XML, "<reportResponse>", "<reportResponse xmlns=\"urn:x\" xmlns:xsi='y' xsi:z=''>");
    assert_eq!(one(Format::Xml, &body), Ok(documented()));
}

#[test]
fn a_feed_has_a_largest_number_of_reports() {
    let feed = |items: usize| format!("{{\"results\":[{}]}}", vec!["0"; items].join(","));
    assert_eq!(
        parse(Format::Json, feed(FEED_ITEMS_MAX).as_bytes()).unwrap().items.len(),
        FEED_ITEMS_MAX
    );
    check_body(Format::Json, feed(FEED_ITEMS_MAX + 1), "has more than 20000 reports");
    let items = "<result/>".repeat(FEED_ITEMS_MAX + 1);
    let body = format!("<reportResponse><results>{items}</results></reportResponse>");
    check_body(Format::Xml, body, "has more than 20000 reports");
}

#[test]
fn a_line_is_one_report_or_a_feed() {
    let report = JSON.split_once('[').unwrap().1.rsplit_once(']').unwrap().0;
    assert_eq!(parse_one(report.as_bytes()).unwrap().items, [Ok(documented())]);
    assert_eq!(parse_one(JSON.as_bytes()).unwrap().items, [Ok(documented())]);
    let faults = parse_one(b"{\"duration\":\"x\"}").unwrap().items.remove(0).unwrap_err();
    assert!(faults.iter().any(|fault| fault.to_string() == "duration is not a number"));
    assert!(parse_one(b"{\"duration\":1,\"duration\":1}").is_err());
    assert!(parse_one(b"").is_err());
}
