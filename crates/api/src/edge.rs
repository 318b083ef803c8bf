//! What every request handler shares, and what every request goes through before and after one.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use http::{HeaderName, HeaderValue, Request, Response, Version, header};
use model::{AccountId, Clock};
use store::{Ledger, StoreError};
use tokio::time::Instant;
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::auth::Auth;
use crate::body::WatchedBody;
use crate::compress::compress;
use crate::connection::{Connection, InFlight};
use crate::credential;
use crate::metrics::{Metrics, RequestLabels, RouteLabels};
use crate::routes;
use crate::server::Surface;
use crate::settings::Settings;
use crate::telephony::Telephony;
use crate::throttle::Throttle;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest `X-Request-Id` of a client that is kept.
const REQUEST_ID_BYTES_MAX: usize = 128;

/// The HTTP edge: everything that the handlers share.
pub struct Edge {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) telephony: Arc<dyn Telephony>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: Settings,
    pub(crate) auth: Auth,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) logs_throttle: Throttle<AccountId>,
    pub(crate) submits_throttle: Throttle<AccountId>,
    pub(crate) stopping: AtomicBool,
    pub(crate) fresh_id: FreshId,
    admin_token: String,
    /// Begins every request id of this process.
    id_prefix: String,
    requests: AtomicU64,
}

/// Gives a new id with every call.
pub type FreshId = Arc<dyn Fn() -> String + Send + Sync>;

/// How a request came.
#[derive(Clone)]
pub(crate) struct Arrival {
    pub(crate) connection: Arc<Connection>,
    /// The client's own, if it is a decent one, or ours.
    pub(crate) request_id: HeaderValue,
}

/// Carries the answer of a take from its handler to the body that is written.
#[derive(Clone)]
pub(crate) struct Carried(Arc<Mutex<Option<InFlight>>>);

impl Carried {
    pub(crate) fn new(in_flight: InFlight) -> Self {
        Self(Arc::new(Mutex::new(Some(in_flight))))
    }

    fn unload(&self) -> Option<InFlight> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Edge {
    /// An edge over the ledger, with its accounts read.
    ///
    /// # Errors
    /// There is no randomness to be had, or the ledger cannot be read.
    pub async fn new(
        ledger: Arc<dyn Ledger>,
        telephony: Arc<dyn Telephony>,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> std::io::Result<Arc<Self>> {
        let fresh_id = Arc::new(|| Uuid::new_v4().to_string());
        Self::with_ids(ledger, telephony, clock, settings, fresh_id).await
    }

    /// The same, with the ids of bulks and messages from elsewhere: those of a simulation are drawn
    /// from its seed.
    ///
    /// # Errors
    /// There is no randomness to be had, or the ledger cannot be read.
    pub async fn with_ids(
        ledger: Arc<dyn Ledger>,
        telephony: Arc<dyn Telephony>,
        clock: Arc<dyn Clock>,
        settings: Settings,
        fresh_id: FreshId,
    ) -> std::io::Result<Arc<Self>> {
        let metrics = Arc::new(Metrics::new());
        let failures = settings.auth_failures_per_minute;
        let auth = Auth::new(Arc::clone(&clock), Arc::clone(&metrics), failures)?;
        auth.refresh(&*ledger).await.map_err(std::io::Error::other)?;
        let secret = || credential::fresh_secret().map_err(std::io::Error::other);
        Ok(Arc::new(Self {
            logs_throttle: Throttle::per_minute(settings.logs_per_minute),
            submits_throttle: Throttle::per_second(settings.submits_per_second),
            ledger,
            telephony,
            clock,
            settings,
            auth,
            metrics,
            stopping: AtomicBool::new(false),
            fresh_id,
            admin_token: secret()?,
            id_prefix: secret()?[..10].replace(['-', '_'], "0"),
            requests: AtomicU64::new(0),
        }))
    }

    /// Opens the admin API of this process, as `Authorization: App <token>`.
    pub fn admin_token(&self) -> &str {
        &self.admin_token
    }

    /// Reads the accounts again, after a change.
    pub(crate) async fn accounts_changed(&self) -> Result<(), StoreError> {
        self.auth.refresh(&*self.ledger).await?;
        self.decks_changed().await
    }

    /// Lets telephony read accounts and decks again, after a change.
    pub(crate) async fn decks_changed(&self) -> Result<(), StoreError> {
        self.telephony.settings_changed(&*self.ledger).await
    }

    /// Answers one request.
    pub(crate) async fn respond(
        &self,
        router: Router,
        surface: Surface,
        connection: Arc<Connection>,
        mut request: Request<Body>,
    ) -> Response<Body> {
        let began = Instant::now();
        let request_id = self.request_id(&request);
        let accept_encoding = request.headers().get(header::ACCEPT_ENCODING).cloned();
        let route = routes::label(surface, request.uri().path());
        let method = method_label(request.method());
        let multiplexed = request.version() == Version::HTTP_2;
        let arrival = Arrival { connection, request_id: request_id.clone() };
        request.extensions_mut().insert(arrival);
        let response = match router.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let mut response = compress(response, accept_encoding).await;
        response.headers_mut().insert(REQUEST_ID, request_id);
        let code = response.status().as_u16();
        self.metrics.requests.get_or_create(&RequestLabels { route, method, code }).inc();
        let seconds = began.elapsed().as_secs_f64();
        self.metrics.request_seconds.get_or_create(&RouteLabels { route }).observe(seconds);
        match response.extensions_mut().remove::<Carried>().and_then(|carried| carried.unload()) {
            None => response,
            Some(in_flight) => {
                response.map(|body| Body::new(WatchedBody::new(body, in_flight, multiplexed)))
            }
        }
    }

    fn request_id(&self, request: &Request<Body>) -> HeaderValue {
        let theirs = request.headers().get(REQUEST_ID).filter(|id| {
            let bytes = id.as_bytes();
            !bytes.is_empty()
                && bytes.len() <= REQUEST_ID_BYTES_MAX
                && bytes.iter().all(u8::is_ascii_graphic)
        });
        if let Some(id) = theirs {
            return id.clone();
        }
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let ours = format!("{}-{number:x}", self.id_prefix);
        HeaderValue::try_from(ours).unwrap_or(HeaderValue::from_static("unnamed"))
    }
}

/// A bounded label: methods that nobody has heard of are all one.
fn method_label(method: &http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}
