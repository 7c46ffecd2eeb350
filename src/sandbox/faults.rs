//! Scripted faults: what goes wrong, for which operation, how often.
//!
//! **Invariant:** a request meets at most one fault, the first in the list that fits; a script with a
//! parameter that its kind does not know is refused, because a fault that silently does nothing proves
//! nothing. A spoilt answer lacks something that the contract requires.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use strum::VariantNames;

use super::answer::{ApiRefusal, Body, Cut, SandboxAnswer};
use super::limit;
use super::operation::SandboxOperation;

/// One entry of the list that `POST /sandbox/faults` takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultScript {
    /// An operationId of the contract, or `any`.
    pub operation: String,
    /// `delay`, `server_error`, `server_error_html`, `reset_before`, `reset_after`, `applied_late`,
    /// `stale_list`, `rate_limited`, `truncated`, `missing_field`, `filter_ignored`, `conflict`,
    /// `forbidden`, `wrong_date` or `no_date`.
    pub kind: String,
    /// How many requests that fit go by unharmed first. Default 0.
    #[serde(default)]
    pub skip: u32,
    /// How many requests meet the fault. Default 1.
    #[serde(default = "once")]
    pub times: u32,
    /// Virtual seconds: of a delay, until a late write is applied, for which a list is stale, of
    /// `Retry-After`, that a wrong `Date` is late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u32>,
    /// Real milliseconds of a delay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_wall_ms: Option<u64>,
    /// The status of a server error, 500 to 599. Default 503 (HTML: 502).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// JSON pointer of the field that is missing. Default `/result`. Where the answer has no such field,
    /// `success` is taken out: the answer must be spoilt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// How a truncated body is cut. Default `short_of_length`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cut>,
    /// What the caller of a late write sees. Default `reset`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<LateAnswer>,
}

/// What the caller of a write that is applied late sees at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LateAnswer {
    /// A cut connection.
    Reset,
    /// 504, as JSON.
    GatewayTimeout,
}

const fn once() -> u32 {
    1
}

/// A script that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFault {
    /// No such operation.
    #[error(
        "`{0}` is no operation; write an operationId of the contract, such as update-deployment-group, or any"
    )]
    Operation(String),
    /// No such kind.
    #[error("`{0}` is no kind of fault; kinds are {kinds}", kinds = Fault::VARIANTS.join(", "))]
    Kind(String),
    /// The kind needs a parameter.
    #[error("a fault of kind {kind} needs `{parameter}`")]
    Missing {
        /// The kind.
        kind: String,
        /// What it needs.
        parameter: &'static str,
    },
    /// The kind does not know a parameter.
    #[error("a fault of kind {kind} has no `{parameter}`; leave it out")]
    Surplus {
        /// The kind.
        kind: String,
        /// What it does not know.
        parameter: &'static str,
    },
    /// The kind cannot happen to the operation.
    #[error("a fault of kind {kind} cannot happen to {operation}; it needs {needs}")]
    Unfit {
        /// The kind.
        kind: String,
        /// The operation.
        operation: String,
        /// What would fit.
        needs: &'static str,
    },
    /// A status that is no server error.
    #[error("{0} is no server error; write a status from 500 to 599")]
    Status(u16),
}

/// What happens to one request.
#[derive(Debug, Clone, PartialEq, Eq, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(super) enum Fault {
    Delay { seconds: u32, wall_ms: u64 },
    ServerError(u16),
    ServerErrorHtml(u16),
    ResetBefore,
    ResetAfter,
    AppliedLate { seconds: u32, answer: LateAnswer },
    StaleList { seconds: u32 },
    RateLimited { seconds: u32 },
    Truncated(Cut),
    MissingField { pointer: String },
    FilterIgnored,
    Conflict,
    Forbidden,
    WrongDate { seconds: u32 },
    NoDate,
}

impl Fault {
    /// Whether this can happen to `operation`, and what it needs if not.
    fn fits(&self, operation: SandboxOperation) -> Result<(), &'static str> {
        match self {
            Self::AppliedLate { .. } if !operation.writes() => Err("an operation that writes"),
            Self::StaleList { .. } if !operation.retargets() => {
                Err("an operation that changes a deployment group: the list goes stale after it")
            }
            Self::FilterIgnored if !operation.filters() => Err("list-devices or account-user-group-list"),
            _ => Ok(()),
        }
    }
}

/// A script, read, with how much of it is left.
#[derive(Debug, Clone)]
struct Rule {
    script: FaultScript,
    /// `None`: any operation that the fault fits.
    operation: Option<SandboxOperation>,
    fault: Fault,
}

/// The faults to come.
#[derive(Debug, Default)]
pub(super) struct Faults {
    rules: Vec<Rule>,
}

impl Faults {
    /// Adds scripts at the end of the list, all or none.
    pub(super) fn add(&mut self, scripts: &[FaultScript]) -> Result<(), InvalidFault> {
        let rules: Result<Vec<Rule>, InvalidFault> = scripts.iter().map(Rule::read).collect();
        self.rules.extend(rules?);
        Ok(())
    }

    pub(super) fn clear(&mut self) {
        self.rules.clear();
    }

    /// What is left, with `skip` and `times` counted down.
    pub(super) fn left(&self) -> Vec<FaultScript> {
        self.rules.iter().map(|rule| rule.script.clone()).collect()
    }

    /// The fault that a request for `operation` meets, and its kind. Every rule that fits counts its `skip` down, up to and
    /// including the one that strikes.
    pub(super) fn take(&mut self, operation: SandboxOperation) -> Option<(&'static str, Fault)> {
        let mut struck = None;
        for rule in &mut self.rules {
            let meant = rule.operation.is_none_or(|named| named == operation);
            if !meant || rule.fault.fits(operation).is_err() {
                continue;
            }
            if rule.script.skip > 0 {
                rule.script.skip -= 1;
                continue;
            }
            rule.script.times = rule.script.times.saturating_sub(1);
            struck = Some((rule.fault.into_str(), rule.fault.clone()));
            break;
        }
        self.rules.retain(|rule| rule.script.times > 0);
        struck
    }
}

impl Rule {
    fn read(script: &FaultScript) -> Result<Self, InvalidFault> {
        let operation = match script.operation.as_str() {
            "any" => None,
            name => Some(
                serde_json::from_value(name.into()).map_err(|_| InvalidFault::Operation(name.to_owned()))?,
            ),
        };
        let fault = Self::fault(script)?;
        if let Some(operation) = operation {
            fault.fits(operation).map_err(|needs| InvalidFault::Unfit {
                kind: script.kind.clone(),
                operation: script.operation.clone(),
                needs,
            })?;
        }
        Ok(Self { script: script.clone(), operation, fault })
    }

    fn fault(script: &FaultScript) -> Result<Fault, InvalidFault> {
        let kind = || script.kind.clone();
        let missing = |parameter| InvalidFault::Missing { kind: kind(), parameter };
        let seconds = || script.seconds.ok_or_else(|| missing("seconds"));
        let status = |default: u16| match script.status.unwrap_or(default) {
            status @ 500..600 => Ok(status),
            other => Err(InvalidFault::Status(other)),
        };
        // Each with the parameters that it takes.
        let (fault, takes): (Fault, &[&str]) = match script.kind.as_str() {
            "delay" if script.seconds.is_none() && script.hold_wall_ms.is_none() => {
                return Err(missing("seconds"));
            }
            "delay" => {
                let (seconds, wall_ms) = (script.seconds.unwrap_or(0), script.hold_wall_ms.unwrap_or(0));
                (Fault::Delay { seconds, wall_ms }, &["seconds", "hold_wall_ms"])
            }
            "server_error" => (Fault::ServerError(status(503)?), &["status"]),
            "server_error_html" => (Fault::ServerErrorHtml(status(502)?), &["status"]),
            "reset_before" => (Fault::ResetBefore, &[]),
            "reset_after" => (Fault::ResetAfter, &[]),
            "applied_late" => {
                let answer = script.answer.unwrap_or(LateAnswer::Reset);
                (Fault::AppliedLate { seconds: seconds()?, answer }, &["seconds", "answer"])
            }
            "stale_list" => (Fault::StaleList { seconds: seconds()? }, &["seconds"]),
            "rate_limited" => (Fault::RateLimited { seconds: seconds()? }, &["seconds"]),
            "truncated" => (Fault::Truncated(script.cut.unwrap_or(Cut::ShortOfLength)), &["cut"]),
            "missing_field" => {
                let pointer = script.pointer.clone().unwrap_or_else(|| "/result".to_owned());
                (Fault::MissingField { pointer }, &["pointer"])
            }
            "filter_ignored" => (Fault::FilterIgnored, &[]),
            "conflict" => (Fault::Conflict, &[]),
            "forbidden" => (Fault::Forbidden, &[]),
            "wrong_date" => (Fault::WrongDate { seconds: seconds()? }, &["seconds"]),
            "no_date" => (Fault::NoDate, &[]),
            other => return Err(InvalidFault::Kind(other.to_owned())),
        };
        let given = [
            ("seconds", script.seconds.is_some()),
            ("hold_wall_ms", script.hold_wall_ms.is_some()),
            ("status", script.status.is_some()),
            ("pointer", script.pointer.is_some()),
            ("cut", script.cut.is_some()),
            ("answer", script.answer.is_some()),
        ];
        match given.into_iter().find(|(name, is_given)| *is_given && !takes.contains(name)) {
            Some((parameter, _)) => Err(InvalidFault::Surplus { kind: kind(), parameter }),
            None => Ok(fault),
        }
    }
}

pub(super) fn server_error(status: u16) -> SandboxAnswer {
    ApiRefusal::new(status, 10013, "Internal error, as the sandbox was told to answer").answer()
}

/// 429, with the code and words that users report (cloudflare.md#error-codes).
pub(super) fn throttled(seconds: i64) -> SandboxAnswer {
    let mut answer =
        ApiRefusal::new(429, 971, "Please wait and consider throttling your request speed").answer();
    answer.headers.push(("retry-after", seconds.to_string()));
    answer.headers.extend(limit::headers(0, seconds));
    answer
}

/// Takes a field out of an answer, or `success` where it has no such field: the answer must be spoilt.
pub(super) fn take_out(body: &mut Body, pointer: &str) {
    let Body::Json(value) = body else { return };
    let (parent, key) = pointer.rsplit_once('/').unwrap_or(("", pointer));
    let removed = match value.pointer_mut(parent) {
        Some(Value::Object(fields)) => fields.remove(key).is_some(),
        _ => false,
    };
    if !removed && let Value::Object(fields) = value {
        fields.remove("success");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(script: Value) -> Result<Faults, InvalidFault> {
        let script: FaultScript = serde_json::from_value(script).unwrap();
        let mut faults = Faults::default();
        faults.add(&[script]).map(|()| faults)
    }

    #[test]
    fn a_script_that_cannot_be_followed_is_refused() {
        let rows = [
            (
                "no such operation",
                json!({"operation": "x", "kind": "delay", "seconds": 1}),
                Some("is no operation"),
            ),
            ("no such kind", json!({"operation": "any", "kind": "fire"}), Some("is no kind of fault")),
            ("delay without a length", json!({"operation": "any", "kind": "delay"}), Some("needs `seconds`")),
            (
                "late without seconds",
                json!({"operation": "any", "kind": "applied_late"}),
                Some("needs `seconds`"),
            ),
            (
                "a surplus parameter",
                json!({"operation": "any", "kind": "reset_before", "status": 500}),
                Some("has no `status`"),
            ),
            (
                "a server error that is none",
                json!({"operation": "any", "kind": "server_error", "status": 404}),
                Some("no server error"),
            ),
            (
                "a read cannot be applied late",
                json!({"operation": "get-device", "kind": "applied_late", "seconds": 1}),
                Some("cannot happen"),
            ),
            (
                "only the device list has filters",
                json!({"operation": "get-device", "kind": "filter_ignored"}),
                Some("cannot happen"),
            ),
            ("a wall delay", json!({"operation": "any", "kind": "delay", "hold_wall_ms": 5}), None),
            ("any, where it fits", json!({"operation": "any", "kind": "filter_ignored"}), None),
        ];
        for (row, script, expected) in rows {
            match (read(script), expected) {
                (Ok(_), None) => {}
                (Err(error), Some(part)) => assert!(error.to_string().contains(part), "{row}: {error}"),
                (result, _) => panic!("{row}: {:?}", result.map(|faults| faults.left())),
            }
        }
        let unknown = json!({"operation": "any", "kind": "delay", "second": 1});
        assert!(serde_json::from_value::<FaultScript>(unknown).is_err());
    }

    #[test]
    fn skip_and_times_count_requests_that_fit() {
        let script = json!({"operation": "list-devices", "kind": "reset_before", "skip": 2, "times": 2});
        let mut faults = read(script).unwrap();
        assert_eq!(faults.take(SandboxOperation::GetDevice), None);
        let met: Vec<bool> = (0..6).map(|_| faults.take(SandboxOperation::ListDevices).is_some()).collect();
        assert_eq!(met, [false, false, true, true, false, false]);
        assert!(faults.left().is_empty());
    }

    #[test]
    fn every_kind_has_its_name() {
        for kind in Fault::VARIANTS.iter().copied() {
            let seconds =
                ["delay", "applied_late", "stale_list", "rate_limited", "wrong_date"].contains(&kind);
            let mut script = json!({"operation": "any", "kind": kind});
            if seconds {
                script["seconds"] = 5.into();
            }
            let mut faults = read(script).unwrap();
            let operation = match kind {
                "applied_late" | "stale_list" => SandboxOperation::UpdateGroup,
                _ => SandboxOperation::ListDevices,
            };
            assert_eq!(faults.take(operation).unwrap().0, kind);
        }
    }
}
