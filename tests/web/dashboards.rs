//! Documentation, dashboard and alerts name what `/metrics` has, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use ringward::cloudflare::RequestObserver as _;
use ringward::config::ClockTrust;
use ringward::rollout::tell::report::Report;
use ringward::web::metrics;
use serde::Deserialize;

use super::get;
use super::world::{World, ailing, at, report, stopped, troubled, view, with_newcomer};

const DOCS: &str = include_str!("../../docs/metrics.md");
const RUNBOOK: &str = include_str!("../../docs/alerts.md");
const ALERTS: &str = include_str!("../../dashboards/alerts.yml");
const ALERT_TESTS: &str = include_str!("../dashboards/alerts_test.yml");
const DASHBOARD: &str = include_str!("../../dashboards/ringward.json");

/// What Prometheus adds to every series of a target.
const OF_THE_TARGET: [&str; 2] = ["job", "instance"];

/// A metric: its type and its labels.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Metric {
    kind: String,
    labels: BTreeSet<String>,
}

/// Everything that `/metrics` can show: each definition, and what the process counts; of a snapshot in which everything
/// happens at once the former are as they say.
async fn exported() -> BTreeMap<String, Metric> {
    let soon = Report { earliest_move: Some(at("2026-10-13T09:00:00Z")), ..report("client") };
    let mut view = with_newcomer(stopped(view(vec![soon, troubled("second"), ailing("third")])));
    view.second_clock.trust =
        Some(ClockTrust { until: at("2100-01-01T00:00:00Z"), reason: "the proxy is fixed".to_owned() });
    let world = World::new(view, Ok("done"));
    world.services.metrics.finished("list_groups", "200", 0.2);
    let text = get(&world.app, "/metrics").await.body;
    let mut found = BTreeMap::new();
    for line in text.lines() {
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            let metric = Metric { kind: kind.to_owned(), labels: BTreeSet::new() };
            found.insert(name.to_owned(), metric);
        } else if !line.starts_with('#') {
            let (name, labels) = selectors(line).remove(0);
            let metric = found.get_mut(family(&name)).unwrap();
            metric.labels.extend(labels.into_iter().filter(|label| label != "le"));
        }
    }
    for definition in metrics() {
        let kind = if definition.is_counter() { "counter" } else { "gauge" };
        let labels = definition.labels().into_iter().map(str::to_owned).collect();
        let (name, defined) =
            (format!("ringward_{}", definition.name), Metric { kind: kind.to_owned(), labels });
        assert!(definition.help.ends_with('.'), "{name} says a whole sentence");
        let shown = found.insert(name.clone(), defined.clone());
        assert!(shown.is_none_or(|shown| shown == defined), "{name} is as it says");
    }
    found
}

/// The metric that a series of a histogram belongs to.
fn family(name: &str) -> &str {
    ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
}

/// Each metric of ours in a text, with the labels that stand in braces after it.
fn selectors(text: &str) -> Vec<(String, Vec<String>)> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| word(c)) {
        let tail = &rest[start..];
        let end = tail.find(|c: char| !word(c)).unwrap_or(tail.len());
        let (name, after) = tail.split_at(end);
        rest = after;
        if !(name.starts_with("ringward_") || name.starts_with("process_")) {
            continue;
        }
        let mut labels = Vec::new();
        if let Some(mut inside) = after.strip_prefix('{') {
            while !inside.starts_with('}') {
                let end = inside.find(|c: char| !word(c)).unwrap();
                labels.push(inside[..end].to_owned());
                inside = after_string(&inside[end..]).trim_start_matches([',', ' ']);
            }
            rest = inside;
        }
        found.push((name.to_owned(), labels));
    }
    found
}

/// What follows the first string in quotes.
fn after_string(text: &str) -> &str {
    let open = text.find('"').unwrap() + 1;
    let mut escaped = false;
    let close = text[open..].find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    &text[open + close.unwrap() + 1..]
}

/// Every metric and label of some queries exists.
fn assert_exist(place: &str, queries: &[String], exported: &BTreeMap<String, Metric>) {
    for query in queries {
        for (name, labels) in selectors(query) {
            let known = exported.get(family(&name)).or_else(|| exported.get(&name));
            let known = known.unwrap_or_else(|| panic!("{place}: `{name}` is no metric, in: {query}"));
            for label in labels {
                let exists = known.labels.contains(&label) || OF_THE_TARGET.contains(&label.as_str());
                assert!(exists, "{place}: `{name}` has no label `{label}`, in: {query}");
            }
        }
    }
}

#[test]
fn selectors_are_found() {
    let text = r#"max(ringward_a{x="1", y=~"\"}{"} == 1) - on (job) ringward_b_bucket + up{job="ringward"}"#;
    let found = selectors(text);
    assert_eq!(found[0], ("ringward_a".to_owned(), vec!["x".to_owned(), "y".to_owned()]));
    assert_eq!(found[1], ("ringward_b_bucket".to_owned(), Vec::new()));
    assert_eq!(found.len(), 2);
}

#[tokio::test]
async fn every_metric_is_documented_as_it_is() {
    let exported = exported().await;
    let mut documented = BTreeMap::new();
    let rows = DOCS.lines().filter(|line| line.starts_with("| `"));
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, kind, labels, meaning, example] = cells[..] else { panic!("five cells, not: {row}") };
        let name = name.trim_matches('`').to_owned();
        assert!(!meaning.is_empty(), "{row}");
        assert!(example.contains(&name), "the example of {name} is about something else: {example}");
        assert_exist("docs/metrics.md", &[example.to_owned()], &exported);
        let labels = labels.split(", ").map(|label| label.trim_matches('`').to_owned());
        let labels = labels.filter(|label| !label.is_empty()).collect();
        let twice = documented.insert(name, Metric { kind: kind.to_owned(), labels });
        assert!(twice.is_none(), "documented twice: {row}");
    }
    for (name, metric) in &exported {
        assert_eq!(documented.get(name), Some(metric), "docs/metrics.md on {name}");
    }
    for name in documented.keys() {
        assert!(exported.contains_key(name), "docs/metrics.md has `{name}`, which is not exported");
    }
}

/// Every string under a key, at any depth.
fn strings_at<'a>(value: &'a serde_json::Value, key: &str, found: &mut Vec<&'a str>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    serde_json::Value::String(text) if name == key => found.push(text),
                    other => strings_at(other, key, found),
                }
            }
        }
        serde_json::Value::Array(values) => {
            values.iter().for_each(|value| strings_at(value, key, found));
        }
        _ => {}
    }
}

#[tokio::test]
async fn the_dashboard_asks_for_what_is_exported() {
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut queries = Vec::new();
    strings_at(&dashboard["panels"], "expr", &mut queries);
    assert!(queries.len() > 25, "only {} queries", queries.len());
    strings_at(&dashboard["templating"], "query", &mut queries);
    let queries: Vec<String> = queries.into_iter().map(str::to_owned).collect();
    assert_exist("dashboards/ringward.json", &queries, &exported().await);
    for panel in dashboard["panels"].as_array().unwrap() {
        let kind = panel["type"].as_str().unwrap();
        let known = ["row", "stat", "timeseries", "table", "state-timeline", "bargauge"];
        assert!(known.contains(&kind), "{kind} is no type of panel that stays in Grafana");
        let description = panel["description"].as_str().unwrap_or_default();
        assert!(kind == "row" || description.len() > 20, "{} says nothing of what to do", panel["title"]);
    }
}

#[derive(Deserialize)]
struct Rules {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    alert: String,
    expr: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

#[tokio::test]
async fn every_alert_has_all_that_a_person_needs() {
    let rules: Rules = serde_saphyr::from_str(ALERTS).unwrap();
    let exported = exported().await;
    let headings: BTreeSet<&str> = RUNBOOK.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let mut alerts = BTreeSet::new();
    for rule in rules.groups.iter().flat_map(|group| &group.rules) {
        let name = rule.alert.as_str();
        assert!(alerts.insert(name), "{name} twice");
        assert_exist(name, std::slice::from_ref(&rule.expr), &exported);
        let severity = rule.labels["severity"].as_str();
        assert!(["critical", "warning"].contains(&severity), "{name}: {severity}");
        assert!(!rule.annotations["summary"].is_empty(), "{name}");
        assert!(rule.annotations["description"].contains("`ringward "), "{name} names no command");
        assert_eq!(rule.annotations["runbook"], format!("docs/alerts.md#{}", name.to_lowercase()));
        let told = format!("## {name}\n\n**{severity}** · ");
        assert!(RUNBOOK.contains(&told), "docs/alerts.md has no section {name} for a {severity} alert");
    }
    assert_eq!(alerts, headings, "docs/alerts.md has one section for each alert");
}

#[derive(Deserialize)]
struct AlertTests {
    tests: Vec<AlertTest>,
}

#[derive(Deserialize)]
struct AlertTest {
    name: String,
    #[serde(default)]
    promql_expr_test: Vec<Expectation>,
}

#[derive(Deserialize)]
struct Expectation {
    expr: String,
    exp_samples: Vec<BTreeMap<String, serde_json::Value>>,
}

/// `promtool test rules` runs them in the suite `dashboards`; here: none is missing.
#[test]
fn every_alert_is_tested_to_fire_and_to_resolve() {
    let rules: Rules = serde_saphyr::from_str(ALERTS).unwrap();
    let tests: AlertTests = serde_saphyr::from_str(ALERT_TESTS).unwrap();
    for rule in rules.groups.iter().flat_map(|group| &group.rules) {
        let firing = format!("count(ALERTS{{alertname=\"{}\", alertstate=\"firing\"}})", rule.alert);
        let test = tests.tests.iter().find(|test| test.name == rule.alert);
        let test = test.unwrap_or_else(|| panic!("{} has no test", rule.alert));
        let seen: Vec<usize> = test
            .promql_expr_test
            .iter()
            .inspect(|expected| assert_eq!(expected.expr, firing, "{}", rule.alert))
            .map(|expected| expected.exp_samples.len())
            .collect();
        assert_eq!(seen, [1, 0], "{} fires, then resolves", rule.alert);
    }
}
