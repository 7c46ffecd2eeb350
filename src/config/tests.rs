//! Files, and what they say or what is wrong with them.

use std::path::Path;

use super::*;

const TAG: &str = "4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2";

fn read_text(text: &str) -> Result<Config, Vec<String>> {
    read("ringward.yaml", text.as_bytes())
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>())
}

#[test]
fn a_whole_file_is_read() {
    let text = format!(
        "access:\n  team: acme\n  audience: [{TAG}]\n  certs_url: http://127.0.0.1:9000/certs\n  \
         operators: [Ana@Example.com]\n  services: [88bf.access]\nreading: signed_in\napproval_floor:\n  \
         user_group: Release Approvers\n  count: 2\n  over_devices: 1000\nplans: plans\nlisten: 127.0.0.1:9999\n\
         hosts: [Ringward.Example.com]\nread_only: true\nobserve: false\n\
         account: 023e105f4ecef8ad9ca31a8372d0c353\ntoken_file: /etc/ringward/token\n"
    );
    let config = read_text(&text).unwrap();
    let access = config.access.unwrap();
    assert_eq!(access.team.issuer(), "https://acme.cloudflareaccess.com");
    assert_eq!(access.team.certs(), "https://acme.cloudflareaccess.com/cdn-cgi/access/certs");
    assert!(access.certs_url.unwrap().is_loopback());
    assert!(access.operators.include(&"ana@example.com".parse().unwrap()));
    assert!(!access.operators.include(&"bo@example.com".parse().unwrap()));
    assert_eq!(access.services.len(), 1);
    assert_eq!(config.reading, Some(MayRead::SignedIn));
    let floor = config.approval_floor.unwrap();
    assert_eq!(
        (floor.user_group.as_str(), floor.count.get(), floor.over_devices),
        ("Release Approvers", 2, 1000)
    );
    let run = config.run.from_directory(Path::new("/etc/ringward"));
    assert_eq!(run.plans.as_deref(), Some(Path::new("/etc/ringward/plans")));
    assert_eq!(run.token_file.as_deref(), Some(Path::new("/etc/ringward/token")));
    assert_eq!(run.listen, Some(Listen::At("127.0.0.1:9999".parse().unwrap())));
    assert_eq!(run.hosts[0].as_str(), "ringward.example.com");
    assert!(run.read_only && !run.observe);
}

#[test]
fn what_is_not_said_is_as_without_a_file() {
    let config = read_text("observe: false\n").unwrap();
    assert_eq!(config, Config::default());
    let text = format!("access: {{team: acme, audience: [{TAG}], operators: everyone}}\n");
    let access = read_text(&text).unwrap().access.unwrap();
    assert!(access.operators.include(&"bo@example.com".parse().unwrap()));
}

/// A file, and the words that its errors must hold, in the order of the file.
#[test]
fn every_error_says_where_and_what_would_be_right() {
    let rows: &[(&str, &str, &[&str])] = &[
        ("nothing", "# nothing\n", &["1:1: this file holds no configuration", "begin with a key"]),
        ("no YAML", "access: [\n", &["1:9: a bracket that is not closed"]),
        (
            "a near name",
            "raeding: open\n",
            &["1:1: not a key of the configuration: `raeding`; did you mean `reading`?"],
        ),
        ("a plan", "plan: client\n", &["this is no plan"]),
        ("a secret", "token: abc\n", &["this file holds no secret"]),
        ("a word", "reading: closed\n", &["not a known `reading`", "`open` or `signed_in`"]),
        ("no tag", "access: {team: acme}\n", &["`audience` is missing"]),
        ("no team", "access: {audience: []}\n", &["`team` is missing"]),
        (
            "a whole address",
            "access: {team: https://acme.cloudflareaccess.com, audience: [x]}\n",
            &["write its name alone", "64 digits"],
        ),
        (
            "far and plain",
            "access: {team: a, audience: [x], certs_url: http://192.0.2.1/}\n",
            &["over plain http"],
        ),
        (
            "almost near",
            "access: {team: a, audience: [x], certs_url: http://localhost.evil.test/}\n",
            &["over plain http"],
        ),
        (
            "with a password",
            "access: {team: a, audience: [x], certs_url: https://me:pw@h/}\n",
            &["without a user"],
        ),
        ("no address", "access: {team: a, audience: [x], certs_url: certs}\n", &["a whole address"]),
        (
            "no e-mail",
            "access: {team: a, audience: [x], operators: [ana]}\n",
            &["looks like `ana@example.com`"],
        ),
        (
            "one operator",
            "access: {team: a, audience: [x], operators: ana@example.com}\n",
            &["must be a list"],
        ),
        ("no count", "approval_floor: {user_group: G, count: 0, over_devices: 1}\n", &["from 1 to 255"]),
        (
            "too high a count",
            "approval_floor: {user_group: G, count: 256, over_devices: 1}\n",
            &["from 1 to 255"],
        ),
        ("a sign", "approval_floor: {user_group: G, count: +2, over_devices: 1}\n", &["from 1 to 255"]),
        (
            "half a floor",
            "approval_floor: {user_group: G}\n",
            &["`count` is missing", "`over_devices` is missing"],
        ),
        ("nobody a day", "guard: {devices_per_day: 0}\n", &["of devices, at least 1"]),
        ("half a guard", "guard: {}\n", &["`devices_per_day`"]),
        ("a guard's key alone", "devices_per_day: 5\n", &["write it under `guard`"]),
        ("whose clock", "clock: {trust: proxy, until: 2026-12-18, reason: r}\n", &["`machine`"]),
        (
            "half a word for the clock",
            "clock: {trust: machine}\n",
            &["`until` is missing", "`reason` is missing"],
        ),
        (
            "no such day",
            "clock: {trust: machine, until: 2026-02-30, reason: r}\n",
            &["`until` is not a date"],
        ),
        ("no port", "listen: 127.0.0.1\n", &["no address with a port"]),
        ("a port", "hosts: ['ringward:8787']\n", &["and no port"]),
        ("no hosts", "hosts: []\n", &["`hosts` is empty"]),
        ("an answer", "read_only: yes\n", &["`true` or `false`"]),
        ("a key twice", "observe: true\nobserve: false\n", &["2:1: this key is repeated"]),
        ("all at once", "raeding: open\nlisten: x\naccount: 1\n", &["1:1", "2:9", "3:10"]),
    ];
    for (row, text, words) in rows {
        let errors = read_text(text).expect_err(row).join("\n");
        let mut rest = errors.as_str();
        for word in *words {
            let found = rest.find(word).unwrap_or_else(|| panic!("{row}: `{word}` is missing in: {errors}"));
            rest = &rest[found..];
        }
    }
}

/// What the manual shows works.
#[test]
fn the_file_in_the_manual_is_read() {
    let manual = include_str!("../../docs/identity.md");
    let (_, rest) = manual.split_once("```yaml\n").unwrap();
    let (file, _) = rest.split_once("```").unwrap();
    let config = read_text(file).unwrap_or_else(|errors| panic!("{errors:?}"));
    assert!(config.access.is_some() && config.approval_floor.is_some() && config.devices_per_day.is_some());
    for key in
        ["access", "reading", "approval_floor", "guard", "plans", "listen", "hosts", "read_only", "observe"]
    {
        assert!(manual.contains(&format!("| `{key}")), "{key} has no row");
    }
}

#[test]
fn a_word_for_the_clock_counts_to_the_end_of_its_day() {
    let config =
        read_text("clock: {trust: machine, until: 2026-12-18, reason: the proxy is fixed}\n").unwrap();
    let trust = config.clock_trust.unwrap();
    assert_eq!(trust.until, "2026-12-19T00:00:00Z".parse().unwrap());
    assert_eq!(trust.reason, "the proxy is fixed");
}

/// Whoever configures Access closes reading without a word more; what scrapes metrics is closed out by a word alone.
#[test]
fn who_may_read_what() {
    use MayRead::{Open, SignedIn};
    const ACCESS: &str = "access: {team: acme, audience: [4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2]}\n";
    let rows = [
        ("nothing", String::new(), Open, Open),
        ("open", "reading: open\n".to_owned(), Open, Open),
        ("closed", "reading: signed_in\n".to_owned(), SignedIn, SignedIn),
        ("closed but for metrics", "reading: signed_in\nmetrics: open\n".to_owned(), SignedIn, Open),
        ("metrics closed", "metrics: signed_in\n".to_owned(), Open, SignedIn),
        ("Access", ACCESS.to_owned(), SignedIn, Open),
        ("Access, and open", format!("{ACCESS}reading: open\n"), Open, Open),
        ("Access, and metrics closed", format!("{ACCESS}metrics: signed_in\n"), SignedIn, SignedIn),
    ];
    for (row, text, reading, metrics) in rows {
        let text = if text.is_empty() { "observe: false\n".to_owned() } else { text };
        let config = read("ringward.yaml", text.as_bytes()).unwrap();
        assert_eq!((config.may_read(), config.may_read_metrics()), (reading, metrics), "{row}");
    }
}
