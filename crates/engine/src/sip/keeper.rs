//! The keeper of the trunks: registers with them, asks them whether they live, and follows reloads.
//!
//! One task for each trunk, by its name, as long as there is a trunk of that name; all of them end
//! with the keeper. What they learn is in the trunk's standing; they decide nothing about calls.

mod ping;
mod register;

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::trunks::{Entry, Trunks};
use super::{Hop, Party, Stack};
use crate::time::Time;

/// The keeper, at work. Dropping it ends it without taking registrations back.
#[derive(Debug)]
pub struct Keeper {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// What a task of the keeper has.
#[derive(Clone)]
struct Post {
    name: String,
    stack: Stack,
    trunks: watch::Receiver<Arc<[Entry]>>,
    stop: watch::Receiver<bool>,
    time: Time,
    /// The right side of our own URIs.
    host: String,
}

impl Keeper {
    /// Starts it, within the runtime that it is called in. `host` is the right side of our own URIs;
    /// chance keeps registrations from coming all at once.
    pub fn start(
        stack: Stack,
        trunks: &Trunks,
        time: Time,
        host: &str,
        chance: fastrand::Rng,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let post = Post {
            name: String::new(),
            stack,
            trunks: trunks.watch(),
            stop: stopped,
            time,
            host: host.to_owned(),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(follow(post, trunks.clone(), chance));
        Self { stop, tasks }
    }

    /// Takes the registrations back, in a bounded time, and ends.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Has a task for every trunk, and listens to whom they are.
async fn follow(mut post: Post, trunks: Trunks, mut chance: fastrand::Rng) {
    let mut tasks: JoinSet<String> = JoinSet::new();
    let mut kept: HashSet<String> = HashSet::new();
    loop {
        post.stack.set_sources(trunks.sources());
        let entries = Arc::clone(&post.trunks.borrow_and_update());
        for entry in entries.iter() {
            if kept.insert(entry.trunk.name.clone()) {
                let post = Post { name: entry.trunk.name.clone(), ..post.clone() };
                tasks.spawn(post.keep(chance.fork()));
            }
        }
        tokio::select! {
            _ = post.trunks.changed() => {}
            Some(ended) = tasks.join_next() => match ended {
                Ok(name) => {
                    kept.remove(&name);
                }
                Err(error) => tracing::error!(%error, "A trunk is not looked after any more."),
            },
            _ = post.stop.changed() => break,
        }
    }
    while tasks.join_next().await.is_some() {}
}

impl Post {
    /// Looks after the trunk until there is none of its name any more, or the keeper stops.
    async fn keep(self, chance: fastrand::Rng) -> String {
        let name = self.name.clone();
        tokio::join!(self.clone().ping(), self.register(chance));
        name
    }

    /// The trunk as it is now. What changes after this is told by `changed`.
    fn entry(&mut self) -> Option<Entry> {
        if *self.stop.borrow() {
            return None;
        }
        let entries = self.trunks.borrow_and_update();
        entries.iter().find(|entry| entry.trunk.name == self.name).cloned()
    }

    /// Waits until the trunk may be another, or the keeper stops. Cancel-safe.
    async fn changed(&mut self) {
        tokio::select! {
            _ = self.trunks.changed() => {}
            _ = self.stop.changed() => {}
        }
    }

    fn ourselves(&self, entry: &Entry, hop: &Hop) -> Party {
        entry.trunk.ourselves(hop, &self.host)
    }
}
