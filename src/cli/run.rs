//! `ringward run`: the daemon with its socket and its page.
//!
//! **Invariant:** whatever can be refused is refused before the database is touched, and nothing
//! is written at Cloudflare before the log is open.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use secrecy::SecretString;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::cli::check;
use crate::cli::exit::CliError;
use crate::cloudflare::{self, ApiError, ApiUrl, CloudflareClient, ErrorClass, Priority, TokenState};
use crate::daemon::{self, Daemon};
use crate::ids::AccountId;
use crate::rollout::event::Mode;
use crate::telemetry::Metrics;
use crate::time::Clock;
use crate::web::{self, Services};

/// The environment variable that holds the API token.
pub const TOKEN_VARIABLE: &str = "CLOUDFLARE_API_TOKEN";

/// The largest token file.
const MAX_TOKEN_BYTES: u64 = 4096;

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Directory of plan files (*.yaml)
    #[arg(long, value_name = "DIR", env = "RINGWARD_PLANS")]
    pub plans: PathBuf,
    /// Database of this account; socket, lock and stop file lie beside it
    #[arg(long, value_name = "FILE", env = "RINGWARD_DB", default_value = "ringward.db")]
    pub db: PathBuf,
    /// Address of page, API and metrics
    #[arg(long, value_name = "ADDR", env = "RINGWARD_LISTEN", default_value = "127.0.0.1:8787")]
    pub listen: SocketAddr,
    /// Cloudflare's API, or a sandbox
    #[arg(long, value_name = "URL", env = "RINGWARD_API_URL", default_value = ApiUrl::CLOUDFLARE)]
    pub api_url: ApiUrl,
    /// Cloudflare account ID
    #[arg(long, value_name = "ID", env = "CLOUDFLARE_ACCOUNT_ID")]
    pub account: AccountId,
    /// File that holds the API token; without it, the token is taken from CLOUDFLARE_API_TOKEN
    #[arg(long, value_name = "FILE", env = "RINGWARD_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
    /// PEM certificates to trust in place of this machine's
    #[arg(long, value_name = "FILE", env = "RINGWARD_CA_FILE")]
    pub ca_file: Option<PathBuf>,
    /// Requests to Cloudflare in five minutes; its own limit is 1200 for all users of a token
    #[arg(long, value_name = "N", env = "RINGWARD_REQUESTS", default_value_t = cloudflare::budget::DEFAULT_REQUESTS)]
    pub requests: u32,
    /// Do everything but write at Cloudflare
    #[arg(long, env = "RINGWARD_OBSERVE")]
    pub observe: bool,
    /// Clock of a sandbox, as it prints it: EPOCH@ANCHOR*SPEED
    #[arg(long, value_name = "CLOCK", env = "RINGWARD_CLOCK", default_value = "real")]
    pub clock: Clock,
}

/// Runs the daemon until a signal ends it.
///
/// # Errors
/// When it cannot start, or had to end by itself.
pub async fn run(args: RunArgs) -> Result<(), CliError> {
    if args.clock != Clock::Real && !args.api_url.is_loopback() {
        return Err(CliError::usage(
            "--clock is for a sandbox: with any clock but the real one, --api-url must be on this machine",
        ));
    }
    let token = read_token(args.token_file.as_deref())?;
    let bound = web::bind(args.listen).await.map_err(CliError::failed)?;
    let metrics = Arc::new(Metrics::new().map_err(CliError::failed)?);
    let client = CloudflareClient::new(cloudflare::Settings {
        ca_file: args.ca_file,
        requests: args.requests,
        observer: metrics.clone(),
        ..cloudflare::Settings::new(args.api_url, args.account.clone(), token, args.clock)
    })
    .map_err(CliError::failed)?;
    require_access(&client).await?;
    check::tell_errors(&args.plans);
    let settings = daemon::Settings {
        plans: args.plans,
        database: args.db.clone(),
        account: args.account,
        clock: args.clock,
        mode: if args.observe { Mode::Observe } else { Mode::Write },
        client,
    };
    let daemon = daemon::start(settings).await.map_err(CliError::failed)?;
    tracing::info!(page = %format!("http://{}/", bound.address()), database = %args.db.display(), "ringward runs");
    let services = Services { handle: daemon.handle(), database: args.db.clone(), metrics };
    serve_until_signal(daemon, bound, services).await
}

/// Serves page and socket beside a daemon until a signal, or the daemon's own end.
async fn serve_until_signal(daemon: Daemon, bound: web::Bound, services: Services) -> Result<(), CliError> {
    let socket = match web::bind_socket(&services.database) {
        Ok(socket) => socket,
        Err(error) => return Err(end_after(daemon, error).await),
    };
    let token = CancellationToken::new();
    let serving = serve(bound, socket, services, token.clone());
    let running = async {
        let result = until_signal(daemon).await;
        token.cancel();
        result
    };
    let ((), result) = tokio::join!(serving, running);
    result
}

/// Ends a daemon that cannot be served, and tells why it cannot.
pub(super) async fn end_after(mut daemon: Daemon, error: web::SocketError) -> CliError {
    daemon.stopper().stop();
    match daemon.ended().await {
        Ok(()) => CliError::failed(error),
        Err(also) => CliError::failed(format!("{error}; and the daemon did not end tidily: {also}")),
    }
}

/// Serves page and socket until the token is cancelled.
pub(super) async fn serve(
    bound: web::Bound,
    socket: web::BoundSocket,
    services: Services,
    token: CancellationToken,
) {
    tokio::join!(
        web::serve(bound, services.clone(), token.clone()),
        web::serve_socket(socket, services, token)
    );
}

async fn until_signal(mut daemon: Daemon) -> Result<(), CliError> {
    let (handle, stopper) = (daemon.handle(), daemon.stopper());
    let mut hangup = signal(SignalKind::hangup()).map_err(CliError::failed)?;
    let ended = end_signal();
    tokio::pin!(ended);
    loop {
        tokio::select! {
            result = daemon.ended() => return result.map_err(CliError::failed),
            Some(()) = hangup.recv() => handle.look_now(),
            signal = &mut ended => {
                tracing::info!(signal = signal?, "ending: no new write is sent");
                stopper.stop();
                return daemon.ended().await.map_err(CliError::failed);
            }
        }
    }
}

/// The first signal that asks for an end.
pub(super) async fn end_signal() -> Result<&'static str, CliError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(CliError::failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CliError::failed)?;
    tokio::select! {
        _ = terminate.recv() => Ok("SIGTERM"),
        _ = interrupt.recv() => Ok("SIGINT"),
    }
}

/// The API token, from a file or from the environment.
fn read_token(file: Option<&std::path::Path>) -> Result<SecretString, CliError> {
    let Some(path) = file else {
        return match std::env::var(TOKEN_VARIABLE) {
            Ok(token) if !token.trim().is_empty() => Ok(SecretString::from(token.trim().to_owned())),
            _ => Err(CliError::usage(format!(
                "there is no API token; set {TOKEN_VARIABLE}, or give --token-file FILE"
            ))),
        };
    };
    let shown = path.display();
    let told = |why: String| CliError::failed(format!("the token file {shown} cannot be used: {why}"));
    let length = std::fs::metadata(path).map_err(|error| told(error.to_string()))?.len();
    if length > MAX_TOKEN_BYTES {
        return Err(told(format!("it has {length} bytes; it should hold the token and nothing else")));
    }
    let token = std::fs::read_to_string(path).map_err(|error| told(error.to_string()))?;
    if token.trim().is_empty() {
        return Err(told("it is empty".to_owned()));
    }
    Ok(SecretString::from(token.trim().to_owned()))
}

/// Ends the start when Cloudflare says no. When it says nothing, the daemon starts all the same
/// and shows what it cannot read: an outage must not keep the page and the stop from working.
async fn require_access(client: &CloudflareClient) -> Result<(), CliError> {
    let account = client.account();
    match client.verify_token().await {
        Ok(check) if check.state == TokenState::Active => {}
        Ok(check) => {
            let state = match check.state {
                TokenState::Active => "active",
                TokenState::Disabled => "disabled",
                TokenState::Expired => "expired",
            };
            return Err(CliError::failed(format!(
                "the API token is {state}; make a new one at Cloudflare and give it by {TOKEN_VARIABLE} or --token-file"
            )));
        }
        Err(error) => {
            accept_silence(error, &format!("the API token was not accepted for account {account}"))?;
        }
    }
    match client.list_groups(Priority::Routine).await {
        Ok(_) => Ok(()),
        Err(error) => {
            accept_silence(error, &format!("the deployment groups of account {account} cannot be read"))
        }
    }
}

fn accept_silence(error: ApiError, what: &str) -> Result<(), CliError> {
    match error.class {
        ErrorClass::Refused { .. } => Err(CliError::failed(format!("{what}: {error}"))),
        ErrorClass::RateLimited { .. } | ErrorClass::NoAnswer { .. } | ErrorClass::NotSent { .. } => {
            tracing::warn!(%error, "Cloudflare cannot be reached; starting all the same, nothing is written until it can be");
            Ok(())
        }
    }
}
