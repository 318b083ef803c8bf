//! The API documentation's own examples, fed and taken over HTTP: names, order and values, byte
//! for byte once the white space between them is gone.

use crate::server::{ALADDIN, TestServer};

/// An example in JSON, and its twin in XML if there is one.
const EXAMPLES: [(&str, Option<&str>); 3] = [
    (include_str!("../../../api/tests/golden/response.json"), None),
    (
        include_str!("../../../api/tests/golden/no_parameters.json"),
        Some(include_str!("../../../api/tests/golden/no_parameters.xml")),
    ),
    (
        include_str!("../../../api/tests/golden/limit_2.json"),
        Some(include_str!("../../../api/tests/golden/limit_2.xml")),
    ),
];

/// The example without white space outside its texts. One example has `status.id` before the
/// group and the other behind it, as the documentation's own field table does; ours is the latter.
pub(crate) fn compact_json(example: &str) -> String {
    let mut compact = String::new();
    let mut in_text = false;
    for c in example.chars() {
        in_text ^= c == '"';
        if in_text || !c.is_whitespace() {
            compact.push(c);
        }
    }
    compact.replace(
        r#""id":5,"groupId":3,"groupName":"DELIVERED","#,
        r#""groupId":3,"groupName":"DELIVERED","id":5,"#,
    )
}

pub(crate) fn compact_xml(example: &str) -> String {
    let compact: String = example.lines().map(str::trim).collect();
    compact.replace(
        "<id>5</id><groupId>3</groupId><groupName>DELIVERED</groupName>",
        "<groupId>3</groupId><groupName>DELIVERED</groupName><id>5</id>",
    )
}

#[test]
fn every_example_comes_out_as_the_documentation_prints_it() {
    for (json, xml) in EXAMPLES {
        let server = TestServer::start();
        assert_eq!(server.try_feed("application/json", json.as_bytes()).status, 200);
        let taken = server.get("/tts/3/reports?limit=2");
        assert_eq!(taken.text(), compact_json(json));
        assert_eq!(taken.header("content-type"), Some("application/json"));
        assert_eq!(server.get("/tts/3/reports?limit=2").text(), r#"{"results":[]}"#);

        let Some(xml) = xml else { continue };
        let server = TestServer::start();
        assert_eq!(server.try_feed("application/xml", xml.as_bytes()).status, 200);
        let accept = format!("{ALADDIN}Accept: application/xml\r\n");
        let take = || server.connect().request("GET", "/tts/3/reports?limit=2", &accept, b"");
        let taken = take();
        assert_eq!(taken.text(), compact_xml(xml));
        assert_eq!(taken.header("content-type"), Some("application/xml"));
        assert_eq!(take().text(), "<reportResponse><results/></reportResponse>");
    }
}

#[test]
fn an_example_fed_in_one_format_comes_out_in_the_other() {
    let (json, xml) = EXAMPLES[1];
    let server = TestServer::start();
    server.try_feed("application/json", json.as_bytes());
    assert_eq!(server.get("/tts/3/reports.xml").text(), compact_xml(xml.unwrap()));
    let server = TestServer::start();
    server.try_feed("application/xml", xml.unwrap().as_bytes());
    assert_eq!(server.get("/tts/3/reports.json").text(), compact_json(json));
}
