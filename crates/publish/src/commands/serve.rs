//! `stopgap-publish serve`: a folder on HTTP, for trying. A real feed is served by a real web
//! server.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use stopgap_fs::PublicDir;
use stopgap_model::Digest;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::error::PublishError;
use crate::repository::MAX_METADATA;
use crate::stdout::print_words;

/// The most connections at a time: some servers and a browser.
const MAX_CONNECTIONS: usize = 64;

/// How long a client may take to send the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(10);

pub(crate) fn run(place: &Path, address: SocketAddr) -> Result<u8, PublishError> {
    let dir = Arc::new(PublicDir::open(place)?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| PublishError::Machine(error.to_string()))?;
    runtime.block_on(serve(dir, address))
}

async fn serve(dir: Arc<PublicDir>, address: SocketAddr) -> Result<u8, PublishError> {
    let busy = |error: std::io::Error| {
        let message = format!("cannot listen at {address}: {error}");
        PublishError::usage(message, "give another with --address; port 0 takes a free one")
    };
    let listener = TcpListener::bind(address).await.map_err(busy)?;
    let address = listener.local_addr().map_err(busy)?;
    print_words!("serving {} at http://{address}, until it is stopped", dir.path().display());
    let free = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(permit) = free.clone().acquire_owned().await else { return Ok(0) };
        let Ok((stream, _)) = listener.accept().await else { continue };
        let dir = dir.clone();
        tokio::spawn(async move {
            let answer = service_fn(move |request| {
                let answer = answer(&dir, &request);
                async move { Ok::<_, Infallible>(answer) }
            });
            // A client that breaks off is its own affair.
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIME)
                .serve_connection(TokioIo::new(stream), answer)
                .await;
            drop(permit);
        });
    }
}

fn answer(dir: &PublicDir, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return bare(StatusCode::METHOD_NOT_ALLOWED);
    }
    let Some(path) = file_of(request.uri().path()) else { return bare(StatusCode::NOT_FOUND) };
    let Ok(Some(bytes)) = dir.read(path, MAX_METADATA) else { return bare(StatusCode::NOT_FOUND) };
    let tag = format!("\"{}\"", Digest::of(&bytes).short());
    let known = request.headers().get(IF_NONE_MATCH).is_some_and(|known| known == tag.as_str());
    let mut response = if known {
        bare(StatusCode::NOT_MODIFIED)
    } else {
        // hyper leaves the body out of the answer to HEAD.
        Response::new(Full::new(Bytes::from(bytes)))
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    let kind = if path.ends_with(".json") { "application/json" } else { "text/plain" };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// The file of a path: one of the repository's, named by plain letters, and none else.
fn file_of(path: &str) -> Option<&str> {
    let path = path.strip_prefix('/')?;
    let (folder, name) = path.split_once('/')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let good = matches!(folder, "metadata" | "targets")
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(plain);
    good.then_some(path)
}

fn bare(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_the_repository_is_served() {
        assert_eq!(file_of("/metadata/timestamp.json"), Some("metadata/timestamp.json"));
        assert_eq!(file_of("/targets/ab.M1.toml"), Some("targets/ab.M1.toml"));
        for bad in [
            "",
            "/",
            "/metadata",
            "/metadata/",
            "/keys/online/x.key",
            "/metadata/../keys/x",
            "/metadata/%2e%2e/keys/x",
            "//metadata/x",
            "/targets/..",
            "/targets/.lock",
            "/targets/a/b",
            "/targets\\x",
            "/.lock",
            "/metadata/a b",
        ] {
            assert_eq!(file_of(bad), None, "{bad}");
        }
    }
}
