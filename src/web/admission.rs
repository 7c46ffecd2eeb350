//! What every request must keep before any path looks at it: the limits on its size and time, and
//! the name that it comes under.
//!
//! **Invariant:** a path sees only requests whose head and body are within the limits and whole,
//! so no path needs limits of its own.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;

use super::problem::{Failure, Kind};
use super::serve::Limits;
use super::{Broken, Peer};

/// Longest URL, in bytes: path and query.
pub(super) const MAX_URL_BYTES: usize = 4 * 1024;
/// Most headers.
const MAX_HEADERS: usize = 64;
/// Longest headers together, names and values, in bytes.
const MAX_HEADER_BYTES: usize = 16 * 1024;
/// Longest body, in bytes; a reason has at most a few thousand.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// These answer under any name: probes choose theirs, and nobody learns anything from them.
const UNDER_ANY_NAME: [&str; 2] = ["/healthz", "/readyz"];

/// Lets a request in, or says why not.
pub(super) async fn admit(request: Request, next: Next) -> Response {
    match admitted(request).await {
        Ok(request) => next.run(request).await,
        Err(failure) => failure.into_response(),
    }
}

async fn admitted(request: Request) -> Result<Request, Failure> {
    let (head, body) = request.into_parts();
    size(&head)?;
    name(&head)?;
    let limits = head.extensions.get::<Limits>().copied().unwrap_or_default();
    let body = whole(body, limits.body_within).await?;
    Ok(Request::from_parts(head, Body::from(body)))
}

fn size(head: &Parts) -> Result<(), Failure> {
    let url = head.uri.path_and_query().map_or(0, |url| url.as_str().len());
    if url > MAX_URL_BYTES {
        let detail =
            format!("the URL has {url} bytes, and may have {MAX_URL_BYTES}; every value fits in that");
        return Err(Failure::new(Kind::LongUrl, detail));
    }
    let (number, bytes) = (
        head.headers.len(),
        head.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>(),
    );
    if number > MAX_HEADERS || bytes > MAX_HEADER_BYTES {
        let detail = format!(
            "there are {number} headers of {bytes} bytes, and may be {MAX_HEADERS} of {MAX_HEADER_BYTES}; \
             a browser sends fewer once the cookies of {} are cleared",
            head.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or("this host")
        );
        return Err(Failure::new(Kind::LongHead, detail));
    }
    Ok(())
}

fn name(head: &Parts) -> Result<(), Failure> {
    if UNDER_ANY_NAME.contains(&head.uri.path()) {
        return Ok(());
    }
    let peer = head.extensions.get::<Peer>();
    let peer =
        peer.ok_or_else(|| Failure::new(Kind::Fault, "nobody said where the connection comes from"))?;
    peer.may_read(head).map_err(|broken| {
        let remedy = match &broken {
            Broken::FetchSite(_) => "only this page itself may; open it in a window of its own",
            Broken::Name(_) => {
                "a web page under another name must not read this; ask by the address, or name what you \
                 ask by at ringward's start with --host (RINGWARD_HOSTS)"
            }
            _ => {
                "a web page under another name must not read this; open the address that ringward printed \
                 at its start, forward the same port in a tunnel, let a proxy send that `Host`, or name \
                 yours with --host"
            }
        };
        Failure::new(Kind::Forbidden, format!("{broken}: {remedy}"))
    })
}

/// The body in memory, where a slow one holds up nobody else.
async fn whole(body: Body, within: Duration) -> Result<Vec<u8>, Failure> {
    // A length that is told is believed before anything is read.
    if body.size_hint().lower() > MAX_BODY_BYTES as u64 {
        return Err(too_large());
    }
    tokio::time::timeout(within, read(body)).await.unwrap_or_else(|_| {
        let detail = format!("the body was not there within {} s; nothing was done", within.as_secs_f32());
        Err(Failure::new(Kind::TooSlow, detail))
    })
}

async fn read(body: Body) -> Result<Vec<u8>, Failure> {
    let mut chunks = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let broken = |error| Failure::new(Kind::Malformed, format!("the body broke off: {error}"));
        let chunk = chunk.map_err(broken)?;
        if bytes.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn too_large() -> Failure {
    Failure::new(Kind::TooLarge, "a body has at most 64 KiB; shorten the reason")
}
