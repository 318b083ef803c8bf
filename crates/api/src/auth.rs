//! Who is asking: from an `Authorization` header to a caller, or 401, 403 or 429.
//!
//! A password costs tens of milliseconds of argon2 once; after that a keyed digest of the header
//! finds the caller in memory, so that a poll does not pay for it. Any change to accounts or keys
//! empties that memory.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use http::HeaderValue;
use model::{Account, AccountId, ApiKey, Clock, Role, Roles, Zone, limits};
use store::Ledger;
use tokio::sync::Semaphore;

use crate::credential::{self, Credential};
use crate::error::ApiError;
use crate::metrics::{Metrics, ReasonLabels};
use crate::throttle::Throttle;

/// Headers remembered at most.
const REMEMBERED_MAX: usize = 10_000;
/// Passwords that are checked at the same time: each takes a core and 19 MiB.
const CHECKS_AT_ONCE: usize = 2;

/// Who is asking.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) account: AccountId,
    pub(crate) zone: Zone,
    pub(crate) roles: Roles,
    /// A key's id, or `password`.
    pub(crate) credential: String,
}

impl Caller {
    pub(crate) fn may(&self, role: Role) -> Result<(), ApiError> {
        if self.roles.has(role) {
            return Ok(());
        }
        let role = role.name();
        Err(ApiError::forbidden(format!("This needs a credential with the role `{role}`")))
    }
}

/// Accounts and keys as they are now, and the headers that have been checked against them.
pub(crate) struct Auth {
    known: RwLock<Known>,
    /// Counts the changes of `known`.
    generation: AtomicU64,
    remembered: RwLock<HashMap<[u8; 32], Arc<Caller>>>,
    /// Makes the digests of headers worthless outside this process.
    digest_key: [u8; 32],
    /// Checked when there is no such account, so that the answer takes as long.
    decoy_hash: String,
    checks: Semaphore,
    failures: Throttle<(IpAddr, String)>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
}

#[derive(Default)]
struct Known {
    accounts: HashMap<AccountId, Arc<Account>>,
    names: HashMap<String, AccountId>,
    keys: HashMap<String, ApiKey>,
}

impl Auth {
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
        failures_per_minute: u32,
    ) -> std::io::Result<Self> {
        let mut digest_key = [0; 32];
        getrandom::fill(&mut digest_key).map_err(std::io::Error::other)?;
        let decoy = credential::fresh_secret().map_err(std::io::Error::other)?;
        let decoy_hash = credential::hash_password(&decoy)
            .map_err(|error| std::io::Error::other(error.to_string()))?;
        Ok(Self {
            known: RwLock::default(),
            generation: AtomicU64::new(0),
            remembered: RwLock::default(),
            digest_key,
            decoy_hash,
            checks: Semaphore::new(CHECKS_AT_ONCE),
            failures: Throttle::per_minute(failures_per_minute),
            clock,
            metrics,
        })
    }

    /// Reads accounts and keys from the ledger again and forgets what was checked before.
    pub(crate) async fn refresh(&self, ledger: &dyn Ledger) -> store::Result<()> {
        let mut known = Known::default();
        for account in ledger.accounts().await? {
            known.names.insert(account.name.clone(), account.id);
            known.accounts.insert(account.id, Arc::new(account));
        }
        for key in ledger.keys().await? {
            known.keys.insert(key.id.clone(), key);
        }
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.remembered.write().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }

    /// The account of that name.
    pub(crate) fn account_named(&self, name: &str) -> Option<Arc<Account>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.names.get(name).and_then(|id| known.accounts.get(id)).cloned()
    }

    /// The account of that id.
    pub(crate) fn account(&self, id: AccountId) -> Option<Arc<Account>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).accounts.get(&id).cloned()
    }

    /// Finds the caller behind the header.
    pub(crate) async fn caller(
        &self,
        header: Option<&HeaderValue>,
        peer: IpAddr,
    ) -> Result<Arc<Caller>, ApiError> {
        let Some(header) = header else {
            self.count("missing");
            return Err(ApiError::unauthorized());
        };
        let digest = *blake3::keyed_hash(&self.digest_key, header.as_bytes()).as_bytes();
        let remembered = {
            let remembered = self.remembered.read().unwrap_or_else(PoisonError::into_inner);
            remembered.get(&digest).cloned()
        };
        if let Some(caller) = remembered {
            return Ok(caller);
        }
        let generation = self.generation.load(Ordering::SeqCst);
        let caller = Arc::new(self.check(header.as_bytes(), peer).await?);
        let mut remembered = self.remembered.write().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= REMEMBERED_MAX {
            remembered.clear();
        }
        // What was checked against accounts that have changed since must not be remembered.
        if self.generation.load(Ordering::SeqCst) == generation {
            remembered.insert(digest, Arc::clone(&caller));
        }
        Ok(caller)
    }

    async fn check(&self, header: &[u8], peer: IpAddr) -> Result<Caller, ApiError> {
        let Some(credential) = Credential::read(header) else {
            self.count("unreadable");
            return Err(ApiError::unauthorized());
        };
        let name = match &credential {
            Credential::Basic { name, .. } => name.clone(),
            Credential::Key { .. } => String::new(),
        };
        let source = (peer, name);
        if let Err(wait) = self.failures.peek(&source, self.clock.now()) {
            self.count("throttled");
            return Err(ApiError::too_many_requests(wait));
        }
        let found = match credential {
            Credential::Basic { name, password } => self.by_password(&name, password).await,
            Credential::Key { id, secret } => self.by_key(&id, &secret),
        };
        let Some((account, roles, credential)) = found else {
            self.count("wrong");
            // Whether the bucket is empty matters to the next request, not to this one.
            let _ = self.failures.take(source, self.clock.now());
            return Err(ApiError::unauthorized());
        };
        if account.disabled {
            self.count("disabled");
            return Err(ApiError::forbidden("This account is disabled"));
        }
        Ok(Caller { account: account.id, zone: account.zone.clone(), roles, credential })
    }

    async fn by_password(
        &self,
        name: &str,
        password: String,
    ) -> Option<(Arc<Account>, Roles, String)> {
        if password.len() > limits::PASSWORD_BYTES_MAX {
            return None;
        }
        let account = self.account_named(name);
        let kept = account.as_ref().and_then(|account| account.password_hash.clone());
        let hash = kept.clone().unwrap_or_else(|| self.decoy_hash.clone());
        let _turn = self.checks.acquire().await.ok()?;
        let fits = tokio::task::spawn_blocking(move || credential::password_fits(&password, &hash));
        let fits = fits.await.ok()?;
        let account = account.filter(|_| fits && kept.is_some())?;
        let roles = account.roles;
        Some((account, roles, "password".to_owned()))
    }

    fn by_key(&self, id: &str, secret: &str) -> Option<(Arc<Account>, Roles, String)> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let key = known.keys.get(id);
        let kept = key.map_or([0; 32], |key| key.digest);
        let same = credential::is_same(&credential::digest(secret), &kept);
        let key = key.filter(|key| same && key.revoked_at.is_none())?;
        let account = known.accounts.get(&key.account)?;
        Some((Arc::clone(account), key.roles, key.id.clone()))
    }

    fn count(&self, reason: &'static str) {
        self.metrics.auth_failures.get_or_create(&ReasonLabels { reason }).inc();
    }
}
