//! Talking to the daemon: HTTP over the Unix socket beside the database.
//!
//! **Invariant:** no question waits longer than its patience and no answer grows past
//! [`MAX_ANSWER_BYTES`], whatever sits at the other end; nothing is sent to a socket of a stranger, and a
//! bearer token to none that merely lies in the current directory.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::{future::poll_fn, io::ErrorKind, pin::Pin, time::Duration};

use hyper::body::{Body as _, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use crate::daemon::users::{ROOT, name_of};
use crate::time::{SignedDuration, in_words};
use crate::{cli::CliError, web::json::ProblemAnswer, web::socket_path};

/// The largest answer. The longest that a sound daemon gives, a page of 1,000 devices or the
/// report on plans with hundreds of rings, stays below a tenth of it.
pub const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// How long a question may take, connecting included. The daemon answers from memory.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// The way to the daemon of one database. Nothing is sent until something is asked.
#[derive(Debug, Clone)]
pub struct Connection {
    pub(super) database: PathBuf,
    socket: PathBuf,
    /// How long it waits for an answer.
    pub(super) patience: Duration,
    /// A bearer token of ringward; without one, the daemon goes by the user of this process.
    bearer: Option<SecretString>,
}

/// A question that the daemon did not answer as hoped.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// There is no database, so there never was a daemon.
    #[error("there is no database {database}; name the daemon's with --db, or start one: {}", start(.database))]
    NoDatabase { database: PathBuf },
    /// Nobody listens.
    #[error("no daemon is running on {database}; start it: {}", start(.database))]
    NoDaemon { database: PathBuf },
    /// The operating system does not let this user through.
    #[error(
        "this user may not talk to the daemon by {socket}; use the daemon's user, as in `sudo -u USER ringward …`"
    )]
    NotAllowed { socket: PathBuf },
    /// Somebody else has put a socket there.
    #[error(
        "the socket {socket} belongs to {owner}, so this was not sent{}; name your daemon's database with --db, or use its user, as in `sudo -u USER ringward …`",
        if *.had_token { ", nor the bearer token" } else { "" }
    )]
    Stranger {
        /// The socket.
        socket: PathBuf,
        /// Its user.
        owner: String,
        /// Whether a bearer token would have gone with it.
        had_token: bool,
    },
    /// Connecting failed in another way.
    #[error("cannot reach the daemon by {socket}: {source}; check --db")]
    Unreachable { socket: PathBuf, source: std::io::Error },
    /// No answer in time.
    #[error(
        "the daemon on {database} did not answer within {}; it hangs or is very busy, and may still act on a request: look at its log (`ringward stop` works without it)",
        in_words(SignedDuration::try_from(*.after).unwrap_or(SignedDuration::MAX))
    )]
    NoAnswer { database: PathBuf, after: Duration },
    /// The connection ended before the answer did, or it is no HTTP.
    #[error(
        "the connection to the daemon broke before its answer was complete; whether it acted is unknown, so look with `ringward status`"
    )]
    Broken { source: hyper::Error },
    /// The answer is longer than any sound one.
    #[error("the daemon's answer is longer than {MAX_ANSWER_BYTES} bytes; is {socket} ringward's?")]
    TooLong { socket: PathBuf },
    /// The answer is not what this program understands.
    #[error("the daemon's answer cannot be understood ({why}); use the ringward that the daemon runs")]
    Malformed { why: String },
    /// The daemon says no. `detail` names what would work.
    #[error("{detail}")]
    Said { status: StatusCode, detail: String },
    /// The question cannot be put; a defect of ringward.
    #[error("the question to the daemon cannot be put ({0}); please report this")]
    Question(String),
}

fn start(database: &Path) -> String {
    format!("ringward run --db {} …", database.display())
}

impl AskError {
    /// Whether no daemon runs, as far as can be told.
    pub const fn is_no_daemon(&self) -> bool {
        matches!(self, Self::NoDaemon { .. } | Self::NoDatabase { .. })
    }
}

impl From<AskError> for CliError {
    fn from(error: AskError) -> Self {
        let AskError::Said { status, .. } = &error else { return Self::failed(error) };
        match *status {
            // 404 is a plan that ringward does not know, 403 a caller without rights, 429 one who asks too often.
            StatusCode::CONFLICT
            | StatusCode::NOT_FOUND
            | StatusCode::FORBIDDEN
            | StatusCode::TOO_MANY_REQUESTS => Self::refused(error),
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => Self::usage(error),
            _ => Self::failed(error),
        }
    }
}

impl Connection {
    /// To the daemon of `database`.
    pub fn beside(database: &Path) -> Self {
        let (database, socket) = (database.to_owned(), socket_path(database));
        Self { database, socket, patience: PATIENCE, bearer: None }
    }

    /// The same, but waiting at most `patience` for each answer.
    #[must_use = "it returns the changed one"]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Asks for a resource. `segments` are put behind `/api/v1`, `query` behind them.
    ///
    /// # Errors
    /// When there is no daemon or no answer, or the answer is not a `T`.
    pub async fn get<T: DeserializeOwned>(
        &self,
        segments: &[&str],
        query: &[(&str, String)],
    ) -> Result<T, AskError> {
        self.ask(Method::GET, path(segments, query), String::new()).await
    }

    /// Asks for a deed.
    ///
    /// # Errors
    /// As [`Connection::get`]; a refusal is [`AskError::Said`].
    pub async fn post<T: DeserializeOwned>(
        &self,
        segments: &[&str],
        body: &impl Serialize,
    ) -> Result<T, AskError> {
        let body = serde_json::to_string(body).map_err(|error| AskError::Question(error.to_string()))?;
        self.ask(Method::POST, path(segments, &[]), body).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: String,
        body: String,
    ) -> Result<T, AskError> {
        let exchange = self.exchange(method, path, body);
        let (status, bytes) = tokio::time::timeout(self.patience, exchange)
            .await
            .map_err(|_| AskError::NoAnswer { database: self.database.clone(), after: self.patience })??;
        if !status.is_success() {
            return Err(said(status, &bytes));
        }
        let malformed = |why: String| AskError::Malformed { why: shown(&why) };
        let mut json = serde_json::Deserializer::from_slice(&bytes);
        let answer = serde_path_to_error::deserialize(&mut json).map_err(|why| malformed(why.to_string()))?;
        json.end().map_err(|why| malformed(why.to_string()))?;
        Ok(answer)
    }

    /// The same in the name of a token's holder.
    #[must_use = "it returns the changed one"]
    pub fn with_bearer(self, bearer: Option<SecretString>) -> Self {
        Self { bearer, ..self }
    }

    fn credential(&self) -> Result<Option<HeaderValue>, AskError> {
        let Some(bearer) = &self.bearer else { return Ok(None) };
        let mut value = HeaderValue::from_str(&format!("Bearer {}", bearer.expose_secret()))
            .map_err(|_| AskError::Question("the bearer token is no text of one line".to_owned()))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    /// One connection, one question, one answer.
    async fn exchange(
        &self,
        method: Method,
        path: String,
        body: String,
    ) -> Result<(StatusCode, Vec<u8>), AskError> {
        let stream = UnixStream::connect(&self.socket).await.map_err(|error| self.not_connected(error))?;
        self.require_known(&stream)?;
        let broken = |source| AskError::Broken { source };
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let uri = path.parse::<Uri>().map_err(|error| AskError::Question(error.to_string()))?;
        let mut request = Request::new(body);
        (*request.method_mut(), *request.uri_mut()) = (method, uri);
        request.headers_mut().extend([
            (HOST, HeaderValue::from_static("ringward")),
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        ]);
        request.headers_mut().extend(self.credential()?.map(|credential| (AUTHORIZATION, credential)));
        let answer = async {
            let response = sender.send_request(request).await.map_err(broken)?;
            let status = response.status();
            Ok((status, self.bounded(response.into_body()).await?))
        };
        // Dropped together: no task outlives the question.
        tokio::pin!(answer, connection);
        tokio::select! {
            biased;
            answer = &mut answer => answer,
            ended = &mut connection => match ended {
                // What was received before the end is still to be read.
                Ok(()) => answer.await,
                Err(source) => Err(AskError::Broken { source }),
            }
        }
    }

    /// Looks who listens before anything is sent. The kernel tells who made the socket.
    fn require_known(&self, stream: &UnixStream) -> Result<(), AskError> {
        let unreachable = |source| AskError::Unreachable { socket: self.socket.clone(), source };
        let owner = stream.peer_cred().map_err(unreachable)?.uid();
        let caller = rustix::process::geteuid().as_raw();
        let had_token = self.bearer.is_some();
        let of_database = std::fs::metadata(&self.database).ok().map(|data| data.uid());
        if is_known(owner, caller, of_database.filter(|_| is_trusted(&self.database, had_token))) {
            return Ok(());
        }
        Err(AskError::Stranger { socket: self.socket.clone(), owner: name_of(owner), had_token })
    }

    async fn bounded(&self, mut body: Incoming) -> Result<Vec<u8>, AskError> {
        let mut bytes = Vec::new();
        while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            let frame = frame.map_err(|source| AskError::Broken { source })?;
            let Some(data) = frame.data_ref() else { continue };
            if bytes.len() + data.len() > MAX_ANSWER_BYTES {
                return Err(AskError::TooLong { socket: self.socket.clone() });
            }
            bytes.extend_from_slice(data);
        }
        Ok(bytes)
    }

    fn not_connected(&self, source: std::io::Error) -> AskError {
        let database = self.database.clone();
        match source.kind() {
            ErrorKind::NotFound if !self.database.exists() => AskError::NoDatabase { database },
            // A socket that refuses is what a dead daemon leaves behind.
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => AskError::NoDaemon { database },
            ErrorKind::PermissionDenied => AskError::NotAllowed { socket: self.socket.clone() },
            _ => AskError::Unreachable { socket: self.socket.clone(), source },
        }
    }
}

/// Whether a database's owner may be sent what goes to its daemon. Where nobody named a directory, it merely lies in the
/// current one, which may be anybody's.
fn is_trusted(database: &Path, has_token: bool) -> bool {
    !has_token || database.parent().is_some_and(|parent| !parent.as_os_str().is_empty())
}

/// Whether a listener is a daemon that this caller may ask: root's, their own, or for root also the one of the owner
/// of a database that is trusted.
fn is_known(listener: u32, caller: u32, of_database: Option<u32>) -> bool {
    listener == ROOT || listener == caller || (caller == ROOT && of_database == Some(listener))
}

/// A refusal or failure in the daemon's words, or in ours where it has none.
fn said(status: StatusCode, bytes: &[u8]) -> AskError {
    let detail = match serde_json::from_slice::<ProblemAnswer>(bytes) {
        Ok(problem) if !problem.detail.trim().is_empty() => problem.detail,
        _ => format!("the daemon answered {status} and no reason; look at its log"),
    };
    AskError::Said { status, detail: shown(&detail) }
}

/// The start of a text from outside, safe for a terminal.
fn shown(text: &str) -> String {
    const CHARS: usize = 2_000;
    let mut shown: String = crate::cli::render::safe(text).chars().take(CHARS).collect();
    if text.chars().nth(CHARS).is_some() {
        shown.push('…');
    }
    shown
}

/// `/api/v1/…` with every reserved character of the parts escaped.
fn path(segments: &[&str], query: &[(&str, String)]) -> String {
    let segments: String = segments.iter().map(|segment| format!("/{}", escaped(segment))).collect();
    let query: Vec<String> = query.iter().map(|(key, value)| format!("{key}={}", escaped(value))).collect();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("/api/v1{segments}{mark}{}", query.join("&"))
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
fn escaped(text: &str) -> String {
    let one = |byte: u8| match byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_escaped() {
        let query = [("ring", "Ring 0 & ä/?#".to_owned()), ("limit", "5".to_owned())];
        assert_eq!(
            path(&["rollouts", "a b", "devices"], &query),
            "/api/v1/rollouts/a%20b/devices?ring=Ring%200%20%26%20%C3%A4%2F%3F%23&limit=5"
        );
    }

    #[test]
    fn nothing_goes_to_a_stranger() {
        let (root, daemon, ana, eve) = (0, 7, 1000, 1001);
        let rows = [
            ("one's own", ana, ana, Some(ana), true),
            ("root's", root, ana, Some(root), true),
            ("a neighbour's in a shared directory", eve, ana, Some(eve), false),
            ("a neighbour's beside one's own database", eve, ana, Some(ana), false),
            ("the daemon's user, asked by root", daemon, root, Some(daemon), true),
            ("the same with a token, where nobody named the database", daemon, root, None, false),
            ("a stranger beside root's database", eve, root, Some(root), false),
        ];
        for (row, listener, caller, of_database, known) in rows {
            assert_eq!(is_known(listener, caller, of_database), known, "{row}");
        }
        let rows = [
            ("named, with a token", "/var/lib/ringward/ringward.db", true, true),
            ("named from here, with a token", "./ringward.db", true, true),
            ("by default, with a token", "ringward.db", true, false),
            ("by default", "ringward.db", false, true),
        ];
        for (row, database, has_token, trusted) in rows {
            assert_eq!(is_trusted(Path::new(database), has_token), trusted, "{row}");
        }
    }

    #[test]
    fn a_refusal_keeps_its_words_and_its_exit() {
        use crate::cli::exit::Exit;
        let problem = |detail: &str| {
            serde_json::json!({"type": "urn:x", "title": "t", "status": 409, "detail": detail}).to_string()
        };
        let rows = [
            ("refused", 409, problem("not now; later"), Exit::Refused, "not now; later"),
            ("unknown plan", 404, problem("there is no plan"), Exit::Refused, "there is no plan"),
            ("too many", 429, problem("ask again in 60 s"), Exit::Refused, "ask again in 60 s"),
            ("no reason", 422, problem("a reason is needed"), Exit::Usage, "a reason is needed"),
            ("busy", 503, problem("it is ending"), Exit::Failed, "it is ending"),
            ("no words", 500, "<html>".to_owned(), Exit::Failed, "the daemon answered 500"),
            ("control characters", 409, problem("a\u{1b}[2Jb"), Exit::Refused, "a\u{fffd}[2Jb"),
        ];
        for (row, status, body, exit, start) in rows {
            let error = CliError::from(said(StatusCode::from_u16(status).unwrap(), body.as_bytes()));
            assert_eq!(error.exit(), exit, "{row}");
            assert!(error.to_string().starts_with(start), "{row}: {error}");
        }
    }
}
