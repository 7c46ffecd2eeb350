//! `/metrics`: names and labels are promises.

use std::sync::Arc;

use ringward::cloudflare::RequestObserver as _;
use ringward::fleet::Share;
use ringward::ids::GroupId;
use ringward::rollout::record::{Evidence, Exempt, Verdict};
use ringward::rollout::state::Phase;
use ringward::rollout::world::{Read, Trouble};

use super::get;
use super::world::{HOSTILE, World, ailing, at, report, stopped, troubled, view, with_newcomer};

/// Every line but comments and those whose value depends on a clock or on the machine.
fn series(text: &str) -> Vec<&str> {
    let varies =
        ["ringward_sweep_age_seconds ", "ringward_full_sweep_age_seconds ", "ringward_time_seconds "];
    let plain = |line: &&str| {
        !line.starts_with('#')
            && !line.starts_with("process_")
            && !varies.iter().any(|name| line.starts_with(name))
    };
    text.lines().filter(plain).collect()
}

#[tokio::test]
async fn the_metrics_of_a_snapshot() {
    let world = World::new(with_newcomer(view(vec![report("client")])), Ok("done"));
    world.services.metrics.finished("list_groups", "200", 0.2);
    let answer = get(&world.app, "/metrics").await;
    assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
    let golden = include_str!("../fixtures/web/metrics.txt").replace("VERSION", env!("CARGO_PKG_VERSION"));
    let (found, expected): (Vec<&str>, Vec<&str>) = (series(&answer.body), golden.lines().collect());
    for line in &expected {
        assert!(found.contains(line), "{line} is missing in:\n{}", answer.body);
    }
    for line in &found {
        assert!(expected.contains(line), "{line} is not in tests/fixtures/web/metrics.txt");
    }
    for name in ["ringward_sweep_age_seconds", "ringward_full_sweep_age_seconds", "ringward_time_seconds"] {
        assert!(answer.body.contains(&format!("\n{name} ")), "{name} is missing");
    }
    for line in &found {
        let name = line.split(['{', ' ']).next().unwrap();
        let family =
            ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        assert!(answer.body.contains(&format!("# HELP {family} ")), "{family} has no help");
    }
}

#[tokio::test]
async fn holds_and_drift_show() {
    let world = World::new(stopped(view(vec![troubled("client")])), Ok("done"));
    let text = get(&world.app, "/metrics").await.body;
    for line in [
        "ringward_stopped 1",
        r#"ringward_rollout_hold{hold="paused",plan="client"} 1"#,
        r#"ringward_rollout_hold{hold="halted",plan="client"} 1"#,
        r#"ringward_drift{kind="group_deleted",plan="client",ring="Engineering Ring 0"} 1"#,
        // It changes nothing.
        r#"ringward_drift{kind="group_renamed",plan="client",ring="Engineering Ring 0"} 0"#,
        // One of two is to be written back.
        r#"ringward_drift{kind="profile_moved",plan="client",ring="Engineering Ring 0"} 1"#,
        r#"ringward_halts_total{cause="drift",plan="client"} 2"#,
        "ringward_stopped_since_timestamp_seconds 1791799080",
        r#"ringward_rollout_hold_since_timestamp_seconds{hold="paused",plan="client"} 1791798000"#,
        r#"ringward_rollout_hold_since_timestamp_seconds{hold="halted",plan="client"} 1791798300"#,
        r#"ringward_rollout_blocker{code="write_in_doubt",plan="client"} 1"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing in:\n{text}");
    }
}

#[tokio::test]
async fn health_shows_as_the_gates_count_it() {
    let health = |text: &str| -> Vec<String> {
        let names = ["ring_stalled_", "ring_dark_", "ring_health_", "ring_acknowledged_"];
        let ours = |line: &&str| names.iter().any(|name| line.starts_with(&format!("ringward_{name}")));
        let of = r#"environment="windows","#;
        text.lines().filter(ours).map(|line| line.replace(of, "")).collect()
    };
    let place = r#"plan="client",ring="Engineering Ring 0"}"#;
    let expected = [
        format!("ringward_ring_acknowledged_devices{{gate=\"dark\",{place} 3"),
        format!("ringward_ring_acknowledged_devices{{gate=\"stalled\",{place} 1"),
        format!("ringward_ring_dark_chance_ratio{{{place} 0.000004"),
        // 14 of 40 less 5 of 100.
        format!("ringward_ring_dark_excess_ratio{{{place} 0.3"),
        format!("ringward_ring_health_threshold_ratio{{gate=\"dark\",{place} 0.02"),
        format!("ringward_ring_health_threshold_ratio{{gate=\"stalled\",{place} 0.1"),
        // 2 of 40, and one of them is acknowledged.
        format!("ringward_ring_stalled_ratio{{{place} {}", 1.0 / 39.0),
    ];
    let mut ill = ailing("client");
    let text = get(&World::new(view(vec![ill.clone()]), Ok("done")).app, "/metrics").await.body;
    assert_eq!(health(&text), expected);
    // A gate that is exempt has no limit; what it counts stays in sight.
    for judgement in &mut ill.rings[0].gates {
        judgement.verdict = Verdict::Exempt(Exempt::Waived);
    }
    let text = get(&World::new(view(vec![ill.clone()]), Ok("done")).app, "/metrics").await.body;
    let without: Vec<&String> = expected.iter().filter(|line| !line.contains("threshold")).collect();
    assert_eq!(health(&text).iter().collect::<Vec<_>>(), without);
    // Without a control there is nothing to be above of.
    let Evidence::Dark(dark) = &mut ill.rings[0].gates[1].evidence else { panic!("the second is `dark`") };
    for look in &mut dark.looks {
        look.control = Share::default();
    }
    let text = get(&World::new(view(vec![ill]), Ok("done")).app, "/metrics").await.body;
    assert!(!text.contains("ringward_ring_dark_"), "{text}");
}

#[tokio::test]
async fn series_of_a_plan_that_is_gone_disappear() {
    let world = World::new(view(vec![report("client"), report("second")]), Ok("done"));
    let named = |text: &str, plan: &str| {
        text.lines().filter(|line| line.contains(&format!("plan=\"{plan}\""))).count()
    };
    let text = get(&world.app, "/metrics").await.body;
    assert!(named(&text, "client") > 40 && named(&text, "second") > 40);
    world.views.send_replace(Arc::new(view(vec![report("client")])));
    let text = get(&world.app, "/metrics").await.body;
    assert!(named(&text, "client") > 40);
    assert_eq!(named(&text, "second"), 0);
    let withdrawn = ringward::rollout::tell::report::Report { phase: Phase::Withdrawn, ..report("client") };
    world.views.send_replace(Arc::new(view(vec![withdrawn])));
    let text = get(&world.app, "/metrics").await.body;
    let left: Vec<&str> = text.lines().filter(|line| line.contains("plan=\"client\"")).collect();
    assert!(left.iter().all(|line| line.starts_with("ringward_rollout_phase{")), "{left:#?}");
    assert!(left.contains(&r#"ringward_rollout_phase{phase="withdrawn",plan="client"} 1"#), "{left:#?}");
}

#[tokio::test]
async fn what_was_never_seen_has_no_series() {
    let mut snapshot = view(Vec::new());
    snapshot.swept_at = None;
    snapshot.problems.clear();
    let world = World::new(snapshot, Ok("done"));
    let text = get(&world.app, "/metrics").await.body;
    for name in ["sweep_age_seconds", "plan_errors", "ring_state", "cloudflare_requests_total"] {
        assert!(!text.contains(&format!("\nringward_{name}")), "{name} in:\n{text}");
    }
}

#[tokio::test]
async fn reads_of_one_kind_fail_since_the_first_of_them() {
    let mut snapshot = view(Vec::new());
    snapshot.troubles = ["2026-10-12T09:40:00Z", "2026-10-12T09:30:00Z", "2026-10-12T09:50:00Z"]
        .iter()
        .enumerate()
        .map(|(index, since)| {
            let read = Read::Group(GroupId::new(format!("g-{index}")).unwrap());
            (read, Trouble { since: at(since), message: "status 503".to_owned() })
        })
        .collect();
    let text = get(&World::new(snapshot, Ok("done")).app, "/metrics").await.body;
    let found: Vec<&str> =
        text.lines().filter(|line| line.starts_with("ringward_read_failing_since")).collect();
    let expected = r#"ringward_read_failing_since_timestamp_seconds{read="a deployment group"} 1791797400"#;
    assert_eq!(found, [expected], "no ID of a group is a label");
}

#[tokio::test]
async fn hostile_names_stay_inside_their_label() {
    let world = World::new(view(vec![troubled("a\"} 1 b\\")]), Ok("done"));
    let text = get(&world.app, "/metrics").await.body;
    assert!(text.contains(r#"plan="a\"} 1 b\\""#), "{text}");
    let escaped = HOSTILE.replace('"', "\\\"");
    assert!(text.contains(&format!("ring=\"{escaped}\"")), "{text}");
}

#[tokio::test]
async fn what_a_terminal_would_obey_is_written_out_in_a_label() {
    // The name of a plan's file, and how it stands there.
    let rows = [
        ("C1", "a\u{9b}31m.yaml", r"a\\u{9b}31m.yaml"),
        ("an override", "a\u{202e}lmay.b", r"a\\u{202e}lmay.b"),
        ("a line break", "a\nb.yaml", r"a\\u{a}b.yaml"),
        ("another script", "環.yaml", "環.yaml"),
    ];
    for (row, file, expected) in rows {
        let mut shown = view(vec![report("client")]);
        shown.problems[0].file = file.to_owned();
        let world = World::new(shown, Ok("done"));
        let text = get(&world.app, "/metrics").await.body;
        assert!(text.contains(&format!("ringward_plan_errors{{file=\"{expected}\"}} 2")), "{row}: {text}");
    }
}
