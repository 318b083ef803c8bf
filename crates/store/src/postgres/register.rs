//! Accounts, keys and decks: what is changed with the lock of the settings.

use model::deck::DeckFile;
use model::{Account, AccountId, ApiKey};

use super::page::Page;
use super::row::{self, Columns};
use super::trouble::Done;
use crate::StoreError;
use crate::record::{write_account, write_deck, write_key};

/// Whose desk settings are asked for at.
pub(super) const SETTINGS: AccountId = AccountId(0);

impl Page {
    pub(super) async fn add_account(&mut self, account: &Account) -> Done<Account> {
        const NEXT: &str = "SELECT coalesce(max(account), 0) + 1 AS number FROM account";
        const ADD: &str = "INSERT INTO account (account, name, record) VALUES ($1, $2, $3)";
        const QUEUE: &str =
            "INSERT INTO queue (account, next_take) VALUES ($1::bigint, $1 % 16777216)";
        self.name_is_free(account).await?;
        let next = self.one(NEXT, &[]).await?.number("number")?;
        let id = u32::try_from(next).map_err(|_| StoreError::Busy)?;
        let account = Account { id: AccountId(id), ..account.clone() };
        let id = row::account(account.id);
        self.execute(ADD, &[&id, &account.name.as_bytes(), &write_account(&account)]).await?;
        self.execute(QUEUE, &[&id]).await?;
        self.news.settings = true;
        Ok(account)
    }

    pub(super) async fn replace_account(&mut self, account: &Account) -> Done<()> {
        const REPLACE: &str = "UPDATE account SET name = $2, record = $3 WHERE account = $1";
        self.is_there(account.id).await?;
        self.name_is_free(account).await?;
        let (id, record) = (row::account(account.id), write_account(account));
        self.execute(REPLACE, &[&id, &account.name.as_bytes(), &record]).await?;
        self.news.settings = true;
        Ok(())
    }

    pub(super) async fn put_key(&mut self, key: &ApiKey) -> Done<()> {
        const PUT: &str = "INSERT INTO api_key (id, account, record) VALUES ($1, $2, $3) \
            ON CONFLICT (id) DO UPDATE SET account = excluded.account, record = excluded.record";
        self.is_there(key.account).await?;
        let record = write_key(key);
        self.execute(PUT, &[&key.id.as_bytes(), &row::account(key.account), &record]).await?;
        self.news.settings = true;
        Ok(())
    }

    pub(super) async fn put_deck(&mut self, deck: &DeckFile) -> Done<()> {
        const PUT: &str = "INSERT INTO deck (name, record) VALUES ($1, $2) \
            ON CONFLICT (name) DO UPDATE SET record = excluded.record";
        self.execute(PUT, &[&deck.name.as_bytes(), &write_deck(deck)]).await?;
        self.news.settings = true;
        Ok(())
    }

    async fn is_there(&self, account: AccountId) -> Done<()> {
        const THERE: &str = "SELECT 1 FROM account WHERE account = $1";
        let found = self.maybe(THERE, &[&row::account(account)]).await?;
        found.map(|_| ()).ok_or_else(|| StoreError::NoSuchAccount.into())
    }

    async fn name_is_free(&self, account: &Account) -> Done<()> {
        const NAMED: &str = "SELECT 1 FROM account WHERE name = $1 AND account <> $2";
        let (name, id) = (account.name.as_bytes(), row::account(account.id));
        match self.maybe(NAMED, &[&name, &id]).await? {
            Some(_) => Err(StoreError::NameTaken(account.name.clone()).into()),
            None => Ok(()),
        }
    }
}
