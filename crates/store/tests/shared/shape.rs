//! The shape of the tables, as what shards by account needs it: `docs/shared-ledger.md`.

use crate::support::Database;

/// Tables that every node reads whole: whoever shards keeps a copy of each everywhere. The last is
/// the schema's own.
const WHOLE: &str = "('account', 'api_key', 'deck', 'node', 'migration')";

async fn asked(sql: &str) -> String {
    let database = Database::new();
    drop(database.node().await);
    database.server.ask_at(&database.url, sql)
}

#[tokio::test]
async fn the_account_leads_every_key_and_index() {
    let others = format!(
        "SELECT i.indexrelid::regclass FROM pg_index i \
         JOIN pg_class t ON t.oid = i.indrelid \
         JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0] \
         WHERE t.relnamespace = 'callslip'::regnamespace \
           AND t.relname NOT IN {WHOLE} AND a.attname <> 'account'"
    );
    assert_eq!(asked(&others).await, "");
    let without = format!(
        "SELECT t.relname FROM pg_class t WHERE t.relkind = 'r' \
         AND t.relnamespace = 'callslip'::regnamespace AND t.relname NOT IN {WHOLE} \
         AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = t.oid AND i.indisprimary)"
    );
    assert_eq!(asked(&without).await, "", "tables without a key");
}

#[tokio::test]
async fn nothing_refers_to_another_table() {
    let ties = "SELECT conname FROM pg_constraint WHERE contype IN ('f', 'x') \
        AND connamespace = 'callslip'::regnamespace \
        UNION ALL SELECT g.tgname FROM pg_trigger g JOIN pg_class t ON t.oid = g.tgrelid \
        WHERE NOT g.tgisinternal AND t.relnamespace = 'callslip'::regnamespace";
    assert_eq!(asked(ties).await, "");
}

/// One in plain SQL is planned as part of the statement that calls it, which Citus refuses where it
/// reads a table that is distributed.
#[tokio::test]
async fn no_function_in_plain_sql_reads_a_table() {
    let plain = "SELECT p.proname FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang \
        WHERE p.pronamespace = 'callslip'::regnamespace AND l.lanname = 'sql' \
        AND p.provolatile <> 'i'";
    assert_eq!(asked(plain).await, "");
}
