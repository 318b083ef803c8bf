//! Why a leg is let go of: the `Reason` header (RFC 3326), read and written.

use std::fmt;

use super::message::{Message, outside_quotes, unquoted};

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Whose number it is.
    pub protocol: Protocol,
    /// The number.
    pub cause: u16,
    /// For people.
    pub text: Option<String>,
}

/// Whose number a cause is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// A status code.
    Sip,
    /// ITU-T Q.850, the telephone network's.
    Q850,
}

impl Reason {
    /// A cause of the telephone network: 16 is normal clearing.
    pub fn q850(cause: u8) -> Self {
        Self { protocol: Protocol::Q850, cause: cause.into(), text: None }
    }

    /// A status code, and what it means here.
    pub fn sip(code: u16, text: &str) -> Self {
        Self { protocol: Protocol::Sip, cause: code, text: Some(text.to_owned()) }
    }

    /// The reasons in a message, in its order; what cannot be read is none.
    pub(super) fn all(message: &Message) -> impl Iterator<Item = Self> {
        let values = message.values("Reason");
        values.flat_map(|value| outside_quotes(value, ',')).filter_map(Self::parse)
    }

    fn parse(value: &str) -> Option<Self> {
        let mut parts = outside_quotes(value, ';');
        let protocol = match parts.next()? {
            name if name.eq_ignore_ascii_case("SIP") => Protocol::Sip,
            name if name.eq_ignore_ascii_case("Q.850") => Protocol::Q850,
            _ => return None,
        };
        let (mut cause, mut text) = (None, None);
        for part in parts {
            match part.split_once('=').map(|(name, value)| (name.trim(), value.trim())) {
                Some((name, value)) if name.eq_ignore_ascii_case("cause") => {
                    cause = value.parse().ok();
                }
                Some((name, value)) if name.eq_ignore_ascii_case("text") => {
                    text = Some(unquoted(value));
                }
                Some(_) | None => {}
            }
        }
        Some(Self { protocol, cause: cause?, text })
    }

    /// The Q.850 cause, if it is one.
    pub(super) fn q850_cause(&self) -> Option<u8> {
        match self.protocol {
            Protocol::Q850 => self.cause.try_into().ok().filter(|cause| *cause < 128),
            Protocol::Sip => None,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = match self.protocol {
            Protocol::Sip => "SIP",
            Protocol::Q850 => "Q.850",
        };
        write!(f, "{protocol};cause={}", self.cause)?;
        match &self.text {
            Some(text) => {
                let text: String = text.chars().filter(|c| !matches!(c, '"' | '\\')).collect();
                write!(f, ";text=\"{text}\"")
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Vec<Reason> {
        let text = format!("BYE sip:a@b SIP/2.0\r\n{header}\r\n\r\n");
        Reason::all(&Message::parse(text.as_bytes()).expect("a message")).collect()
    }

    #[test]
    fn causes_are_read_whatever_stands_around_them() {
        assert_eq!(read("Reason: Q.850;cause=17"), [Reason::q850(17)]);
        let busy = Reason { text: Some("User, busy; \"really\"".into()), ..Reason::q850(17) };
        let header = r#"reason:  q.850 ; text="User, busy; \"really\"" ; cause=17;x"#;
        assert_eq!(read(header), [busy]);
        let header = "Reason: SIP;cause=200;text=\"Call completed elsewhere\",Q.850;cause=26";
        let causes: Vec<_> = read(header).iter().map(Reason::q850_cause).collect();
        assert_eq!(causes, [None, Some(26)]);
        let header = "Reason: SIP;cause=480\r\nReason: Q.850;cause=19";
        assert_eq!(read(header).len(), 2);
    }

    #[test]
    fn what_is_no_cause_is_none() {
        for header in [
            "Reason: ",
            "Reason: Q.850",
            "Reason: Q.850;cause=",
            "Reason: Q.850;cause=99999",
            "Reason: preemption;cause=1",
            "Reason: \"",
        ] {
            assert_eq!(read(header), [], "{header}");
        }
        assert_eq!(read("Reason: Q.850;cause=300")[0].q850_cause(), None);
    }

    #[test]
    fn what_is_written_is_read_again() {
        for reason in [Reason::q850(16), Reason::sip(804, "media timeout")] {
            assert_eq!(read(&format!("Reason: {reason}")), [reason]);
        }
        assert_eq!(Reason::sip(500, "a\"b").to_string(), "SIP;cause=500;text=\"ab\"");
    }
}
