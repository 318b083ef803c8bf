//! Telling the other nodes what has changed, and listening to them, over one line of its own; and
//! looking around now and then for what nobody told.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::StreamExt;
use tokio::sync::oneshot;
use tokio_postgres::AsyncMessage;

use super::bulletin::Bulletin;
use super::line::{Driven, Lent};
use super::office::Office;
use super::register::SETTINGS;
use super::row::{self, Columns};
use super::trouble::{Done, Trouble};

/// How long news wait for other news.
const COMPANY: Duration = Duration::from_millis(1);
/// Between attempts to listen.
const PAUSE: Duration = Duration::from_millis(200);

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
    loop {
        if let Ok((client, driven)) = office.pool.connect().await {
            let mut hearing = tokio::spawn(hear(Arc::clone(&office), driven));
            if client.batch_execute(&format!("LISTEN {schema}")).await.is_ok() {
                office.bulletin.show_everything();
                if let Some(listening) = listening.take() {
                    let _ = listening.send(());
                }
                let _ = (&mut hearing).await;
            }
            hearing.abort();
        }
        tokio::time::sleep(PAUSE).await;
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
