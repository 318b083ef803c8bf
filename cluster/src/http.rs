//! Requests that always end: with a reply, or within their time.

use std::time::Duration;

use ureq::Agent;

/// Longer than a node is patient with its database.
const PATIENCE: Duration = Duration::from_secs(30);
/// Whoever is asked how it is answers at once, or is not well.
const GLANCE: Duration = Duration::from_secs(2);

/// A reply that came whole.
pub(crate) struct Reply {
    pub(crate) code: u16,
    pub(crate) body: String,
    pub(crate) retry_after: bool,
}

fn agent(patience: Duration) -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(patience))
        .timeout_connect(Some(Duration::from_secs(2)))
        // Every answer has its own connection: what became of it is known without the next request.
        .max_idle_connections(0)
        .build()
        .into()
}

fn reply(response: ureq::http::Response<ureq::Body>) -> Result<Reply, ureq::Error> {
    let (parts, mut body) = response.into_parts();
    let body = body.with_config().limit(64 << 20).read_to_string()?;
    let retry_after = parts.headers.contains_key("Retry-After");
    Ok(Reply { code: parts.status.as_u16(), body, retry_after })
}

/// A GET, with an API key and maybe an `Idempotency-Key`.
pub(crate) fn get_as(
    url: &str,
    key: &str,
    idempotency: Option<&str>,
) -> Result<Reply, ureq::Error> {
    let mut request = agent(PATIENCE).get(url).header("Authorization", format!("App {key}"));
    if let Some(idempotency) = idempotency {
        request = request.header("Idempotency-Key", idempotency);
    }
    reply(request.call()?)
}

/// A GET without credentials.
pub(crate) fn get(url: &str) -> Result<Reply, ureq::Error> {
    reply(agent(GLANCE).get(url).call()?)
}

/// A POST of JSON.
pub(crate) fn post(url: &str, key: &str, body: &str) -> Result<Reply, ureq::Error> {
    let request = agent(PATIENCE).post(url).header("Authorization", format!("App {key}"));
    reply(request.header("Content-Type", "application/json").send(body)?)
}
