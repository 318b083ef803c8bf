//! Transactions: one that we began, and one that the far end did.

use std::sync::Arc;
use std::time::Duration;

use rsipstack::sip::{Request, Response, SipMessage};
use rsipstack::transaction::TransactionReceiver;
use rsipstack::transaction::endpoint::EndpointInner;
use rsipstack::transaction::key::{TransactionKey, TransactionRole};
use rsipstack::transaction::transaction::{Transaction, TransactionEvent, TransactionEventSender};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::hooks::LOCAL;
use super::{Arrival, Route, Unsent, random};
use crate::sip::message::Message;

/// A request of ours under way. Dropping it forgets it; what comes to it after that is
/// acknowledged by the endpoint if it was answered before, else a stray.
pub(in crate::sip) struct Asked {
    responses: mpsc::Receiver<Message>,
    own: TransactionEventSender,
    /// The library's transaction must not be polled beside anything else: a message would be lost
    /// between its receipt and its acknowledgement. So it has a task of its own.
    task: JoinHandle<()>,
    /// As it was sent.
    pub(in crate::sip) request: Message,
}

/// Marks the response by which we make our own transaction believe that it was heard.
const HUSH: &str = "X-Hush";
/// Responses that wait for a leg.
const RESPONSES: usize = 16;
/// How long a connection may take what we write.
const WRITE: Duration = Duration::from_secs(5);

impl Asked {
    pub(super) fn start(
        endpoint: &Arc<EndpointInner>,
        route: &Route,
        mut message: Message,
    ) -> Result<Self, Unsent> {
        // A CANCEL has that of its INVITE (RFC 3261 §9.1).
        if message.value("Via").is_none() {
            route.put_via(&mut message);
        }
        let request = Request::try_from(message.to_bytes().as_slice());
        let request = request.map_err(|error| Unsent(error.to_string()))?;
        let key = TransactionKey::from_request(&request, TransactionRole::Client);
        let key = key.map_err(|error| Unsent(error.to_string()))?;
        let connection = Some(route.connection.clone());
        let mut transaction = Transaction::new_client(key, request, endpoint.clone(), connection);
        transaction.destination = Some(route.remote.clone());
        let own = transaction.tu_sender.clone();
        let (responses_in, responses) = mpsc::channel(RESPONSES);
        let task = tokio::spawn(async move {
            if transaction.send().await.is_err() {
                return;
            }
            while let Some(message) = transaction.receive().await {
                let message = Message::parse(&message.to_bytes());
                let Some(message) = message.filter(|message| message.value(HUSH).is_none()) else {
                    continue;
                };
                if responses_in.send(message).await.is_err() {
                    return;
                }
            }
        });
        Ok(Self { responses, own, task, request: message })
    }

    /// The next response; none after the final one's time is over. It may be one that nobody sent:
    /// see `is_local`.
    pub(in crate::sip) async fn next(&mut self) -> Option<Message> {
        self.responses.recv().await
    }

    /// Does not send it again. Whoever does that waits by a clock of his own.
    pub(in crate::sip) fn hush(&self) {
        let heard = Message::response_to(&self.request, 100).with(HUSH, "1");
        if let Ok(heard) = Response::try_from(heard.to_bytes().as_slice()) {
            let heard = TransactionEvent::Received(SipMessage::Response(heard), None);
            // A transaction that is over sends nothing again anyway.
            let _ = self.own.send(heard);
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Whether the library made that response up: it took too long (408), or the connection broke
/// (503).
pub(in crate::sip) fn is_local(response: &Message) -> bool {
    response.value(LOCAL).is_some()
}

/// A request of the far end.
pub(in crate::sip) struct Incoming {
    transaction: Transaction,
    /// As it came.
    pub(in crate::sip) request: Message,
}

impl Incoming {
    /// Responds. A response to a request outside of a dialog gets a tag.
    pub(in crate::sip) async fn respond(&mut self, mut response: Message) {
        if response.tag("To").is_none() && response.code() != Some(100) {
            let to = format!("{};tag={}", response.value("To").unwrap_or_default(), random(12));
            response.set("To", &to);
        }
        let Ok(response) = Response::try_from(response.to_bytes().as_slice()) else { return };
        // If it cannot be sent, the far end asks again or gives up.
        let _ = tokio::time::timeout(WRITE, self.transaction.respond(response)).await;
    }

    /// The same, in short.
    pub(in crate::sip) async fn answer(&mut self, code: u16) {
        self.respond(Message::response_to(&self.request, code)).await;
    }

    /// Waits for the ACK of an INVITE's final response; none if it never comes.
    pub(in crate::sip) async fn acknowledged(mut self) -> Option<Message> {
        // A response that could not be sent (a Via that leads nowhere) has started no timer.
        let longest = self.transaction.endpoint_inner.option.t1x64 * 2;
        let ack = async {
            while let Some(message) = self.transaction.receive().await {
                let message = Message::parse(&message.to_bytes());
                if let Some(ack) = message.filter(|message| message.method() == "ACK") {
                    return Some(ack);
                }
            }
            None
        };
        tokio::time::timeout(longest, ack).await.ok().flatten()
    }
}

/// Passes on what comes, as long as somebody keeps up with it.
pub(super) async fn take_in(mut incoming: TransactionReceiver, arrivals: mpsc::Sender<Arrival>) {
    while let Some(transaction) = incoming.recv().await {
        let request = SipMessage::Request(transaction.original.clone());
        let Some(request) = Message::parse(&request.to_bytes()) else { continue };
        let arrival = Arrival::Request(Box::new(Incoming { transaction, request }));
        if let Err(mpsc::error::TrySendError::Closed(_)) = arrivals.try_send(arrival) {
            return;
        }
    }
}
