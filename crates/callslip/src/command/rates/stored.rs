//! A deck as the server has it: its file, and the terms that it was imported on.

use anyhow::{Context, anyhow, bail};
use engine::rating::{Deck, Terms};
use serde::Deserialize;
use ureq::http::{Method, StatusCode};

use crate::client::{Ask, Client, ClientError, escaped};

const DECKS: &str = "/callslip/1/admin/decks";

/// What the server tells of a deck.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Told {
    pub(super) name: String,
    pub(super) imported_at: String,
    currency: Option<String>,
    increments: String,
    charge_b: bool,
    decimals: u32,
}

#[derive(Deserialize)]
struct List {
    decks: Vec<Told>,
}

/// Every deck, by name.
pub(super) fn all(server: &Client) -> anyhow::Result<Vec<Told>> {
    let List { decks } = serde_json::from_value(server.get(DECKS)?)?;
    Ok(decks)
}

/// The deck of that name, if there is one.
pub(super) fn find(server: &Client, name: &str) -> anyhow::Result<Option<Deck>> {
    let decks = all(server)?;
    let Some(told) = decks.into_iter().find(|told| told.name == name) else {
        return Ok(None);
    };
    let csv = match server.get_bytes(&Ask::path(&path(name))) {
        Ok(csv) => csv,
        Err(ClientError::Refused { status: StatusCode::NOT_FOUND, .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let terms = told.terms()?;
    let deck = Deck::import(&csv, &terms);
    deck.map(Some).map_err(|_| anyhow!("the stored deck {name} cannot be read"))
}

/// The deck of that name; an error that names those there are if it is not there.
pub(super) fn named(server: &Client, name: &str) -> anyhow::Result<Deck> {
    if let Some(deck) = find(server, name)? {
        return Ok(deck);
    }
    let names: Vec<String> = all(server)?.into_iter().map(|told| told.name).collect();
    match names.as_slice() {
        [] => bail!("there is no deck {name}, nor any other; bring one in: callslip rates import"),
        names => bail!("there is no deck {name}; there are: {}", names.join(", ")),
    }
}

/// Keeps the deck, in place of the one of its name.
pub(crate) fn put(server: &Client, name: &str, csv: Vec<u8>, terms: &Terms) -> anyhow::Result<()> {
    let Terms { currency, increments, charge_b, decimals } = terms;
    let increments = escaped(&increments.to_string());
    let mut path = path(name);
    path.push_str(&format!("?increments={increments}&chargeB={charge_b}&decimals={decimals}"));
    if let Some(currency) = currency {
        path.push_str(&format!("&currency={currency}"));
    }
    server.post_bytes(Method::PUT, &path, "text/csv", csv)?;
    Ok(())
}

fn path(name: &str) -> String {
    format!("{DECKS}/{}", escaped(name))
}

impl Told {
    fn terms(&self) -> anyhow::Result<Terms> {
        let odd = || format!("the stored deck {} has odd terms", self.name);
        let parsed = |text: &String| text.parse().map_err(anyhow::Error::msg);
        Ok(Terms {
            currency: self.currency.as_ref().map(parsed).transpose().with_context(odd)?,
            increments: self.increments.parse().map_err(anyhow::Error::msg).with_context(odd)?,
            charge_b: self.charge_b,
            decimals: self.decimals,
        })
    }
}
