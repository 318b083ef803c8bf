//! The records of accounts and of their keys.

use model::calling::Unlisted;
use model::{Account, AccountId, ApiKey, Calling, Generation, Role, Roles, Zone};

use super::bytes::{Damaged, Reader, put_all, put_amount, put_maybe, put_text, put_time};

const ACCOUNT_VERSION: u8 = 2;
/// Without how the account may call.
const ACCOUNT_VERSION_1: u8 = 1;
const KEY_VERSION: u8 = 1;
const ACCOUNT: &str = "an account's record is not as it was written";
const KEY: &str = "a key's record is not as it was written";

const HAS_PASSWORD: u8 = 1;
const DISABLED: u8 = 2;
const REVOKED: u8 = 1;

pub(crate) fn write_account(account: &Account) -> Vec<u8> {
    let password = if account.password_hash.is_some() { HAS_PASSWORD } else { 0 };
    let disabled = if account.disabled { DISABLED } else { 0 };
    let mut out = vec![ACCOUNT_VERSION, password | disabled, role_bits(account.roles)];
    put_time(&mut out, account.created_at);
    put_text(&mut out, &account.name);
    put_text(&mut out, account.zone.name());
    if let Some(hash) = &account.password_hash {
        put_text(&mut out, hash);
    }
    put_calling(&mut out, &account.calling);
    out
}

pub(crate) fn read_account(id: AccountId, bytes: &[u8]) -> Result<Account, Damaged> {
    let mut from = Reader::new(bytes, ACCOUNT);
    let version = from.u8()?;
    let bits = from.u8()?;
    let roles = roles_of(from.u8()?);
    let created_at = from.time()?;
    let name = from.text()?.to_owned();
    let zone = Zone::named(from.text()?)
        .map_err(|_| Damaged("an account is in a time zone that this release does not know"))?;
    let password_hash = from.text_if(bits & HAS_PASSWORD != 0)?.map(str::to_owned);
    let calling = match version {
        ACCOUNT_VERSION_1 => Calling::default(),
        ACCOUNT_VERSION => calling(&mut from)?,
        _ => return Err(from.damaged()),
    };
    from.end()?;
    let disabled = bits & DISABLED != 0;
    Ok(Account { id, name, zone, password_hash, roles, disabled, calling, created_at })
}

pub(crate) fn write_key(key: &ApiKey) -> Vec<u8> {
    let revoked = if key.revoked_at.is_some() { REVOKED } else { 0 };
    let mut out = vec![KEY_VERSION, revoked, role_bits(key.roles)];
    out.extend_from_slice(&key.account.0.to_be_bytes());
    put_time(&mut out, key.created_at);
    if let Some(revoked_at) = key.revoked_at {
        put_time(&mut out, revoked_at);
    }
    out.extend_from_slice(&key.digest);
    put_text(&mut out, &key.label);
    out
}

pub(crate) fn read_key(id: String, bytes: &[u8]) -> Result<ApiKey, Damaged> {
    let mut from = Reader::new(bytes, KEY);
    if from.u8()? != KEY_VERSION {
        return Err(from.damaged());
    }
    let bits = from.u8()?;
    let roles = roles_of(from.u8()?);
    let account = AccountId(from.u32()?);
    let created_at = from.time()?;
    let revoked_at = from.time_if(bits & REVOKED != 0)?;
    let digest = from.array()?;
    let label = from.text()?.to_owned();
    from.end()?;
    Ok(ApiKey { id, account, label, digest, roles, created_at, revoked_at })
}

fn put_calling(out: &mut Vec<u8>, calling: &Calling) {
    out.push(match calling.generation {
        Generation::Classic => 0,
        Generation::Newer => 1,
    });
    put_maybe(out, calling.deck.as_deref(), put_text);
    out.push(match calling.unlisted {
        Unlisted::Refuse => 0,
        Unlisted::Unrated => 1,
    });
    for number in [calling.calls_per_second, calling.concurrent_calls, calling.waiting_calls] {
        put_maybe(out, number, |out, number| out.extend_from_slice(&number.to_be_bytes()));
    }
    put_maybe(out, calling.daily_spend, put_amount);
    put_all(out, &calling.destinations, |out, digits| put_text(out, digits));
}

fn calling(from: &mut Reader<'_>) -> Result<Calling, Damaged> {
    let generation = match from.u8()? {
        0 => Generation::Classic,
        1 => Generation::Newer,
        _ => return Err(from.damaged()),
    };
    let deck = from.maybe(Reader::string)?;
    let unlisted = match from.u8()? {
        0 => Unlisted::Refuse,
        1 => Unlisted::Unrated,
        _ => return Err(from.damaged()),
    };
    Ok(Calling {
        generation,
        deck,
        unlisted,
        calls_per_second: from.maybe(Reader::u32)?,
        concurrent_calls: from.maybe(Reader::u32)?,
        waiting_calls: from.maybe(Reader::u32)?,
        daily_spend: from.maybe(Reader::amount)?,
        destinations: from.all(Reader::string)?,
    })
}

/// The bits are the disk's own: the order of a role in memory may change, its bit here may not.
const ROLE_BITS: [(Role, u8); 4] =
    [(Role::Read, 1), (Role::Feed, 2), (Role::Admin, 4), (Role::Send, 8)];

fn role_bits(roles: Roles) -> u8 {
    ROLE_BITS.iter().filter(|(role, _)| roles.has(*role)).map(|(_, bit)| bit).sum()
}

fn roles_of(bits: u8) -> Roles {
    ROLE_BITS.iter().filter(|(_, bit)| bits & bit != 0).map(|(role, _)| *role).collect()
}
