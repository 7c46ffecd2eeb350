//! The simulated account behind a socket.
//!
//! **Invariant:** this layer decides nothing; it carries out what [`Account`] says, broken connections
//! included, and a request once read is carried out even if its caller hangs up, as at a real server.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body as Stream, Bytes, to_bytes};
use axum::http::{HeaderMap, Response, header};
use futures_util::StreamExt;
use futures_util::stream;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use jiff::fmt::rfc2822::DateTimePrinter;
use secrecy::SecretString;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::account::Account;
use super::answer::{ApiRefusal, Body, Cut, SandboxAnswer, SandboxOutcome};
use super::control;
use super::faults::InvalidFault;
use super::journal::RequestJournal;
use super::request::{Arrival, BASE_PATH, SandboxRequest};
use super::settings::AccountSettings;
use crate::time::{Clock, SignedDuration, Timestamp, after};

/// The largest body that is read.
const MAX_BODY_BYTES: usize = 1024 * 1024;
/// Connections served at once; more wait in the listen queue.
const MAX_CONNECTIONS: usize = 256;
/// How long a caller may take to send its headers, and then its body.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a shutdown waits for open connections.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);
/// How long the accept loop rests after an error such as "too many open files".
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// What a sandbox needs to start.
#[derive(Debug, Clone)]
pub struct SandboxSettings {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The clock that the account lives by.
    pub clock: Clock,
    /// The account.
    pub account: AccountSettings,
}

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; choose another address, or port 0 for a free port")]
    Listen {
        /// What was asked for.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// A fault in the settings cannot be followed.
    #[error("a scripted fault cannot be followed: {0}")]
    Fault(#[from] InvalidFault),
}

/// A running sandbox. Dropping it stops it without grace.
#[derive(Debug)]
pub struct RunningSandbox {
    address: SocketAddr,
    shared: Shared,
    account_id: String,
    token: SecretString,
    stop: DropGuard,
    task: JoinHandle<()>,
}

/// One lock for everything: every critical section is short, synchronous and without IO.
#[derive(Debug, Clone)]
struct Shared {
    account: Arc<Mutex<Account>>,
    clock: Clock,
    stop: CancellationToken,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Account> {
        // A panic inside the account is a bug of the sandbox; its journal is still worth reading.
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts a sandbox. The account begins at the clock's present instant.
///
/// # Errors
/// When the address cannot be listened on, or a scripted fault cannot be followed.
pub async fn start(settings: SandboxSettings) -> Result<RunningSandbox, SandboxError> {
    let account = Account::new(&settings.account, settings.clock.now())?;
    let listen = |source| SandboxError::Listen { address: settings.listen, source };
    let listener = TcpListener::bind(settings.listen).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let (account_id, token) = (account.id().to_owned(), account.token().clone());
    let stop = CancellationToken::new();
    let shared = Shared { account: Arc::new(Mutex::new(account)), clock: settings.clock, stop: stop.clone() };
    let task = tokio::spawn(accept(listener, shared.clone()));
    Ok(RunningSandbox { address, shared, account_id, token, stop: stop.drop_guard(), task })
}

impl RunningSandbox {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The API's base, as `--api-url` takes it.
    pub fn api_url(&self) -> String {
        format!("http://{}{BASE_PATH}", self.address)
    }

    /// The account's ID.
    pub fn account_id(&self) -> &str {
        &self.account_id
    }

    /// The API token.
    pub fn token(&self) -> &SecretString {
        &self.token
    }

    /// Every request so far.
    pub fn journal(&self) -> RequestJournal {
        self.with_account(|account| account.journal().clone())
    }

    /// Looks at the account, or turns it, at the clock's present instant.
    pub fn with_account<T>(&self, look: impl FnOnce(&mut Account) -> T) -> T {
        let mut account = self.shared.lock();
        account.advance(self.shared.clock.now());
        look(&mut account)
    }

    /// Stops listening, lets open connections finish for a moment, and drops held requests.
    pub async fn shutdown(self) {
        drop(self.stop);
        // The only way to fail is a panic in the accept loop, which has been printed.
        let _ = self.task.await;
    }
}

async fn accept(listener: TcpListener, shared: Shared) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.stop.cancelled() => break,
        };
        let Ok((socket, peer)) = accepted else {
            rest(ACCEPT_REST).await;
            continue;
        };
        let service = {
            let shared = shared.clone();
            service_fn(move |request| serve(shared.clone(), peer, request))
        };
        // Small answers should not wait for the peer's acknowledgement; without it they only come later.
        let _ = TcpStream::set_nodelay(&socket, true);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(READ_TIMEOUT)
            // hyper's would be the machine's.
            .auto_date_header(false)
            .serve_connection(TokioIo::new(socket), service);
        let connection = graceful.watch(connection);
        let stop = shared.stop.clone();
        tokio::spawn(async move {
            let grace = async {
                stop.cancelled().await;
                rest(SHUTDOWN_GRACE).await;
            };
            tokio::select! {
                // An error here is the caller's, or a scripted reset.
                _ = connection => {}
                () = grace => {}
            }
            drop(slot);
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = rest(SHUTDOWN_GRACE) => {}
    }
}

#[expect(clippy::disallowed_methods, reason = "sockets and scripted real-time delays live on wall time")]
async fn rest(length: Duration) {
    tokio::time::sleep(length).await;
}

/// The connection is to be cut without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection was cut, as scripted")]
struct ConnectionCut;

async fn serve(
    shared: Shared,
    peer: SocketAddr,
    request: hyper::Request<hyper::body::Incoming>,
) -> Result<Response<Stream>, ConnectionCut> {
    let (parts, body) = request.into_parts();
    let (method, path) = (parts.method.as_str().to_owned(), parts.uri.path().to_owned());
    let body = match tokio::time::timeout(READ_TIMEOUT, to_bytes(Stream::new(body), MAX_BODY_BYTES)).await {
        Ok(Ok(body)) => body,
        // Too large or broken: the account never sees it.
        Ok(Err(_)) => {
            let too_large = ApiRefusal::new(413, 1000, "the request body is too large");
            return Ok(written(&too_large.answer(), shared.clock.now()));
        }
        Err(_) => return Err(ConnectionCut),
    };
    if path == control::PREFIX || path.starts_with("/sandbox/") {
        return Ok(written(&control_answer(&shared, peer, &method, &path, &body), shared.clock.now()));
    }
    let request = SandboxRequest {
        method,
        path,
        query: parts.uri.query().unwrap_or_default().to_owned(),
        body: body.to_vec(),
        token: bearer(&parts.headers),
        actor: text(&parts.headers, "x-sandbox-actor"),
    };
    // In a task of its own: hyper drops this future when the caller hangs up, and a server does not stop
    // then.
    let clock = shared.clock;
    let outcome = tokio::spawn(async move { handle(&shared, request).await });
    match outcome.await {
        Ok(Some(SandboxOutcome::Answer(answer))) => Ok(written(&answer, clock.now())),
        Ok(Some(SandboxOutcome::Reset) | None) | Err(_) => Err(ConnectionCut),
    }
}

/// `None`: the sandbox stopped while a delay held the request.
async fn handle(shared: &Shared, request: SandboxRequest) -> Option<SandboxOutcome> {
    let arrival = shared.lock().arrive(request, shared.clock.now());
    match arrival {
        Arrival::Done(outcome) => Some(outcome),
        Arrival::Held(held) => {
            let wait = async {
                rest(Duration::from_millis(held.wall_ms)).await;
                while shared.clock.now() < held.until {
                    rest(shared.clock.wall_until(held.until)).await;
                }
            };
            tokio::select! {
                () = wait => {}
                () = shared.stop.cancelled() => return None,
            }
            Some(shared.lock().resume(held, shared.clock.now()))
        }
    }
}

fn control_answer(shared: &Shared, peer: SocketAddr, method: &str, path: &str, body: &[u8]) -> SandboxAnswer {
    if !peer.ip().to_canonical().is_loopback() {
        return SandboxAnswer::refused(403, "the sandbox's own routes answer callers on this machine only");
    }
    let mut account = shared.lock();
    account.advance(shared.clock.now());
    control::answer(&mut account, method, path, body)
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn bearer(headers: &HeaderMap) -> Option<SecretString> {
    let value = text(headers, header::AUTHORIZATION.as_str())?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().into())
}

/// `now`: by the account's clock, which the answer's `Date` tells.
fn written(answer: &SandboxAnswer, now: Timestamp) -> Response<Stream> {
    let mut response = Response::builder().status(answer.status).header(
        header::CONTENT_TYPE,
        match answer.body {
            Body::Json(_) => "application/json",
            Body::Html(_) => "text/html; charset=UTF-8",
        },
    );
    for (name, value) in &answer.headers {
        response = response.header(*name, value);
    }
    if let Some(date) = date_of(answer.date, now) {
        response = response.header(header::DATE, date);
    }
    let body = match answer.cut {
        None | Some(Cut::Unnoticed) => Stream::from(answer.sent()),
        Some(Cut::ShortOfLength) => {
            response = response.header(header::CONTENT_LENGTH, answer.whole().len());
            broken_off(answer.sent())
        }
        Some(Cut::MidChunk) => broken_off(answer.sent()),
    };
    // The builder fails only on a malformed status or header, and all of them are this module's own.
    response.body(body).unwrap_or_else(|_| Response::new(Stream::empty()))
}

fn date_of(late: Option<u32>, now: Timestamp) -> Option<String> {
    let told = after(now, SignedDuration::from_secs(late?.into()));
    DateTimePrinter::new().timestamp_to_rfc9110_string(&told).ok()
}

/// A body that sends `bytes` and then breaks the connection.
fn broken_off(bytes: Vec<u8>) -> Stream {
    let begin = stream::iter([Ok(Bytes::from(bytes))]);
    let end = stream::once(async {
        // One pause, so that what came before is flushed and the caller really sees half a body.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    Stream::from_stream(begin.chain(end))
}
