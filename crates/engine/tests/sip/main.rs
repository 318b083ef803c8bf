//! SIP legs against real far ends: sipp plays scenarios, and where a scenario would have to do
//! what no user agent does, a few datagrams are written by hand.

mod answers;
mod auth;
mod cancel;
mod crash;
mod damage;
mod far;
mod indialog;
mod kamailio;
mod outcomes;
mod peer;
mod scenario;
mod session;
mod strangers;
mod support;
mod transports;
mod trunk;
