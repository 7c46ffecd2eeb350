//! An account on a virtual clock whose every answer is held against the contract.

use ringward::sandbox::{
    Account, AccountSettings, Body, FaultScript, SandboxAnswer, SandboxOutcome, SandboxRequest,
};
use ringward::time::{SignedDuration, Timestamp, after};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::contract::Contract;

/// Monday 2026-10-12, 09:00 in Lisbon.
pub(crate) const START: &str = "2026-10-12T08:00:00Z";
pub(crate) const OLD: &str = "2026.7.1376.0";
pub(crate) const NEW: &str = "2026.8.2100.0";

pub(crate) struct Bench {
    pub(crate) account: Account,
    pub(crate) now: Timestamp,
}

impl Bench {
    pub(crate) fn new(settings: &AccountSettings) -> Self {
        let now = START.parse().unwrap();
        Self { account: Account::new(settings, now).unwrap(), now }
    }

    pub(crate) fn of(devices: usize) -> Self {
        Self::new(&AccountSettings { devices, ..AccountSettings::default() })
    }

    pub(crate) fn wait(&mut self, length: SignedDuration) {
        self.now = after(self.now, length);
        self.account.advance(self.now);
    }

    pub(crate) fn policy(&self, name: &str) -> String {
        self.account.profiles().into_iter().find(|(known, _)| known == name).unwrap().1
    }

    /// The path of something in the account, below `/client/v4`.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/accounts/{}/devices/{rest}", self.account.id())
    }

    pub(crate) fn request(&self, method: &str, target: &str, body: Option<&Value>) -> SandboxRequest {
        let token = self.account.token().expose_secret().to_owned();
        let request = SandboxRequest::new(method, &format!("/client/v4{target}")).with_token(&token);
        match body {
            Some(body) => request.with_json(body),
            None => request,
        }
    }

    /// Sends a request; the answer must be one that the contract knows.
    pub(crate) fn send(&mut self, method: &str, target: &str, body: Option<&Value>) -> (u16, Value) {
        let request = self.request(method, target, body);
        self.sound(method, target, request)
    }

    /// Sends a request as it is; the answer must be one that the contract knows.
    pub(crate) fn sound(&mut self, method: &str, target: &str, request: SandboxRequest) -> (u16, Value) {
        let answer = answered(self.account.handle(request, self.now));
        let sent = answer.sent();
        if let Err(error) = Contract::get().response(method, target, answer.status, &sent) {
            panic!("{method} {target}: {error}\n{}", String::from_utf8_lossy(&sent));
        }
        let Body::Json(value) = answer.body else { panic!("{method} {target}: a page") };
        (answer.status, value)
    }

    /// A GET that must succeed, and that the contract allows to be sent.
    pub(crate) fn get(&mut self, target: &str) -> Value {
        Contract::get().request("GET", target, None).unwrap();
        let (status, value) = self.send("GET", target, None);
        assert_eq!(status, 200, "{target}: {value}");
        value
    }

    /// Creates a group that offers `version` on both platforms to the named profiles; answers its ID.
    pub(crate) fn create(&mut self, name: &str, profiles: &[&str], version: &str) -> String {
        let policies: Vec<String> = profiles.iter().map(|profile| self.policy(profile)).collect();
        let body = json!({ "name": name, "policy_ids": policies, "version_config": both(version) });
        let target = self.path("deployment-groups");
        Contract::get().request("POST", &target, Some(&body)).unwrap();
        let (status, value) = self.send("POST", &target, Some(&body));
        assert_eq!(status, 200, "{value}");
        value["result"]["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn faults(&mut self, scripts: Value) {
        let scripts: Vec<FaultScript> = serde_json::from_value(scripts).unwrap();
        self.account.add_faults(&scripts).unwrap();
    }

    /// The last row of the journal, as the sandbox shows it.
    pub(crate) fn last_row(&self) -> Value {
        serde_json::to_value(self.account.journal().requests.back().unwrap()).unwrap()
    }
}

pub(crate) fn answered(outcome: SandboxOutcome) -> SandboxAnswer {
    match outcome {
        SandboxOutcome::Answer(answer) => answer,
        SandboxOutcome::Reset => panic!("the connection was cut"),
    }
}

pub(crate) fn both(version: &str) -> Value {
    json!([
        { "target_environment": "windows", "version": version },
        { "target_environment": "macos", "version": version },
    ])
}
