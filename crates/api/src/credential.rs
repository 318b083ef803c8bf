//! Credentials as they come and as they are kept: Basic pairs, generated keys, argon2id.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;

/// What an `Authorization` header says.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Credential {
    /// RFC 7617.
    Basic { name: String, password: String },
    /// A generated key, under `App`, `IBSSO` or `Bearer`.
    Key { id: String, secret: String },
}

impl Credential {
    /// Reads the header's value; `None` if it is no credential of ours.
    pub(crate) fn read(value: &[u8]) -> Option<Self> {
        let value = std::str::from_utf8(value).ok()?;
        let (scheme, rest) = value.split_once(' ')?;
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("basic") {
            return Self::basic(rest);
        }
        let known = ["app", "ibsso", "bearer"];
        known.iter().find(|known| scheme.eq_ignore_ascii_case(known))?;
        let (id, secret) = rest.strip_prefix("cs_")?.split_once('_')?;
        Some(Self::Key { id: id.to_owned(), secret: secret.to_owned() })
    }

    fn basic(encoded: &str) -> Option<Self> {
        let pair = BASE64_STANDARD.decode(encoded).ok()?;
        // RFC 7617 §2.1 asks for UTF-8; older clients send Latin-1.
        let pair = String::from_utf8(pair)
            .unwrap_or_else(|error| error.as_bytes().iter().map(|b| char::from(*b)).collect());
        let (name, password) = pair.split_once(':')?;
        Some(Self::Basic { name: name.to_owned(), password: password.to_owned() })
    }
}

/// A fresh key: its id, and the text that the client sends.
pub(crate) fn fresh_key() -> Result<(String, String), getrandom::Error> {
    let mut random = [0; 38];
    getrandom::fill(&mut random)?;
    let id: String = random[..6].iter().map(|byte| format!("{byte:02x}")).collect();
    let secret = BASE64_URL_SAFE_NO_PAD.encode(&random[6..]);
    let key = format!("cs_{id}_{secret}");
    Ok((id, key))
}

/// A fresh password or token.
pub(crate) fn fresh_secret() -> Result<String, getrandom::Error> {
    let mut random = [0; 18];
    getrandom::fill(&mut random)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(random))
}

/// What is kept of a key's secret. The secret is 256 random bits: a slow hash would add nothing.
pub(crate) fn digest(secret: &str) -> [u8; 32] {
    *blake3::hash(secret.as_bytes()).as_bytes()
}

pub(crate) fn is_same(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

/// Argon2id with the library's parameters (OWASP's: 19 MiB, two passes), as a PHC string.
pub(crate) fn hash_password(password: &str) -> Result<String, argon2::password_hash::Error> {
    Ok(Argon2::default().hash_password(password.as_bytes())?.to_string())
}

/// Whether the password is the one that was hashed. Takes tens of milliseconds, on purpose.
pub(crate) fn password_fits(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_are_case_insensitive_and_a_password_may_hold_a_colon() {
        let basic = |name: &str, password: &str| {
            Some(Credential::Basic { name: name.into(), password: password.into() })
        };
        let seed = b"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
        assert!(Credential::read(seed) == basic("Aladdin", "open sesame"));
        assert!(Credential::read(b"BASIC YTpiOmM=") == basic("a", "b:c"));
        assert!(Credential::read(b"basic 6Tr8") == basic("é", "ü"));
        let key = Some(Credential::Key { id: "0a".into(), secret: "b_c".into() });
        assert!(Credential::read(b"App cs_0a_b_c") == key);
        assert!(Credential::read(b"ibsso cs_0a_b_c") == key);
        assert!(Credential::read(b"BEARER  cs_0a_b_c ") == key);
        for nothing in ["", "Basic", "Basic !", "Basic YQ==", "Digest x", "App cs_", "App x_y"] {
            assert!(Credential::read(nothing.as_bytes()).is_none(), "{nothing}");
        }
    }

    #[test]
    fn only_the_password_that_was_hashed_fits() {
        let hash = hash_password("open sesame").unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(password_fits("open sesame", &hash));
        assert!(!password_fits("open barley", &hash));
        assert!(!password_fits("open sesame", "not a hash"));
    }
}
