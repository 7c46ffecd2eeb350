//! `init`: starter plans from simulated accounts, each judged by `check` and `check --online`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use ringward::cli::exit::Exit;
use ringward::cli::init::{InitArgs, init};
use ringward::config::{self, Config};
use ringward::plan::model::Revisions;
use ringward::sandbox::{AccountSettings, DefaultProfileForm, Mix, ProfileSettings, TokenStatus};
use serde_json::Value;

use crate::far::Far;
use crate::{golden, refused};

/// Names that some reader of YAML takes for something else, or that show badly.
const HOSTILE: [&str; 24] = [
    "no",
    "null",
    "~",
    "- dash",
    "-",
    "a: b",
    "a #b",
    "#",
    "it's \"quoted\"",
    "back\\slash \\n",
    "{flow: [x]}",
    "*alias",
    "&anchor",
    "!tag",
    "%percent",
    "2026.8.2100.0",
    " spaces ",
    "🚀 Crew 环",
    "turned \u{202e}round",
    "zero\u{200b}width\u{feff}",
    "line\u{2028}separator",
    "Everyone",
    "EVERYONE",
    "rings:",
];

#[tokio::test]
async fn the_usual_account() {
    let far = Far::usual().await;
    golden("init.txt", &far.init().await);
}

#[tokio::test]
async fn an_account_with_groups_and_odd_profiles() {
    let mut profiles = ProfileSettings::usual();
    profiles.extend([
        ProfileSettings::new("Twin", 10),
        ProfileSettings::new("Twin", 20),
        ProfileSettings { enabled: false, ..ProfileSettings::new("Off", 10) },
        ProfileSettings::new("no", 30),
    ]);
    let far = Far::new(AccountSettings { profiles, ..AccountSettings::default() }).await;
    let both = [("windows", "2026.7.1376.0"), ("macos", "2026.7.1376.0")];
    far.group("Pilot", &[far.policy("IT"), far.policy("Engineering")], &both);
    far.group("Sales", &[], &both);
    far.group("Same", &[far.policy("Support")], &both);
    far.group("Same", &[far.policy("no")], &both);
    let text = far.init().await;
    golden("init_groups.txt", &text);
    far.write("plan.yaml", &text);
    let checked = far.check().await;
    assert!(checked.contains("0 errors") && !checked.contains("(exit"), "{checked}");
}

#[tokio::test]
async fn every_account_gets_a_plan_that_holds() {
    let seed = 20_261_122_u64;
    println!("seed {seed}");
    let mut random = seed;
    let mut next = |bound: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(random >> 33).unwrap() % bound
    };
    let (mut shared, mut adopted, mut by_id) = (0, 0, 0);
    for account in 0..16_u64 {
        let mut profiles: Vec<ProfileSettings> = Vec::new();
        for _ in 0..next(26) {
            let name = match next(8) {
                0 => "Long name ".repeat(10).trim_end().to_owned(),
                1 => format!("f174e90a-fafe-4643-bbbc-4a0ed4fc8{:03}", next(1_000)),
                2 => "Default".to_owned(),
                _ => HOSTILE[next(HOSTILE.len())].to_owned(),
            };
            let per_mille = u16::try_from(next(60)).unwrap();
            profiles.push(ProfileSettings { enabled: next(9) > 0, ..ProfileSettings::new(name, per_mille) });
        }
        let default_profile =
            [DefaultProfileForm::WithId, DefaultProfileForm::WithoutId, DefaultProfileForm::Listed][next(3)];
        let devices = 40 + next(500);
        let mix = Mix { mac: u16::try_from(next(1_000)).unwrap(), ..Mix::default() };
        let settings =
            AccountSettings { seed: account, devices, mix, profiles, default_profile, ..Default::default() };
        let far = Far::new(settings).await;
        let mut free: Vec<String> =
            far.sandbox.with_account(|account| account.profiles()).into_iter().map(|(_, id)| id).collect();
        for _ in 0..next(5) {
            let held: Vec<String> = (0..next(3)).filter_map(|_| free.pop()).collect();
            let name = ["Everyone", "a: b", "no", "Ring 0", "Same", "\u{7}bell"][next(6)];
            let versions: &[_] = match next(3) {
                0 => &[("windows", "2026.7.1376.0"), ("windows", "2026.6.880.0")],
                1 => &[("macos", "2026.7.1376.0"), ("linux", "x")],
                _ => &[("windows", "2026.6.880.0")],
            };
            far.group(name, &held, versions);
        }
        let text = far.init().await;
        if text.contains("(exit 3)") {
            assert!(text.contains("no plan can be made"), "account {account}: {text}");
            continue;
        }
        shared += usize::from(text.contains("- name: Ring 1\n"));
        adopted += usize::from(text.contains("takes it over"));
        by_id += text.lines().filter(|line| line.contains("-4") && line.starts_with("      - ")).count();
        far.write("plan.yaml", &text);
        let checked = far.check().await;
        assert!(
            checked.contains(" 0 errors") || checked.contains("\n0 errors"),
            "account {account}: {checked}\n{text}"
        );
        assert!(!checked.contains("(exit"), "account {account}: {checked}\n{text}");
        let plan = ringward::plan::read("plan.yaml", text.as_bytes()).unwrap().plan;
        let last = plan.rings.last().unwrap();
        let with_default =
            plan.rings.iter().filter(|ring| ring.profiles.iter().any(|p| p.to_string() == "default"));
        assert!(with_default.into_iter().all(|ring| ring.name == last.name), "account {account}: {text}");
        let other: Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(other["rings"].as_array().unwrap().len(), plan.rings.len(), "another reader: {text}");
    }
    assert!(shared > 0 && adopted > 0 && by_id > 0, "{shared} shared, {adopted} adopted, {by_id} by ID");
}

#[tokio::test]
async fn a_file_is_never_overwritten_unless_told() {
    let far = Far::usual().await;
    let path = far.dir.path().join("plan.yaml");
    let target = path.display().to_string();
    let mut out = Vec::new();
    init(&far.init_args(&target, false), &mut out, &mut Vec::new()).await.unwrap();
    let told = String::from_utf8(out).unwrap();
    assert!(told.contains(&format!("ringward check --online {target}")), "{told}");
    assert!(fs::read_to_string(&path).unwrap().starts_with("# A starter plan"));

    fs::write(&path, "mine").unwrap();
    let before = far.sandbox.journal().requests.len();
    let mut out = Vec::new();
    let result = init(&far.init_args(&target, false), &mut out, &mut Vec::new()).await;
    let (exit, error) = refused(&out, result);
    assert_eq!(exit, Exit::Refused);
    assert!(error.contains("--force"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    assert_eq!(far.sandbox.journal().requests.len(), before, "nobody was asked");
    init(&far.init_args(&target, true), &mut Vec::new(), &mut Vec::new()).await.unwrap();
    assert!(fs::read_to_string(&path).unwrap().starts_with("# A starter plan"));

    let nowhere = far.dir.path().join("absent/plan.yaml").display().to_string();
    let mut out = Vec::new();
    let result = init(&far.init_args(&nowhere, false), &mut out, &mut Vec::new()).await;
    let (exit, error) = refused(&out, result);
    assert_eq!(exit, Exit::Failed);
    assert!(error.contains("cannot be written") && error.contains("--output"), "{error}");
    assert!(!error.contains("ringward.yaml"), "it was there: {error}");
    fs::remove_file(far.dir.path().join("ringward.yaml")).unwrap();
    let result = init(&far.init_args(&nowhere, false), &mut out, &mut Vec::new()).await;
    let (_, error) = refused(&out, result);
    assert!(error.contains("ringward.yaml is written and stays"), "{error}");
}

/// The file that `init` writes for a daemon lies where a daemon looks, and is never overwritten.
#[tokio::test]
async fn a_plan_in_a_file_gets_the_daemons_configuration() {
    type Row =
        (&'static str, Option<&'static str>, &'static str, fn(&Path), Option<&'static str>, &'static str);
    let new = "is in DIR/";
    let kept = "is there already and stays as it is";
    let rows: [Row; 5] = [
        ("beside the database", None, "state/ringward.yaml", |_| {}, None, new),
        ("where it is named", Some("etc/daemon.yaml"), "etc/daemon.yaml", |_| {}, None, new),
        (
            "one that is there",
            None,
            "state/ringward.yaml",
            |path| fs::write(path, "reading: signed_in\n").unwrap(),
            Some("reading: signed_in\n"),
            kept,
        ),
        (
            "a named one that is there",
            Some("etc/daemon.yaml"),
            "etc/daemon.yaml",
            |path| fs::write(path, "mine").unwrap(),
            Some("mine"),
            kept,
        ),
        (
            "a dangling link",
            None,
            "state/ringward.yaml",
            |path| symlink("nowhere", path).unwrap(),
            None,
            kept,
        ),
    ];
    let far = Far::usual().await;
    for (row, named, place, before, text, told) in rows {
        for force in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            for name in ["state", "etc"] {
                fs::create_dir(dir.path().join(name)).unwrap();
            }
            let place = dir.path().join(place);
            before(&place);
            let plan = dir.path().join("plan.yaml");
            let args = InitArgs {
                config: named.map(|name| dir.path().join(name)),
                db: dir.path().join("state/ringward.db"),
                ..far.init_args(&plan.display().to_string(), force)
            };
            let mut out = Vec::new();
            init(&args, &mut out, &mut Vec::new()).await.unwrap();
            let out = String::from_utf8(out).unwrap().replace(&dir.path().display().to_string(), "DIR");
            assert!(
                out.contains(told) && out.contains("ringward confirm PLAN --revision DIGEST"),
                "{row}: {out}"
            );
            assert!(
                out.contains("--db 'DIR/state/ringward.db'"),
                "{row}: the daemon would look elsewhere: {out}"
            );
            assert!(fs::read_to_string(&plan).unwrap().starts_with("# A starter plan"), "{row}");
            if told == kept {
                assert_eq!(fs::read_to_string(&place).ok().as_deref(), text, "{row}");
                continue;
            }
            let written = config::read("ringward.yaml", &fs::read(&place).unwrap()).unwrap();
            let person = Config { revisions: Revisions::Person, ..Config::default() };
            assert_eq!(written, person, "{row}");
        }
    }
}

#[tokio::test]
async fn without_a_configuration_there_is_no_plan() {
    let far = Far::usual().await;
    let plan = far.dir.path().join("plan.yaml");
    let target = plan.display().to_string();
    let mut out = Vec::new();
    let absent = InitArgs { db: far.dir.path().join("absent/ringward.db"), ..far.init_args(&target, false) };
    let result = init(&absent, &mut out, &mut Vec::new()).await;
    let (exit, error) = refused(&out, result);
    assert_eq!(exit, Exit::Failed);
    assert!(
        error.contains("absent/ringward.yaml cannot be written") && error.contains("--config"),
        "{error}"
    );
    assert!(!plan.exists());

    // The plan, by force, in the place of the configuration.
    let place = far.dir.path().join("ringward.yaml");
    fs::write(&place, "mine").unwrap();
    let same = far.dir.path().join("./ringward.yaml").display().to_string();
    let result = init(&far.init_args(&same, true), &mut out, &mut Vec::new()).await;
    let (exit, error) = refused(&out, result);
    assert_eq!(exit, Exit::Usage);
    assert!(error.contains("the daemon's configuration") && error.contains("--output"), "{error}");
    assert_eq!(fs::read_to_string(&place).unwrap(), "mine");
}

#[tokio::test]
async fn standard_output_gets_a_plan_alone() {
    let far = Far::usual().await;
    let (mut out, mut hints) = (Vec::new(), Vec::new());
    init(&far.init_args("-", false), &mut out, &mut hints).await.unwrap();
    let hints = String::from_utf8(hints).unwrap();
    let word = hints.lines().filter(|line| line.contains("`revisions: person` in ringward.yaml"));
    assert_eq!(word.count(), 1, "{hints}");
    assert!(!far.dir.path().join("ringward.yaml").exists());
}

#[tokio::test]
async fn an_account_without_anybody_to_move_gets_no_plan() {
    let empty = Far::new(AccountSettings { devices: 0, ..AccountSettings::default() }).await;
    let linux = Mix { linux: 1_000, ..Mix::default() };
    let linux = Far::new(AccountSettings { mix: linux, ..AccountSettings::default() }).await;
    let old =
        Far::new(AccountSettings { mix: Mix { too_old: 1_000, ..Mix::default() }, ..Default::default() })
            .await;
    let locked = Far::usual().await;
    locked.sandbox.with_account(|account| account.set_token_status(TokenStatus::Disabled));
    let mut shown = String::new();
    for (row, far) in [("no devices", empty), ("Linux only", linux), ("all too old", old), ("token", locked)]
    {
        shown.push_str(&format!("# {row}\n{}\n", far.init().await));
    }
    golden("init_refused.txt", &shown);
}
