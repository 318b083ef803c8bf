//! The route table, and what every route shares.

mod admin;
mod bulks;
mod calls;
mod feed;
mod files;
mod health;
mod logs;
mod reports;
mod submit;

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::{MethodRouter, get};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::auth::Caller;
use crate::connection::Connection;
use crate::edge::{Arrival, Edge, REQUEST_ID};
use crate::error::ApiError;
use crate::idempotency::IDEMPOTENCY_KEY;
use crate::negotiate::{self, Format};
use crate::server::Surface;
use crate::settings::Settings;
use crate::wire;
use crate::wire::query::Query;

type Edged = State<Arc<Edge>>;
type Answer = Result<Response<Body>, ApiError>;

/// Every route of a surface.
pub(crate) fn router(surface: Surface, edge: &Arc<Edge>) -> Router {
    let routes = match surface {
        Surface::Public => public(&edge.settings),
        Surface::Admin => admin::router()
            .route("/metrics", get(health::metrics))
            .route("/healthz/live", get(health::live))
            .route("/healthz/ready", get(health::ready)),
    };
    routes.fallback(not_found).layer(CatchPanicLayer::custom(panicked)).with_state(Arc::clone(edge))
}

fn public(settings: &Settings) -> Router<Arc<Edge>> {
    use reports::Shape;
    use submit::Kind;
    let mut routes = Router::new();
    for (ending, format) in [("", None), (".json", Some(Format::Json)), (".xml", Some(Format::Xml))]
    {
        routes = routes
            .route(&format!("/tts/3/reports{ending}"), reports::route(Shape::Classic, format))
            .route(&format!("/voice/1/reports{ending}"), reports::route(Shape::Newer, format))
            .route(&format!("/tts/3/logs{ending}"), logs::route(format))
            .route(&format!("/callslip/1/reports{ending}"), feed::route(format))
            .route(&format!("/voice/ctc/1/send{ending}"), submit::route(Kind::ClickToCall, format))
            .route(&format!("/tts/3/single{ending}"), submit::route(Kind::Single, format))
            .route(&format!("/tts/3/multi{ending}"), submit::route(Kind::Multi, format))
            .route(&format!("/tts/3/advanced{ending}"), submit::route(Kind::Advanced, format))
            .route(&format!("/tts/3/bulks{ending}"), bulks::time(format))
            .route(&format!("/tts/3/bulks/status{ending}"), bulks::status(format));
    }
    // Without endings: a `messageId` may have one of its own.
    let routes = routes
        .route("/callslip/1/calls/{messageId}", calls::route())
        .route("/tts/3/files/{messageId}/{to}", files::route());
    if settings.cors_origins.is_empty() { routes } else { routes.layer(cors(settings)) }
}

/// The label of a path on the metrics page; a path that nobody serves gets one for all.
pub(crate) fn label(surface: Surface, path: &str) -> &'static str {
    const PUBLIC: [&str; 12] = [
        "/tts/3/files",
        "/tts/3/reports",
        "/voice/1/reports",
        "/tts/3/logs",
        "/callslip/1/reports",
        "/callslip/1/calls",
        "/voice/ctc/1/send",
        "/tts/3/single",
        "/tts/3/multi",
        "/tts/3/advanced",
        // Before the one that it begins with.
        "/tts/3/bulks/status",
        "/tts/3/bulks",
    ];
    const ADMIN: [&str; 8] = [
        "/healthz/live",
        "/healthz/ready",
        "/metrics",
        "/callslip/1/admin/accounts",
        "/callslip/1/admin/keys",
        "/callslip/1/admin/audit",
        "/callslip/1/admin/decks",
        "/callslip/1/admin/calls",
    ];
    let known: &[&'static str] = match surface {
        Surface::Public => &PUBLIC,
        Surface::Admin => &ADMIN,
    };
    let fits = |label: &&&'static str| {
        path.strip_prefix(**label).is_some_and(|rest| {
            rest.is_empty() || rest == ".json" || rest == ".xml" || rest.starts_with('/')
        })
    };
    known.iter().find(fits).copied().unwrap_or("other")
}

/// Browsers of the listed origins may call with credentials (the Fetch standard's CORS protocol).
fn cors(settings: &Settings) -> CorsLayer {
    let origins = settings.cors_origins.iter().filter_map(|o| HeaderValue::from_str(o).ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::ACCEPT,
            HeaderName::from_static("prefer"),
            IDEMPOTENCY_KEY,
            REQUEST_ID,
        ])
        .expose_headers([REQUEST_ID, header::RETRY_AFTER])
        .max_age(std::time::Duration::from_secs(3600))
}

/// The format of the answer: the path's ending, or what the client accepts; JSON if it does not
/// care.
fn format_of(ending: Option<Format>, headers: &HeaderMap) -> Result<Format, ApiError> {
    format_or(ending, headers, Format::Json)
}

/// The same for a client that sends something: if it does not care, it gets what it sends.
fn format_like_body(ending: Option<Format>, headers: &HeaderMap) -> Result<Format, ApiError> {
    format_or(ending, headers, body_format(headers).unwrap_or(Format::Json))
}

fn format_or(
    ending: Option<Format>,
    headers: &HeaderMap,
    otherwise: Format,
) -> Result<Format, ApiError> {
    let accept = headers.get_all(header::ACCEPT).iter().map(HeaderValue::as_bytes);
    negotiate::format(ending, accept, otherwise).map_err(|_| ApiError::not_acceptable())
}

/// The format of the body, as it is declared.
fn body_format(headers: &HeaderMap) -> Result<Format, ApiError> {
    let content_type = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    negotiate::body_format(content_type).map_err(|fault| {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        ApiError::new(status, "UNSUPPORTED_MEDIA_TYPE", fault.to_string())
    })
}

/// Runs a handler and answers in the negotiated format, whatever comes of it.
async fn answer<F>(
    format: Result<Format, ApiError>,
    handler: impl FnOnce(Format) -> F,
) -> Response<Body>
where
    F: Future<Output = Answer>,
{
    match format {
        Err(error) => error.respond(Format::Json),
        Ok(format) => handler(format).await.unwrap_or_else(|error| error.respond(format)),
    }
}

/// 200 with a body that no cache keeps.
fn ok(format: Format, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    let content_type = HeaderValue::from_static(wire::content_type(format));
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    response
}

/// The answer to OPTIONS outside CORS.
fn options(allow: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    response
}

/// A route with its OPTIONS and its 405.
fn with_allow(route: MethodRouter<Arc<Edge>>, allow: &'static str) -> MethodRouter<Arc<Edge>> {
    route.options(move || async move { options(allow) }).fallback(
        move |request: Request<Body>| async move {
            let format = format_of(None, request.headers()).unwrap_or(Format::Json);
            ApiError::method_not_allowed(allow).respond(format)
        },
    )
}

async fn caller(edge: &Edge, head: &Parts) -> Result<Arc<Caller>, ApiError> {
    let header = head.headers.get(header::AUTHORIZATION);
    edge.auth.caller(header, connection(head)?.peer.ip()).await
}

fn connection(head: &Parts) -> Result<&Arc<Connection>, ApiError> {
    Ok(&arrival(head)?.connection)
}

fn request_id(head: &Parts) -> Result<String, ApiError> {
    Ok(arrival(head)?.request_id.to_str().unwrap_or_default().to_owned())
}

fn arrival(head: &Parts) -> Result<&Arrival, ApiError> {
    head.extensions.get::<Arrival>().ok_or_else(ApiError::internal)
}

fn query(head: &Parts) -> Result<Query<'_>, ApiError> {
    Ok(Query::parse(head.uri.query().unwrap_or_default())?)
}

/// Reads the body, within the limits of length and time.
async fn read_body(body: Body, settings: &Settings) -> Result<Bytes, ApiError> {
    let limit = settings.body_bytes_max;
    let reading = Limited::new(body, limit).collect();
    match tokio::time::timeout(settings.body_timeout, reading).await {
        Err(_) => {
            let text = "The request body did not arrive in time";
            Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT", text))
        }
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ApiError::too_large(limit)),
        Ok(Err(error)) => {
            Err(ApiError::bad_request(format!("The request body could not be read: {error}")))
        }
        Ok(Ok(body)) => Ok(body.to_bytes()),
    }
}

async fn not_found(request: Request<Body>) -> Response<Body> {
    let format = format_of(None, request.headers()).unwrap_or(Format::Json);
    ApiError::not_found(request.uri().path()).respond(format)
}

fn panicked(panic: Box<dyn Any + Send>) -> Response<Body> {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text");
    tracing::error!(panic = text, "A handler panicked; the request was answered with 500.");
    ApiError::internal().respond(Format::Json)
}
