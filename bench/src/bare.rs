//! Bare handlers that answer everything with fixed bytes: what the HTTP libraries leave to be had.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::Body;
use axum::serve::ListenerExt as _;
use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::raw::Reply;

/// Servers that end when they are dropped.
pub(crate) struct Bare {
    pub(crate) axum: SocketAddr,
    pub(crate) hyper: SocketAddr,
    _servers: JoinSet<()>,
}

impl Bare {
    /// Starts both, on the runtime that Callslip runs on, with Callslip's answer as theirs.
    pub(crate) async fn start(reply: &Reply, path: &str) -> std::io::Result<Self> {
        let for_axum = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let for_hyper = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (axum, hyper) = (for_axum.local_addr()?, for_hyper.local_addr()?);
        let mut servers = JoinSet::new();
        let (headers, body) = (reply.headers.clone(), reply.body.clone());
        let answer = move || {
            let mut response = Response::new(Body::from(body.clone()));
            response.headers_mut().clone_from(&headers);
            std::future::ready(response)
        };
        let router = Router::new().route(path, axum::routing::get(answer));
        servers.spawn(async move {
            let listener = for_axum.tap_io(|stream| {
                let _ = stream.set_nodelay(true);
            });
            let _ = axum::serve(listener, router).await;
        });
        servers.spawn(serve_hyper(for_hyper, reply.headers.clone(), reply.body.clone()));
        Ok(Self { axum, hyper, _servers: servers })
    }
}

async fn serve_hyper(listener: TcpListener, headers: http::HeaderMap, body: Bytes) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let (headers, body) = (headers.clone(), body.clone());
        let answer = service_fn(move |_| {
            let mut response = Response::new(Full::new(body.clone()));
            response.headers_mut().clone_from(&headers);
            std::future::ready(Ok::<_, Infallible>(response))
        });
        let http = hyper::server::conn::http1::Builder::new();
        connections.spawn(http.serve_connection(TokioIo::new(stream), answer));
    }
}
