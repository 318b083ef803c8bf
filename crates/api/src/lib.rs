//! The HTTP edge: who is asking, what for, and in which format; and the fate of every answer.
//!
//! It knows the ledger and nothing of calls: the two meet only in the store.

mod auth;
mod body;
mod compress;
mod connection;
mod credential;
mod edge;
mod error;
#[cfg(feature = "in-process")]
pub mod in_process;
mod metrics;
pub mod negotiate;
mod routes;
mod server;
mod settings;
mod socket;
mod throttle;
mod tls;
pub mod wire;

pub use edge::Edge;
pub use server::{Listener, Server, Surface};
pub use settings::{ResetMeans, Settings};
pub use tls::{Tls, TlsError};
