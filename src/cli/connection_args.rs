//! The account at Cloudflare on the command line: address, account, token, budget, clock.
//!
//! Shared by the daemon and by the commands that look at the account themselves.
//!
//! **Invariant:** the token comes from a file or from the environment, never from an argument that
//! other users of the machine can see, and goes nowhere but into the client.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use secrecy::SecretString;

use crate::cli::{CliError, safe};
use crate::cloudflare::{self, ApiUrl, CloudflareClient, InvalidApiUrl, RequestObserver};
use crate::secrets::{self, TooShort};
use crate::{cli::value_parsers::Unrepeated, ids::AccountId, time::Clock};

/// The environment variable that holds the API token.
pub const TOKEN_VARIABLE: &str = "CLOUDFLARE_API_TOKEN";

/// The largest token file.
const MAX_TOKEN_BYTES: u64 = 4096;

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

    /// A client for an account. Sends nothing.
    ///
    /// # Errors
    /// When there is no token, the clock is not for this API, or something cannot be used.
    pub fn client(
        &self,
        account: AccountId,
        observer: Arc<dyn RequestObserver>,
    ) -> Result<CloudflareClient, CliError> {
        self.client_with(TOKEN_VARIABLE, account, observer)
    }

    /// The same with a token from another variable of the environment.
    ///
    /// # Errors
    /// As [`ConnectionArgs::client`].
    pub fn client_with(
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
    let length = std::fs::metadata(path).map_err(|error| told(error.to_string()))?.len();
    if length > MAX_TOKEN_BYTES {
        return Err(told(format!("it has {length} bytes; it should hold the token and nothing else")));
    }
    let token = std::fs::read_to_string(path).map_err(|error| told(error.to_string()))?;
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
