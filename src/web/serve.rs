//! Connections: accepting, limits, the graceful end.
//!
//! `axum::serve` has neither a limit on connections nor one on the time for a request's head, so
//! the accept loop is our own.
//!
//! **Invariant:** a client that sends nothing, half a request, or too many connections holds up
//! only itself, never the daemon, and never for longer than the limits; probes are answered beside any flood.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Extension;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use hyper::Request;
use hyper::body::{Frame, Incoming, SizeHint};
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
use crate::web::places::{ConnectionPlace, ConnectionPlaces, Holder, RequestUnderWay};
use crate::web::problem::{answer, no_room};
use crate::web::routes::router;
use crate::web::services::Services;
use crate::web::stream::{Ending, pause};

/// What a connection of the reserve is for: a kubelet and Prometheus come from any address.
const PROBES: [&str; 3] = ["/healthz", "/readyz", "/metrics"];
/// Connections whose places were given to others, and that may still hand over an answer; of more it is cut.
const MAX_LEAVING: usize = 64;
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
    connections(next, services, limits, token).await;
}

/// Where requests lead to, and how many connections may bring them.
#[derive(Clone)]
struct Door {
    app: Router,
    /// What all but [`PROBES`] are told on a connection of the reserve.
    full: Router,
    places: Arc<ConnectionPlaces>,
    reserve: Arc<ConnectionPlaces>,
    limits: ConnectionLimits,
    /// Idle connections that were given up for others, and still hand over the rest of an answer.
    leaving: Arc<Semaphore>,
}

/// A connection's place.
struct Seat {
    place: Arc<ConnectionPlace>,
    /// Whether it is one of the reserve.
    reserved: bool,
}

impl Door {
    fn new(app: Router, limits: ConnectionLimits) -> Self {
        let busy = async || ([(header::CONNECTION, "close")], no_room());
        Self {
            app,
            full: Router::new().fallback(busy).layer(axum::middleware::from_fn(answer)),
            places: ConnectionPlaces::new(limits.connections, limits.share),
            reserve: ConnectionPlaces::new(limits.reserve, limits.reserve_share),
            limits,
            leaving: Arc::new(Semaphore::new(MAX_LEAVING)),
        }
    }

    /// `None`: there is no room for as much as a word.
    fn seat(&self, peer: &Peer) -> Option<Seat> {
        let holder = Holder::of(peer);
        let taken = self.places.take(holder.clone()).map(|place| Seat { place, reserved: false });
        taken.or_else(|| self.reserve.take(holder).map(|place| Seat { place, reserved: true }))
    }
}

/// The accept loop of both doors. `next` waits for the next connection, and says whose it is; nothing is lost
/// when it is dropped.
pub(super) async fn connections<S, F>(
    next: impl Fn() -> F,
    services: Services,
    limits: ConnectionLimits,
    token: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = io::Result<(S, Peer)>>,
{
    let door = Door::new(router(services.clone()).layer(Extension(Ending(token.clone()))), limits);
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            () = token.cancelled() => break,
            Some(_) = open.join_next() => {}
            accepted = next() => match accepted {
                Ok((stream, peer)) => {
                    let seat = door.seat(&peer);
                    if seat.as_ref().is_none_or(|seat| seat.reserved) {
                        services.note(no_room(), &peer);
                    }
                    if let Some(seat) = seat {
                        open.spawn(converse(stream, peer, door.clone(), seat, token.clone()));
                    }
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

/// Serves one connection until the client ends it, it is too old, its place is given to another, or the daemon ends;
/// but for the first, the answer under way is finished, within limits.
async fn converse<S>(stream: S, peer: Peer, door: Door, seat: Seat, token: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (limits, given_up, leaving) = (door.limits, seat.place.given_up.clone(), Arc::clone(&door.leaving));
    let mut connection = pin!(connection(stream, peer, door, seat));
    let over = tokio::time::timeout(limits.connection_within, token.cancelled());
    let ended = tokio::select! {
        ended = &mut connection => Some(ended),
        _ = over => None,
        () = given_up.cancelled() => {
            connection.as_mut().graceful_shutdown();
            // Its client may still be reading the last answer; but not of so many at once.
            let within = if leaving.try_acquire().is_ok() { LAST_ANSWERS_WITHIN } else { Duration::ZERO };
            let _ = tokio::time::timeout(within, connection).await;
            return;
        }
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
    door: Door,
    seat: Seat,
) -> http1::Connection<
    TokioIo<S>,
    impl hyper::service::Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send>,
>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = door.limits;
    let (app, full) = (TowerToHyperService::new(door.app), TowerToHyperService::new(door.full));
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        let is_probe = PROBES.contains(&request.uri().path());
        request.extensions_mut().insert(peer.clone());
        request.extensions_mut().insert(limits);
        request.extensions_mut().insert(Arc::clone(&seat.place));
        let (busy, reserved) = (seat.place.begin(), seat.reserved);
        let answer = if reserved && !is_probe { full.call(request) } else { app.call(request) };
        async move {
            let mut answer = answer.await?;
            if reserved {
                answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(answer.map(|body| Body::new(UnderWay { body, _busy: busy })))
        }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_within)
        .max_buf_size(HEAD_BUFFER)
        .max_headers(HEAD_HEADERS)
        .serve_connection(TokioIo::new(stream), service)
}

/// An answer that keeps its connection busy until all of it is handed over.
struct UnderWay {
    body: Body,
    _busy: RequestUnderWay,
}

impl HttpBody for UnderWay {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
