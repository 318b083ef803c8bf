//! Where the library lets us look at what passes: for the ladder, and for answers that it would
//! drop although somebody must acknowledge and release them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use async_trait::async_trait;
use rsipstack::sip::prelude::ToTypedHeader;
use rsipstack::sip::{Header, HeadersExt, Method, Response, SipMessage, StatusCodeKind, Transport};
use rsipstack::transaction::endpoint::{EndpointInner, MessageInspector, TransportEventInspector};
use rsipstack::transaction::key::{TransactionKey, TransactionRole};
use rsipstack::transport::{SipAddr, SipConnection, TransportEvent};
use tokio::sync::mpsc;

use super::{Arrival, Route, ours, sent_by};
use crate::sip::ladder::{Passage, Records};
use crate::sip::message::Message;

/// The hooks. Clones share what they know.
#[derive(Clone)]
pub(super) struct Hooks {
    records: Arc<Records>,
    arrivals: mpsc::Sender<Arrival>,
    endpoint: Arc<OnceLock<Weak<EndpointInner>>>,
    /// Our ends of connections, by theirs.
    ends: Arc<Mutex<HashMap<SocketAddr, SocketAddr>>>,
}

/// Marks the responses that the library makes up. Nobody else's get through with it.
pub(super) const LOCAL: &str = "X-Local";

/// Ends of connections that are remembered; they only serve the ladder.
const ENDS_MAX: usize = 4096;

impl Hooks {
    pub(super) fn new(records: Arc<Records>, arrivals: mpsc::Sender<Arrival>) -> Self {
        Self { records, arrivals, endpoint: Arc::default(), ends: Arc::default() }
    }

    /// Whose hooks they are, once that is known.
    pub(super) fn watch(&self, endpoint: &Arc<EndpointInner>) {
        // Only ever set once.
        let _ = self.endpoint.set(Arc::downgrade(endpoint));
    }

    /// Those are the two ends of a connection.
    pub(super) fn learn(&self, remote: SocketAddr, connection: &SipConnection) {
        let Ok(local) = connection.get_addr().get_socketaddr() else { return };
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        if ends.len() >= ENDS_MAX {
            ends.clear();
        }
        ends.insert(remote, local);
    }

    /// Notes what goes out on a connection; datagrams are noted by their socket, which sees more.
    pub(super) fn note_sent_on_stream(&self, message: &SipMessage, remote: &SipAddr) {
        let via = message.via_header().and_then(|via| via.first_value()).ok();
        let via = via.and_then(|via| via.typed().ok());
        let Some(via) = via.filter(|via| via.transport != Transport::Udp) else { return };
        let Ok(remote) = remote.get_socketaddr() else { return };
        let local = {
            let ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
            ends.get(&remote).copied()
        };
        if let Some(local) = local {
            let transport = ours(via.transport);
            let passage = Passage { sent: true, local, remote, transport };
            self.records.note(passage, &message.to_bytes());
        }
    }

    fn note_received_on_stream(
        &self,
        message: &SipMessage,
        connection: &SipConnection,
        remote: &SipAddr,
    ) {
        let transport = connection.transport();
        if transport == Transport::Udp {
            return;
        }
        let local = connection.get_addr().get_socketaddr();
        if let (Ok(local), Ok(remote)) = (local, remote.get_socketaddr()) {
            self.learn(remote, connection);
            let transport = ours(transport);
            let passage = Passage { sent: false, local, remote, transport };
            self.records.note(passage, &message.to_bytes());
        }
    }

    /// Whether nobody waits for that answer to an INVITE: no transaction runs, and none that is
    /// over has acknowledged this fork of it.
    fn is_stray(&self, response: &Response) -> bool {
        let method = response.cseq_header().ok().and_then(|cseq| cseq.method().ok());
        if method != Some(Method::Invite)
            || response.status_code.kind() != StatusCodeKind::Successful
        {
            return false;
        }
        let key = TransactionKey::from_response(response, TransactionRole::Client);
        let endpoint = self.endpoint.get().and_then(Weak::upgrade);
        let (Ok(key), Some(endpoint)) = (key, endpoint) else { return false };
        if endpoint.transactions.contains_key(&key) {
            return false;
        }
        let tag_of = |to: &rsipstack::sip::To| to.tag().ok().flatten().map(|tag| tag.to_string());
        let acknowledged = match endpoint.finished_transactions.get(&key).flatten() {
            Some(SipMessage::Request(ack)) => ack.to_header().ok().and_then(tag_of),
            Some(SipMessage::Response(_)) | None => None,
        };
        acknowledged.is_none() || acknowledged != response.to_header().ok().and_then(tag_of)
    }
}

impl MessageInspector for Hooks {
    fn before_send(&self, message: SipMessage, remote: Option<&SipAddr>) -> SipMessage {
        let target = match (remote, &message) {
            (Some(remote), _) => Some(remote.clone()),
            (None, SipMessage::Response(response)) => {
                let target = response.via_header().map(SipConnection::parse_target_from_via);
                target.ok().and_then(Result::ok).map(|(kind, host)| SipAddr::new(kind, host))
            }
            (None, SipMessage::Request(_)) => None,
        };
        if let Some(target) = target {
            self.note_sent_on_stream(&message, &target);
        }
        message
    }

    /// The library passes its own responses by here too, and they come from nowhere.
    fn after_received(&self, mut message: SipMessage, from: Option<&SipAddr>) -> SipMessage {
        let is_mark = |header: &Header| matches!(header, Header::Other(name, _) if name == LOCAL);
        if let SipMessage::Response(response) = &mut message {
            response.headers.retain(|header| !is_mark(header));
            if from.is_none() {
                response.headers.push(Header::Other(LOCAL.into(), "1".into()));
            }
        }
        message
    }
}

#[async_trait]
impl TransportEventInspector for Hooks {
    async fn handle(&self, event: TransportEvent) -> Option<TransportEvent> {
        let TransportEvent::Incoming(message, connection, remote) = &event else {
            return Some(event);
        };
        self.note_received_on_stream(message, connection, remote);
        match message {
            SipMessage::Request(request) => {
                // What does not say whose it is cannot be answered either (RFC 3261 §8.1.1).
                let sane = TransactionKey::from_request(request, TransactionRole::Server).is_ok();
                sane.then_some(event)
            }
            // Not for us (RFC 3261 §8.1.3.3); the library would take it for an answer.
            SipMessage::Response(response) if response.has_multiple_vias() => None,
            SipMessage::Response(response) if self.is_stray(response) => {
                let transport = ours(connection.transport());
                let sent_by = sent_by(connection, None);
                let (connection, remote) = (connection.clone(), remote.clone());
                let route = Route { connection, remote, transport, sent_by };
                if let Some(message) = Message::parse(&message.to_bytes()) {
                    // If there are too many, it comes again.
                    let _ = self.arrivals.try_send(Arrival::Stray(Box::new((message, route))));
                }
                None
            }
            SipMessage::Response(response) => {
                let sane = TransactionKey::from_response(response, TransactionRole::Client).is_ok();
                sane.then_some(event)
            }
        }
    }
}
