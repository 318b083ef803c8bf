//! What a drawing shows of a SIP message: what it is, and what its session description and its
//! `Reason` say. Far ends write what they like, so nothing here expects a message to be one.

/// A message in short.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Short {
    /// `INVITE (1)`, `180 Ringing (1 INVITE)`.
    pub(super) label: String,
    /// What else there is to tell, each in a line.
    pub(super) notes: Vec<String>,
}

/// Codecs that are told by name; further ones are not.
const CODECS_MAX: usize = 4;

/// The payload types that need no name (RFC 3551 §6).
const STATIC: [(&str, &str); 6] =
    [("0", "PCMU"), ("3", "GSM"), ("4", "G723"), ("8", "PCMA"), ("9", "G722"), ("18", "G729")];

impl Short {
    pub(super) fn of(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let start = lines.next().unwrap_or_default();
        let headers: Vec<&str> = lines.collect();
        let sequence = values(&headers, "CSeq").next().unwrap_or("?");
        let (number, method) = sequence.split_once(' ').unwrap_or((sequence, "?"));
        let label = match start.strip_prefix("SIP/2.0 ") {
            Some(status) => format!("{} ({number} {})", status.trim(), method.trim()),
            None => format!("{} ({number})", start.split(' ').next().unwrap_or_default()),
        };
        let reasons = values(&headers, "Reason").map(str::to_owned);
        let media = body.lines().any(|line| line.starts_with("m=")).then(|| description(body));
        Self { label, notes: media.into_iter().chain(reasons).collect() }
    }
}

/// The values of a header.
fn values<'a>(headers: &[&'a str], name: &str) -> impl Iterator<Item = &'a str> {
    let lines = headers.iter().filter_map(|line| line.split_once(':'));
    lines.filter(move |(other, _)| other.trim().eq_ignore_ascii_case(name)).map(|(_, v)| v.trim())
}

/// A session description in short: codecs and address of its first audio stream, and which way it
/// goes if not both.
fn description(body: &str) -> String {
    let value = |line: &'_ str, key: &str| line.strip_prefix(key).map(str::to_owned);
    let (mut host, mut audio) = (None, None::<Vec<String>>);
    let (mut names, mut way) = (Vec::new(), None);
    let mut is_elsewhere = false;
    for line in body.lines().map(str::trim_end) {
        if let Some(media) = value(line, "m=") {
            let words: Vec<String> = media.split(' ').map(str::to_owned).collect();
            is_elsewhere = audio.is_some() || words[0] != "audio";
            if !is_elsewhere {
                audio = Some(words);
            }
        }
        if is_elsewhere {
            continue;
        }
        if let Some(connection) = value(line, "c=") {
            host = connection.split(' ').nth(2).map(str::to_owned);
        } else if let Some(map) = value(line, "a=rtpmap:")
            && let Some((number, name)) = map.split_once(' ')
        {
            let name = name.split('/').next().unwrap_or_default();
            names.push((number.to_owned(), name.to_owned()));
        } else if let Some(direction) =
            ["sendonly", "recvonly", "inactive"].into_iter().find(|d| line == format!("a={d}"))
        {
            way = Some(direction);
        }
    }
    let Some(audio) = audio else { return "no audio".to_owned() };
    let port = audio.get(1).map_or("?", String::as_str);
    let name_of = |number: &String| {
        let named = names.iter().find(|(other, _)| other == number).map(|(_, name)| name.as_str());
        let known = STATIC.iter().find(|(other, _)| other == number).map(|(_, name)| *name);
        named.or(known).map_or_else(|| format!("type {number}"), str::to_owned)
    };
    let codecs = audio.iter().skip(3).map(name_of);
    let codecs: Vec<String> =
        codecs.filter(|name| !name.eq_ignore_ascii_case("telephone-event")).collect();
    let more = if codecs.len() > CODECS_MAX { ", ..." } else { "" };
    let codecs = codecs.iter().take(CODECS_MAX).cloned().collect::<Vec<_>>().join(", ");
    let host = host.unwrap_or_else(|| "?".to_owned());
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let way = way.map_or(String::new(), |way| format!(", {way}"));
    format!("{codecs}{more} at {host}:{port}{way}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_responses_are_told_by_cseq() {
        let short =
            Short::of("BYE sip:b@x SIP/2.0\r\ncseq: 7 BYE\r\nReason: Q.850;cause=16\r\n\r\n");
        let notes = vec!["Q.850;cause=16".to_owned()];
        assert_eq!(short, Short { label: "BYE (7)".into(), notes });
        let short = Short::of("SIP/2.0 180 Ringing\r\nCSeq: 1 INVITE\r\n\r\n");
        assert_eq!(short, Short { label: "180 Ringing (1 INVITE)".into(), notes: Vec::new() });
    }

    #[test]
    fn a_description_is_told_by_codecs_and_address() {
        let told = |body: &str| Short::of(&format!("ACK x\r\nCSeq: 1 ACK\r\n\r\n{body}")).notes;
        let offer = "v=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 4000 RTP/AVP 8 0 96 101\r\n\
            a=rtpmap:101 telephone-event/8000\r\na=rtpmap:96 opus/48000/2\r\na=sendonly\r\n\
            m=video 9 RTP/AVP 31\r\nc=IN IP4 10.9.9.9\r\na=inactive\r\n";
        assert_eq!(told(offer), ["PCMA, PCMU, opus at 10.0.0.1:4000, sendonly"]);
        let answer = "v=0\r\nc=IN IP4 1.1.1.1\r\nm=audio 5 RTP/AVP 8\r\nc=IN IP6 2001:db8::1\r\n";
        assert_eq!(told(answer), ["PCMA at [2001:db8::1]:5"]);
        assert_eq!(told("v=0\r\nm=video 9 RTP/AVP 31\r\n"), ["no audio"]);
        assert_eq!(told("m=audio\r\n"), [" at ?:?"]);
        assert_eq!(told("Signal=1\r\n"), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_message_is_told_all_the_same() {
        for text in ["", "\r\n\r\n", "SIP/2.0 ", "a\0b", "SIP/2.0 200\r\nCSeq:\r\n\r\nm=\r\nc=\r\n"]
        {
            let _ = Short::of(text);
        }
    }
}
