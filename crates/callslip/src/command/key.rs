//! `callslip key`: API keys, each shown once.

use anyhow::bail;
use clap::Subcommand;
use model::Role;
use serde_json::json;
use ureq::http::Method;

use super::account::{list_of, text};
use super::say;
use crate::client::escaped;
use crate::door::{Door, Missing, Whose};
use crate::table::Table;

const KEYS: &str = "/callslip/1/admin/keys";

/// The subcommands of `key`.
#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Add a key, shown once on standard output.
    Add {
        /// The account that it opens.
        account: String,
        /// What it opens: read, send, feed or admin. May be repeated.
        #[arg(long, value_name = "ROLE", required = true)]
        role: Vec<Role>,
        /// What to call it in lists and audits.
        #[arg(long, value_name = "TEXT")]
        label: Option<String>,
        #[command(flatten)]
        whose: Whose,
    },
    /// List the keys, revoked ones too; not their secrets.
    List {
        /// Of that account only.
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
        /// As JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        whose: Whose,
    },
    /// Make a key open nothing, from now on.
    Revoke {
        /// Its id, as `key list` shows it.
        id: String,
        #[command(flatten)]
        whose: Whose,
    },
}

impl Key {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Add { account, role, label, whose } => {
                let roles: Vec<&str> = role.iter().map(|role| role.name()).collect();
                let mut key = json!({ "account": account, "roles": roles });
                if let Some(label) = label {
                    key["label"] = label.into();
                }
                add(&whose.open(Missing::Refuse)?, &key)
            }
            Self::List { account, json, whose } => {
                list(&whose.open(Missing::Refuse)?, account.as_deref(), json)
            }
            Self::Revoke { id, whose } => {
                let door = whose.open(Missing::Refuse)?;
                door.delete(&format!("{KEYS}/{}", escaped(&id)))?;
                say(format!("Key {id} opens nothing from now on."))
            }
        }
    }
}

/// The secret alone goes to standard output, so that `> FILE` keeps exactly that.
fn add(door: &Door, key: &serde_json::Value) -> anyhow::Result<()> {
    let added = door.send(Method::POST, KEYS, key)?;
    let Some(secret) = added["key"].as_str() else {
        bail!("the server gave no key");
    };
    eprintln!(
        "Key {} of {}, role {}; shown this once:",
        text(&added, "id"),
        text(&added, "account"),
        list_of(&added, "roles")
    );
    say(secret)
}

fn list(door: &Door, account: Option<&str>, json: bool) -> anyhow::Result<()> {
    let answer = match account {
        Some(name) => door.get(&format!("{KEYS}?account={}", escaped(name)))?,
        None => door.get(KEYS)?,
    };
    if json {
        return say(format!("{answer:#}"));
    }
    let heading = ["ID", "ACCOUNT", "LABEL", "STATE", "ROLES", "ADDED"];
    let mut table = Table::with_heading(&heading);
    for key in answer["keys"].as_array().into_iter().flatten() {
        table.add([
            text(key, "id"),
            text(key, "account"),
            text(key, "label"),
            if key["revokedAt"].is_null() { "valid" } else { "revoked" }.into(),
            list_of(key, "roles"),
            text(key, "createdAt"),
        ]);
    }
    say(table.to_string().trim_end())
}
