//! Words that people and other tools have for the keys of a plan.
//!
//! **Invariant:** a word stands for a key only where its mapping has that key; whether the value fits is judged after.

/// Each key with other words for it.
const SYNONYMS: &[(&str, &[&str])] = &[
    ("plan", &["name", "title", "id"]),
    ("versions", &["version", "target", "targets", "to", "release", "client_version", "target_version"]),
    ("rings", &["stages", "stage", "waves", "wave", "phases", "phase", "steps", "groups", "cohorts"]),
    ("name", &["ring", "title", "label", "id"]),
    ("profiles", &["profile", "policy", "policies", "members", "groups"]),
    ("group", &["deployment_group"]),
    ("cron", &["at", "when", "start", "starts", "begin", "from"]),
    ("for", &["until", "end", "to", "duration", "length", "lasts"]),
    ("from", &["start", "starts", "begin", "since", "first"]),
    ("until", &["to", "end", "ends", "till", "through", "last"]),
    ("reason", &["why", "because", "comment", "note", "description", "message"]),
    ("open", &["window", "windows", "openings", "opening", "allow"]),
    ("freeze", &["freezes", "blackout", "blackouts", "closed", "holidays"]),
    ("soak", &["bake", "bake_time", "wait", "delay", "pause", "soak_time"]),
    ("approval", &["approvals", "approvers", "approver", "requires"]),
    ("user_group", &["group", "approvers", "team"]),
    ("count", &["number", "required", "min", "minimum"]),
    ("expires", &["expiry", "expiration", "ttl"]),
    ("timezone", &["tz", "time_zone", "zone"]),
    ("at_least", &["min", "minimum"]),
    ("at_most", &["max", "maximum"]),
    ("within", &["deadline", "timeout"]),
    ("windows", &["win", "win32"]),
    ("macos", &["mac", "osx", "darwin"]),
    ("forbid", &["forbidden", "block", "blocked", "deny"]),
];

/// The keys of these that a word stands for.
pub(super) fn meant(word: &str, keys: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    let word = word.to_lowercase().replace('-', "_");
    let is_meant =
        |key: &&str| SYNONYMS.iter().any(|(meant, words)| meant == key && words.contains(&word.as_str()));
    keys.filter(is_meant).collect()
}
