//! Long answers, compressed for the clients that ask for it. Most answers are short: they do not
//! go through here.

use std::convert::Infallible;

use axum::body::Body;
use http::{HeaderValue, Request, Response, header};
use http_body::Body as _;
use tower::{ServiceExt as _, service_fn};
use tower_http::compression::Compression;

/// Bodies over this are compressed.
const ABOVE_BYTES: u64 = 1024;

/// The answer, in an encoding that the client accepts if it is long.
pub(crate) async fn compress(
    response: Response<Body>,
    accept_encoding: Option<HeaderValue>,
) -> Response<Body> {
    let Some(accept_encoding) = accept_encoding else { return response };
    if response.body().size_hint().lower() <= ABOVE_BYTES {
        return response;
    }
    let mut request = Request::new(());
    request.headers_mut().insert(header::ACCEPT_ENCODING, accept_encoding);
    let mut response = Some(response);
    let given = service_fn(move |_| {
        let response = response.take().unwrap_or_default();
        async move { Ok::<_, Infallible>(response) }
    });
    match Compression::new(given).oneshot(request).await {
        Ok(compressed) => compressed.map(Body::new),
        Err(never) => match never {},
    }
}
