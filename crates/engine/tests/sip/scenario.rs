//! Scenarios for sipp, as the far end that is called.

use std::fmt::Write;

/// What a far end does, in order.
#[derive(Clone, Default)]
pub(crate) struct Scenario(String);

pub(crate) const SDP: &str = "v=0\r\no=far 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n";

const TAKEN: &str =
    "[last_Via:]\n[last_From:]\n[last_To:];tag=far[call_number]\n[last_Call-ID:]\n[last_CSeq:]\n";
const CONTACT: &str = "Contact: <sip:far@[local_ip]:[local_port];transport=[transport]>\n";

/// A response to the last request that came.
pub(crate) fn response(line: &str, headers: &str, body: &str) -> String {
    let content = if body.is_empty() { "" } else { "Content-Type: application/sdp\n" };
    format!("SIP/2.0 {line}\n{TAKEN}{CONTACT}{headers}{content}Content-Length: [len]\n\n{body}")
}

impl Scenario {
    /// Waits for an INVITE.
    pub(crate) fn invited() -> Self {
        Self::default().invited_again()
    }

    /// Waits for another INVITE of the same call.
    pub(crate) fn invited_again(self) -> Self {
        self.raw(
            "<recv request=\"INVITE\" crlf=\"true\"><action>\
             <ereg regexp=\".*\" search_in=\"hdr\" header=\"From:\" assign_to=\"remote\"/>\
             <ereg regexp=\"sip:[^&gt;]*\" search_in=\"hdr\" header=\"Contact:\" assign_to=\"target\"/>\
             </action></recv>",
        )
    }

    /// Any element.
    pub(crate) fn raw(mut self, xml: &str) -> Self {
        self.0.push_str(xml);
        self.0.push('\n');
        self
    }

    /// Sends something.
    pub(crate) fn send(self, message: &str) -> Self {
        self.raw(&format!("<send><![CDATA[\n\n{message}\n\n]]></send>"))
    }

    /// Responds, without a body.
    pub(crate) fn reply(self, line: &str) -> Self {
        self.reply_with(line, "")
    }

    /// Responds, with more headers.
    pub(crate) fn reply_with(self, line: &str, headers: &str) -> Self {
        self.send(&response(line, headers, ""))
    }

    /// Responds with SDP.
    pub(crate) fn reply_sdp(self, line: &str, headers: &str) -> Self {
        self.send(&response(line, headers, SDP))
    }

    /// Responds within the dialog, to what has both tags already.
    pub(crate) fn reply_in_dialog(self, line: &str, headers: &str) -> Self {
        let message = format!(
            "SIP/2.0 {line}\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n{CONTACT}{headers}Content-Length: 0\n"
        );
        self.send(&message)
    }

    /// Waits for a request.
    pub(crate) fn expect(self, method: &str) -> Self {
        self.raw(&format!("<recv request=\"{method}\" crlf=\"true\"/>"))
    }

    /// Waits for a request that has a header like that.
    pub(crate) fn expect_with(self, method: &str, header: &str, pattern: &str) -> Self {
        self.raw(&format!(
            "<recv request=\"{method}\" crlf=\"true\"><action><ereg regexp=\"{pattern}\" \
             search_in=\"hdr\" header=\"{header}:\" check_it=\"true\" assign_to=\"seen\"/></action></recv>"
        ))
    }

    /// Waits for a response.
    pub(crate) fn expect_response(self, code: u16) -> Self {
        self.raw(&format!("<recv response=\"{code}\" crlf=\"true\"/>"))
    }

    /// Does nothing for a while.
    pub(crate) fn pause(self, millis: u32) -> Self {
        self.raw(&format!("<pause milliseconds=\"{millis}\"/>"))
    }

    /// Answers, and has its answer acknowledged.
    pub(crate) fn answered() -> Self {
        Self::answered_with("")
    }

    /// The same, with more headers in the answer.
    pub(crate) fn answered_with(headers: &str) -> Self {
        let again = "<recv request=\"INVITE\" optional=\"true\" crlf=\"true\"/>";
        Self::invited()
            .reply("180 Ringing")
            .reply_sdp("200 OK", &format!("Allow: INVITE, ACK, BYE, UPDATE\n{headers}"))
            // Sent again before the answer arrived; sipp would take it for a fault.
            .raw(again)
            .raw(again)
            .expect("ACK")
    }

    /// Sends a request within the dialog.
    pub(crate) fn ask(self, method: &str, number: u32, headers: &str, body: &str) -> Self {
        let message = format!(
            "{method} [$target] SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n\
             From: <sip:far@[local_ip]>;tag=far[call_number]\nTo: [$remote]\n[last_Call-ID:]\n\
             CSeq: {number} {method}\nMax-Forwards: 70\n{CONTACT}{headers}Content-Length: [len]\n\n{body}"
        );
        self.send(&message)
    }

    /// Sends a re-INVITE, which is answered with that code, and acknowledges.
    pub(crate) fn reinvites(self, number: u32, headers: &str, sdp: &str, code: u16) -> Self {
        // A refusal is acknowledged within its transaction (RFC 3261 §17.1.1.3), three messages ago.
        let branch = if code < 300 { "[branch]" } else { "[branch-3]" };
        self.unacknowledged(number, headers, sdp, code).raw(&format!(
            "<send><![CDATA[\n\nACK [$target] SIP/2.0\n\
             Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={branch}\n\
             From: <sip:far@[local_ip]>;tag=far[call_number]\nTo: [$remote]\n[last_Call-ID:]\n\
             CSeq: {number} ACK\nMax-Forwards: 70\nContent-Length: 0\n\n]]></send>"
        ))
    }

    /// Sends a re-INVITE, which is answered with that code, and does not acknowledge.
    pub(crate) fn unacknowledged(self, number: u32, headers: &str, sdp: &str, code: u16) -> Self {
        self.ask("INVITE", number, headers, sdp)
            .raw("<recv response=\"100\" optional=\"true\" crlf=\"true\"/>")
            .expect_response(code)
    }

    /// Is released.
    pub(crate) fn released(self) -> Self {
        self.expect("BYE").reply_in_dialog("200 OK", "")
    }

    /// Is cancelled.
    pub(crate) fn cancelled(self) -> Self {
        // The INVITE's own headers are kept apart, since the CANCEL comes in between.
        self.expect("CANCEL").reply_in_dialog("200 OK", "").reply_487().expect("ACK")
    }

    /// Says that the INVITE is over because of the CANCEL.
    pub(crate) fn reply_487(self) -> Self {
        self.raw(
            "<send><![CDATA[\n\nSIP/2.0 487 Request Terminated\n[last_Via:]\n[last_From:]\n\
             [last_To:];tag=far[call_number]\n[last_Call-ID:]\nCSeq: 1 INVITE\nContent-Length: 0\n\n]]></send>",
        )
    }

    /// As sipp reads it.
    pub(crate) fn xml(&self) -> String {
        let mut xml = String::from(
            "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<scenario name=\"far\">\n",
        );
        // A variable that is used but once aborts sipp.
        let used = |name: &&str| self.0.contains(&format!("assign_to=\"{name}\""));
        let used: Vec<_> = ["remote", "target", "seen"].into_iter().filter(used).collect();
        let reference = match used.as_slice() {
            [] => String::new(),
            used => format!("<Reference variables=\"{}\"/>", used.join(",")),
        };
        let _ = write!(xml, "{}\n{reference}\n</scenario>\n", self.0);
        xml
    }
}
