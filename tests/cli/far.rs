//! A simulated account on loopback for the commands that look at one, on a clock that stands
//! nearly still.

use std::fs;

use ringward::cli::args::ConnectionArgs;
use ringward::cli::init::{InitArgs, init};
use ringward::cli::online::check_online;
use ringward::cli::render::Format;
use ringward::sandbox::{
    self, Account, AccountSettings, Body, RunningSandbox, SandboxOutcome, SandboxRequest,
};
use ringward::time::Clock;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::{at, how, seen};

/// A Monday.
pub(crate) const NOW: &str = "2026-10-12T06:00:00Z";

pub(crate) struct Far {
    pub(crate) sandbox: RunningSandbox,
    pub(crate) dir: tempfile::TempDir,
    pub(crate) connection: ConnectionArgs,
}

impl Far {
    /// An account, and the way to it: the token in a file.
    pub(crate) async fn new(account: AccountSettings) -> Self {
        // A second in the test is a millisecond there.
        let clock = Clock::fast_from(at(NOW), 0.001);
        let listen = "127.0.0.1:0".parse().unwrap();
        let sandbox = sandbox::start(sandbox::SandboxSettings { listen, clock, account }).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let token_file = dir.path().join("token");
        fs::write(&token_file, sandbox.token().expose_secret()).unwrap();
        let connection = ConnectionArgs {
            api_url: sandbox.api_url().parse().unwrap(),
            account: Some(sandbox.account_id().parse().unwrap()),
            token_file: Some(token_file),
            ca_file: None,
            requests: 600,
            clock,
        };
        Self { sandbox, dir, connection }
    }

    pub(crate) async fn usual() -> Self {
        Self::new(AccountSettings::default()).await
    }

    pub(crate) fn policy(&self, name: &str) -> String {
        let profiles = self.sandbox.with_account(|account| account.profiles());
        profiles.into_iter().find(|(known, _)| known == name).unwrap().1
    }

    /// Makes a deployment group as somebody else would, and answers its ID.
    pub(crate) fn group(&self, name: &str, policies: &[String], versions: &[(&str, &str)]) -> String {
        let entry = |(on, version): &(&str, &str)| json!({"target_environment": on, "version": version});
        let versions: Vec<Value> = versions.iter().map(entry).collect();
        let body = json!({"name": name, "policy_ids": policies, "version_config": versions});
        let answer = self.sandbox.with_account(|account| post_group(account, &body));
        answer["result"]["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.dir.path().join("plans")).unwrap();
        fs::write(self.dir.path().join("plans").join(name), text).unwrap();
    }

    /// What `check --online` says of the plans that were written, as a person sees it.
    pub(crate) async fn check(&self) -> String {
        self.check_as(Format::Text, None).await
    }

    pub(crate) async fn check_as(&self, format: Format, database: Option<&std::path::Path>) -> String {
        let mut out = Vec::new();
        let paths = [self.dir.path().join("plans")];
        let result =
            check_online(&paths, &self.connection, database, how(format), &crate::SCREEN, &mut out).await;
        self.shown(&seen(&out, result, self.dir.path()))
    }

    /// What `init` writes to standard output, and how it ends.
    pub(crate) async fn init(&self) -> String {
        let mut out = Vec::new();
        let result = init(&self.init_args("-", false), &mut out, &mut Vec::new()).await;
        self.shown(&seen(&out, result, self.dir.path()))
    }

    pub(crate) fn init_args(&self, output: &str, force: bool) -> InitArgs {
        let connection = ConnectionArgs {
            api_url: self.connection.api_url.clone(),
            account: self.connection.account.clone(),
            token_file: self.connection.token_file.clone(),
            ca_file: None,
            ..self.connection
        };
        InitArgs {
            output: output.into(),
            force,
            config: None,
            db: self.dir.path().join("ringward.db"),
            connection,
        }
    }

    /// The port differs from run to run; the token must never be there.
    fn shown(&self, text: &str) -> String {
        assert!(!text.contains(self.sandbox.token().expose_secret()), "the token is in: {text}");
        text.replace(&self.sandbox.address().to_string(), "ADDRESS")
    }
}

fn post_group(account: &mut Account, body: &Value) -> Value {
    let target = format!("/client/v4/accounts/{}/devices/deployment-groups", account.id());
    let token = account.token().expose_secret().to_owned();
    let request = SandboxRequest::new("POST", &target).with_token(&token).with_json(body);
    match account.handle(request, at(NOW)) {
        SandboxOutcome::Answer(answer) => match answer.body {
            Body::Json(value) => value,
            Body::Html(page) => panic!("{page}"),
        },
        SandboxOutcome::Reset => panic!("the connection was cut"),
    }
}
