//! What a far end does with a call: the elements of a sipp scenario, in order.

/// What a far end does, from the INVITE on.
#[derive(Clone, Default)]
pub(crate) struct Script(String);

/// The media of a far end that has none: nobody reads what comes there.
pub(crate) const NO_MEDIA: &str = "[media_port]";

const TO: &str =
    "[last_Via:]\n[last_From:]\n[last_To:];tag=far[call_number]\n[last_Call-ID:]\n[last_CSeq:]\n";
const CONTACT: &str = "Contact: <sip:far@[local_ip]:[local_port];transport=[transport]>\n";

/// A description that takes PCMU and telephone events at that port, in that direction.
fn description(port: &str, direction: &str) -> String {
    format!(
        "v=0\r\no=far 1 [call_number] IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na={direction}\r\n"
    )
}

/// A response to the last request that came.
fn response(line: &str, headers: &str, body: &str) -> String {
    let content = if body.is_empty() { "" } else { "Content-Type: application/sdp\n" };
    format!("SIP/2.0 {line}\n{TO}{CONTACT}{headers}{content}Content-Length: [len]\n\n{body}")
}

impl Script {
    /// Any element.
    pub(crate) fn raw(mut self, xml: &str) -> Self {
        self.0.push_str(xml);
        self.0.push('\n');
        self
    }

    fn send(self, attributes: &str, message: &str) -> Self {
        self.raw(&format!("<send{attributes}><![CDATA[\n\n{message}\n\n]]></send>"))
    }

    /// Does nothing for a while.
    pub(crate) fn pause(self, millis: u32) -> Self {
        self.raw(&format!("<pause milliseconds=\"{millis}\"/>"))
    }

    /// Notes a word beside the number.
    pub(crate) fn note(self, word: &str) -> Self {
        self.raw(&format!(
            "<nop><action><log message=\"{word} [$number] [timestamp]\"/></action></nop>"
        ))
    }

    /// Rings.
    pub(crate) fn rings() -> Self {
        Self::default().replies("180 Ringing", "")
    }

    /// Refuses at once, with more headers.
    pub(crate) fn refuses(line: &str, headers: &str) -> Self {
        Self::default().refuses_now(line, headers)
    }

    /// The same, later in a script.
    pub(crate) fn refuses_now(self, line: &str, headers: &str) -> Self {
        self.replies(line, headers).expects("ACK")
    }

    /// Responds without a description.
    pub(crate) fn replies(self, line: &str, headers: &str) -> Self {
        self.send("", &response(line, headers, ""))
    }

    /// Responds with a description of media at that port.
    pub(crate) fn describes(self, line: &str, port: &str) -> Self {
        self.send("", &response(line, "", &description(port, "sendrecv")))
    }

    /// Rings and answers.
    pub(crate) fn answers() -> Self {
        Self::rings().answers_now(NO_MEDIA)
    }

    /// Answers with media at that port.
    pub(crate) fn answers_now(self, port: &str) -> Self {
        self.describes("200 OK", port).expects("ACK").note("UP")
    }

    /// Answers, and says so until it is acknowledged, however much is lost.
    pub(crate) fn insists() -> Self {
        let message = response("200 OK", "", &description(NO_MEDIA, "sendrecv"));
        Self::default().send(" retrans=\"100\"", &message).expects("ACK").note("UP")
    }

    /// Waits for a request.
    pub(crate) fn expects(self, method: &str) -> Self {
        self.raw(&format!("<recv request=\"{method}\" crlf=\"true\"/>"))
    }

    /// Waits for a request with a header like that.
    pub(crate) fn expects_with(self, method: &str, header: &str, pattern: &str) -> Self {
        self.raw(&format!(
            "<recv request=\"{method}\" crlf=\"true\"><action><ereg regexp=\"{pattern}\" \
             search_in=\"hdr\" header=\"{header}:\" check_it=\"true\" assign_to=\"seen\"/>\
             </action></recv>"
        ))
    }

    /// Waits for a response.
    pub(crate) fn expects_code(self, code: u16) -> Self {
        self.raw("<recv response=\"100\" optional=\"true\" crlf=\"true\"/>")
            .raw(&format!("<recv response=\"{code}\" crlf=\"true\"/>"))
    }

    /// Is hung up.
    pub(crate) fn released(self) -> Self {
        self.expects("BYE").replies_inside("200 OK").note("BYE")
    }

    /// Is hung up for a reason like that.
    pub(crate) fn released_for(self, reason: &str) -> Self {
        self.expects_with("BYE", "Reason", reason).replies_inside("200 OK").note("BYE")
    }

    /// Is cancelled, and says that it is over.
    pub(crate) fn cancelled(self) -> Self {
        self.expects("CANCEL")
            .replies_inside("200 OK")
            .send("", &of_invite("487 Request Terminated", ""))
            .expects("ACK")
            .note("CANCEL")
    }

    /// Is cancelled when it has just answered.
    pub(crate) fn answers_a_cancel(self) -> Self {
        self.expects("CANCEL")
            .replies_inside("200 OK")
            .send("", &of_invite("200 OK", &description(NO_MEDIA, "sendrecv")))
            .expects("ACK")
            .note("UP")
    }

    /// Responds to what has both tags already.
    fn replies_inside(self, line: &str) -> Self {
        let to = TO.replace(";tag=far[call_number]", "");
        self.send("", &format!("SIP/2.0 {line}\n{to}{CONTACT}Content-Length: 0\n"))
    }

    /// Sends a request within the dialog.
    pub(crate) fn asks(self, method: &str, number: u32, headers: &str, body: &str) -> Self {
        let message = inside(method, number);
        let message = format!("{message}{CONTACT}{headers}Content-Length: [len]\n\n{body}");
        self.send("", &message)
    }

    /// Hangs up, for that reason.
    pub(crate) fn hangs_up(self, number: u32, reason: &str) -> Self {
        self.asks("BYE", number, &format!("Reason: {reason}\n"), "").expects_code(200).note("HUNG")
    }

    /// Puts on hold, or takes back.
    pub(crate) fn offers(self, number: u32, direction: &str, port: &str) -> Self {
        let content = "Content-Type: application/sdp\n";
        self.asks("INVITE", number, content, &description(port, direction))
            .expects_code(200)
            .send("", &format!("{}Content-Length: 0\n", inside("ACK", number)))
    }

    /// As sipp reads it.
    pub(crate) fn xml(&self) -> &str {
        &self.0
    }
}

fn inside(method: &str, number: u32) -> String {
    format!(
        "{method} [$target] SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n\
         From: <sip:far@[local_ip]>;tag=far[call_number]\nTo: [$remote]\n[last_Call-ID:]\n\
         CSeq: {number} {method}\nMax-Forwards: 70\n"
    )
}

/// A response to the INVITE although something else has come since.
fn of_invite(line: &str, body: &str) -> String {
    response(line, "", body).replace("[last_CSeq:]", "CSeq: 1 INVITE")
}
