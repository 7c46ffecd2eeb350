//! A plan as an admin would write it, line by line.
//!
//! **Invariant:** the decoder reads back the plan that was written.

use std::fmt::Write as _;

use ringward::plan::model::{
    AllowDowngrade, DeviceLimit, HealthLimit, OnDrift, OnNewTarget, Plan, ProfileRef, RingPlan,
};
use ringward::version::{ClientVersion, Environment};

/// The text of a plan.
pub(crate) fn written(plan: &Plan) -> String {
    let mut text = format!("plan: {}\n", quoted(plan.name.as_str()));
    if let Some(was) = &plan.was {
        line(&mut text, 0, "was", quoted(was.as_str()));
    }
    if !plan.forbid.is_empty() {
        text.push_str("forbid:\n");
    }
    for forbid in &plan.forbid {
        let _ = writeln!(text, "  - versions: {}", quoted(&forbid.versions.to_string()));
        line(&mut text, 4, "reason", quoted(&forbid.reason));
    }
    let finish = plan.on_new_target == OnNewTarget::Finish;
    line(&mut text, 0, "on_new_target", if finish { "finish" } else { "replace" });
    let on_drift = match plan.on_drift {
        OnDrift::Halt => "halt",
        OnDrift::Restore => "restore",
        OnDrift::Accept => "accept",
    };
    line(&mut text, 0, "on_drift", on_drift);
    text.push_str("rings:\n");
    plan.rings.iter().for_each(|plan| ring(&mut text, plan));
    text
}

/// A profile as a file names it: the IDs of these accounts are none that a file could have.
pub(crate) fn by_name(profile: &ProfileRef) -> ProfileRef {
    match profile {
        ProfileRef::Id(id) => ProfileRef::Named(format!("Profile {id}")),
        ProfileRef::Default | ProfileRef::Named(_) => profile.clone(),
    }
}

fn ring(text: &mut String, ring: &RingPlan) {
    let _ = writeln!(text, "  - name: {}", quoted(ring.name.as_str()));
    let mut key = |key: &str, value: String| line(text, 4, key, value);
    if let Some(was) = &ring.was {
        key("was", quoted(was.as_str()));
    }
    key("group", quoted(&ring.group));
    let profiles = ring.profiles.iter().map(|profile| match by_name(profile) {
        ProfileRef::Default => "default".to_owned(),
        named => quoted(&named.to_string()),
    });
    key("profiles", format!("[{}]", profiles.collect::<Vec<_>>().join(", ")));
    let targets = |targets: &mut dyn Iterator<Item = (&Environment, &ClientVersion)>| {
        let pairs: Vec<String> = targets.map(|(at, version)| format!("{at}: {version}")).collect();
        format!("{{{}}}", pairs.join(", "))
    };
    key("versions", targets(&mut ring.targets.iter()));
    key("rollback_to", targets(&mut ring.rollback.to.iter()));
    key("rollback", format!("{{step: {}}}", ring.rollback.step));
    key("timezone", quoted(&ring.schedule.zone().to_string()));
    let open = ring.schedule.openings().iter();
    let open = open.map(|open| format!("{{cron: {}, for: {}}}", quoted(open.cron()), open.length()));
    let freeze = ring.schedule.freezes().iter().map(|freeze| {
        let reason = quoted(freeze.reason());
        format!("{{from: {}, until: {}, reason: {reason}}}", freeze.from(), freeze.until())
    });
    let (open, freeze): (Vec<_>, Vec<_>) = (open.collect(), freeze.collect());
    let parts = [("open", open), ("freeze", freeze)].into_iter().filter(|(_, parts)| !parts.is_empty());
    let parts: Vec<String> = parts.map(|(key, parts)| format!("{key}: [{}]", parts.join(", "))).collect();
    key("schedule", format!("{{{}}}", parts.join(", ")));
    let (adoption, health) = (&ring.adoption, &ring.health);
    let (at_least, within, seen) = (adoption.at_least, adoption.within, adoption.seen_at_least);
    key("adoption", format!("{{at_least: {at_least}, within: {within}, seen_at_least: {seen}}}"));
    key("soak", ring.soak.to_string());
    let limit = |limit: &HealthLimit| format!("{{at_most: {}, after: {}}}", limit.at_most, limit.after);
    let (stalled, dark) = (limit(&health.stalled), limit(&health.dark));
    key("health", format!("{{stalled: {stalled}, dark: {dark}, min_devices: {}}}", health.min_devices));
    key("unknown_after", ring.unknown_after.to_string());
    if let Some(limit) = ring.max_devices.map(DeviceLimit::get) {
        key("max_devices", limit.to_string());
    }
    match &ring.allow_downgrade {
        AllowDowngrade::Nothing => {}
        AllowDowngrade::From(range) => key("allow_downgrade", quoted(&range.to_string())),
        AllowDowngrade::Any => key("allow_downgrade", "true".to_owned()),
    }
}

fn line(text: &mut String, indent: usize, key: &str, value: impl AsRef<str>) {
    let _ = writeln!(text, "{:indent$}{key}: {}", "", value.as_ref());
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
