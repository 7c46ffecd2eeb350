//! Fifty clients at once on the real binary: they approve, refuse, pause and edit the plan, each as
//! itself. What each was answered is compared with what the log has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ringward::ids::Email;
use ringward::plan;
use ringward::rollout::record::{Event, Recorded};
use ringward::rollout::state::State;
use ringward::sandbox::SimulatedMember;
use ringward::time::Stopwatch;
use serde_json::{Value, json};

use crate::support::{Walk, read_body};
use crate::volume::{Service, read};

/// How long they go on, by the wall clock, as the issue asks.
const STORM_SECONDS: f64 = 30.0;
/// A wall bound that only a hang reaches.
const HANG_SECONDS: f64 = 200.0;
/// Slow enough that words are given between two edits, fast enough that half a day passes.
const SPEED: f64 = 1_500.0;

/// As many as a plan can ask for.
const APPROVERS: usize = 20;
const OPERATORS: usize = 18;
const EDITORS: usize = 12;

/// All twenty are asked, and the last of them says nothing until the others are done.
///
/// Of six changes of a value five only restrict, and the approvals go over; the sixth voids them.
fn plan_text(values: usize, comment: usize) -> String {
    let (soak_hours, within_days) = (48 + values - values / 6, 14 + values / 6);
    format!(
        "\
plan: crowd
versions: {{windows: 2026.8.2100.0, macos: 2026.8.2100.0}}
defaults: {{soak: {soak_hours}h, unknown_after: 5d, adoption: {{at_least: 10%, within: {within_days}d, seen_at_least: 10%}}}}
rings:
  - {{name: First, profiles: [Engineering], approval: {{user_group: Release Approvers, count: {APPROVERS}, expires: 60d}}}}
# edit {comment}
"
    )
}

/// What a client asked for and what it was told.
#[derive(Debug)]
struct Answered {
    verb: &'static str,
    /// Its e-mail and its words, which no other request has.
    by: String,
    reason: String,
    status: u16,
    said: String,
}

/// One of the fifty.
#[derive(Clone)]
struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
    email: String,
    told: Arc<Mutex<Vec<Answered>>>,
}

impl Client {
    async fn say(&self, verb: &'static str, reason: String) -> u16 {
        let url = format!("{}/api/v1/rollouts/crowd/{verb}", self.base);
        let mut body = json!({"reason": reason});
        if matches!(verb, "approve" | "reject") {
            body["ring"] = "First".into();
        }
        if matches!(verb, "approve" | "resume") {
            let mut dry = body.clone();
            dry["dry_run"] = true.into();
            let now = self.http.post(&url).bearer_auth(&self.token).json(&dry).send().await.unwrap();
            let status = now.status().as_u16();
            let said = now.text().await.unwrap();
            if status != 200 {
                self.told.lock().unwrap().push(Answered {
                    verb,
                    by: self.email.clone(),
                    reason,
                    status,
                    said,
                });
                return status;
            }
            body = read_body(body, &serde_json::from_str(&said).unwrap());
        }
        let request = self.http.post(url).bearer_auth(&self.token).json(&body);
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let said = answer.text().await.unwrap();
        self.told.lock().unwrap().push(Answered { verb, by: self.email.clone(), reason, status, said });
        status
    }

    async fn rollout(&self) -> Value {
        let url = format!("{}/api/v1/rollouts/crowd", self.base);
        self.http.get(url).bearer_auth(&self.token).send().await.unwrap().json().await.unwrap()
    }
}

/// The plan file, and how often it was changed.
struct File {
    walk: Arc<Walk>,
    edits: usize,
    /// Edits that changed a value.
    values: usize,
}

impl File {
    /// A comment, or every fourth time a value.
    fn edit(&mut self) {
        self.edits += 1;
        if self.edits.is_multiple_of(4) {
            self.values += 1;
        }
        // Whole at once, as an editor saves it.
        let (to, new) = (self.walk.plans().join("plan.yaml"), self.walk.plans().join("new"));
        std::fs::write(&new, plan_text(self.values, self.edits)).unwrap();
        std::fs::rename(new, to).unwrap();
    }
}

fn email(of: &str, number: usize) -> String {
    format!("{of}-{number}@example.com")
}

fn client(service: &Service, of: &str, number: usize, role: &str) -> Client {
    let (name, email) = (format!("{of}-{number}"), email(of, number));
    let (code, made) =
        service.ask(&["token", "new", &name, "--email", &email, "--role", role, "--reason", "for the crowd"]);
    assert_eq!(code, Some(0), "{made}");
    let token = made.lines().find(|line| line.starts_with("rwt_")).unwrap_or_else(|| panic!("{made}"));
    Client {
        http: reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap(),
        base: format!("http://{}", service.door().address()),
        token: token.to_owned(),
        email,
        told: Arc::default(),
    }
}

/// Says one thing after another, with a short breath, until the time is over.
async fn go_on(client: Client, of: Vec<&'static str>, number: usize, watch: Stopwatch) -> Vec<Answered> {
    let mut said = 0;
    while watch.seconds() < STORM_SECONDS {
        let verb = of[said % of.len()];
        client.say(verb, format!("{} says {verb}, word {said}", client.email)).await;
        said += 1;
        // No two in step.
        breathe(60 + 7 * number as u64).await;
    }
    std::mem::take(&mut client.told.lock().unwrap())
}

#[expect(clippy::disallowed_methods, reason = "people pause between two words; nothing is waited for")]
async fn breathe(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_clients_lose_no_word_and_count_none_twice() {
    let walk = Arc::new(Walk::new(&plan_text(48, 0), SPEED, 51, 60).await);
    let members: Vec<_> =
        (0..APPROVERS).map(|number| SimulatedMember::accepted(&email("approver", number))).collect();
    walk.sandbox.with_account(|account| account.set_members("Release Approvers", &members).unwrap());

    let started = Arc::clone(&walk);
    let (service, approvers, operators) = tokio::task::spawn_blocking(move || {
        let mut service = Service::start(&started, &started.database());
        service.wait("people are asked", || asked(&read(&started.database())));
        let of = |of, count, role| -> Vec<Client> {
            (0..count).map(|number| client(&service, of, number, role)).collect()
        };
        let (approvers, operators) =
            (of("approver", APPROVERS, "approver"), of("operator", OPERATORS, "operator"));
        (service, approvers, operators)
    })
    .await
    .unwrap();

    let watch = Stopwatch::start();
    let file = Arc::new(Mutex::new(File { walk: Arc::clone(&walk), edits: 0, values: 0 }));
    let mut crowd = Vec::new();
    // The last approver waits for the calm.
    for (number, client) in approvers.iter().take(APPROVERS - 1).enumerate() {
        let of = if number % 7 == 3 { vec!["approve", "reject", "reject"] } else { vec!["approve"] };
        crowd.push(tokio::spawn(go_on(client.clone(), of, number, watch)));
    }
    for (number, client) in operators.iter().enumerate() {
        crowd.push(tokio::spawn(go_on(client.clone(), vec!["pause", "resume"], 2 * number, watch)));
    }
    let editors: Vec<_> = (0..EDITORS)
        .map(|number| {
            let file = Arc::clone(&file);
            tokio::spawn(async move {
                while watch.seconds() < STORM_SECONDS {
                    breathe(900 + 130 * number as u64).await;
                    file.lock().unwrap().edit();
                }
            })
        })
        .collect();
    let reader = approvers[APPROVERS - 1].clone();
    let mut looks = 0;
    while watch.seconds() < STORM_SECONDS {
        nobody_counts_twice(&reader.rollout().await);
        looks += 1;
        breathe(100).await;
    }
    let mut told = Vec::new();
    for one in crowd {
        told.extend(one.await.unwrap());
    }
    for one in editors {
        one.await.unwrap();
    }
    calm(&walk, &service, &file, &approvers, &operators[0]).await;
    for client in approvers.iter().chain(&operators[..1]) {
        told.append(&mut client.told.lock().unwrap());
    }
    drop(service);

    let log = read(&walk.database());
    every_word_is_in_the_log_once(&told, &log);
    let (carried, voided) = no_word_stands_twice(&log);
    walk.assert_lawful(|_| false);
    let count = |verb: &str, status: u16| {
        told.iter().filter(|answered| answered.verb == verb && answered.status == status).count()
    };
    let (given, again, pauses) = (count("approve", 200), count("approve", 409), count("pause", 200));
    let (edits, revised) = {
        let file = file.lock().unwrap();
        (file.edits, file.values)
    };
    println!(
        "ok: {} words of 50 clients in {STORM_SECONDS} s: {given} approvals taken, {again} refused as said already, \
         {} refusals, {pauses} pauses, {edits} edits of which {revised} changed a value, carried {carried} approvals and \
         voided {voided}; {looks} looks at the status",
        told.len(),
        count("reject", 200),
    );
    // Each kind of race was really run.
    let approvals = given > 100 && again > 10 && voided > 50 && carried > 50;
    assert!(approvals && pauses > 10 && revised > 10 && looks > 50);
}

fn asked(log: &[Recorded]) -> bool {
    log.iter().any(|recorded| matches!(recorded.entry.event, Event::ApprovalAsked { .. }))
}

/// Of the ring, as the API has it.
fn nobody_counts_twice(rollout: &Value) {
    for ask in rollout["rings"][0]["approval"]["asks"].as_array().unwrap_or(&Vec::new()) {
        let approved: Vec<&str> =
            ask["approved"].as_array().unwrap().iter().map(|by| by.as_str().unwrap()).collect();
        let people: BTreeSet<&&str> = approved.iter().collect();
        assert_eq!(people.len(), approved.len(), "one person counts twice: {ask}");
        assert!(approved.len() < APPROVERS, "it counts somebody who said nothing: {ask}");
    }
    assert!(rollout["rings"][0]["assigned_at"].is_null(), "entered without the last of them: {rollout}");
}

/// Everybody is done: the last revision is in force, nobody pauses, and all twenty approve it.
async fn calm(walk: &Walk, service: &Service, file: &Mutex<File>, approvers: &[Client], operator: &Client) {
    let text = {
        let file = file.lock().unwrap();
        plan_text(file.values, file.edits)
    };
    let last = plan::read("plan.yaml", text.as_bytes()).unwrap().digest;
    until(walk, service, "the last edit is in force", |state| {
        state.plans.values().any(|plan| plan.rollout.revision.digest == last)
    })
    .await;
    operator.say("resume", "the storm is over".to_owned()).await;
    for (number, client) in approvers.iter().enumerate() {
        let status = client.say("approve", format!("{} in the calm", client.email)).await;
        let may_have_said_so = number + 1 < approvers.len();
        assert!(status == 200 || (status == 409 && may_have_said_so), "{:?}", client.told);
    }
    until(walk, service, "the ring is entered", |state| {
        state.plans.values().any(|plan| plan.rollout.rings[0].stage.is_entered())
    })
    .await;
}

async fn until(walk: &Walk, service: &Service, what: &str, wanted: impl Fn(&State) -> bool) {
    let watch = Stopwatch::start();
    loop {
        let mut state = State::default();
        read(&walk.database()).iter().for_each(|recorded| state.apply(recorded).unwrap());
        if wanted(&state) {
            return;
        }
        assert!(watch.seconds() < HANG_SECONDS, "never came: {what}\n{}", service.status());
        breathe(100).await;
    }
}

/// What was taken stands in the log exactly once, as said and by whom; what was refused does not.
fn every_word_is_in_the_log_once(told: &[Answered], log: &[Recorded]) {
    let mut written: BTreeMap<&str, Vec<&Recorded>> = BTreeMap::new();
    for recorded in log {
        written.entry(&recorded.entry.reason).or_default().push(recorded);
    }
    for Answered { verb, by, reason, status, said } in told {
        let found = written.get(reason.as_str()).map_or(&[][..], Vec::as_slice);
        match status {
            200 => {
                assert!(!found.is_empty(), "lost: `{reason}`, which was answered {said}");
                let kinds: Vec<&str> = found.iter().map(|recorded| recorded.entry.event.kind()).collect();
                let wanted = match *verb {
                    "approve" => "approval_given",
                    "reject" => "approval_refused",
                    "pause" => "paused",
                    "resume" => "pause_lifted",
                    other => panic!("{other} was not asked"),
                };
                assert_eq!(kinds, [wanted], "`{reason}`");
                let email = found[0].entry.actor.email().map(ToString::to_string);
                assert_eq!(email.as_ref(), Some(by), "`{reason}` is somebody else's");
            }
            409 => assert!(found.is_empty(), "`{reason}` was refused ({said}) and is in the log: {found:?}"),
            other => panic!("`{reason}` was answered {other}: {said}"),
        }
    }
    let answered: BTreeSet<&str> = told.iter().map(|answered| answered.reason.as_str()).collect();
    for recorded in log {
        let word = matches!(
            recorded.entry.event,
            Event::ApprovalGiven { .. }
                | Event::ApprovalRefused { .. }
                | Event::Paused {}
                | Event::PauseLifted {}
        );
        assert!(!word || answered.contains(recorded.entry.reason.as_str()), "nobody said {recorded:?}");
    }
}

/// Nobody's approval is taken while one of theirs stands; gives how many stood on when the plan was
/// restricted, for whoever let more in has let that in, and how many others were voided.
fn no_word_stands_twice(log: &[Recorded]) -> (usize, usize) {
    let mut standing: BTreeMap<Email, String> = BTreeMap::new();
    let (mut state, mut carried, mut voided) = (State::default(), 0, 0);
    for recorded in log {
        state.apply(recorded).unwrap();
        let by = || recorded.entry.actor.email().cloned().unwrap();
        let in_force = state.plans.values().map(|plan| plan.rollout.revision.digest.to_string()).next();
        // What restricts is in force at once, and its text as soon as nothing else in it waits.
        if matches!(recorded.entry.event, Event::PlanRestricted { .. }) {
            carried += standing.len();
        }
        if let Event::PlanRevised { revision, restricts_only: true, .. } = &recorded.entry.event {
            standing.values_mut().for_each(|digest| *digest = revision.digest.to_string());
        }
        // Any other revision voids for good, also where it is undone later.
        let before = standing.len();
        standing.retain(|_, digest| in_force.as_ref() == Some(digest));
        voided += before - standing.len();
        match &recorded.entry.event {
            Event::ApprovalGiven { digest, .. } => {
                assert_eq!(Some(digest.to_string()), in_force, "it is for what is in force: {recorded:?}");
                let earlier = standing.insert(by(), digest.to_string());
                assert_eq!(earlier, None, "said twice: {recorded:?}");
            }
            Event::ApprovalRefused { .. } => {
                standing.remove(&by());
            }
            Event::WritePlanned { .. } => assert_eq!(standing.len(), APPROVERS, "{recorded:?}"),
            _ => {}
        }
    }
    assert_eq!(standing.len(), APPROVERS, "all of them let it in");
    (carried, voided)
}
