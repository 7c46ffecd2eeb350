//! `ringward run`: the daemon with its socket and its page.
//!
//! **Invariant:** whatever can be refused is refused before the database is touched, and nothing
//! is written at Cloudflare before the log is open.

use std::io::{self, IsTerminal as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use clap::builder::BoolishValueParser;
use tokio_util::sync::CancellationToken;

use crate::cli::args::{FailpointArgs, ListenerArgs, TOKEN_VARIABLE};
use crate::cli::servers::serve_during;
use crate::cli::signals::{SignalMeaning, Signals};
use crate::cli::{CliError, ConnectionArgs, Ink, service};
use crate::cloudflare::{ApiError, CloudflareClient, ErrorClass, Priority, TokenState};
use crate::daemon::{self, Daemon, DaemonSettings};
use crate::web::{self, Identities, Services};
use crate::{
    cli::configuration::{configuration, place},
    cli::exposed::{self, Secrecy},
    cli::judgement::JudgedFiles,
    config::Listen,
    config::RunSettings,
    daemon::files::Settles,
    rollout::record::Mode,
    telemetry::Metrics,
};

/// Where it listens when nobody says.
const DEFAULT_LISTEN: Listen = Listen::At(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8787));

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("help/run.txt").trim_end())]
pub struct RunArgs {
    /// Configuration: what flags can say, and who may ask for what; without it, ringward.yaml beside the database
    #[arg(long, value_name = "FILE", env = "RINGWARD_CONFIG")]
    pub config: Option<PathBuf>,
    /// Directory of plan files (*.yaml, *.yml)
    #[arg(long, value_name = "DIR", env = "RINGWARD_PLANS")]
    pub plans: Option<PathBuf>,
    /// Database of this account; socket, lock and stop file lie beside it
    #[arg(long, value_name = "FILE", env = "RINGWARD_DB", default_value = "ringward.db")]
    pub db: PathBuf,
    /// Address of page, API and metrics; `none` leaves them on the socket alone [default: 127.0.0.1:8787]
    #[arg(long, value_name = "ADDR", env = "RINGWARD_LISTEN")]
    pub listen: Option<Listen>,
    /// Who may ask there.
    #[command(flatten)]
    pub listener: ListenerArgs,
    /// Read-only mode: do everything but write at Cloudflare
    #[arg(long, env = "RINGWARD_OBSERVE", value_parser = BoolishValueParser::new())]
    pub observe: bool,
    /// How to reach the account.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// Where to die.
    #[command(flatten)]
    pub failpoint: FailpointArgs,
    /// For so long a plan's file must be unchanged before more of it than a restriction takes effect, for tests
    #[arg(long, value_name = "SECONDS", env = "RINGWARD_SETTLE_SECONDS", hide = true)]
    pub settle_seconds: Option<u32>,
}

impl RunArgs {
    /// With what a file says where neither flag nor environment does. What narrows is told by either.
    fn over(mut self, file: RunSettings) -> Self {
        self.plans = self.plans.or(file.plans);
        self.listen = self.listen.or(file.listen);
        if self.listener.hosts.is_empty() {
            self.listener.hosts = file.hosts;
        }
        self.listener.read_only |= file.read_only;
        self.observe |= file.observe;
        self.connection.account = self.connection.account.or(file.account);
        self.connection.token_file = self.connection.token_file.or(file.token_file);
        self.connection.ca_file = self.connection.ca_file.or(file.ca_file);
        self
    }
}

/// Runs the daemon until a signal ends it.
///
/// # Errors
/// When it cannot start, or had to end by itself.
pub async fn run(args: RunArgs) -> Result<(), CliError> {
    let config = configuration(args.config.as_deref(), &args.db)?;
    let args = args.over(config.run.clone());
    let plans = args.plans.ok_or_else(|| {
        CliError::usage(
            "there are no plans; give --plans DIR, set RINGWARD_PLANS, or write `plans` into ringward.yaml",
        )
    })?;
    let config_file = place(args.config.as_deref(), &args.db);
    let token_file = args.connection.token_file.as_deref().map(|path| (path, Secrecy::Secret));
    let known = [args.db.as_path(), &config_file].map(|path| (path, Secrecy::Public));
    exposed::warn(&known.into_iter().chain(token_file).collect::<Vec<_>>());
    let account = args.connection.account(None)?;
    args.failpoint.arm_beside(&args.connection.api_url)?;
    let metrics = Arc::new(Metrics::new().map_err(CliError::failed)?);
    let client = args.connection.client(TOKEN_VARIABLE, account.clone(), metrics.clone())?;
    let identities = Identities::of(&config, args.connection.ca_file.clone()).map_err(CliError::failed)?;
    let bound = match args.listen.unwrap_or(DEFAULT_LISTEN) {
        Listen::At(address) => {
            let bound = web::bind(address).await.map_err(CliError::failed)?;
            Some(bound.under(args.listener.rules()))
        }
        Listen::Nowhere => None,
    };
    require_access(&client).await?;
    show_errors(&plans);
    let settles = args.settle_seconds.map_or(Settles::SECONDS, f64::from);
    if args.settle_seconds.is_some() && !args.connection.api_url.is_loopback() {
        return Err(CliError::usage(
            "--settle-seconds is for tests: with it, --api-url must be on this machine",
        ));
    }
    let settings = DaemonSettings {
        plans,
        database: args.db.clone(),
        account,
        clock: args.connection.clock,
        mode: if args.observe { Mode::Observe } else { Mode::Write },
        client,
        approval_floor: config.approval_floor.clone(),
        revisions: config.revisions,
        settles: Settles::of(settles, &args.connection.clock),
        devices_per_day: config.devices_per_day,
        clock_trust: config.clock_trust.clone(),
    };
    if let Some(trust) = &config.clock_trust {
        let (until, reason) = (trust.until, &trust.reason);
        tracing::warn!(%until, reason, "this machine's clock is believed whatever Cloudflare's answers say, until then");
    }
    // Before the daemon: a signal must end it, not kill it.
    let mut signals = Signals::listen()?;
    let Some(daemon) = started(settings, &mut signals).await? else { return Ok(()) };
    let page =
        bound.as_ref().map_or_else(|| "none".to_owned(), |bound| format!("http://{}/", bound.address()));
    let revisions = config.revisions.as_str();
    tracing::info!(%page, database = %args.db.display(), revisions, "ringward runs");
    let services = Services {
        handle: daemon.handle(),
        database: args.db.clone(),
        identities: Arc::new(identities),
        metrics,
    };
    serve_during(daemon, bound, services, async |daemon| told_until_signal(daemon, signals).await).await
}

/// Starts the daemon, whose first look at the plans may take its time. `None`: a signal ended it before; nothing was
/// decided or sent.
async fn started(settings: DaemonSettings, signals: &mut Signals) -> Result<Option<Daemon>, CliError> {
    let mut start = std::pin::pin!(daemon::start(settings));
    let mut looks_again = false;
    loop {
        tokio::select! {
            daemon = &mut start => {
                let daemon = daemon.map_err(CliError::failed)?;
                if looks_again {
                    daemon.handle().look_now();
                }
                return Ok(Some(daemon));
            }
            asked = signals.next() => match asked {
                SignalMeaning::Look => looks_again = true,
                SignalMeaning::End(signal) => {
                    tracing::info!(signal, "ending before the plans were read: nothing was sent");
                    service::tell_end();
                    return Ok(None);
                }
            }
        }
    }
}

/// Shows a person at a terminal, at the start of a daemon, what is wrong with its plans, with excerpts. The daemon
/// starts all the same, since the last good plans go on; its log, status and metrics tell the same at each look.
fn show_errors(directory: &Path) {
    let stderr = io::stderr();
    if !stderr.is_terminal() {
        return;
    }
    // What was taken over before is not judged by the calendar.
    let judgement = JudgedFiles::of(&[directory.to_owned()], None);
    judgement.complain(Ink::of(&stderr));
}

/// Until a signal, or the daemon's own end; the service manager is told meanwhile.
async fn told_until_signal(daemon: Daemon, signals: Signals) -> Result<(), CliError> {
    let token = CancellationToken::new();
    let telling = service::tell(daemon.handle(), token.clone());
    let running = async {
        let result = until_signal(daemon, signals).await;
        token.cancel();
        result
    };
    tokio::join!(telling, running).1
}

async fn until_signal(mut daemon: Daemon, mut signals: Signals) -> Result<(), CliError> {
    let handle = daemon.handle();
    loop {
        tokio::select! {
            result = daemon.ended() => return result.map_err(CliError::failed),
            asked = signals.next() => match asked {
                SignalMeaning::Look => handle.look_now(),
                SignalMeaning::End(signal) => {
                    tracing::info!(signal, "ending: no new write is sent");
                    service::tell_end();
                    daemon.stop();
                    return daemon.ended().await.map_err(CliError::failed);
                }
            }
        }
    }
}

/// Ends the start when Cloudflare says no. When it says nothing, the daemon starts all the same
/// and shows what it cannot read: an outage must not keep the page and the stop from working.
async fn require_access(client: &CloudflareClient) -> Result<(), CliError> {
    let account = client.account();
    match client.verify_token().await {
        Ok(check) if check.state == TokenState::Active => {}
        Ok(check) => {
            let state = check.state.into_str();
            return Err(CliError::failed(format!(
                "the API token is {state}; make a new one at Cloudflare and give it by {TOKEN_VARIABLE} or --token-file"
            )));
        }
        Err(error) => {
            accept_silence(error, &format!("the API token was not accepted for account {account}"))?;
        }
    }
    if let Err(error) = client.list_groups(Priority::Routine).await {
        accept_silence(error, &format!("the deployment groups of account {account} cannot be read"))?;
    }
    Ok(())
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
