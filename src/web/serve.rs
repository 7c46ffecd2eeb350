//! Connections: accepting, limits, the graceful end.
//!
//! `axum::serve` has neither a limit on connections nor one on the time for a request's head, so
//! the accept loop is our own.
//!
//! **Invariant:** a client that sends nothing, half a request, or too many connections holds up
//! only itself and other clients, never the daemon, and never for longer than the limits below.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Extension;
use axum::http::header;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::web::guard::{Peer, TcpRules};
use crate::web::limits::ConnectionLimits;
use crate::web::problem::{Failure, Kind, answer};
use crate::web::routes::router;
use crate::web::services::Services;
use crate::web::stream::{Ending, pause};

/// Connections that are told at once that there is no room; more are closed without a word.
const MAX_TURNED_AWAY: usize = 64;
/// What hyper reads of a head at most, in bytes and headers. Beyond this it answers with a bare 431;
/// [`super::admission`] refuses far smaller heads, with words.
const HEAD_BUFFER: usize = 128 * 1024;
const HEAD_HEADERS: usize = 512;
/// Wall time for answers under way when the daemon ends.
const LAST_ANSWERS_WITHIN: Duration = Duration::from_secs(5);
/// Wall time before accepting again after the system could not, such as without free descriptors.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(200);

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another program has it.
    #[error(
        "the address {0} is in use by another program (a ringward that runs already?); end that one, or name another with --listen"
    )]
    InUse(SocketAddr),
    /// Anything else.
    #[error("cannot listen on {address}: {source}; name another address with --listen")]
    Failed {
        /// The address.
        address: SocketAddr,
        /// The system's words.
        source: io::Error,
    },
}

/// A listener that nobody is served on yet.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    rules: Arc<TcpRules>,
}

impl Bound {
    /// Lets in by these rules, in place of those of a listener that was told nothing.
    #[must_use = "it returns the changed one"]
    pub fn under(self, rules: TcpRules) -> Self {
        Self { rules: Arc::new(rules), ..self }
    }

    /// The address, with the port that the system chose where port 0 was asked for.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Takes the address, so that a start fails on it before the database is touched.
///
/// # Errors
/// When the address is in use or cannot be listened on.
pub async fn bind(address: SocketAddr) -> Result<Bound, BindError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse(address),
        _ => BindError::Failed { address, source },
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok(Bound { listener, address, rules: Arc::default() })
}

/// Serves until `token` is cancelled, then lets answers under way finish, for 5 s at most.
pub async fn serve(bound: Bound, services: Services, token: CancellationToken) {
    serve_within(bound, services, ConnectionLimits::default(), token).await;
}

/// [`serve`] with other limits.
pub async fn serve_within(
    bound: Bound,
    services: Services,
    limits: ConnectionLimits,
    token: CancellationToken,
) {
    let next = || async {
        let (stream, peer) = bound.listener.accept().await?;
        let local = stream.local_addr()?;
        Ok((stream, Peer::Tcp { peer, local, rules: Arc::clone(&bound.rules) }))
    };
    connections(next, router(services), limits, token).await;
}

/// The accept loop of both doors. `next` waits for the next connection, and says whose it is; nothing is lost
/// when it is dropped.
pub(super) async fn connections<S, F>(
    next: impl Fn() -> F,
    app: Router,
    limits: ConnectionLimits,
    token: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = io::Result<(S, Peer)>>,
{
    let app = app.layer(Extension(Ending(token.clone())));
    let room = Arc::new(Semaphore::new(limits.connections));
    let outside = Arc::new(Semaphore::new(MAX_TURNED_AWAY));
    let full = no_room();
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            () = token.cancelled() => break,
            Some(_) = open.join_next() => {}
            accepted = next() => match accepted {
                Ok((stream, peer)) => {
                    let place = Arc::clone(&room).try_acquire_owned();
                    let app = if place.is_ok() { &app } else { &full };
                    let Ok(place) = place.or_else(|_| Arc::clone(&outside).try_acquire_owned()) else {
                        tracing::warn!("a connection was closed: too many are open");
                        continue;
                    };
                    let (app, token) = (app.clone(), token.clone());
                    open.spawn(async move {
                        converse(stream, peer, app, limits, token).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    pause(ACCEPT_AGAIN_AFTER).await;
                }
            },
        }
    }
    // Each ends by itself: it has the token, too.
    while open.join_next().await.is_some() {}
}

/// Serves one connection until the client ends it, it is too old, or the daemon ends; in the last
/// two cases the answer under way is finished, within limits.
async fn converse<S>(stream: S, peer: Peer, app: Router, limits: ConnectionLimits, token: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut connection = pin!(connection(stream, peer, app, limits));
    let over = tokio::time::timeout(limits.connection_within, token.cancelled());
    let ended = tokio::select! {
        ended = &mut connection => Some(ended),
        _ = over => None,
    };
    let ended = match ended {
        Some(ended) => Ok(ended),
        None => {
            connection.as_mut().graceful_shutdown();
            let daemon_over = async {
                token.cancelled().await;
                pause(LAST_ANSWERS_WITHIN).await;
            };
            let cut = tokio::time::timeout(limits.last_answer_within, daemon_over);
            tokio::select! {
                ended = &mut connection => Ok(ended),
                late = cut => Err(late),
            }
        }
    };
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a connection broke"),
        Err(Ok(())) => {
            tracing::warn!("a connection was cut: its answer took longer than 5 s at the daemon's end");
        }
        Err(Err(_)) => tracing::debug!("a connection was cut: it was open too long"),
    }
}

fn connection<S>(
    stream: S,
    peer: Peer,
    app: Router,
    limits: ConnectionLimits,
) -> http1::Connection<
    TokioIo<S>,
    impl hyper::service::Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send>,
>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let app = TowerToHyperService::new(app);
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer.clone());
        request.extensions_mut().insert(limits);
        app.call(request)
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_within)
        .max_buf_size(HEAD_BUFFER)
        .max_headers(HEAD_HEADERS)
        .serve_connection(TokioIo::new(stream), service)
}

/// What a connection beyond the limit is told, once.
fn no_room() -> Router {
    let busy = async || {
        let detail = "every connection is taken; close one (a page that stays open holds one) and ask again";
        ([(header::CONNECTION, "close")], Failure::new(Kind::Busy, detail))
    };
    Router::new().fallback(busy).layer(axum::middleware::from_fn(answer))
}
