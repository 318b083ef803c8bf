//! Keys as events in the RTP stream (RFC 4733).
use crate::rtp::{Header, Outgoing};
/// The payload of an event packet.
pub type Payload = [u8; 4];
/// A key being sent, a packet every 20 ms.
#[derive(Clone, Debug)]
pub struct Sender {}
impl Sender {
    /// Sends a key for 100 ms; none if there is no such key.
    pub fn new(key: char) -> Option<Self> {
        let _ = key;
        todo!()
    }
    /// The packet of the next 20 ms, in which no voice is sent; none when the key is done. Time passes in `outgoing` by it.
    pub fn next(&mut self, outgoing: &mut Outgoing, payload_type: u8) -> Option<(Header, Payload)> {
        let _ = (outgoing, payload_type);
        todo!()
    }
}
/// Tells each key once, at the first packet of it that arrives.
#[derive(Clone, Debug, Default)]
pub struct Receiver {}
impl Receiver {
    /// The key that a packet of events tells, if it is a new one.
    pub fn hear(&mut self, header: &Header, payload: &[u8]) -> Option<char> {
        let _ = (header, payload);
        todo!()
    }
}
