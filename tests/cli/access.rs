//! `access` against a simulated account on loopback: Cloudflare's own guide step by step, and whatever can
//! go wrong on the way.

use std::fs;
use std::process::{Command, Output, Stdio};

use ringward::access::access;
use ringward::access::args::{
    AccessArgs, AccessConnection, AccessDiffArgs, AccessListArgs, AccessVerb, ApplyArgs, ResetArgs, RolesArgs,
};
use ringward::cli::args::ConnectionArgs;
use ringward::cli::args::{DaemonArgs, JsonArgs};
use ringward::cli::exit::Exit;
use ringward::sandbox::{
    self, AccountSettings, FaultScript, JournalRow, RunningSandbox, SandboxOperation, SimulatedMember,
};
use ringward::time::Clock;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::far::Far;
use crate::server::{Reply, Server, socket};
use crate::{SCREEN, golden, refused, seen};

const FILE: &str = "\
groups:
  Endpoint Team:
    - {allow: [Cloudflare Zero Trust, dns], on: account}
    - {deny: [Billing], on: {zones: [123e105f4ecef8ad9ca31a8372d0c353]}}
  Release Approvers:
    - {allow: [Cloudflare Zero Trust Read Only], on: account}
";

const fn json(json: bool) -> JsonArgs {
    JsonArgs { json }
}

/// A daemon takes as many changes as a test makes.
const CHANGES: usize = 40;

/// A daemon that puts changes on record.
fn daemon() -> Server {
    let answers = [json!({"intent": 7}), json!({"done": "it is on record"})];
    let answers = answers.map(|answer| answer.to_string());
    let script = (0..CHANGES).flat_map(|_| answers.clone().map(|answer| Reply::Http(200, answer)));
    Server::start(script.collect())
}

struct Desk(Far, Server);

impl Desk {
    async fn new() -> Self {
        let far = Far::new(AccountSettings { devices: 0, ..AccountSettings::default() }).await;
        let answers = [json!({"intent": 7}), json!({"done": "it is on record"})];
        let script =
            (0..CHANGES).flat_map(|_| answers.iter().map(|answer| Reply::Http(200, answer.to_string())));
        Self(far, Server::start(script.collect()))
    }

    fn connection(&self) -> AccessConnection {
        let known = &self.0.connection;
        let reach = ConnectionArgs {
            api_url: known.api_url.clone(),
            account: known.account.clone(),
            token_file: known.token_file.clone(),
            ca_file: None,
            ..*known
        };
        AccessConnection { reach }
    }

    fn daemon(&self) -> DaemonArgs {
        DaemonArgs { db: self.1.database.clone() }
    }

    /// Each file has a name of its own.
    fn file(&self, text: &str) -> std::path::PathBuf {
        let count = fs::read_dir(self.0.dir.path()).unwrap().count();
        let path = self.0.dir.path().join(format!("access-{count}.yaml"));
        fs::write(&path, text).unwrap();
        path
    }

    fn list(&self, group: Option<&str>) -> AccessVerb {
        let group = group.map(str::to_owned);
        AccessVerb::List(AccessListArgs { group, json: json(false), connection: self.connection() })
    }

    fn roles(&self, like: Option<&str>) -> AccessVerb {
        let like = like.map(str::to_owned);
        AccessVerb::Roles(RolesArgs { like, json: json(false), connection: self.connection() })
    }

    fn diff(&self, text: &str) -> AccessVerb {
        AccessVerb::Diff(AccessDiffArgs {
            file: self.file(text),
            json: json(false),
            connection: self.connection(),
        })
    }

    fn apply(&self, text: &str) -> AccessVerb {
        let reason = "the team grows".to_owned();
        AccessVerb::Apply(ApplyArgs {
            file: self.file(text),
            reason,
            daemon: self.daemon(),
            connection: self.connection(),
        })
    }

    fn reset(&self, group: &str) -> AccessVerb {
        let reason = "the team is dissolved".to_owned();
        AccessVerb::Reset(ResetArgs {
            group: group.to_owned(),
            reason,
            daemon: self.daemon(),
            connection: self.connection(),
        })
    }

    /// What a person sees.
    async fn shown(&self, verb: AccessVerb) -> String {
        let mut out = Vec::new();
        let result = access(&AccessArgs { verb }, &SCREEN, &mut out).await;
        let text = seen(&out, result, self.0.dir.path());
        assert!(!text.contains(self.0.sandbox.token().expose_secret()), "the token is in: {text}");
        text.replace(&self.0.sandbox.address().to_string(), "ADDRESS")
    }

    async fn fails(&self, verb: AccessVerb) -> (Exit, String) {
        let mut out = Vec::new();
        let result = access(&AccessArgs { verb }, &SCREEN, &mut out).await;
        refused(&out, result)
    }

    fn writes(&self) -> Vec<JournalRow> {
        let rows = self.0.sandbox.journal().requests;
        rows.into_iter().filter(|row| row.operation.is_some_and(SandboxOperation::writes)).collect()
    }

    fn fault(&self, script: Value) {
        let script: FaultScript = serde_json::from_value(script).unwrap();
        self.0.sandbox.with_account(|account| account.add_faults(&[script])).unwrap();
    }

    /// What the daemon's log was told.
    fn told(&self) -> Vec<String> {
        self.1.requests()
    }

    fn id(&self, name: &str) -> String {
        let groups = self.0.sandbox.with_account(|account| account.user_groups());
        groups.into_iter().find(|group| group.name == name).unwrap().id
    }
}

fn is_narrow(text: &str) {
    for line in text.lines() {
        let breakable = line.trim().chars().skip(2).any(char::is_whitespace);
        assert!(line.chars().count() <= 80 || !breakable, "more than 80 columns: {line}");
    }
}

#[tokio::test]
async fn groups_members_and_roles_are_listed() {
    let desk = Desk::new().await;
    let mut text = desk.shown(desk.list(None)).await;
    for verb in [
        desk.list(Some("Endpoint Team")),
        desk.list(Some(&desk.id("Release Approvers"))),
        desk.roles(Some("zero trust")),
        desk.roles(Some("DNS")),
        desk.roles(Some("safety")),
        desk.roles(Some("emperor")),
    ] {
        text.push_str("----\n");
        text.push_str(&desk.shown(verb).await);
    }
    is_narrow(&text);
    golden("access_lists.txt", &text);
    let all = desk.shown(desk.roles(None)).await;
    assert_eq!(all.lines().count(), 63, "all pages and a heading");
    assert!(desk.writes().is_empty());
}

#[tokio::test]
async fn a_file_is_compared_applied_and_then_as_the_account_is() {
    let desk = Desk::new().await;
    let members = desk.0.sandbox.with_account(|account| account.user_groups());
    let mut text = desk.shown(desk.diff(FILE)).await;
    assert!(desk.writes().is_empty(), "a difference is looked at, not made");
    for verb in [desk.apply(FILE), desk.diff(FILE), desk.apply(FILE), desk.reset("Endpoint Team")] {
        text.push_str("----\n");
        text.push_str(&desk.shown(verb).await);
    }
    text.push_str("----\n");
    text.push_str(&desk.shown(desk.reset("Endpoint Team")).await);
    text.push_str("----\n");
    text.push_str(&desk.shown(desk.diff("groups: {Endpoint Team: []}\n")).await);
    is_narrow(&text);
    golden("access_apply.txt", &text);

    let writes = desk.writes();
    let bodies: Vec<&Value> = writes.iter().filter_map(|row| row.body.as_ref()).collect();
    let [applied, reset] = bodies.as_slice() else { panic!("one write, one reset: {writes:#?}") };
    assert_eq!(applied.as_object().unwrap().keys().collect::<Vec<_>>(), ["policies"], "no name, no members");
    assert_eq!(applied["policies"].as_array().unwrap().len(), 2);
    assert_eq!(**reset, json!({"policies": []}));
    let team = desk.id("Endpoint Team");
    assert!(writes.iter().all(|row| row.method == "PUT" && row.path.ends_with(&team)), "{writes:#?}");
    let told = desk.told();
    let paths: Vec<&str> = told.iter().map(|request| request.split(" {").next().unwrap()).collect();
    let pair = ["POST /api/v1/access", "POST /api/v1/access/7/outcome"];
    assert_eq!(paths, [pair, pair].concat(), "of the two changes that were made, and of no other verb");
    let intent: Value =
        serde_json::from_str(told[0].split_once(' ').unwrap().1.split_once(' ').unwrap().1).unwrap();
    assert_eq!(
        intent,
        json!({
            "group": team, "name": "Endpoint Team", "reason": "the team grows",
            "remove": [],
            "add": [
                {"access": "allow", "roles": ["Cloudflare Zero Trust", "DNS (dns)"], "on": ["the whole account"]},
                {"access": "deny", "roles": ["Billing"], "on": ["zone 123e105f4ecef8ad9ca31a8372d0c353"]},
            ],
        })
    );
    assert_eq!(desk.0.sandbox.with_account(|account| account.user_groups()), members, "nobody came or went");
}

#[tokio::test]
async fn what_does_not_fit_is_told_before_anything_is_written() {
    let desk = Desk::new().await;
    desk.0.sandbox.with_account(|account| {
        account.add_user_group("Twins", &[]);
        account.add_user_group("Twins", &[])
    });
    let wrong = "groups:\n  Endpoint Teem:\n    - {alow: [Billing], on: account}\n  Other:\n";
    let unfit = "\
groups:
  Endpoint Teem: []
  Twins: []
  Release Approvers:
    - {allow: [DNS, Cloudflare Zero Trust Readonly], on: account}
";
    let pinned = "account: 00000000000000000000000000000000\ngroups: {Endpoint Team: []}\n";
    let mut text = String::new();
    for (row, exit, verb) in [
        ("a file with errors", Exit::Usage, desk.apply(wrong)),
        ("a file that does not fit", Exit::Refused, desk.diff(unfit)),
        ("the same, applied", Exit::Refused, desk.apply(unfit)),
        ("another account", Exit::Usage, desk.apply(pinned)),
        ("a group that is not there", Exit::Refused, desk.reset("Endpoint Teem")),
        ("a group that is there twice", Exit::Refused, desk.reset("Twins")),
        ("nothing like it", Exit::Refused, desk.list(Some("x"))),
    ] {
        let (found, told) = desk.fails(verb).await;
        assert_eq!(found, exit, "{row}: {told}");
        text.push_str(&format!("{row}\n{told}\n----\n"));
    }
    let text = text
        .replace(&desk.0.dir.path().display().to_string(), "DIR")
        .replace(desk.0.sandbox.account_id(), "ACCOUNT");
    golden("access_refused.txt", &text);
    assert!(desk.writes().is_empty());
    let missing = desk.0.dir.path().join("none.yaml");
    let none =
        AccessVerb::Diff(AccessDiffArgs { file: missing, json: json(false), connection: desk.connection() });
    let (exit, told) = desk.fails(none).await;
    assert!(exit == Exit::Usage && told.contains("none.yaml cannot be read"), "{told}");
}

#[tokio::test]
async fn a_permission_that_lacks_is_named() {
    let desk = Desk::new().await;
    let rows = [
        ("account-user-group-list", "`Account Settings Read`", desk.list(None)),
        ("account-user-group-member-list", "`Account Settings Read`", desk.list(Some("Endpoint Team"))),
        ("account-permission-group-list", "`Account Settings Read`", desk.roles(None)),
        ("account-user-group-update", "`Account Settings Write`", desk.reset("Release Approvers")),
    ];
    for (operation, permission, verb) in rows {
        desk.fault(json!({"operation": operation, "kind": "forbidden"}));
        let (exit, told) = desk.fails(verb).await;
        assert_eq!(exit, Exit::Failed, "{operation}: {told}");
        assert!(told.contains(permission), "{operation}: {told}");
    }
}

#[tokio::test]
async fn a_write_that_nobody_answered_is_read_back() {
    let update = "account-user-group-update";
    // (row, the fault, what the log is told, what is told here)
    let rows = [
        (
            "applied, and the answer lost",
            json!({"operation": update, "kind": "reset_after"}),
            "written",
            "read back",
        ),
        (
            "cut before it came",
            json!({"operation": update, "kind": "reset_before"}),
            "unknown",
            "is not known",
        ),
        ("a server error", json!({"operation": update, "kind": "server_error"}), "unknown", "is not known"),
        (
            "applied late",
            json!({"operation": update, "kind": "applied_late", "seconds": 60}),
            "unknown",
            "it may still change",
        ),
        ("refused", json!({"operation": update, "kind": "conflict"}), "refused", "was not changed"),
        ("answered half", json!({"operation": update, "kind": "truncated"}), "written", "read back"),
    ];
    for (row, fault, outcome, told) in rows {
        let desk = Desk::new().await;
        let done = outcome == "written";
        desk.fault(fault);
        let text = desk.shown(desk.apply(FILE)).await;
        assert!(text.contains(told), "{row}: `{told}` is not in: {text}");
        assert_eq!(text.contains("1 of 2 groups changed"), done, "{row}: {text}");
        assert_eq!(text.contains("(exit 1)"), !done, "{row}: {text}");
        assert_eq!(desk.writes().len(), 1, "{row}: it is never sent twice");
        let [_, settled] = desk.told().try_into().unwrap();
        assert!(settled.starts_with("POST /api/v1/access/7/outcome {"), "{row}: {settled}");
        assert!(settled.contains(&format!(r#""outcome":"{outcome}""#)), "{row}: {settled}");
        if !done {
            assert!(text.contains("0 of 2 groups had been changed before"), "{row}: {text}");
        }
    }
}

#[tokio::test]
async fn what_is_not_on_record_is_not_sent() {
    let problem = |status: u16| {
        let detail = "the log cannot be written now";
        let body =
            json!({"type": "urn:ringward:problem:fault", "title": "t", "status": status, "detail": detail});
        Reply::Http(status, body.to_string())
    };
    let on_record = || Reply::Http(200, json!({"intent": 7}).to_string());
    // (row, the daemon's answers, what is told, how often it was written)
    let rows = [
        ("no daemon", vec![], ["`Endpoint Team` was not touched", "there is no database"], 0),
        ("its log is full", vec![problem(500)], ["was not touched", "the log cannot be written now"], 0),
        (
            "it cannot be told any more",
            vec![on_record(), problem(500)],
            ["as record 7, and not what became of it", "(written: read back as written)"],
            1,
        ),
    ];
    for (row, script, words, writes) in rows {
        let mut desk = Desk::new().await;
        let gone = script.is_empty();
        desk.1 = Server::start(script);
        if gone {
            fs::remove_file(&desk.1.database).unwrap();
            fs::remove_file(socket(&desk.1.database)).unwrap();
        }
        let (exit, told) = desk.fails(desk.apply(FILE)).await;
        assert_eq!(exit, Exit::Failed, "{row}: {told}");
        for word in words {
            assert!(told.contains(word), "{row}: `{word}` is not in: {told}");
        }
        assert_eq!(desk.writes().len(), writes, "{row}");
    }
}

#[tokio::test]
async fn a_group_that_changes_meanwhile_is_left_alone() {
    let desk = Desk::new().await;
    // The list that finds the group is answered late: by then it has another name.
    desk.fault(json!({"operation": "account-permission-group-list", "kind": "delay", "hold_wall_ms": 400}));
    let applied = desk.shown(desk.apply(FILE));
    let renamed = async {
        while desk.0.sandbox.journal().requests.is_empty() {
            tokio::task::yield_now().await;
        }
        let listed = |row: &JournalRow| row.operation == Some(SandboxOperation::ListPermissionGroups);
        while !desk.0.sandbox.journal().requests.iter().any(listed) {
            tokio::task::yield_now().await;
        }
        desk.0.sandbox.with_account(|account| account.rename_user_group("Endpoint Team", "Others")).unwrap();
    };
    let (text, ()) = tokio::join!(applied, renamed);
    assert!(
        text.contains("group `Endpoint Team` was renamed to `Others`") && text.contains("(exit 3)"),
        "{text}"
    );
    assert!(desk.writes().is_empty());
}

#[tokio::test]
async fn json_has_names_and_ids() {
    let desk = Desk::new().await;
    let (file, connection) = (desk.file(FILE), desk.connection());
    let verb = AccessVerb::Diff(AccessDiffArgs { file, json: json(true), connection });
    let said: Value = serde_json::from_str(&desk.shown(verb).await).unwrap();
    assert_eq!((&said["writes"], &said["groups"][1]["add"]), (&json!(1), &json!([])), "{said}");
    let (team, add) = (&said["groups"][0], &said["groups"][0]["add"]);
    assert_eq!((&team["name"], &team["id"]), (&json!("Endpoint Team"), &json!(desk.id("Endpoint Team"))));
    assert_eq!(add[1]["access"], "deny");
    assert_eq!(add[1]["roles"][0]["name"], "Billing");
    assert_eq!(add[1]["on"][0]["object"], "com.cloudflare.api.account.zone.123e105f4ecef8ad9ca31a8372d0c353");
    let verb = AccessVerb::Roles(RolesArgs { like: None, json: json(true), connection: desk.connection() });
    let said: Value = serde_json::from_str(&desk.shown(verb).await).unwrap();
    assert_eq!(said["roles"].as_array().unwrap().len(), 62);
    assert_eq!(said["roles"][0]["deprecated"], json!(false));
}

/// The program as a person runs it, with these variables and no others.
fn ringward(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ringward"))
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

async fn account() -> RunningSandbox {
    let listen = "127.0.0.1:0".parse().unwrap();
    let account = AccountSettings { devices: 0, ..AccountSettings::default() };
    sandbox::start(sandbox::SandboxSettings { listen, clock: Clock::Real, account }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemons_token_is_never_taken() {
    let sandbox = account().await;
    let (url, token) = (sandbox.api_url(), sandbox.token().expose_secret().to_owned());
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    fs::write(&file, &token).unwrap();
    let file = file.display().to_string();
    let (api, account) =
        (("RINGWARD_API_URL", url.as_str()), ("CLOUDFLARE_ACCOUNT_ID", sandbox.account_id()));
    let rows = [
        ("none", vec![], false),
        ("the daemon's", vec![("CLOUDFLARE_API_TOKEN", token.as_str())], false),
        ("the daemon's file", vec![("RINGWARD_TOKEN_FILE", file.as_str())], false),
        ("its own", vec![("CLOUDFLARE_ACCESS_TOKEN", token.as_str())], true),
        ("its own file", vec![("RINGWARD_ACCESS_TOKEN_FILE", file.as_str())], true),
    ];
    for (row, mut variables, taken) in rows {
        variables.extend([api, account]);
        let output = ringward(&["access", "list"], &variables);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(if taken { 0 } else { 2 }), "{row}: {told}");
        assert_eq!(told.contains("set CLOUDFLARE_ACCESS_TOKEN"), !taken, "{row}: {told}");
        assert!(!told.contains(&token), "{row}: {told}");
    }
}

/// <https://developers.cloudflare.com/fundamentals/manage-members/user-groups/>, step by step, through the
/// program's own commands over real sockets.
#[tokio::test(flavor = "multi_thread")]
async fn cloudflares_guide_works_through_ringward() {
    let sandbox = account().await;
    let (url, token) = (sandbox.api_url(), sandbox.token().expose_secret().to_owned());
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("access.yaml");
    let path = file.display().to_string();
    let daemon = daemon();
    let database = daemon.database.display().to_string();
    let run = |arguments: &[&str]| {
        let variables = [
            ("RINGWARD_DB", database.as_str()),
            ("RINGWARD_API_URL", url.as_str()),
            ("CLOUDFLARE_ACCOUNT_ID", sandbox.account_id()),
            ("CLOUDFLARE_ACCESS_TOKEN", token.as_str()),
        ];
        let output = ringward(arguments, &variables);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && told.is_empty(), "{arguments:?}: {told}");
        String::from_utf8(output.stdout).unwrap()
    };
    let read = |arguments: &[&str]| -> Value {
        serde_json::from_str(&run(arguments)).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
    };
    // An identity provider pushes a group.
    sandbox.with_account(|account| {
        account.push_user_group("Okta: Endpoint", &[SimulatedMember::accepted("ivo@example.com")])
    });
    // 1. List groups, and find it.
    let groups = read(&["access", "list", "--json"]);
    let pushed = groups["groups"].as_array().unwrap().iter().find(|group| group["name"] == "Okta: Endpoint");
    // 2. It has no policies.
    assert_eq!(pushed.unwrap()["policies"], json!([]));
    // 3. List permission groups.
    let roles = read(&["access", "roles", "--json"]);
    let role = roles["roles"].as_array().unwrap().iter().find(|role| role["name"] == "Cloudflare Zero Trust");
    // 4. List members.
    let group = read(&["access", "list", "Okta: Endpoint", "--json"]);
    assert_eq!(group["groups"][0]["members"], json!([{"email": "ivo@example.com", "status": "accepted"}]));
    // 5. Put a policy with an inline scope.
    fs::write(&file, "groups:\n  'Okta: Endpoint':\n    - {allow: [Cloudflare Zero Trust], on: account}\n")
        .unwrap();
    assert_eq!(read(&["access", "diff", &path, "--json"])["writes"], json!(1));
    run(&["access", "apply", &path, "--reason", "the guide says so"]);
    // 6. Read it back.
    let key = format!("com.cloudflare.api.account.{}", sandbox.account_id());
    let policies = read(&["access", "list", "Okta: Endpoint", "--json"])["groups"][0]["policies"].clone();
    assert_eq!(
        policies,
        json!([{
            "access": "allow",
            "roles": [{"id": role.unwrap()["id"], "name": "Cloudflare Zero Trust"}],
            "on": [{"key": key, "object": "*", "resource_group": null}],
        }])
    );
    // 7. Reset to empty.
    run(&["access", "reset", "Okta: Endpoint", "--reason", "the guide ends"]);
    assert_eq!(read(&["access", "list", "Okta: Endpoint", "--json"])["groups"][0]["policies"], json!([]));

    let puts = sandbox.journal().requests;
    let bodies: Vec<Value> =
        puts.into_iter().filter(|row| row.method == "PUT").filter_map(|row| row.body).collect();
    let scope = json!([{"scope": {"key": key, "objects": [{"key": "*"}]}}]);
    assert_eq!(bodies[0]["policies"][0]["resource_groups"], scope, "the guide's inline scope");
    assert_eq!((bodies.len(), &bodies[1]), (2, &json!({"policies": []})));
    sandbox.shutdown().await;
}
