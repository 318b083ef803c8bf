//! Accounts: who owns reports, and what opens them.

use std::fmt;
use std::str::FromStr;

use crate::{Calling, Timestamp, Zone};

/// Names an account inside the ledger. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub u32);

/// The owner of credentials and reports.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// The ledger's name for it.
    pub id: AccountId,
    /// The user name of its Basic credentials; unique, without a colon (RFC 7617 §2).
    pub name: String,
    /// The zone that its reports show times in.
    pub zone: Zone,
    /// Argon2id, as a PHC string.
    pub password_hash: Option<String>,
    /// What its password opens.
    pub roles: Roles,
    /// A disabled account is refused, and its reports and calls wait.
    pub disabled: bool,
    /// How it may call.
    pub calling: Calling,
    /// When it was added.
    pub created_at: Timestamp,
}

/// A generated key. The secret itself is shown once and not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Names the key in lists and audits; not secret.
    pub id: String,
    /// The account that it opens.
    pub account: AccountId,
    /// What the owner calls it.
    pub label: String,
    /// BLAKE3 of the secret: a generated secret needs no slow hash.
    pub digest: [u8; 32],
    /// What it opens.
    pub roles: Roles,
    /// When it was added.
    pub created_at: Timestamp,
    /// A revoked key opens nothing.
    pub revoked_at: Option<Timestamp>,
}

/// What a credential opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Takes and lists the account's reports.
    Read,
    /// Feeds reports into the account.
    Feed,
    /// Submits calls, and manages those that it has submitted.
    Send,
    /// Administers every account.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Read, Self::Send, Self::Feed, Self::Admin];

    /// The role's name on the command line and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Feed => "feed",
            Self::Send => "send",
            Self::Admin => "admin",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Read => 1,
            Self::Feed => 2,
            Self::Send => 8,
            Self::Admin => 4,
        }
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        Self::ALL
            .into_iter()
            .find(|role| role.name() == name)
            .ok_or_else(|| UnknownRole(name.to_owned()))
    }
}

/// The name is not that of a role.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a role; the roles are read, send, feed and admin")]
pub struct UnknownRole(pub String);

/// A set of roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Roles(u8);

impl Roles {
    /// Whether the role is in the set.
    pub const fn has(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }

    /// The set with the role added.
    #[must_use]
    pub const fn with(self, role: Role) -> Self {
        Self(self.0 | role.bit())
    }

    /// The roles of the set.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.has(*role))
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        roles.into_iter().fold(Self::default(), Self::with)
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Role::name).collect();
        f.write_str(&names.join(","))
    }
}
