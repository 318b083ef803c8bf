//! The HTTP edge: who is asking, what for, and in which format; and the fate of every answer.
//!
//! It knows the ledger, and of calls what the ledger keeps of them: how they are made is none of its
//! business. What it has to ask of telephony is in [`Telephony`].

mod admission;
mod auth;
mod body;
mod compress;
mod connection;
mod credential;
mod edge;
mod error;
mod idempotency;
#[cfg(feature = "in-process")]
pub mod in_process;
mod metrics;
pub mod negotiate;
mod routes;
mod server;
mod settings;
mod socket;
mod telephony;
mod throttle;
mod tls;
mod trunk;
pub mod wire;

pub use edge::{Edge, FreshId};
pub use server::{Listener, Server, Surface};
pub use settings::{ResetMeans, Settings};
pub use telephony::{CallFigures, Telephony};
pub use tls::{Tls, TlsError};
pub use trunk::{
    Destination, Fitness, MediaFigures, SipFigures, Trial, Tried, TrunkFigures, Untried,
};
