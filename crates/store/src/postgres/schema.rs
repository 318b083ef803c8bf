//! The schema: made and brought up to date at the opening, forward only.

use super::line::Lent;
use super::trouble::Done;
use crate::StoreError;

/// The migrations; the number of one is its place, from 1. One that was released is never edited.
const MIGRATIONS: [&str; 3] = [
    include_str!("migrations/0001-tables.sql"),
    include_str!("migrations/0002-takes.sql"),
    include_str!("migrations/0003-feeds.sql"),
];

/// Brings the schema up to date, in one transaction: nodes that open at once take turns.
pub(super) async fn migrate(line: &Lent, schema: &str) -> Done<()> {
    line.say("BEGIN").await?;
    let migrated = run(line, schema).await;
    let end = if migrated.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = line.say(end).await;
    migrated.and(ended)
}

async fn run(line: &Lent, schema: &str) -> Done<()> {
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended('callslip ' || $1, 0))";
    line.client.query(lock, &[&schema]).await?;
    let is_there = "SELECT to_regnamespace($1) IS NOT NULL";
    if !line.client.query_one(is_there, &[&schema]).await?.try_get::<_, bool>(0)? {
        line.say(&format!("CREATE SCHEMA {schema}")).await?;
    }
    line.say(
        "CREATE TABLE IF NOT EXISTS migration \
         (version int PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())",
    )
    .await?;
    let version = "SELECT coalesce(max(version), 0) FROM migration";
    let version: i32 = line.client.query_one(version, &[]).await?.try_get(0)?;
    let known = MIGRATIONS.len();
    let found = usize::try_from(version).unwrap_or(0);
    if found > known {
        let (found, known) = (found as u32, known as u32);
        return Err(StoreError::SchemaNewer { found, known }.into());
    }
    for (number, migration) in MIGRATIONS.iter().enumerate().skip(found) {
        line.say(migration).await?;
        line.say(&format!("INSERT INTO migration (version) VALUES ({})", number + 1)).await?;
    }
    Ok(())
}
