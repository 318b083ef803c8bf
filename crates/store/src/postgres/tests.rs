//! What cannot be seen from outside: ids that share their hashes, which outside happens once in a
//! lifetime.

use std::sync::Arc;

use model::Clock;
use testkit::postgres::PostgresServer;

use super::{Postgres, PostgresSettings};
use crate::hash::hash;
use crate::{Keeping, Ledger, conformance};

const SEEDS: u64 = 2;
const STEPS: usize = 300;

#[test]
fn ids_that_share_a_hash_are_told_apart() {
    assert!(hash("any") < 4, "ids share hashes here");
    let server = PostgresServer::shared();
    let url = server.database();
    let open = async |name: String, keeping: Keeping, clock: Arc<dyn Clock>| {
        let schema = format!("ledger_{}", name.replace(' ', "_"));
        let patience = std::time::Duration::from_secs(20);
        let settings = PostgresSettings { schema, patience, ..PostgresSettings::at(&url) };
        Arc::new(Postgres::open(settings, keeping, clock).await.unwrap()) as Arc<dyn Ledger>
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    for seed in 1_000..1_000 + SEEDS {
        println!("seed {seed}");
        runtime.block_on(conformance::walk(&open, seed, STEPS));
    }
}
