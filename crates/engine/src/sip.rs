//! SIP: the legs of calls on the wire, and what trunks are asked (OPTIONS, REGISTER).
//!
//! ```text
//! Stack ──invite──> Leg ──────events, wishes────── task of the leg ── Dialog, Session, Digest (pure)
//!   │ options, binding, hang_up_left_behind             │
//!   └──────────────── wire: transactions, transports, the only importer of rsipstack ───────────
//! ```
//! It knows nothing of calls, prices or media: SDP is bytes here, and every timer but those of the
//! protocol belongs to the call.
//!
//! The library underneath logs whole messages, credentials included, at `info`: a subscriber must
//! be filtered with [`LOG_FILTER`].

mod asking;
mod calling;
mod carrier;
mod core;
mod dialog;
mod digest;
mod health;
mod hunt;
mod keeper;
mod keys;
mod ladder;
mod leg;
mod line;
mod load;
mod message;
mod peers;
mod reason;
mod registrar;
pub mod route;
mod session;
mod settings;
mod side;
mod stack;
mod standing;
mod talking;
mod trial;
mod trunk;
mod trunks;
mod wire;

pub use carrier::{Recording, SipCarrier, SipSettings};
pub use health::{Change, Health};
pub use hunt::{Hunt, Unreached, Verdict};
pub use keeper::Keeper;
pub use ladder::Recorder;
pub use leg::{EndedBy, Failure, Leg, LegEvent, Reply};
pub use load::{Full, Load};
pub use reason::{Protocol, Reason};
pub use registrar::{Registrar, Reply as RegistrarReply};
pub use settings::{
    Credentials, Hop, Invite, Network, Party, SessionTimer, StackSettings, TlsListener, Transport,
};
pub use stack::{Binding, Counts, LeftBehind, Ping, Pong, Refused, Register, Stack};
pub use standing::{Failures, Place};
pub use trial::Trial;
pub use trunk::{
    Caller, CallerPolicy, Codec, Destination, Form, Keys, KeysBy, NumberFormat, Rank, Trunk,
};
pub use trunks::{DestinationFigures, NoWay, Reloaded, TrunkFigures, Trunks, Way};

/// What the log of a process with a [`Stack`] must be filtered with, whatever else is asked for.
pub const LOG_FILTER: &str = "rsipstack=warn";

/// The address of this machine that far ends are told by who listens on all of them: the one that
/// the way to the rest of the world begins at, else its own for itself.
pub fn own_address(bind: std::net::IpAddr) -> std::net::IpAddr {
    let itself = match bind {
        std::net::IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
        std::net::IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
    };
    crate::sockets::own_address(bind).unwrap_or(itself)
}
