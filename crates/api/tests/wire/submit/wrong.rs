//! Every field wrong in every way: what refuses one message by its status, and what refuses the
//! request with the path of the fault.

use std::sync::LazyLock;

use api::wire::Format;
use api::wire::submit::{advanced, click_to_call, multi, single};

use super::{
    ADVANCED_JSON, ADVANCED_XML, CTC_JSON, CTC_XML, MULTI_JSON, NOW, Reader, SINGLE_JSON, fate,
    read, under, with,
};

/// The JSON example with the value of the first field of that name exchanged.
fn exchanged(example: &str, name: &str, instead: &str) -> String {
    let at = example.find(&format!("\"{name}\":")).unwrap_or_else(|| panic!("no {name}"));
    let value = at + name.len() + 3;
    let mut values =
        serde_json::Deserializer::from_str(&example[value..]).into_iter::<serde::de::IgnoredAny>();
    values.next().unwrap().unwrap();
    let end = value + values.byte_offset();
    format!("{}{instead}{}", &example[..value], &example[end..])
}

/// The example with the first field of that name exchanged comes to this.
#[track_caller]
fn check((reader, example): (Reader, &str), name: &str, table: &[(&str, &str)]) {
    for (instead, expect) in table {
        let body = exchanged(example, name, instead);
        let expect = expect.replace('@', &format!("messages[0].{name}"));
        assert_eq!(fate(read(reader, Format::Json, &body)), expect, "{name}: {instead}");
    }
}

const CTC: (Reader, &str) = (click_to_call, CTC_JSON);

/// The advanced example for one destination.
fn one_leg() -> (Reader, &'static str) {
    static EXAMPLE: LazyLock<String> =
        LazyLock::new(|| with(ADVANCED_JSON, ",\n        { \"to\": \"41793026731\" }", ""));
    (advanced, &EXAMPLE)
}

const NO_TEXT: [(&str, &str); 5] = [
    ("7", "@ is not a text"),
    ("true", "@ is not a text"),
    ("{}", "@ is not a text"),
    ("[\"x\"]", "@ is not a text"),
    ("\"\\ud800\"", "is not JSON: "),
];
const NO_NUMBER: [(&str, &str); 5] = [
    ("\"7\"", "@ is not a number"),
    ("false", "@ is not a number"),
    ("{}", "@ is not a number"),
    ("[7]", "@ is not a number"),
    ("7.0", "@ is not a whole number"),
];
const NO_OBJECT: [(&str, &str); 4] = [
    ("7", "@ is not an object"),
    ("\"x\"", "@ is not an object"),
    ("[]", "@ is not an object"),
    ("true", "@ is not an object"),
];

#[test]
fn types_are_judged_first() {
    for name in [
        "from",
        "fromB",
        "destinationA",
        "destinationB",
        "messageId",
        "audioFileUrl",
        "text",
        "language",
        "notifyUrl",
        "notifyContentType",
        "machineDetection",
    ] {
        check(CTC, name, &NO_TEXT[..4]);
        let body = exchanged(CTC_JSON, name, NO_TEXT[4].0);
        let told = fate(read(click_to_call, Format::Json, &body));
        assert!(told.starts_with(NO_TEXT[4].1), "{name}: {told}");
    }
    for name in ["callbackData", "sendAt", "repeatDtmf"] {
        check(one_leg(), name, &NO_TEXT[..4]);
    }
    for name in ["notifyContentVersion", "maxDuration", "warningTime"] {
        check(CTC, name, &NO_NUMBER);
    }
    for name in ["validityPeriod", "maxDtmf", "ringTimeout", "dtmfTimeout", "callTimeout", "pause"]
    {
        check(one_leg(), name, &NO_NUMBER);
    }
    check(one_leg(), "speechRate", &NO_NUMBER[..4]);
    for name in ["voice", "retry", "deliveryTimeWindow"] {
        check(CTC, name, &NO_OBJECT);
    }
    check(one_leg(), "sendingSpeed", &NO_OBJECT);
    for name in ["destinations", "callTransfers"] {
        check(
            one_leg(),
            name,
            &[
                ("7", "@ is not a list"),
                ("{}", "@ is not a list"),
                ("[7]", "@[0] is not an object"),
                ("[{},[]]", "@[1] is not an object"),
            ],
        );
    }
    check(
        CTC,
        "anonymization",
        &[
            ("\"true\"", "@ is not true or false"),
            ("1", "@ is not true or false"),
            ("{}", "@ is not true or false"),
        ],
    );
}

#[test]
fn destinations_have_statuses_of_their_own() {
    for name in ["destinationA", "destinationB"] {
        check(
            CTC,
            name,
            &[
                ("null", "51"),
                ("\"\"", "51"),
                ("\"  \"", "51"),
                ("\"+\"", "52"),
                ("\"12\"", "52"),
                ("\"1234567890123456\"", "52"),
                ("\"abc\"", "52"),
                ("\"٣٨٥٩٨١\"", "52"),
                ("\"385\\u0000981\"", "52"),
                ("\"385\\n981178\"", "52"),
            ],
        );
    }
    check(
        one_leg(),
        "destinations",
        &[
            ("null", "@ is missing"),
            ("[]", "@ is empty"),
            ("[{}]", "51"),
            ("[{\"to\":null}]", "51"),
            ("[{\"to\":\"x\"},{\"to\":\"111\"},{\"messageId\":\"m\"}]", "52 51"),
            ("[{\"to\":7}]", "@[0].to is not a text"),
            (
                "[{\"to\":\"111\"},{\"to\":\"111\",\"messageId\":[]}]",
                "@[1].messageId is not a text",
            ),
        ],
    );
    check(
        (multi, MULTI_JSON),
        "to",
        &[
            ("null", "@ is missing"),
            ("[]", "@ is empty"),
            ("\"41793026727\"", "@ is not a list"),
            ("[\"111\",null,\"\",\"x\"]", "51 51 52"),
            ("[\"111\",7]", "@[1] is not a text"),
        ],
    );
    for (to, expect) in [
        ("null", "51"),
        ("\"\"", "51"),
        ("\"1\"", "52"),
        ("7", "to is not a text"),
        ("[\"111\"]", "to is not a text"),
    ] {
        let body = exchanged(SINGLE_JSON, "to", to);
        assert_eq!(fate(read(single, Format::Json, &body)), expect, "{to}");
    }
}

#[test]
fn what_b_and_a_are_shown_has_no_status() {
    const CHARACTER: &str = "@ has a character that is none of digits, +, spaces and ( ) - . /";
    check(
        CTC,
        "from",
        &[
            ("null", "@ is missing"),
            ("\"\"", "@ is missing"),
            ("\"12\"", "@ must have 3 to 15 digits after `+` or `00`"),
            ("\"Callslip\"", CHARACTER),
            ("\"\\u0007\"", CHARACTER),
        ],
    );
    check(CTC, "fromB", &[("null", "ok"), ("\"\"", "ok"), ("\"x\"", CHARACTER)]);
    check(one_leg(), "from", &[("null", "ok"), ("\"x\"", CHARACTER)]);
    let body = exchanged(SINGLE_JSON, "from", "null");
    assert_eq!(fate(read(single, Format::Json, &body)), "from is missing");
}

#[test]
fn ids_and_texts_are_bounded() {
    let long = |chars: usize| format!("\"{}\"", "ž".repeat(chars));
    check(
        CTC,
        "messageId",
        &[
            ("null", "ok"),
            ("\"\"", "ok"),
            (&long(100), "ok"),
            (&long(101), "@ is longer than 200 bytes"),
            ("\"a\\u0000\"", "@ holds a control character"),
            ("\"a\\tb\"", "@ holds a control character"),
            ("\"☎ 7\"", "ok"),
        ],
    );
    let body = with(CTC_JSON, "\"bulk-7\"", &long(101));
    assert_eq!(fate(read(click_to_call, Format::Json, &body)), "bulkId is longer than 200 bytes");
    let body = with(CTC_JSON, "\"bulk-7\"", "{}");
    assert_eq!(fate(read(click_to_call, Format::Json, &body)), "bulkId is not a text");
    check(
        CTC,
        "text",
        &[
            (&long(1_400), "ok"),
            (&long(1_401), "@ is longer than 1400 characters"),
            ("\"a\\u0000\"", "@ holds a NUL character"),
            ("\"a\\u0007\\uFFFE\\n\"", "ok"),
        ],
    );
    check(
        one_leg(),
        "callbackData",
        &[
            ("null", "ok"),
            (&long(700), "ok"),
            (&long(701), "@ is longer than 700 characters"),
            ("\"\\u0000\"", "@ holds a NUL character"),
            ("\"\\u0001 ok\"", "ok"),
        ],
    );
    check(
        CTC,
        "voice",
        &[
            ("{}", "ok"),
            ("{\"name\":7}", "@.name is not a text"),
            ("{\"name\":\"a\\nb\"}", "@.name holds a control character"),
            ("{\"gender\":\"robot\",\"name\":\"x\"}", "@.gender is none of female, male"),
            ("{\"gender\":[]}", "@.gender is not a text"),
            ("{\"gender\":\"Male\"}", "ok"),
        ],
    );
}

#[test]
fn what_is_played_must_be_playable() {
    let long = format!("\"https://x/{}\"", "a".repeat(2_000));
    let urls: &[(&str, &str)] = &[
        ("\"x\"", "!"),
        ("\"/x.wav\"", "!"),
        ("\"ftp://example.com/x.wav\"", "!"),
        ("\"file:///etc/passwd\"", "!"),
        ("\"https://\"", "!"),
        ("\"https:///x\"", "!"),
        ("\"https://:80/x\"", "!"),
        ("\"https://user@/x\"", "!"),
        ("\"https://example.com/a b\"", "!"),
        ("\"https://example.com/\\u0000\"", "!"),
        ("\"https://example.com/\\r\\nX: y\"", "!"),
        ("\"https://exämple.com/\"", "!"),
        (&long, "!"),
        ("\"HTTP://example.com:8080/x?y#z\"", "ok"),
        ("\"http://[::1]/x\"", "ok"),
    ];
    for (name, row) in [("audioFileUrl", "53"), ("notifyUrl", "56")] {
        for (url, expect) in urls {
            check(CTC, name, &[(url, &expect.replace('!', row))]);
        }
        check(CTC, name, &[("null", "ok"), ("\"\"", "ok")]);
    }
    check(
        CTC,
        "language",
        &[("null", "ok"), ("\"xx\"", "54"), ("\"de-AT\"", "ok"), ("\"\\u0000\"", "54")],
    );
    for text in ["null", "\"\"", "\"   \"", "\"?! …\"", "\"\\u0007\""] {
        check(one_leg(), "text", &[(text, "55")]);
        check(CTC, "text", &[(text, "ok")]);
    }
    check(
        one_leg(),
        "text",
        &[
            ("\"<speak>a <break time='1s'/> &amp; b</speak>\"", "ok"),
            ("\" <?xml version='1.0'?><speak><p>x</p></speak> \"", "ok"),
            ("\"<speak>a\"", "91"),
            ("\"<speak>a</p></speak>\"", "91"),
            ("\"<speak>a</speak><speak/>\"", "91"),
            ("\"<speak>a</speak> b\"", "91"),
            ("\"<speak>&x;</speak>\"", "91"),
            ("\"<speak a=1>x</speak>\"", "91"),
            ("\"<?xml version='1.0'?><!DOCTYPE speak><speak>x</speak>\"", "91"),
            ("\"<?xml version='1.0'?><p>x</p>\"", "91"),
            ("\"<speak/>\"", "ok"),
            ("\"1 < 2 & 3\"", "ok"),
            ("\"<speaker>\"", "ok"),
        ],
    );
    check(
        CTC,
        "notifyContentType",
        &[("null", "ok"), ("\"text/html\"", "57"), ("\"Application/JSON\"", "ok")],
    );
    check(
        CTC,
        "notifyContentVersion",
        &[
            ("null", "ok"),
            ("0", "@ is not between 1 and 2"),
            ("3", "@ is not between 1 and 2"),
            ("-1", "@ is not between 1 and 2"),
        ],
    );
}

#[test]
fn times_and_counts_have_bounds() {
    let range = |least: &str, most: &str| format!("@ is not between {least} and {most}");
    let huge = "99999999999999999999999";
    for name in ["maxDuration", "warningTime"] {
        let told = range("1", "14400");
        check(
            CTC,
            name,
            &[("null", "ok"), ("0", &told), ("-5", &told), (huge, &told), ("14400", "ok")],
        );
    }
    for (name, most, row) in
        [("ringTimeout", "170", "60"), ("dtmfTimeout", "120", "59"), ("callTimeout", "14400", "61")]
    {
        check(
            one_leg(),
            name,
            &[("null", "ok"), ("0", row), ("-1", row), ("86401", row), (huge, row), (most, "ok")],
        );
    }
    let told = range("0", "10");
    check(one_leg(), "pause", &[("0", "ok"), ("10", "ok"), ("11", &told), ("-1", &told)]);
    let told = range("0", "255");
    check(one_leg(), "maxDtmf", &[("0", "ok"), ("256", &told), ("-1", &told)]);
    let told = range("1", "4294967295");
    check(one_leg(), "validityPeriod", &[("0", &told), ("-1", &told), (huge, &told)]);
    check(
        one_leg(),
        "sendAt",
        &[
            ("null", "ok"),
            ("\"tomorrow\"", "@ is not a date such as 2015-02-12T09:58:20.323+0100"),
            ("\"2026-13-01T00:00:00Z\"", "@ is a date that does not exist"),
            ("\"1969-12-31T23:59:59Z\"", "@ is not between 1970 and 9999"),
        ],
    );
    check(
        CTC,
        "retry",
        &[
            ("{}", "@.minPeriod is missing; @.maxPeriod is missing; @.maxCount is missing"),
            ("{\"minPeriod\":1,\"maxPeriod\":\"2\",\"maxCount\":0}", "@.maxPeriod is not a number"),
            (
                "{\"minPeriod\":-1,\"maxPeriod\":2,\"maxCount\":1}",
                "@.minPeriod is not between 0 and 2147483647",
            ),
            ("{\"minPeriod\":1,\"maxPeriod\":99999,\"maxCount\":99}", "ok"),
        ],
    );
    check(
        one_leg(),
        "sendingSpeed",
        &[
            ("{}", "@.speed is missing"),
            ("{\"speed\":0}", "@.speed is not between 1 and 4294967295"),
            (
                "{\"speed\":1,\"timeUnit\":\"year\"}",
                "@.timeUnit is none of second, minute, hour, day",
            ),
            ("{\"speed\":1}", "ok"),
        ],
    );
}

#[test]
fn machines_and_windows_have_statuses_of_their_own() {
    check(CTC, "machineDetection", &[("null", "ok"), ("\"continue\"", "62"), ("\"x\"", "62")]);
    check(
        one_leg(),
        "machineDetection",
        &[("\"continue\"", "ok"), ("\"HANGUP\"", "ok"), ("\"x\"", "62")],
    );
    let without =
        under(NOW, false, |terms| click_to_call(Format::Json, CTC_JSON.as_bytes(), terms));
    assert_eq!(fate(without), "83");
    let day = |rest: &str| format!("{{\"days\":[\"MONDAY\"]{rest}}}");
    let span = |from: &str, to: &str| {
        let time = |text: &str| {
            text.split_once(':').map(|(h, m)| format!("{{\"hour\":{h},\"minute\":{m}}}")).unwrap()
        };
        day(&format!(",\"from\":{},\"to\":{}", time(from), time(to)))
    };
    check(
        CTC,
        "deliveryTimeWindow",
        &[
            ("null", "ok"),
            ("{}", "87"),
            ("{\"days\":[]}", "87"),
            ("{\"days\":[\"FUNDAY\"]}", "87"),
            ("{\"days\":[\"MONDAY\",null]}", "87"),
            ("{\"days\":[\"monday\",\"MONDAY\"]}", "ok"),
            ("{\"days\":\"MONDAY\"}", "@.days is not a list"),
            ("{\"days\":[1]}", "@.days[0] is not a text"),
            (&day(""), "ok"),
            (&day(",\"from\":{\"hour\":1,\"minute\":0}"), "87"),
            (&day(",\"to\":{\"hour\":1,\"minute\":0}"), "87"),
            (&day(",\"from\":{\"hour\":1},\"to\":{\"hour\":5,\"minute\":0}"), "87"),
            (&day(",\"from\":7,\"to\":{}"), "@.from is not an object"),
            (&span("8:0", "9:0"), "ok"),
            (&span("8:0", "8:59"), "87"),
            (&span("8:0", "8:0"), "87"),
            (&span("23:30", "0:30"), "ok"),
            (&span("23:30", "0:29"), "87"),
            (&span("9:0", "8:0"), "ok"),
            (&span("24:0", "8:0"), "87"),
            (&span("8:60", "12:0"), "87"),
            (&span("-1:0", "12:0"), "87"),
        ],
    );
    check(
        CTC,
        "deliveryTimeWindow",
        &[(
            &day(",\"from\":{\"hour\":\"8\",\"minute\":0},\"to\":{\"hour\":9,\"minute\":1.5}"),
            "@.from.hour is not a number; @.to.minute is not a whole number",
        )],
    );
}

#[test]
fn keys_and_transfers_have_statuses_of_their_own() {
    check(
        one_leg(),
        "repeatDtmf",
        &[("null", "ok"), ("\"#\"", "58"), ("\"A\"", "58"), ("\"1*\"", "ok"), ("\"١\"", "58")],
    );
    check(
        one_leg(),
        "callTransfers",
        &[
            ("null", "ok"),
            ("[]", "ok"),
            ("[{}]", "63"),
            (r#"[{"transferTo":"111"}]"#, "63"),
            (r#"[{"transferTo":"111","if":"never"}]"#, "63"),
            (r#"[{"transferTo":"111","if":"dtmf"}]"#, "63"),
            (r#"[{"if":"anyDtmf"}]"#, "63"),
            (r#"[{"transferTo":"x","if":"anyDtmf"}]"#, "63"),
            (r#"[{"transferTo":"111","if":"anyDtmf","callTransferMaxDuration":0}]"#, "63"),
            (r#"[{"transferTo":"111","if":"dtmf","equals":"x"}]"#, "58"),
            (r#"[{"transferTo":"111","if":"dtmf","equals":"12"}]"#, "ok"),
            (
                r#"[{"transferTo":"111","if":"dtmf","equals":"1"},{"transferTo":"222","if":"dtmf","equals":"1"}]"#,
                "64",
            ),
            (r#"[{"transferTo":"111","if":"anyDtmf"},{"transferTo":"222","if":"anyDtmf"}]"#, "64"),
            (r#"[{"transferTo":"111","if":"dtmf","equals":"0"}]"#, "64"),
            (r#"[{"transferTo":111,"if":"anyDtmf"}]"#, "@[0].transferTo is not a text"),
            (r#"[{"transferTo":"111","if":7}]"#, "@[0].if is not a text"),
            (
                r#"[{"transferTo":"111","if":"anyDtmf","callTransferMaxDuration":"9"}]"#,
                "@[0].callTransferMaxDuration is not a number",
            ),
            (
                &format!("[{}]", vec![r#"{"transferTo":"111","if":"anyDtmf"}"#; 21].join(",")),
                "@ has more than 20 items",
            ),
        ],
    );
}

#[test]
fn the_lowest_status_is_told_and_the_others_pass() {
    let body = with(CTC_JSON, "\"hangup\"", "\"x\"");
    let body = with(&body, "\"en\"", "\"xx\"");
    assert_eq!(fate(read(click_to_call, Format::Json, &body)), "54");
    let body = with(&body, "\"0041793026727\"", "\"x\"");
    assert_eq!(fate(read(click_to_call, Format::Json, &body)), "52");
    let good = r#"{"from":"12345","destinationA":"111","destinationB":"222"}"#;
    let bad = good.replace("\"222\"", "null");
    let body = format!("{{\"messages\":[{good},{bad},{good}]}}");
    let submit = read(click_to_call, Format::Json, &body).unwrap();
    let stand: Vec<bool> = submit.messages.iter().map(|draft| draft.verdict.is_ok()).collect();
    assert_eq!(stand, [true, false, true]);
    // A fault refuses them all.
    let body = format!("{{\"messages\":[{good},{bad},{{\"from\":7}}]}}");
    assert_eq!(fate(read(click_to_call, Format::Json, &body)), "messages[2].from is not a text");
}

#[test]
fn xml_is_judged_alike() {
    let check = |part: &str, instead: &str, expect: &str| {
        let body = with(CTC_XML, part, instead);
        assert_eq!(fate(read(click_to_call, Format::Xml, &body)), expect, "{instead}");
    };
    check("<destinationA>0041793026727</destinationA>", "", "51");
    check("<destinationA>0041793026727</destinationA>", "<destinationA>x</destinationA>", "52");
    check("<from>+41 79 302 67 00</from>", "<from/>", "messages[0].from is missing");
    check("<from>+41 79 302 67 00</from>", "<from><x/></from>", "messages[0].from is not a text");
    check("<from>", "<from>111</from><from>", "messages[0].from is there twice");
    check("<maxDuration>600<", "<maxDuration>x<", "messages[0].maxDuration is not a whole number");
    check(
        "<maxDuration>600<",
        "<maxDuration>0<",
        "messages[0].maxDuration is not between 1 and 14400",
    );
    check(
        "<anonymization>false<",
        "<anonymization>no<",
        "messages[0].anonymization is not true or false",
    );
    check("<days>MONDAY</days>", "<day>MONDAY</day>", "ok");
    check(
        "<days>MONDAY</days>",
        "<x>MONDAY</x>",
        "messages[0].deliveryTimeWindow.days is not a list",
    );
    check("<days>MONDAY</days>", "<days>FUNDAY</days>", "87");
    check("<gender>", "text<gender>", "messages[0].voice is not an object");
    check("<language>en", "<language>xx", "54");
    check("machineDetection>hangup", "machineDetection>continue", "62");
    let body = with(ADVANCED_XML, "<speechRate>1.25<", "<speechRate>NaN<");
    assert_eq!(fate(read(advanced, Format::Xml, &body)), "messages[0].speechRate is not a number");
}
