//! Telling the other nodes what has changed, and listening to them, over one line of its own; and
//! looking around now and then for what nobody told. The line that listens is the pulse of the
//! database too: over it nobody waits for a lock or a standby, so that a server that does not answer
//! there is frozen, or gone without a word.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::StreamExt;
use tokio::sync::oneshot;
use tokio_postgres::{AsyncMessage, Client};

use super::bulletin::Bulletin;
use super::hosts::{Driven, Reached};
use super::line::Lent;
use super::office::Office;
use super::register::SETTINGS;
use super::row::{self, Columns};
use super::trouble::{Done, Trouble};

/// How long news wait for other news.
const COMPANY: Duration = Duration::from_millis(1);
/// Between attempts to listen.
const PAUSE: Duration = Duration::from_millis(200);
/// Between two beats of the pulse.
const BEAT: Duration = Duration::from_secs(1);
/// A server that takes longer for a beat is looked for elsewhere as well.
const BEAT_MAX: Duration = Duration::from_secs(3);

/// Tells the other nodes, for ever.
pub(super) async fn tell(office: Arc<Office>) {
    loop {
        office.bulletin.told.notified().await;
        tokio::time::sleep(COMPANY).await;
        tell_now(&office).await;
    }
}

/// Tells the other nodes what they have not been told.
pub(super) async fn tell_now(office: &Office) {
    const TELL: &str = "SELECT pg_notify(current_schema(), $1)";
    // A node that leaves must not end while what was taken from the bulletin is still on its way.
    let _telling = office.bulletin.telling.lock().await;
    for payload in office.bulletin.untold(office.node) {
        // Told twice does no harm.
        while let Err(Trouble::Lost(_)) = {
            let line = office.pool.lend().await;
            line.query(TELL, &[&payload]).await
        } {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Looks at what somebody here watches. What a node did that died before it told, or could not tell,
/// is seen here a little later.
pub(super) async fn look_around(line: &Lent, bulletin: &Bulletin) -> Done<()> {
    const LOOK: &str = "SELECT 0::bigint AS account, \
            (SELECT coalesce(sum(next_call), 0) FROM queue)::bigint AS one, \
            (SELECT coalesce(sum(operation), 0) FROM latest WHERE account = $2)::bigint AS other \
        UNION ALL SELECT account, next_seq, pending FROM queue WHERE account = ANY ($1)";
    let watched: Vec<i64> = bulletin.watched().into_iter().map(row::account).collect();
    for row in line.query(LOOK, &[&watched, &row::account(SETTINGS)]).await? {
        bulletin.see(row.account()?, [row.try_get("one")?, row.try_get("other")?]);
    }
    Ok(())
}

/// Listens to the other nodes, for ever. Says when it listens for the first time: whoever watches
/// from then on misses nothing.
pub(super) async fn listen(office: Arc<Office>, schema: String, listening: oneshot::Sender<()>) {
    let mut listening = Some(listening);
    let mut server = None;
    loop {
        let Reached { host, client, driven } = office.pool.reach().await;
        let mut hearing = tokio::spawn(hear(Arc::clone(&office), driven));
        let listen = format!("LISTEN {schema}");
        let begun = async {
            client.batch_execute(&listen).await.ok()?;
            which(&client).await
        };
        if let Ok(Some(name)) = tokio::time::timeout(BEAT_MAX, begun).await {
            let found = Some((host, name));
            if server.is_some() && server != found {
                office.pool.hang_up();
            }
            server = found;
            office.bulletin.show_everything();
            if let Some(listening) = listening.take() {
                let _ = listening.send(());
            }
            tokio::select! {
                _ = &mut hearing => {}
                () = pulse(&client) => {}
            }
        }
        hearing.abort();
        tokio::time::sleep(PAUSE).await;
    }
}

/// Which server that is: one that was started again has another name.
async fn which(client: &Client) -> Option<String> {
    const WHICH: &str = "SELECT pg_postmaster_start_time()::text";
    client.query_one(WHICH, &[]).await.ok()?.try_get(0).ok()
}

/// Until the server misses a beat.
async fn pulse(client: &Client) {
    loop {
        tokio::time::sleep(BEAT).await;
        let beat = tokio::time::timeout(BEAT_MAX, client.batch_execute("SELECT 1")).await;
        if !matches!(beat, Ok(Ok(()))) {
            return;
        }
    }
}

/// Hears until the line breaks.
async fn hear(office: Arc<Office>, mut driven: Driven) {
    let mut messages = futures_util::stream::poll_fn(move |context| driven.poll_message(context));
    while let Some(Ok(message)) = messages.next().await {
        if let AsyncMessage::Notification(notification) = message {
            office.bulletin.hear(office.node, notification.payload());
        }
    }
}
