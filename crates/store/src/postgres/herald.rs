//! Telling the other nodes what has changed, and listening to them, over one line of its own.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::StreamExt;
use tokio::sync::oneshot;
use tokio_postgres::AsyncMessage;

use super::line::Driven;
use super::office::Office;
use super::trouble::Trouble;

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
