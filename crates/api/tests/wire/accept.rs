//! Which format is asked for.

use api::negotiate::{Format, NotAcceptable, UnsupportedBody, body_format, format, is_form};

const JSON: Result<Format, NotAcceptable> = Ok(Format::Json);
const XML: Result<Format, NotAcceptable> = Ok(Format::Xml);
const NEITHER: Result<Format, NotAcceptable> = Err(NotAcceptable);

#[track_caller]
fn check(accept: &str, expect: Result<Format, NotAcceptable>) {
    assert_eq!(
        format(None, [accept.as_bytes()].into_iter(), Format::Json),
        expect,
        "Accept: {accept}"
    );
}

#[track_caller]
fn check_body(content_type: &str, expect: Result<Format, UnsupportedBody>) {
    assert_eq!(body_format(Some(content_type.as_bytes())), expect, "Content-Type: {content_type}");
}

#[test]
fn what_clients_really_send_is_understood() {
    check("*/*", JSON);
    check("application/json", JSON);
    check("application/xml", XML);
    check("text/xml", XML);
    check("application/*", JSON);
    check("text/*", XML);
    // RestSharp sends this whatever its user asked for.
    check(
        "application/json, application/xml, text/json, text/x-json, text/javascript, text/xml",
        JSON,
    );
    check("application/xml, application/json", JSON);
    check("application/json;q=0, */*", XML);
    check("application/json; charset=utf-8", JSON);
    check("application/xml;charset=utf-8", XML);
    // Java's HttpURLConnection.
    check("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", JSON);
    check("application/json;q=1.5", JSON);
    check("APPLICATION/XML", XML);
    check("", JSON);
    check("garbage", JSON);
    check("text/html", NEITHER);
    // A browser's address bar.
    check("text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8", XML);
}

#[test]
fn weights_decide_and_ties_are_json() {
    check("application/json;q=0.5, application/xml;q=0.6", XML);
    check("application/json;q=0.6, application/xml;q=0.5", JSON);
    check("application/json;q=0.501, application/xml;q=0.5", JSON);
    check("application/json;q=0.500, text/xml;q=0.501", XML);
    check("application/xml;q=0.5, application/json;Q=0.5", JSON);
    check("*/*;q=0.1, application/xml;q=0.2", XML);
    check("application/json ; q = 0.3 , application/xml ; q = 0.4", XML);
    check("application/json;q=\"0.3\", application/xml", XML);
    check("application/xml;q=abc, application/json;q=0.9", XML);
    check("application/xml;q=., application/json;q=0.9", XML);
    check("application/json;profile=\"a,b;q=0\", application/xml;q=0.5", JSON);
}

#[test]
fn the_more_specific_range_counts() {
    check("application/json;q=0.1, application/*;q=0.9, text/xml;q=0.5", XML);
    check("application/xml;q=0, */*", JSON);
    check("text/xml;q=0, */*", JSON);
    check("application/*;q=0, */*", NEITHER);
    check("application/json;q=0, application/xml;q=0, */*", NEITHER);
    check("application/json;q=0", NEITHER);
    check("*/*;q=0", NEITHER);
    check("text/html, garbage", NEITHER);
}

#[test]
fn several_lines_are_one_list() {
    let lines: [&[u8]; 2] = [b"text/html", b"application/xml;q=0.4"];
    assert_eq!(format(None, lines.into_iter(), Format::Json), XML);
}

#[test]
fn no_line_is_json_and_a_path_suffix_wins() {
    assert_eq!(format(None, std::iter::empty(), Format::Json), JSON);
    let lines: [&[u8]; 1] = [b"application/json"];
    assert_eq!(format(Some(Format::Xml), lines.into_iter(), Format::Json), XML);
    let lines: [&[u8]; 1] = [b"text/html"];
    assert_eq!(format(Some(Format::Json), lines.into_iter(), Format::Json), JSON);
}

#[test]
fn bytes_that_are_no_text_ask_for_nothing() {
    let lines: [&[u8]; 1] = [b"\xff\xfe;q=1,,;;\"\x80"];
    assert_eq!(format(None, lines.into_iter(), Format::Json), JSON);
}

#[test]
fn a_body_is_json_or_xml_in_utf8() {
    check_body("application/json", Ok(Format::Json));
    check_body("Application/JSON; charset=UTF-8", Ok(Format::Json));
    check_body("application/json;charset=\"utf-8\"; x=1", Ok(Format::Json));
    check_body("application/xml", Ok(Format::Xml));
    check_body("text/xml; charset=us-ascii", Ok(Format::Xml));
    check_body("text/xml; boundary=x", Ok(Format::Xml));
    check_body("application/xml; charset=utf-16", Err(UnsupportedBody::Charset));
    check_body("application/json; charset=iso-8859-1", Err(UnsupportedBody::Charset));
    check_body("application/json; charset=utf-8; charset=latin1", Err(UnsupportedBody::Charset));
    check_body("text/plain", Err(UnsupportedBody::MediaType));
    check_body("application/x-www-form-urlencoded", Err(UnsupportedBody::MediaType));
    check_body("application/jsonp", Err(UnsupportedBody::MediaType));
    check_body("", Err(UnsupportedBody::MediaType));
    assert_eq!(body_format(None), Err(UnsupportedBody::MediaType));
}

#[test]
fn who_does_not_care_gets_what_it_sends() {
    let to_xml = |accept: &[&str]| {
        let lines = accept.iter().map(|line| line.as_bytes());
        format(None, lines, Format::Xml)
    };
    assert_eq!(to_xml(&[]), XML);
    assert_eq!(to_xml(&["*/*"]), XML);
    assert_eq!(to_xml(&["garbage"]), XML);
    assert_eq!(to_xml(&["application/json, application/xml"]), XML);
    assert_eq!(to_xml(&["application/json"]), JSON);
    assert_eq!(to_xml(&["application/json, */*;q=0.5"]), JSON);
    assert_eq!(to_xml(&["text/html"]), NEITHER);
    assert_eq!(to_xml(&["*/*;q=0"]), NEITHER);
}

#[test]
fn a_form_is_told_from_a_document() {
    assert!(is_form(Some(b"application/x-www-form-urlencoded")));
    assert!(is_form(Some(b"APPLICATION/x-www-form-urlencoded ; charset=UTF-8")));
    assert!(!is_form(Some(b"application/x-www-form-urlencoded; charset=latin1")));
    assert!(!is_form(Some(b"application/json")));
    assert!(!is_form(None));
}
