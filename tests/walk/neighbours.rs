//! What a person does with a plan's file, beside each kind of file that may lie in the directory: the next
//! ring is not written. The real binary, and the account's own journal as the witness.
//!
//! `RINGWARD_BINARY` names another build to judge, an older one say: it must have the same command line.
//! `RINGWARD_ROW` begins the name of the rows to play.
//!
//! **Invariant:** each row lets the next ring go, the ring that soaks being waived, if nothing stops it.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use ringward::rollout::state::RingState;
use ringward::time::Stopwatch;
use secrecy::ExposeSecret as _;
use tokio::task::{JoinError, JoinSet};

use crate::kills::{binary, state_of, terminate};
use crate::stories::SHORT as PLAN;
use crate::support::{Walk, as_read};
use crate::volume::{Service, changing, read};

const SPEED: f64 = 3_000.0;
/// Requests after which a daemon has looked at everything again.
const LOOKS: usize = 25;
/// A daemon that has not blocked the plan after so many requests does not.
const NEVER: usize = 400;
const HANG_SECONDS: f64 = 120.0;
/// What runs at once: more wait for each other.
const AT_ONCE: usize = 3;

const ELSEWHERE: &str = "a plan of another account";

type Put = fn(&Path);

/// What else lies in the directory of plans.
const NEIGHBOURS: [(&str, Put); 9] = [
    ("nothing else", |_| {}),
    ("a stray file", |plans| fs::write(plans.join("values.yaml"), "replicas: 3\n").unwrap()),
    ("a draft", |plans| fs::write(plans.join("next.yaml"), "plan: next\nrings:\n").unwrap()),
    ("a folder", |plans| fs::create_dir(plans.join("old.yaml")).unwrap()),
    ("a dangling link", |plans| symlink("nowhere", plans.join("link.yaml")).unwrap()),
    ("an empty file", |plans| fs::write(plans.join("empty.yaml"), "").unwrap()),
    ("a name that is no UTF-8", |plans| {
        fs::write(plans.join(OsStr::from_bytes(b"plan-\xff.yaml")), "plan: odd\n").unwrap();
    }),
    (ELSEWHERE, |plans| {
        let text = "plan: elsewhere\naccount: 00000000000000000000000000000000\nversions: {windows: 2026.8.2100.0}\n\
                    rings:\n  - {name: There, profiles: [Kiosks]}\n";
        fs::write(plans.join("elsewhere.yaml"), text).unwrap();
    }),
    ("a half-written file", |plans| fs::write(plans.join("half.yaml"), "plan: ha").unwrap()),
];

/// A plan to begin with, what the person does, and what the daemon then says that it waits for.
struct Row {
    name: &'static str,
    plan: String,
    act: fn(&Walk),
    waits_for: &'static [&'static str],
}

fn rows() -> Vec<Row> {
    let capped = PLAN.replace("[Support, Sales]}", "[Support, Sales],\n     max_devices: 1}");
    let cut = "  - name: Second\n    profiles: [Support, Sales]\n    max_devices: 1\n";
    let cut = PLAN.replace("  - {name: Second, profiles: [Support, Sales]}\n", cut);
    let freezes = PLAN
        .replace(
            "defaults: {",
            "defaults: {schedule: {freeze: [{from: 2026-10-12, until: 2026-11-30, reason: Company}]}, ",
        )
        .replace("[Engineering, IT]}", "[Engineering, IT], schedule: {freeze: []}}")
        .replace(
            "[Support, Sales]}",
            "[Support, Sales], schedule: {freeze: [{from: 2027-01-04, until: 2027-01-05, reason: Local}]}}",
        );
    vec![
        Row {
            name: "1: forbids what is on its way",
            plan: PLAN.to_owned(),
            act: |walk| {
                walk.write_plan(&format!("{PLAN}forbid: [{{versions: '=2026.8.2100', reason: recalled}}]\n"))
            },
            waits_for: &["forbidden"],
        },
        Row {
            name: "2: slips in the date of a freeze",
            plan: PLAN.to_owned(),
            act: |walk| {
                let freeze = "schedule: {freeze: [{from: 2026-10-1, until: 2026-12-1, reason: Now}]}, soak";
                walk.write_plan(&PLAN.replace("soak", freeze));
            },
            waits_for: &["plan_invalid"],
        },
        Row {
            name: "2: empties the rings",
            plan: PLAN.to_owned(),
            act: |walk| walk.write_plan(&format!("{}rings:\n", PLAN.split("rings:").next().unwrap())),
            waits_for: &["plan_invalid"],
        },
        Row {
            name: "3: deletes the file",
            plan: PLAN.to_owned(),
            act: |walk| fs::remove_file(walk.plans().join("plan.yaml")).unwrap(),
            waits_for: &["file_missing", "withdrawn"],
        },
        Row {
            name: "4: saves a file whose copy breaks off",
            plan: cut,
            act: |walk| {
                let whole = fs::read_to_string(walk.plans().join("plan.yaml")).unwrap();
                walk.write_plan(whole.trim_end().strip_suffix("\n    max_devices: 1").unwrap());
            },
            waits_for: &["revision_waits"],
        },
        Row {
            name: "5: adds a local holiday to one ring",
            plan: freezes,
            act: |_| {},
            waits_for: &["frozen"],
        },
        Row {
            name: "15: puts a link to the token's file into the directory",
            plan: capped.clone(),
            act: |walk| {
                let secret = walk.plans().with_file_name("token");
                fs::write(&secret, walk.sandbox.token().expose_secret()).unwrap();
                symlink(secret, walk.plans().join("token.yaml")).unwrap();
            },
            waits_for: &["blast_limit"],
        },
        Row {
            name: "16: leaves an entry of a cron list empty",
            plan: capped,
            act: |walk| {
                let opening = "schedule: {open: [{cron: ', 9 * * *', for: 1h}]}, soak";
                let other = PLAN.replace("plan: short", "plan: other").replace("soak", opening);
                fs::write(
                    walk.plans().join("zzz.yaml"),
                    other.replace("Engineering, IT", "Contractors").replace("Support, Sales", "Finance"),
                )
                .unwrap();
            },
            waits_for: &["blast_limit"],
        },
    ]
}

fn requests(walk: &Walk) -> usize {
    walk.sandbox.journal().requests.len()
}

/// A verb of the build that is judged.
fn verb(database: &Path, words: &[&str]) -> (bool, String) {
    let run = |words: &[&str]| Command::new(binary()).args(words).arg("--db").arg(database).output().unwrap();
    let output = as_read(run, words);
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// Puts a good plan, which enters nothing, into the directory, and waits until it is taken up: at that look all
/// that lies there was seen.
fn until_looked_at(walk: &Walk, daemon: &mut Service) {
    let freeze = "defaults: {schedule: {freeze: [{from: 2026-10-01, until: 2026-12-31, reason: Marker}]}, ";
    let marker = PLAN.replace("plan: short", "plan: marker").replace("defaults: {", freeze);
    let marker = marker.replace("Engineering, IT", "Marketing").replace("Support, Sales", "Executives");
    fs::write(walk.plans().join("marker.yaml"), marker).unwrap();
    daemon.wait("the directory is looked at", || {
        state_of(&read(&walk.database())).plans.keys().any(|plan| plan.as_str() == "marker")
    });
}

/// Plays a row; what is wrong with it.
fn play(row: &Row, neighbour: &str, walk: &Walk) -> Result<(), String> {
    let database = walk.database();
    let mut daemon = Service::start(walk, &database);
    daemon.wait("the first ring is written", || {
        let state = state_of(&read(&database));
        let mut rings = state.plans.values().filter_map(|plan| plan.rollout.rings.first());
        rings.any(|ring| matches!(ring.stage, RingState::Adopting(_) | RingState::Soaking(..)))
    });
    let of_file = !row.waits_for.contains(&"blast_limit") && !row.waits_for.contains(&"frozen");
    (row.act)(walk);
    if !of_file {
        until_looked_at(walk, &mut daemon);
    }
    let before = requests(walk);
    let watch = Stopwatch::start();
    let said = || verb(&database, &["status", "--json"]).1;
    let waits = |said: &str| row.waits_for.iter().any(|code| said.contains(&format!("\"{code}\"")));
    while of_file && !waits(&said()) && requests(walk) < before + NEVER {
        verb(&database, &["check-now", "short"]);
        assert!(watch.seconds() < HANG_SECONDS, "it looks at nothing any more");
    }
    // Whatever keeps the first ring is waived: the next one has its turn, if nothing stops it.
    for gate in ["adoption", "soak", "stalled", "dark"] {
        verb(&database, &["waive", "short", "--ring", "First", "--gate", gate, "--reason", "hurry"]);
    }
    let before = requests(walk);
    while requests(walk) < before + LOOKS {
        assert!(watch.seconds() < HANG_SECONDS, "it looks at nothing any more");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let told = |what: &str| Err(format!("{}, beside {neighbour}: {what}", row.name));
    let writes = changing(walk);
    if writes.len() != 1 {
        return told(&format!("{} writes, and the first ring's alone was to be made", writes.len()));
    }
    let status = said();
    if !waits(&status) {
        return told(&format!("it does not say {:?}: {status}", row.waits_for));
    }
    let logged = daemon.said();
    if row.waits_for.contains(&"plan_invalid") && !logged.contains("a plan file cannot be used") {
        return told(&format!("its log does not say so: {logged}"));
    }
    if neighbour == ELSEWHERE && !logged.contains("elsewhere.yaml") {
        return told(&format!("its log does not tell of the plan of another account: {logged}"));
    }
    let shown =
        logged + &daemon.get("/api/v1/rollouts") + &daemon.get("/") + &daemon.get("/metrics") + &status;
    if shown.contains(walk.sandbox.token().expose_secret()) {
        return told("the API token is shown");
    }
    let (done, said) = verb(&database, &["pause", "short", "--reason", "looks bad"]);
    if !done && !said.contains("withdrawn") {
        return told(&format!("it cannot be paused: {said}"));
    }
    terminate(&mut daemon.child);
    Ok(())
}

/// A walk that panics is wrong like any other: a daemon that ended, or never came so far.
fn ended(played: Result<Result<(), String>, JoinError>) -> Result<(), String> {
    played.unwrap_or_else(|panic| Err(panic.to_string()))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stops_a_plan_stops_it_beside_any_other_file() {
    let mut wrong: Vec<String> = Vec::new();
    let mut running: JoinSet<Result<(), String>> = JoinSet::new();
    let asked = std::env::var("RINGWARD_ROW").unwrap_or_default();
    let rows: Vec<Arc<Row>> =
        rows().into_iter().filter(|row| row.name.starts_with(&asked)).map(Arc::new).collect();
    for (index, row) in rows.iter().enumerate() {
        for (n, (neighbour, put)) in NEIGHBOURS.into_iter().enumerate() {
            if running.len() >= AT_ONCE {
                wrong.extend(ended(running.join_next().await.unwrap()).err());
            }
            let walk = Walk::new(&row.plan, SPEED, 100 * (1 + index as u64) + n as u64, 30).await;
            put(&walk.plans());
            let row = Arc::clone(row);
            running.spawn_blocking(move || play(&row, neighbour, &walk));
        }
    }
    while let Some(played) = running.join_next().await {
        wrong.extend(ended(played).err());
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len() * NEIGHBOURS.len(), wrong.join("\n"));
}
