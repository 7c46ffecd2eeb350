//! The flags that several commands share: which daemon, how to answer, how to reach the account, who may ask over
//! TCP, and where to die in a test.
//!
//! **Invariant:** the token comes from a file or from the environment, never from an argument that
//! other users of the machine can see, and goes nowhere but into the client; nothing here widens who may give verbs:
//! the flags narrow it, or name hosts for reads; no process that has to do with a real account is ever armed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use clap::builder::BoolishValueParser;
use secrecy::SecretString;

use crate::cli::{CliError, Connection, Format, safe, value_parsers::Unrepeated};
use crate::cloudflare::{self, ApiUrl, CloudflareClient, InvalidApiUrl, RequestObserver};
use crate::failpoint::{Fuse, arm};
use crate::secrets::{self, TooShort};
use crate::web::{HostName, TcpRules, TcpVerbs};
use crate::{ids::AccountId, store::Reader, time::Clock};

/// Which daemon.
#[derive(Debug, Args)]
pub struct DaemonArgs {
    /// Database of the daemon; its socket and stop file lie beside it
    #[arg(long, value_name = "FILE", env = "RINGWARD_DB", default_value = "ringward.db")]
    pub db: PathBuf,
}

impl DaemonArgs {
    pub(crate) fn connection(&self) -> Connection {
        Connection::beside(&self.db)
    }
}

/// How to answer.
#[derive(Debug, Args)]
pub struct JsonArgs {
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

impl JsonArgs {
    pub(crate) const fn format(&self) -> Format {
        if self.json { Format::Json } else { Format::Text }
    }
}

/// The environment variable that holds the API token.
pub const TOKEN_VARIABLE: &str = "CLOUDFLARE_API_TOKEN";

/// The largest token file.
const MAX_TOKEN_BYTES: u64 = 4096;

/// How to answer, and by which daemon.
#[derive(Debug, Args)]
pub struct ReadArgs {
    /// How to answer.
    #[command(flatten)]
    pub json: JsonArgs,
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

impl ReadArgs {
    pub(crate) fn connection(&self) -> Connection {
        self.daemon.connection()
    }

    pub(crate) const fn format(&self) -> Format {
        self.json.format()
    }
}

/// How to reach the account.
#[derive(Debug, Args)]
pub struct ConnectionArgs {
    /// Cloudflare's API, or a sandbox
    #[arg(long, value_name = "URL", env = "RINGWARD_API_URL", hide_env_values = true)]
    #[arg(default_value = ApiUrl::CLOUDFLARE, value_parser = API_URL)]
    pub api_url: ApiUrl,
    /// Cloudflare account ID
    #[arg(long, value_name = "ID", env = "CLOUDFLARE_ACCOUNT_ID")]
    pub account: Option<AccountId>,
    /// File that holds the API token; without it, the token is taken from CLOUDFLARE_API_TOKEN
    #[arg(long, value_name = "FILE", env = "RINGWARD_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
    /// PEM certificates to trust in place of this machine's
    #[arg(long, value_name = "FILE", env = "RINGWARD_CA_FILE")]
    pub ca_file: Option<PathBuf>,
    /// Requests to Cloudflare in five minutes; its own limit is 1200 for all users of a token
    #[arg(long, value_name = "N", env = "RINGWARD_REQUESTS", default_value_t = cloudflare::budget::DEFAULT_REQUESTS)]
    pub requests: u32,
    /// Clock of a sandbox, as it prints it: EPOCH@ANCHOR*SPEED
    #[arg(long, value_name = "CLOCK", env = "RINGWARD_CLOCK", default_value = "real")]
    pub clock: Clock,
}

impl ConnectionArgs {
    /// The account: as told, else the one that a plan is pinned to.
    ///
    /// # Errors
    /// When there is neither.
    pub fn account(&self, pinned: Option<&AccountId>) -> Result<AccountId, CliError> {
        self.account.as_ref().or(pinned).cloned().ok_or_else(|| {
            CliError::usage("there is no account; give --account ID, or set CLOUDFLARE_ACCOUNT_ID")
        })
    }

    /// A client for an account, with the token of `--token-file`, else of a variable of the environment. Sends nothing.
    ///
    /// # Errors
    /// When there is no token, the clock is not for this API, or something cannot be used.
    pub fn client(
        &self,
        variable: &str,
        account: AccountId,
        observer: Arc<dyn RequestObserver>,
    ) -> Result<CloudflareClient, CliError> {
        if self.clock != Clock::Real && !self.api_url.is_loopback() {
            return Err(CliError::usage(
                "--clock is for a sandbox: with any clock but the real one, --api-url must be on this machine",
            ));
        }
        let token = read_token(self.token_file.as_deref(), variable)?;
        CloudflareClient::new(cloudflare::Settings {
            ca_file: self.ca_file.clone(),
            requests: self.requests,
            observer,
            ..cloudflare::Settings::new(self.api_url.clone(), account, token, self.clock)
        })
        .map_err(CliError::failed)
    }
}

/// Clap's own words would repeat a value that is refused, and it may hold a password.
const API_URL: Unrepeated<ApiUrl> = Unrepeated {
    read: |text| text.parse().map_err(|error: InvalidApiUrl| safe(&error.to_string())),
    no_text: "it is not UTF-8",
    // Else in clap's form.
    lead: "invalid value for '{}'",
};

/// The API token, from a file or from the environment.
pub(crate) fn read_token(file: Option<&Path>, variable: &str) -> Result<SecretString, CliError> {
    let Some(path) = file else {
        return match std::env::var(variable) {
            Ok(token) if !token.trim().is_empty() => registered(&token)
                .map_err(|why| CliError::usage(format!("the token in {variable} cannot be used: {why}"))),
            _ => Err(CliError::usage(format!(
                "there is no API token; set {variable}, or give --token-file FILE"
            ))),
        };
    };
    let shown = path.display();
    let told = |why: String| CliError::failed(format!("the token file {shown} cannot be used: {why}"));
    let bytes = secrets::read_file(path, MAX_TOKEN_BYTES)
        .map_err(|error| told(format!("{error}; it should hold the token and nothing else")))?;
    let token = String::from_utf8(bytes).map_err(|_| told("it is not UTF-8".to_owned()))?;
    if token.trim().is_empty() {
        return Err(told("it is empty".to_owned()));
    }
    registered(&token).map_err(|why| told(why.to_string()))
}

/// A token that is kept out of everything that is said from now on.
fn registered(token: &str) -> Result<SecretString, TooShort> {
    let token = SecretString::from(token.trim().to_owned());
    secrets::register(&token)?;
    Ok(token)
}

/// Who may ask over TCP.
#[derive(Debug, Clone, Args)]
pub struct ListenerArgs {
    /// Take no verbs over TCP: page and API only show; verbs work through the socket alone
    #[arg(long, env = "RINGWARD_READ_ONLY", value_parser = BoolishValueParser::new())]
    pub read_only: bool,
    /// Host name that page, API and metrics may be read under, beside addresses; repeatable
    #[arg(long = "host", value_name = "NAME", env = "RINGWARD_HOSTS", value_delimiter = ',')]
    pub hosts: Vec<HostName>,
}

impl ListenerArgs {
    /// As the listener takes them.
    pub fn rules(self) -> TcpRules {
        let verbs = if self.read_only { TcpVerbs::Refused } else { TcpVerbs::Taken };
        TcpRules { verbs, hosts: self.hosts }
    }
}

/// At which point to die.
#[derive(Debug, Args)]
pub struct FailpointArgs {
    /// Die by SIGKILL at this point, for tests: NAME, or NAME:NTH for a later time than the first
    #[arg(long, value_name = "NAME[:NTH]", hide = true)]
    pub failpoint: Option<Fuse>,
}

impl FailpointArgs {
    /// Arms the point, for a process that asks `api`.
    ///
    /// # Errors
    /// When that is not on this machine.
    pub fn arm_beside(&self, api: &ApiUrl) -> Result<(), CliError> {
        self.arm_if(api.is_loopback(), "with it, --api-url must be on this machine")
    }

    /// Arms the point, for a process that reads `database` alone.
    ///
    /// # Errors
    /// When that is not a sandbox's, which a clock other than the real one tells.
    pub fn arm_over(&self, database: &Path) -> Result<(), CliError> {
        let fast = || {
            let clock = Reader::open(database).ok()?.view().clock().ok()??;
            clock.parse::<Clock>().ok().filter(|clock| *clock != Clock::Real)
        };
        self.arm_if(
            self.failpoint.is_none() || fast().is_some(),
            "the database must run on a sandbox's clock",
        )
    }

    fn arm_if(&self, allowed: bool, rule: &str) -> Result<(), CliError> {
        let Some(fuse) = self.failpoint else { return Ok(()) };
        if !allowed {
            return Err(CliError::usage(format!("--failpoint kills the process and is for tests: {rule}")));
        }
        tracing::warn!(point = %fuse.point, nth = fuse.nth, "armed: this process dies there");
        arm(fuse);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::config::{Listen, NoPlace};

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        listener: ListenerArgs,
    }

    #[test]
    fn a_place_is_an_address_or_none() {
        let at = |text: &str| Ok(Listen::At(text.parse().unwrap()));
        let rows = [
            ("an address", "127.0.0.1:8787", at("127.0.0.1:8787")),
            ("IPv6", "[::1]:0", at("[::1]:0")),
            ("none", "none", Ok(Listen::Nowhere)),
            ("no port", "127.0.0.1", Err(NoPlace)),
            ("a name", "localhost:8787", Err(NoPlace)),
            ("nothing", "", Err(NoPlace)),
        ];
        for (row, text, expected) in rows {
            assert_eq!(text.parse(), expected, "{row}");
        }
    }

    #[test]
    fn flags_become_rules() {
        let line = |words: &[&str]| {
            let words = ["ringward"].into_iter().chain(words.iter().copied());
            Line::try_parse_from(words).map(|line| line.listener.rules())
        };
        assert_eq!(line(&[]).unwrap(), TcpRules::default());
        let rules = line(&["--read-only", "--host", "a.test,b.test", "--host", "c.test"]).unwrap();
        assert_eq!(rules.verbs, TcpVerbs::Refused);
        let hosts = ["a.test", "b.test", "c.test"].map(|name| name.parse().unwrap());
        assert_eq!(rules.hosts, hosts);
        let refused = line(&["--host", "a.test:8787"]).unwrap_err().to_string();
        assert!(refused.contains("no port") && refused.contains("--host"), "{refused}");
    }
}
