//! A dialog (RFC 3261 §12): what a request within a call is made of, and how it is kept for a
//! process to come. Pure.

use super::message::{Message, parameter, uri_in};
use super::settings::{Hop, Transport};

/// One dialog in which we called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dialog {
    /// Call-ID.
    pub(super) call_id: String,
    /// From, with our tag.
    local: String,
    /// To, with the far end's.
    remote: String,
    /// CSeq of our last request.
    sequence: u32,
    /// Of the far end's, once there was one.
    remote_sequence: Option<u32>,
    /// The remote target.
    target: String,
    /// The route set, as Route is written.
    routes: Vec<String>,
    /// How the INVITE went.
    hop: Hop,
}

/// The layout of a dialog as bytes.
const VERSION: u8 = 1;

impl Dialog {
    /// The dialog that a response to our INVITE makes: early, or up. `hop` is where the INVITE
    /// went. None without a tag or a Call-ID.
    pub(super) fn of(invite_uri: &str, response: &Message, hop: &Hop) -> Option<Self> {
        response.tag("To")?;
        let contact = response.value("Contact").and_then(uri_in);
        let mut routes: Vec<_> = response.list("Record-Route").map(str::to_owned).collect();
        routes.reverse();
        Some(Self {
            call_id: response.value("Call-ID")?.to_owned(),
            local: response.value("From")?.to_owned(),
            remote: response.value("To")?.to_owned(),
            sequence: response.sequence()?,
            remote_sequence: None,
            // Without a Contact (a fault of theirs) the best guess is where the INVITE went.
            target: contact.unwrap_or(invite_uri).to_owned(),
            routes,
            hop: hop.clone(),
        })
    }

    /// The far end's tag.
    pub(super) fn remote_tag(&self) -> &str {
        parameter(&self.remote, "tag").unwrap_or_default()
    }

    /// The next request of ours.
    pub(super) fn request(&mut self, method: &str) -> Message {
        self.sequence += 1;
        self.at(self.sequence, method)
    }

    /// The ACK of the INVITE with that number.
    pub(super) fn acknowledgement(&self, sequence: u32) -> Message {
        self.at(sequence, "ACK")
    }

    /// Our last CSeq was that; it never goes down.
    pub(super) fn advance(&mut self, sequence: u32) {
        self.sequence = self.sequence.max(sequence);
    }

    fn at(&self, sequence: u32, method: &str) -> Message {
        // A first route that is no loose router takes the place of the target (§12.2.1.1).
        let strict = self.routes.first().filter(|route| !is_loose(route));
        let uri = strict.and_then(|route| uri_in(route)).unwrap_or(&self.target);
        let mut request = Message::request(method, uri);
        for route in self.routes.iter().skip(usize::from(strict.is_some())) {
            request.push("Route", route);
        }
        if strict.is_some() {
            request.push("Route", &format!("<{}>", self.target));
        }
        request
            .with("Max-Forwards", "70")
            .with("From", &self.local)
            .with("To", &self.remote)
            .with("Call-ID", &self.call_id)
            .with("CSeq", &format!("{sequence} {method}"))
    }

    /// Where a request of ours goes first.
    pub(super) fn next_hop(&self) -> Hop {
        let first = self.routes.first().and_then(|route| uri_in(route)).unwrap_or(&self.target);
        hop_of(first, self.hop.transport).unwrap_or_else(|| self.hop.clone())
    }

    /// Takes in a request of the far end. False if it comes too late: a later one has been seen
    /// (§12.2.2).
    pub(super) fn follows(&mut self, request: &Message) -> bool {
        let sequence = request.sequence().unwrap_or(0);
        if self.remote_sequence.is_some_and(|last| sequence <= last) {
            return false;
        }
        self.remote_sequence = Some(sequence);
        true
    }

    /// Takes in where the far end is reached from now on, if a message refreshes that.
    pub(super) fn retarget(&mut self, message: &Message) {
        if let Some(contact) = message.value("Contact").and_then(uri_in) {
            contact.clone_into(&mut self.target);
        }
    }

    /// The dialog, for a process to come.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let transport = match self.hop.transport {
            Transport::Udp => 0,
            Transport::Tcp => 1,
            Transport::Tls => 2,
        };
        let routes = u8::try_from(self.routes.len()).unwrap_or(u8::MAX);
        let mut bytes = vec![VERSION, transport, routes];
        bytes.extend(self.hop.port.unwrap_or(0).to_be_bytes());
        bytes.extend(self.sequence.to_be_bytes());
        let texts = [&self.hop.host, &self.call_id, &self.local, &self.remote, &self.target];
        for text in texts.into_iter().chain(self.routes.iter().take(routes.into())) {
            // No line of a message that came by datagram is longer.
            let length = u16::try_from(text.len()).unwrap_or(0);
            bytes.extend(length.to_be_bytes());
            bytes.extend(&text.as_bytes()[..length.into()]);
        }
        bytes
    }

    /// A dialog of a former process; none if those bytes are none.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (head, mut rest) = bytes.split_first_chunk::<9>()?;
        let [version, transport, routes, port @ .., _, _, _, _] = *head;
        if version != VERSION {
            return None;
        }
        let transport = match transport {
            0 => Transport::Udp,
            1 => Transport::Tcp,
            2 => Transport::Tls,
            _ => return None,
        };
        let port = Some(u16::from_be_bytes(port)).filter(|port| *port != 0);
        let sequence = u32::from_be_bytes(*head.last_chunk()?);
        let mut texts = Vec::new();
        for _ in 0..usize::from(routes) + 5 {
            let (length, after) = rest.split_first_chunk()?;
            let (text, after) = after.split_at_checked(u16::from_be_bytes(*length).into())?;
            texts.push(String::from_utf8(text.to_vec()).ok()?);
            rest = after;
        }
        let mut texts = texts.into_iter();
        let hop = Hop { transport, host: texts.next()?, port };
        let (call_id, local, remote) = (texts.next()?, texts.next()?, texts.next()?);
        let (target, routes) = (texts.next()?, texts.collect());
        let remote_sequence = None;
        Some(Self { call_id, local, remote, sequence, remote_sequence, target, routes, hop })
    }
}

fn is_loose(route: &str) -> bool {
    uri_in(route).is_some_and(|uri| parameter(uri, "lr").is_some())
}

/// Where a URI leads; `usual` if it does not say by what.
fn hop_of(uri: &str, usual: Transport) -> Option<Hop> {
    let (scheme, rest) = uri.split_once(':')?;
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let rest = rest.split('?').next()?;
    let place = rest.split(';').next()?;
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port.parse().ok()?)),
        _ => (place, None),
    };
    let host = parameter(rest, "maddr").unwrap_or(host);
    let named = parameter(rest, "transport").unwrap_or_default().to_ascii_lowercase();
    let transport = match named.as_str() {
        "udp" => Transport::Udp,
        "tls" => Transport::Tls,
        "tcp" if scheme.eq_ignore_ascii_case("sips") => Transport::Tls,
        "tcp" => Transport::Tcp,
        _ if scheme.eq_ignore_ascii_case("sips") => Transport::Tls,
        _ => usual,
    };
    (!host.is_empty()).then(|| Hop { transport, host: host.to_owned(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(headers: &str) -> Message {
        let text = format!(
            "SIP/2.0 200 OK\r\nFrom: <sip:a@x>;tag=us\r\nTo: <sip:b@y>;tag=them\r\n\
             Call-ID: one@x\r\nCSeq: 7 INVITE\r\n{headers}\r\n"
        );
        Message::parse(text.as_bytes()).expect("a message")
    }

    fn dialog(headers: &str) -> Dialog {
        let hop = Hop::udp("192.0.2.9:5060".parse().expect("an address"));
        Dialog::of("sip:b@y", &answer(headers), &hop).expect("a dialog")
    }

    #[test]
    fn routes_are_followed_backwards_and_loosely() {
        let mut dialog = dialog(
            "Contact: \"B\" <sip:b@192.0.2.1:5070>;q=1\r\n\
             Record-Route: <sip:p2;lr>, <sip:p1.example:5080;transport=tcp;lr=on>\r\n",
        );
        let bye = dialog.request("BYE");
        assert_eq!(bye.uri(), "sip:b@192.0.2.1:5070");
        let routes: Vec<_> = bye.values("Route").collect();
        assert_eq!(routes, ["<sip:p1.example:5080;transport=tcp;lr=on>", "<sip:p2;lr>"]);
        assert_eq!(
            (bye.value("CSeq"), bye.tag("From"), bye.tag("To")),
            (Some("8 BYE"), Some("us"), Some("them"))
        );
        let hop = Hop { transport: Transport::Tcp, host: "p1.example".into(), port: Some(5080) };
        assert_eq!(dialog.next_hop(), hop);
        assert_eq!(dialog.acknowledgement(7).value("CSeq"), Some("7 ACK"));
    }

    #[test]
    fn a_strict_router_takes_the_place_of_the_target() {
        let mut dialog = dialog("Contact: <sip:b@z>\r\nRecord-Route: <sip:p2;lr>,<sip:p1>\r\n");
        let bye = dialog.request("BYE");
        let routes: Vec<_> = bye.values("Route").collect();
        assert_eq!((bye.uri(), routes), ("sip:p1", vec!["<sip:p2;lr>", "<sip:b@z>"]));
    }

    #[test]
    fn a_dialog_survives_its_process_and_counts_on() {
        let mut before =
            dialog("Contact: <sip:b@192.0.2.1>\r\nRecord-Route: <sip:192.0.2.3;lr>\r\n");
        before.request("INFO");
        let bytes = before.to_bytes();
        assert!((100..300).contains(&bytes.len()), "{}", bytes.len());
        let mut after = Dialog::from_bytes(&bytes).expect("a dialog");
        assert_eq!(after, before);
        assert_eq!(after.request("BYE").value("CSeq"), Some("9 BYE"));
        for end in 0..bytes.len() {
            assert_eq!(Dialog::from_bytes(&bytes[..end]), None, "{end}");
        }
    }

    #[test]
    fn requests_of_the_far_end_only_ever_count_up() {
        let mut dialog = dialog("Contact: <sip:b@z>\r\n");
        let info = |number: u32| {
            Message::request("INFO", "sip:a@x").with("CSeq", &format!("{number} INFO"))
        };
        assert!(dialog.follows(&info(3)) && !dialog.follows(&info(3)) && !dialog.follows(&info(2)));
        assert!(dialog.follows(&info(9)));
        dialog.retarget(&info(10).with("Contact", "<sip:new@192.0.2.7:5099>"));
        assert_eq!(dialog.next_hop(), Hop::udp("192.0.2.7:5099".parse().expect("an address")));
    }

    #[test]
    fn a_uri_leads_somewhere() {
        let hop = |uri| hop_of(uri, Transport::Udp).map(|hop| (hop.transport, hop.host, hop.port));
        let is = |transport, host: &str, port| Some((transport, host.to_owned(), port));
        assert_eq!(hop("sip:a;x=1@h:5?s=1"), is(Transport::Udp, "h", Some(5)));
        assert_eq!(hop("sips:h"), is(Transport::Tls, "h", None));
        assert_eq!(
            hop("sip:[2001:db8::1]:7;transport=TCP"),
            is(Transport::Tcp, "[2001:db8::1]", Some(7))
        );
        assert_eq!(hop("sip:[::1];transport=tls"), is(Transport::Tls, "[::1]", None));
        assert_eq!(hop("sip:h;maddr=192.0.2.1"), is(Transport::Udp, "192.0.2.1", None));
        assert_eq!((hop("sip:"), hop("nothing"), hop("sip:h:99999")), (None, None, None));
    }
}
