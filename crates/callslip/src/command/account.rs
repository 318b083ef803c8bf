//! `callslip account`: who owns calls and reports.

mod calling;

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use model::Role;
use serde_json::{Value, json};
use ureq::http::Method;
use uuid::Uuid;

use super::say;
use crate::client::{escaped, secret_from};
use crate::door::{Door, Missing, Whose};
use crate::table::Table;
use calling::Calling;

const ACCOUNTS: &str = "/callslip/1/admin/accounts";

/// The subcommands of `account`.
#[derive(Debug, Subcommand)]
pub(crate) enum Account {
    /// Add an account. Without --password-file it gets a password, shown once.
    Add(Add),
    /// Change how an account may call, its time zone or what its password opens.
    Set(Set),
    /// List the accounts.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        whose: Whose,
    },
    /// Give an account a new password. Without --password-file it is made up and shown once.
    Passwd {
        /// The account.
        name: String,
        /// File whose first line is the password; `-` for standard input.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        #[command(flatten)]
        whose: Whose,
    },
    /// Refuse the account's credentials; its reports wait.
    Disable {
        /// The account.
        name: String,
        #[command(flatten)]
        whose: Whose,
    },
    /// Accept the account's credentials again.
    Enable {
        /// The account.
        name: String,
        #[command(flatten)]
        whose: Whose,
    },
}

/// The flags of `account add`.
#[derive(Args, Debug)]
pub(crate) struct Add {
    /// The user name of its credentials; no colon.
    name: String,
    /// File whose first line is the password; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// IANA time zone that its reports show times in, such as Europe/Zagreb.
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    time_zone: String,
    /// What its password opens: read, send, feed or admin. May be repeated.
    #[arg(long, value_name = "ROLE", default_values = ["read", "send"])]
    role: Vec<Role>,
    #[command(flatten)]
    calling: Calling,
    #[command(flatten)]
    whose: Whose,
}

/// The flags of `account set`; what is not given stays as it is.
#[derive(Args, Debug)]
pub(crate) struct Set {
    /// The account.
    name: String,
    /// IANA time zone that its reports show times in.
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// What its password opens: read, send, feed or admin. May be repeated.
    #[arg(long, value_name = "ROLE")]
    role: Vec<Role>,
    #[command(flatten)]
    calling: Calling,
    #[command(flatten)]
    whose: Whose,
}

impl Account {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Add(add) => add.run(),
            Self::Set(set) => set.run(),
            Self::List { json, whose } => list(json, &whose.open(Missing::Refuse)?),
            Self::Passwd { name, password_file, whose } => {
                let given = password_file.as_deref().map(secret_from).transpose()?;
                let password = given.clone().unwrap_or_else(made_up_password);
                let door = whose.open(Missing::Refuse)?;
                change(&door, &name, &json!({ "password": password }))?;
                match given {
                    Some(_) => say(format!("The password of {name} was replaced.")),
                    None => say(format!("Password of {name}, shown this once: {password}")),
                }
            }
            Self::Disable { name, whose } => {
                change(&whose.open(Missing::Refuse)?, &name, &json!({ "disabled": true }))?;
                say(format!("{name} is refused from now on."))
            }
            Self::Enable { name, whose } => {
                change(&whose.open(Missing::Refuse)?, &name, &json!({ "disabled": false }))?;
                say(format!("{name} is accepted from now on."))
            }
        }
    }
}

impl Add {
    fn run(self) -> anyhow::Result<()> {
        let roles: Vec<&str> = self.role.iter().map(|role| role.name()).collect();
        let mut account = json!({ "name": self.name, "timeZone": self.time_zone, "roles": roles });
        if let Some(file) = &self.password_file {
            account["password"] = secret_from(file)?.into();
        }
        if let Some(calling) = self.calling.given() {
            account["calling"] = calling;
        }
        let door = self.whose.open(Missing::Make)?;
        let added = door.send(Method::POST, ACCOUNTS, &account)?;
        say(format!(
            "Account {} added: role {}, times in {}.",
            text(&added, "name"),
            list_of(&added, "roles"),
            text(&added, "timeZone")
        ))?;
        match added["password"].as_str() {
            Some(password) => say(format!("Password, shown this once: {password}")),
            None => Ok(()),
        }
    }
}

impl Set {
    fn run(self) -> anyhow::Result<()> {
        let mut given = json!({});
        if let Some(zone) = self.time_zone {
            given["timeZone"] = zone.into();
        }
        if !self.role.is_empty() {
            given["roles"] = self.role.iter().map(|role| role.name()).collect();
        }
        if let Some(calling) = self.calling.given() {
            given["calling"] = calling;
        }
        anyhow::ensure!(given != json!({}), "say what to set; --help lists what there is");
        change(&self.whose.open(Missing::Refuse)?, &self.name, &given)?;
        say(format!("{} was changed.", self.name))
    }
}

/// As long as a key, from the system's random source.
fn made_up_password() -> String {
    Uuid::new_v4().simple().to_string()
}

fn change(door: &Door, name: &str, change: &Value) -> anyhow::Result<()> {
    door.send(Method::PATCH, &format!("{ACCOUNTS}/{}", escaped(name)), change)?;
    Ok(())
}

fn list(json: bool, door: &Door) -> anyhow::Result<()> {
    let answer = door.get(ACCOUNTS)?;
    if json {
        return say(format!("{answer:#}"));
    }
    let heading = ["NAME", "STATE", "ROLES", "TIME ZONE", "DECK", "PENDING", "ADDED"];
    let mut table = Table::with_heading(&heading);
    for account in answer["accounts"].as_array().into_iter().flatten() {
        let disabled = account["disabled"].as_bool().unwrap_or_default();
        table.add([
            text(account, "name"),
            if disabled { "disabled" } else { "enabled" }.into(),
            list_of(account, "roles"),
            text(account, "timeZone"),
            text(&account["calling"], "deck"),
            text(account, "pending"),
            text(account, "createdAt"),
        ]);
    }
    say(table.to_string().trim_end())
}

/// The deck that prices the account's calls.
pub(super) fn deck_of(door: &Door, name: &str) -> anyhow::Result<String> {
    let answer = door.get(ACCOUNTS)?;
    let mut accounts = answer["accounts"].as_array().into_iter().flatten();
    let account = accounts.find(|account| account["name"] == name);
    let account = account.with_context(|| format!("there is no account {name}"))?;
    let deck = account["calling"]["deck"].as_str().map(str::to_owned);
    deck.with_context(|| format!("{name} has no deck; give it one: account set {name} --deck"))
}

/// The text at that key; `-` if there is none.
pub(super) fn text(object: &Value, key: &str) -> String {
    match &object[key] {
        Value::String(text) => text.clone(),
        Value::Null => "-".into(),
        other => other.to_string(),
    }
}

/// The texts at that key, with commas.
pub(super) fn list_of(object: &Value, key: &str) -> String {
    let texts: Vec<&str> =
        object[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if texts.is_empty() { "-".into() } else { texts.join(",") }
}
