//! How a trunk is told who calls: From, P-Asserted-Identity (RFC 3325), Remote-Party-ID, and Privacy
//! (RFC 3323).

use super::super::Party;
use super::number::{Form, user_part};
use super::uri_host;

/// How a trunk wants to be told who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerPolicy {
    /// How the shown number is written.
    pub form: Form,
    /// Who From says that we are, whoever is shown; for trunks that know their customers by it. The
    /// shown number is then in the other headers. None: From is the shown number.
    pub identity: Option<String>,
    /// Whether P-Asserted-Identity has the shown number.
    pub asserted: bool,
    /// Whether Remote-Party-ID has it; for trunks older than RFC 3325.
    pub remote_party: bool,
    /// The right side of our URIs. None: that of the trunk if it knows us by a password, else ours.
    pub domain: Option<String>,
}

/// What a trunk is told of who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// From.
    pub from: Party,
    /// More headers.
    pub headers: Vec<(String, String)>,
}

/// What stands for a caller who is not to be known (RFC 3323 §4.1.1.3).
const ANONYMOUS: &str = "sip:anonymous@anonymous.invalid";

impl Default for CallerPolicy {
    fn default() -> Self {
        let (identity, domain) = (None, None);
        Self { form: Form::Plus, identity, asserted: true, remote_party: false, domain }
    }
}

impl CallerPolicy {
    /// What is said of a call that shows that number; none, or `anonymous`, shows nobody. `host` is
    /// the right side of our URIs unless the policy has one of its own.
    pub fn tell(&self, shown: &str, host: &str) -> Caller {
        let domain = uri_host(self.domain.as_deref().unwrap_or(host));
        let uri_of = |user: &str| format!("sip:{}@{domain}", user_part(user));
        if is_anonymous(shown) {
            return self.tell_nothing(self.identity.as_deref().map(uri_of));
        }
        let number = self.form.write(shown);
        let uri = uri_of(&number);
        let mut headers = Vec::new();
        if self.asserted {
            headers.push(("P-Asserted-Identity".to_owned(), format!("<{uri}>")));
        }
        if self.remote_party {
            let value = format!("<{uri}>;party=calling;screen=yes;privacy=off");
            headers.push(("Remote-Party-ID".to_owned(), value));
        }
        let uri = self.identity.as_deref().map_or(uri, uri_of);
        Caller { from: Party { display: None, uri }, headers }
    }

    /// Who we are when we speak for ourselves: that user, in the same domain.
    pub fn ourselves(&self, user: &str, host: &str) -> Party {
        let domain = uri_host(self.domain.as_deref().unwrap_or(host));
        Party { display: None, uri: format!("sip:{}@{domain}", user_part(user)) }
    }

    /// The trunk may know who its customer is; the person called may not.
    fn tell_nothing(&self, identity: Option<String>) -> Caller {
        let mut headers = vec![("Privacy".to_owned(), "id".to_owned())];
        if let Some(identity) = identity {
            if self.asserted {
                headers.push(("P-Asserted-Identity".to_owned(), format!("<{identity}>")));
            }
            if self.remote_party {
                let value = format!("<{identity}>;party=calling;screen=yes;privacy=full");
                headers.push(("Remote-Party-ID".to_owned(), value));
            }
        }
        let display = Some("Anonymous".to_owned());
        Caller { from: Party { display, uri: ANONYMOUS.to_owned() }, headers }
    }
}

fn is_anonymous(shown: &str) -> bool {
    shown.is_empty() || shown.eq_ignore_ascii_case("anonymous")
}
