//! Accounts and keys.

use std::time::Duration;

use ::model::calling::Unlisted;
use ::model::{AccountId, ApiKey, Calling, Generation, Role, Roles, Zone};

use super::{Open, START, Stage, account, ask, report};
use crate::StoreError;

pub(super) async fn exercise(open: &impl Open) {
    accounts_are_kept(open).await;
    names_are_unique(open).await;
    keys_are_kept(open).await;
    an_account_that_is_not_there_is_refused(open).await;
}

async fn accounts_are_kept(open: &impl Open) {
    let stage = Stage::new(open, "accounts are kept").await;
    let mut first = account("first");
    first.zone = Zone::named("Europe/Zagreb").expect("a zone");
    first.password_hash = Some("$argon2id$…".to_owned());
    first.roles = Roles::default().with(Role::Feed).with(Role::Admin).with(Role::Send);
    first.calling = Calling {
        generation: Generation::Newer,
        deck: Some("retail".to_owned()),
        unlisted: Unlisted::Unrated,
        calls_per_second: Some(10),
        concurrent_calls: Some(20),
        waiting_calls: Some(30),
        daily_spend: Some("99.90".parse().expect("an amount")),
        destinations: vec!["385".to_owned(), "49".to_owned()],
    };
    let first = stage.ledger.add_account(first).await.expect("the name is free");
    let mut second = stage.ledger.add_account(account("second")).await.expect("the name is free");
    assert!(stage.account < first.id && first.id < second.id, "later accounts have larger ids");
    second.disabled = true;
    second.name = "renamed".to_owned();
    stage.ledger.replace_account(second.clone()).await.expect("it is there");
    let stage = stage.reopen().await;
    let accounts = stage.ledger.accounts().await.expect("the accounts");
    assert_eq!(accounts[1..], [first, second]);
}

async fn names_are_unique(open: &impl Open) {
    let stage = Stage::new(open, "names are unique").await;
    let other = stage.ledger.add_account(account("other")).await.expect("the name is free");
    let taken = stage.ledger.add_account(account("other")).await;
    assert!(matches!(taken, Err(StoreError::NameTaken(name)) if name == "other"));
    let mut renamed = other.clone();
    renamed.name = stage.name.clone();
    let taken = stage.ledger.replace_account(renamed).await;
    assert!(matches!(taken, Err(StoreError::NameTaken(_))));
    stage.ledger.replace_account(other).await.expect("its own name is not taken");
}

async fn keys_are_kept(open: &impl Open) {
    let stage = Stage::new(open, "keys are kept").await;
    let key = |id: &str, seconds| ApiKey {
        id: id.to_owned(),
        account: stage.account,
        label: "for the shop".to_owned(),
        digest: [7; 32],
        roles: Roles::default().with(Role::Read),
        created_at: START.plus(Duration::from_secs(seconds)),
        revoked_at: None,
    };
    let (newer, older) = (key("a", 2), key("b", 1));
    stage.ledger.put_key(newer.clone()).await.expect("a key");
    stage.ledger.put_key(older.clone()).await.expect("a key");
    let revoked = ApiKey { revoked_at: Some(START), ..newer };
    stage.ledger.put_key(revoked.clone()).await.expect("the same key");
    let stage = stage.reopen().await;
    assert_eq!(stage.ledger.keys().await.expect("the keys"), [older, revoked]);
}

async fn an_account_that_is_not_there_is_refused(open: &impl Open) {
    let stage = Stage::new(open, "an account that is not there").await;
    let ghost = AccountId(4_000);
    let is_refused = |error: Option<StoreError>| {
        assert!(matches!(error, Some(StoreError::NoSuchAccount)), "{error:?}");
    };
    is_refused(stage.ledger.feed(ghost, vec![report("b", "m")]).await.err());
    is_refused(stage.ledger.take(ghost, ask(1)).await.err());
    is_refused(stage.ledger.list(ghost, crate::ArchiveQuery::default()).await.err());
    is_refused(stage.ledger.waiting(ghost).await.err());
    let mut account = account("ghost");
    account.id = ghost;
    is_refused(stage.ledger.replace_account(account).await.err());
}
