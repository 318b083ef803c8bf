//! The customers: an account each, with caps and a deck drawn from the seed.

use bytes::Bytes;
use engine::exchange::Caps;
use fastrand::Rng;
use http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};

use crate::front::Front;
use crate::house::House;
use crate::price::DECK;

/// The name of the one deck.
const DECK_NAME: &str = "demo";

/// A method and a path.
pub(crate) type Target<'a> = (&'a str, &'a str);

/// A customer.
#[derive(Clone, Debug)]
pub(crate) struct Customer {
    /// The name of its account.
    pub(crate) name: String,
    /// What its calls are shown as; no other customer's are.
    pub(crate) from: String,
    /// What opens its account.
    pub(crate) key: String,
    /// What bounds its calls.
    pub(crate) caps: Caps,
    /// Whether it has a deck; what the deck does not list is refused to it.
    pub(crate) is_rated: bool,
}

/// An answer, with its body read.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Customer {
    /// The customer of that number, bounded by chance, and its account made.
    pub(crate) async fn new(number: usize, rng: &mut Rng, house: &House) -> Self {
        let caps = Caps { calls_per_second: rng.u32(1..10), concurrent_calls: rng.u32(1..20) };
        let is_rated = rng.u8(0..4) > 0;
        let calling = json!({
            "callsPerSecond": caps.calls_per_second,
            "concurrentCalls": caps.concurrent_calls,
            "waitingCalls": rng.u32(200..2_000),
            "deck": is_rated.then_some(DECK_NAME),
        });
        let zone = *rng.choice(&["UTC", "Europe/Zagreb", "America/St_Johns"]).expect("a zone");
        Self::made(number, json!({"timeZone": zone, "calling": calling}), house, caps).await
    }

    /// The customer of that number, bounded by the server's settings alone.
    pub(crate) async fn unbound(number: usize, house: &House) -> Self {
        let caps = Caps { calls_per_second: u32::MAX, concurrent_calls: u32::MAX };
        Self::made(number, json!({}), house, caps).await
    }

    async fn made(number: usize, mut account: Value, house: &House, caps: Caps) -> Self {
        let name = format!("customer-{number}");
        account["name"] = name.as_str().into();
        account["password"] = "not used".into();
        let is_rated = account["calling"]["deck"].is_string();
        admin(house, "POST", "/callslip/1/admin/accounts", account.to_string()).await;
        let key = json!({"account": name, "roles": ["read", "send"]});
        let key = admin(house, "POST", "/callslip/1/admin/keys", key.to_string()).await;
        let key: Value = serde_json::from_slice(&key).expect("JSON");
        let key = format!("App {}", key["key"].as_str().expect("the key is shown once"));
        Self { from: format!("3850000{number:03}"), name, key, caps, is_rated }
    }

    /// Asks for something, and reads the answer.
    pub(crate) async fn ask(&self, front: &Front, target: Target<'_>) -> Reply {
        self.send(front, target, Bytes::new(), None).await
    }

    /// Sends a JSON body, and reads the answer.
    pub(crate) async fn send(
        &self,
        front: &Front,
        target: Target<'_>,
        body: Bytes,
        idempotency_key: Option<&str>,
    ) -> Reply {
        let request = self.request(target, body, idempotency_key);
        let mut answer = front.request(request).await.expect("a socket");
        let body = answer.receive().await.expect("the body is whole");
        let (status, headers) = (answer.status, std::mem::take(&mut answer.headers));
        answer.close().await;
        Reply { status, headers, body }
    }

    /// A request with the customer's credentials.
    pub(crate) fn request(
        &self,
        (method, path): Target<'_>,
        body: Bytes,
        idempotency_key: Option<&str>,
    ) -> Request<Bytes> {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header("authorization", &self.key);
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key);
        }
        request.body(body).expect("a well-formed request")
    }
}

impl Reply {
    /// The body.
    pub(crate) fn json(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// How long to wait before the same is asked again.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        self.headers.get("retry-after")?.to_str().ok()?.parse().ok()
    }
}

/// Brings in the deck.
pub(crate) async fn import_deck(house: &House) {
    let path = format!("/callslip/1/admin/decks/{DECK_NAME}");
    admin(house, "PUT", &path, DECK.to_owned()).await;
}

async fn admin(house: &House, method: &str, path: &str, body: String) -> Bytes {
    let (client, token) = house.admin();
    let request = Request::builder().method(method).uri(path).header("authorization", token);
    let request = request.body(Bytes::from(body)).expect("a well-formed request");
    let mut answer = client.request(request).await.expect("a socket");
    let body = answer.receive().await.expect("the body is whole");
    assert!(answer.status.is_success(), "{method} {path}: {} {body:?}", answer.status);
    answer.close().await;
    body
}
