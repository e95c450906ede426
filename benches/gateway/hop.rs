//! A hop that passes requests on and looks at nothing: the floor of what a gateway on
//! hyper costs. It runs in a process of its own, as the gateways do.

use std::net::SocketAddr;

use bytes::Bytes;
use http::Request;
use http::Response;
use http::Uri;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;

use crate::load::client;

/// What it prints before the address that it listens on.
pub(crate) const LISTENING: &str = "listening on ";

/// Passes requests on to `upstream` until it is killed.
pub(crate) async fn run(upstream: SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    eprintln!("{LISTENING}{}", listener.local_addr().expect("an address"));
    let clients = (client(false), client(true));
    while let Ok((stream, _)) = listener.accept().await {
        // It costs time where it fails, and nothing else.
        let _ = stream.set_nodelay(true);
        let clients = clients.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let client = match request.version() {
                http::Version::HTTP_2 => clients.1.clone(),
                _ => clients.0.clone(),
            };
            pass(client, upstream, request)
        });
        tokio::spawn(async move {
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// A message is whole before it goes on, as in every gateway that looks into it.
async fn pass(
    client: Client<HttpConnector, Full<Bytes>>,
    upstream: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<Incoming>, hyper_util::client::legacy::Error> {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    parts.uri = Uri::try_from(format!("http://{upstream}{path}")).expect("a path");
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    client.request(Request::from_parts(parts, Full::new(body))).await
}
