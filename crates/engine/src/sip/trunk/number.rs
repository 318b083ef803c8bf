//! How a number is written for a trunk.

/// How a trunk wants numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumberFormat {
    /// What stands before the digits of an international number.
    pub form: Form,
    /// What is taken away from the beginning of that. A number that does not begin with it stays
    /// as it is, and nothing is put before it either.
    pub strip: String,
    /// What is put before the rest.
    pub prepend: String,
    /// Parameters of the URI, such as `user=phone`.
    pub parameters: Vec<String>,
}

/// What stands before the digits of an international number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Nothing.
    Digits,
    /// `+` (RFC 3966, RFC 3261 §19.1.6).
    #[default]
    Plus,
    /// `00`.
    Zeros,
}

impl Form {
    /// The number in this form.
    pub fn write(self, digits: &str) -> String {
        let before = match self {
            Self::Digits => "",
            Self::Plus => "+",
            Self::Zeros => "00",
        };
        format!("{before}{digits}")
    }
}

impl NumberFormat {
    /// What the trunk is to see of the number.
    pub fn write(&self, digits: &str) -> String {
        let written = self.form.write(digits);
        match written.strip_prefix(&self.strip) {
            Some(rest) => format!("{}{rest}", self.prepend),
            None => written,
        }
    }

    /// The number as a SIP URI at that host.
    pub fn uri(&self, digits: &str, authority: &str) -> String {
        let mut uri = format!("sip:{}@{authority}", user_part(&self.write(digits)));
        for parameter in &self.parameters {
            uri.push(';');
            uri.push_str(parameter);
        }
        uri
    }
}

/// The text as the user part of a URI: what may not stand there is escaped (RFC 3261 §25.1).
pub(super) fn user_part(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&byte) {
            written.push(char::from(byte));
        } else {
            written.push_str(&format!("%{byte:02X}"));
        }
    }
    written
}
