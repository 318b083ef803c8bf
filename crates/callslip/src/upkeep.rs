//! Upkeep: ends what the clock has ended, once a second, for as long as the server runs.

use std::sync::Arc;
use std::time::Duration;

use store::Ledger;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

/// The task that ends what the clock has ended, once a second.
pub(crate) struct Upkeep {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Upkeep {
    /// Starts it, within the runtime that it is called in.
    pub(crate) fn start(ledger: Arc<dyn Ledger>) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let task = tokio::spawn(async move {
            let mut second = tokio::time::interval(Duration::from_secs(1));
            second.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut last_error = None;
            // Upkeep itself is not cancelled: the select only waits.
            loop {
                tokio::select! {
                    _ = second.tick() => {}
                    _ = stopped.changed() => return,
                }
                last_error = upkeep_once(&*ledger, last_error).await;
            }
        });
        Self { stop, task }
    }

    /// Stops it; a round that has begun is finished.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "Upkeep did not end well.");
        }
    }
}

/// Does one round and gives the error it ended with; the same error is logged once.
async fn upkeep_once(ledger: &dyn Ledger, last_error: Option<String>) -> Option<String> {
    match ledger.upkeep().await {
        Ok(done) if done == store::Upkept::default() => None,
        Ok(done) => {
            tracing::info!(
                windows_settled = done.windows_settled,
                windows_returned = done.windows_returned,
                reports_dropped = done.reports_dropped,
                pending_dropped = done.pending_dropped,
                "Upkeep ended what was due."
            );
            None
        }
        Err(error) => {
            let text = error.to_string();
            if last_error.as_ref() != Some(&text) {
                tracing::error!(%error, "Upkeep failed.");
            }
            Some(text)
        }
    }
}
