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
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Extension;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::stream::Ending;
use super::{Peer, Services, router};

/// Connections at once on one listener; more wait in the system's queue.
const MAX_CONNECTIONS: usize = 256;
/// Wall time for the head of a request; it also ends connections that idle.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// Wall time for answers under way when the daemon ends.
const LAST_ANSWERS_WITHIN: Duration = Duration::from_secs(5);
/// Wall time before accepting again after the system could not, such as without free descriptors.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(200);

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another program has it.
    #[error(
        "the address {address} is in use by another program (a ringward that runs already?); end that one, or name another with --listen"
    )]
    InUse {
        /// The address.
        address: SocketAddr,
    },
    /// Anything else.
    #[error("cannot listen on {address}: {source}; name another address with --listen")]
    Failed {
        /// The address.
        address: SocketAddr,
        /// The system's words.
        source: io::Error,
    },
}

/// A connection lives at most this long, in wall time: a client that never reads its answer must not
/// keep its place for ever. Others connect again.
const LONGEST_CONNECTION: Duration = Duration::from_secs(300);

/// A listener that nobody is served on yet.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
}

impl Bound {
    /// The address, with the port that the system chose where port 0 was asked for.
    #[must_use]
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
        io::ErrorKind::AddrInUse => BindError::InUse { address },
        _ => BindError::Failed { address, source },
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok(Bound { listener, address })
}

/// Serves until `token` is cancelled, then lets answers under way finish, for 5 s at most.
pub async fn serve(bound: Bound, services: Services, token: CancellationToken) {
    connections(&bound, router(services), token).await;
}

/// Where connections come in.
pub(super) trait Door: Sync {
    /// Bytes both ways.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Waits for the next connection, and says whose it is. Nothing is lost when it is dropped.
    fn next(&self) -> impl Future<Output = io::Result<(Self::Stream, Peer)>> + Send;
}

impl Door for Bound {
    type Stream = TcpStream;

    async fn next(&self) -> io::Result<(TcpStream, Peer)> {
        let (stream, peer) = self.listener.accept().await?;
        let local = stream.local_addr()?;
        Ok((stream, Peer::Tcp { peer, local }))
    }
}

/// The accept loop of both doors.
pub(super) async fn connections<D: Door>(door: &D, app: Router, token: CancellationToken) {
    let app = app.layer(Extension(Ending(token.clone())));
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut open = JoinSet::new();
    loop {
        let next = async {
            // A permit first: a connection that is accepted is served.
            let permit = Arc::clone(&room).acquire_owned().await.map_err(io::Error::other)?;
            door.next().await.map(|(stream, peer)| (permit, stream, peer))
        };
        tokio::select! {
            () = token.cancelled() => break,
            Some(_) = open.join_next() => {}
            accepted = next => match accepted {
                Ok((permit, stream, peer)) => {
                    let connection = graceful.watch(connection(stream, peer, app.clone()));
                    open.spawn(async move {
                        match tokio::time::timeout(LONGEST_CONNECTION, connection).await {
                            Ok(Ok(())) => {}
                            Ok(Err(error)) => tracing::debug!(%error, "a connection broke"),
                            Err(_) => tracing::debug!("a connection was cut: it was open too long"),
                        }
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    pause().await;
                }
            },
        }
    }
    if tokio::time::timeout(LAST_ANSWERS_WITHIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("connections were cut: their answers took longer than 5 s to finish");
    }
    open.shutdown().await;
}

fn connection<S>(
    stream: S,
    peer: Peer,
    app: Router,
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
        app.call(request)
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .serve_connection(TokioIo::new(stream), service)
}

#[expect(clippy::disallowed_methods, reason = "keeps a failing accept from spinning; decides nothing")]
async fn pause() {
    tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
}
