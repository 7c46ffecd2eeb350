//! What every request must keep before any path looks at it: the limits on its size and time, and
//! what its path needs of whoever asks.
//!
//! **Invariant:** a path sees only requests whose head and body are within the limits and whole, so no
//! path needs limits of its own; and only those of somebody who may, with their identity.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;

use crate::web::guard::Peer;
use crate::web::identity::needs::{self, FORM};
use crate::web::identity::{Asker, Identity, Right};
use crate::web::limits::{ConnectionLimits, MAX_BODY_BYTES, MAX_HEADER_BYTES, MAX_HEADERS, MAX_URL_BYTES};
use crate::web::places::ConnectionPlace;
use crate::web::problem::{Failure, Kind, no_room};
use crate::web::services::Services;

/// Lets a request in, or says why not.
pub(super) async fn admit(State(services): State<Services>, request: Request, next: Next) -> Response {
    match admitted(&services, request).await {
        Ok(request) => next.run(request).await,
        Err(failure) => failure.into_response(),
    }
}

async fn admitted(services: &Services, request: Request) -> Result<Request, Failure> {
    let (mut head, body) = request.into_parts();
    size(&head)?;
    know(services, &mut head).await?;
    let limits = head.extensions.get::<ConnectionLimits>().copied().unwrap_or_default();
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

/// Finds out who asks, and whether they may. The page's form is told the same by itself.
async fn know(services: &Services, head: &mut Parts) -> Result<(), Failure> {
    let routed = head.extensions.get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let need = needs::of(&head.method, routed.as_deref());
    let need = need.map_err(|undeclared| Failure::new(Kind::Fault, undeclared.to_string()))?;
    let Some(right) = need else { return Ok(()) };
    let peer = head.extensions.get::<Peer>().cloned();
    let peer =
        peer.ok_or_else(|| Failure::new(Kind::Fault, "nobody said where the connection comes from"))?;
    let (tokens, now) = {
        let view = services.handle.view();
        (view.tokens.clone(), view.clock.now())
    };
    let noted = |failure: Failure| services.note(failure, &peer);
    let identity = services.identities.identify(&peer, &head.headers, &tokens, now).await.map_err(noted)?;
    if let Identity::Proven { actor, .. } = &identity
        && head.extensions.get::<Arc<ConnectionPlace>>().is_some_and(|place| !place.belongs_to(actor))
    {
        return Err(noted(no_room()));
    }
    // Its answer shows what there is, whatever becomes of it.
    let is_form = routed.as_deref() == Some(FORM) && head.method == Method::POST;
    let right = if is_form { Right::Read } else { right };
    if let Some(actor) = identity.may(right, &peer, head).map_err(|denied| noted(denied.into()))? {
        head.extensions.insert(Asker(actor));
    }
    head.extensions.insert(identity);
    Ok(())
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
