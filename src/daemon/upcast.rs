//! Payloads of earlier releases, as this one would have written them.
//!
//! A kind keeps its name for good. When the spelling of its payload changes, its version is one higher, and a row
//! of [`UPCASTS`] says what to do with an older one. `tests/store/kinds.rs` holds a golden log of each version.
//!
//! **Invariant:** an upcast changes spelling, never meaning; it is made on read, and no stored byte changes.

use serde_json::Value;

/// What leads to a version of some kinds.
struct Upcast {
    kinds: &'static [&'static str],
    /// The version that it leads to, from the one before.
    to: u32,
    change: fn(&mut Value),
}

/// All, in the order of their versions.
const UPCASTS: &[Upcast] = &[Upcast {
    // What keeps a plan whole.
    kinds: &["plan_accepted", "plan_revised", "plan_restricted", "new_target_waits"],
    to: 2,
    change: adopt_is_accept,
}];

fn of_kind(kind: &str) -> impl Iterator<Item = &'static Upcast> + '_ {
    UPCASTS.iter().filter(move |upcast| upcast.kinds.contains(&kind))
}

/// The version of a kind's payloads that this ringward writes.
pub(super) fn newest_version(kind: &str) -> u32 {
    of_kind(kind).map(|upcast| upcast.to).max().unwrap_or(1)
}

/// A payload of an older version as one of the newest; `None`: the version is not known here.
pub(super) fn upcast(kind: &str, version: u32, mut payload: Value) -> Option<Value> {
    if !(1..=newest_version(kind)).contains(&version) {
        return None;
    }
    for upcast in of_kind(kind).filter(|upcast| upcast.to > version) {
        (upcast.change)(&mut payload);
    }
    Some(payload)
}

/// A plan that takes drift as it is says so by `accept`, and by `adopt` before. The file's text in `written`, which the
/// digest is over, stays as it was.
fn adopt_is_accept(payload: &mut Value) {
    for place in ["/revision/plan/on_drift", "/plan/on_drift"] {
        if let Some(said) = payload.pointer_mut(place).filter(|said| **said == "adopt") {
            *said = Value::from("accept");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_older_is_changed_and_only_where_it_stands() {
        let plan = |word: &str| json!({"name": "adopt", "on_drift": word});
        let revision =
            |word: &str| json!({"revision": {"plan": plan(word), "written": "{\"on_drift\":\"adopt\"}"}});
        let rows = [
            ("plan_accepted", 1, revision("adopt"), Some(revision("accept"))),
            ("plan_revised", 1, revision("restore"), Some(revision("restore"))),
            ("new_target_waits", 1, revision("adopt"), Some(revision("accept"))),
            ("plan_restricted", 1, json!({"plan": plan("adopt")}), Some(json!({"plan": plan("accept")}))),
            ("plan_accepted", 1, json!({"revision": {"plan": {}}}), Some(json!({"revision": {"plan": {}}}))),
            ("plan_accepted", 2, revision("accept"), Some(revision("accept"))),
            ("plan_accepted", 3, revision("accept"), None),
            ("plan_accepted", 0, revision("adopt"), None),
            ("drift_adopted", 1, json!({"drift": "adopt"}), Some(json!({"drift": "adopt"}))),
            ("drift_adopted", 2, json!({}), None),
        ];
        for (kind, version, payload, expected) in rows {
            assert_eq!(upcast(kind, version, payload), expected, "{kind} {version}");
        }
        assert_eq!((newest_version("plan_accepted"), newest_version("paused")), (2, 1));
    }
}
