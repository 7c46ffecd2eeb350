//! The language of a plan file: every mapping, its keys, what each takes and what it means.
//!
//! **Invariant:** this is the only list of keys. The decoder refuses what is not here and reads
//! all that is; the schema for editors and the reference in `docs/plan.md` are made from it.

mod approval;
mod health;
mod rollback;

use super::decode::{MAX_FORBIDS, MAX_PROFILES, MAX_RINGS};
use super::grammar::{Absent, Key, Mapping, Takes};
use super::kinds::{
    ACCOUNT, CRON, DATE, DEVICES, DOWNGRADES, EMAIL, OPEN_SPAN, PLAN_NAME, PROFILE, PROSE, RANGE, SHARE,
    SOAK_SPAN, TEXT, UNKNOWN_SPAN, VERSION, WITHIN_SPAN, ZONE,
};
use super::model::{OnDrift, OnFailure, OnNewTarget};
use super::ring::{BUILT_IN_ADOPTION, BUILT_IN_SOAK, BUILT_IN_UNKNOWN_AFTER};
use crate::schedule::{MAX_FREEZES, MAX_OPENINGS, Zone};

pub(super) use approval::APPROVAL;
use approval::APPROVAL_KEY;
use health::HEALTH_KEY;
pub(super) use health::{DARK, HEALTH, STALLED};
pub(super) use rollback::{ROLLBACK, ROLLBACK_TO};
use rollback::{ROLLBACK_KEY, ROLLBACK_TO_KEY};

/// Every mapping, from the whole file down, each once.
pub(super) fn all() -> Vec<&'static Mapping> {
    let mut found: Vec<&'static Mapping> = vec![&PLAN];
    let mut next = 0;
    while let Some(mapping) = found.get(next) {
        next += 1;
        for key in mapping.keys {
            let (Takes::Keys(below) | Takes::Mappings { item: below, .. }) = key.takes else { continue };
            if found.iter().all(|known| known.name != below.name) {
                found.push(below);
            }
        }
    }
    found
}

/// The words of `on_failure`.
pub(super) const ON_FAILURE: &[(&str, OnFailure)] = &[("halt", OnFailure::Halt)];
/// The words of `on_new_target`.
pub(super) const ON_NEW_TARGET: &[(&str, OnNewTarget)] =
    &[("replace", OnNewTarget::Replace), ("finish", OnNewTarget::Finish)];
/// The words of `on_drift`.
pub(super) const ON_DRIFT: &[(&str, OnDrift)] =
    &[("halt", OnDrift::Halt), ("restore", OnDrift::Restore), ("adopt", OnDrift::Adopt)];

fn words<T>(known: &[(&'static str, T)]) -> Vec<&'static str> {
    known.iter().map(|(word, _)| *word).collect()
}

/// Keys whose features are not built yet.
const LATER: &[&str] = &["checks"];

const IN_RING_OR_DEFAULTS: &str = "write it in a ring, or under `defaults` for all of them";
const IN_EACH_RING: &str = "write it in each ring";
const AT_THE_TOP: &str = "write it at the top of the file";
const UNDER_SCHEDULE: &str = "write it under `schedule`";
const UNDER_ADOPTION: &str = "write it under `adoption`";
const UNDER_HEALTH: &str = "write it under `health`";
const UNDER_ROLLBACK: &str = "write it under `rollback`";
const UNDER_APPROVAL: &str = "write it under `approval`";
const OF_A_HEALTH_GATE: &str = "write it under `stalled` or `dark` of `health`";
const NO_ASSIGNMENTS: &str = "Cloudflare assigns versions to `windows` and `macos` only";
const IN_AN_OPENING: &str = "write it in an opening, such as open: [{cron: \"0 9 * * Mon-Thu\", for: 7h}]";

const ZONE_BUILT_IN: fn() -> String = || Zone::utc().to_string();
const SOAK_BUILT_IN: fn() -> String = || BUILT_IN_SOAK.to_string();
const UNKNOWN_AFTER_BUILT_IN: fn() -> String = || BUILT_IN_UNKNOWN_AFTER.to_string();
const ON_FAILURE_BUILT_IN: fn() -> String = || "halt".to_owned();

const VERSIONS_KEY: Key = Key {
    name: "versions",
    takes: Takes::Keys(&VERSIONS),
    absent: Absent::Means("the versions of `defaults`, then those at the top of the file"),
    doc: "The target version per environment. An environment that is named nowhere is left alone. Each ring needs at least one target, from here, from `defaults` or from the top of the file.",
    example: "versions: {windows: 2026.8.2100.0, macos: 2026.8.2100.0}",
};
const TIMEZONE: Key = Key {
    name: "timezone",
    takes: Takes::Value(&ZONE),
    absent: Absent::Value(ZONE_BUILT_IN),
    doc: "The zone in which openings and freezes are read.",
    example: "timezone: Europe/Lisbon",
};
const SCHEDULE_KEY: Key = Key {
    name: "schedule",
    takes: Takes::Keys(&SCHEDULE),
    absent: Absent::Means("always open, never frozen"),
    doc: "When ringward may write assignments; laptops install whenever they next wake up. A ring's own openings stand in place of those of `defaults`; its own freezes are added to theirs.",
    example: "schedule: {open: [{cron: \"0 9 * * Mon-Thu\", for: 7h}]}",
};
const ADOPTION_KEY: Key = Key {
    name: "adoption",
    takes: Takes::Keys(&ADOPTION),
    absent: Absent::Means("the values of `defaults`, then those built in"),
    doc: "When the ring counts as having taken its targets. A ring that writes only some of its keys takes the others from `defaults`.",
    example: "adoption: {at_least: 90%, within: 7d, seen_at_least: 60%}",
};
const SOAK: Key = Key {
    name: "soak",
    takes: Takes::Value(&SOAK_SPAN),
    absent: Absent::Value(SOAK_BUILT_IN),
    doc: "How long an adopted ring runs before the next one may follow. It counts only if half of the arrived devices were seen again on a later day.",
    example: "soak: 72h",
};
const UNKNOWN_AFTER: Key = Key {
    name: "unknown_after",
    takes: Takes::Value(&UNKNOWN_SPAN),
    absent: Absent::Value(UNKNOWN_AFTER_BUILT_IN),
    doc: "How long a gate may be unable to tell, for want of answers, before the rollout halts.",
    example: "unknown_after: 6h",
};
const ON_FAILURE_KEY: Key = Key {
    name: "on_failure",
    takes: Takes::Word { known: || words(ON_FAILURE), later: &["rollback"] },
    absent: Absent::Value(ON_FAILURE_BUILT_IN),
    doc: "What a failing gate does: `halt` stops writing and waits for a person.",
    example: "on_failure: halt",
};

const MAX_DEVICES: Key = Key {
    name: "max_devices",
    takes: Takes::Value(&DEVICES),
    absent: Absent::Means("no limit"),
    doc: "The most devices that one write for the ring may offer something else. It is checked twice: by ringward's own count when the write is planned, and by a count of its own, read afresh from Cloudflare, just before the write is sent. A write of more is not sent, and nobody can waive that. Devices with a client below 2026.6 ignore assignments and do not count.",
    example: "max_devices: 25000",
};

const ALLOW_DOWNGRADE: Key = Key {
    name: "allow_downgrade",
    takes: Takes::Value(&DOWNGRADES),
    absent: Absent::Means("no device"),
    doc: "Which devices the targets may take down to an older version, by what they run. Without it a ring waits (`would_downgrade`) when at least 3 of its devices of an environment, and more than 5% of those seen in the last 7 days, run something newer than the target; devices on a version that a rollback took back from them are not counted. With a range, devices that it does not cover are counted as before. It is asked on entering a ring; nobody can waive it.",
    example: "allow_downgrade: '<=2026.8.2100'",
};

/// The whole file.
pub(super) const PLAN: Mapping = Mapping {
    of: "a plan",
    name: "plan",
    doc: "One plan: which rings there are, which client version each is to run, when ringward may write, and what must hold before the next ring follows.",
    keys: &[
        Key {
            name: "plan",
            takes: Takes::Value(&PLAN_NAME),
            absent: Absent::Refused,
            doc: "The plan's name in commands, metrics and the log. It stays when targets change; no two files may share it.",
            example: "plan: cloudflare-one-client",
        },
        Key {
            name: "was",
            takes: Takes::Value(&PLAN_NAME),
            absent: Absent::Means("the plan has had no other name"),
            doc: "The name that the plan had before. Once no readable file names that plan any more, its rollout goes on under the new name where it is, if the profiles of all rings together are the same. It counts as long as no ring was entered under the new name, and may stay in the file.",
            example: "was: one-client",
        },
        Key {
            name: "description",
            takes: Takes::Value(&PROSE),
            absent: Absent::Means("none"),
            doc: "For people. Changing it changes nothing else.",
            example: "description: Cloudflare One Client for all staff",
        },
        Key {
            name: "author",
            takes: Takes::Value(&EMAIL),
            absent: Absent::Means("nobody"),
            doc: "Who wrote the plan: this person's approval of it does not count.",
            example: "author: ana@example.com",
        },
        Key {
            name: "account",
            takes: Takes::Value(&ACCOUNT),
            absent: Absent::Means("any account"),
            doc: "Pins the plan to one Cloudflare account; a daemon of another account refuses it.",
            example: "account: 023e105f4ecef8ad9ca31a8372d0c353",
        },
        Key {
            doc: "The target version per environment, for each ring that names none. To roll out a newer version, change it here: the plan starts again from the first ring.",
            absent: Absent::Means("each ring, or `defaults`, names its own"),
            ..VERSIONS_KEY
        },
        Key {
            name: "forbid",
            takes: Takes::Mappings { item: &FORBID, least: 0, most: MAX_FORBIDS },
            absent: Absent::Means("no build is forbidden"),
            doc: "Builds never to offer to anybody. A rollout that offers one halts, with your reason, and a plan that asks for one is not begun.",
            example: "forbid: [{versions: '>=2026.7.1343, <2026.7.1376', reason: fails to connect after upgrade}]",
        },
        Key {
            name: "on_new_target",
            takes: Takes::Word { known: || words(ON_NEW_TARGET), later: &[] },
            absent: Absent::Value(|| "replace".to_owned()),
            doc: "What a newer target does to a rollout that is still running: `replace` lets it take over at once; with `finish` the newest target waits until the rollout is completed, and then begins at once. The word in the newer file counts. The reference tells under \"When a newer target comes\" when to take which.",
            example: "on_new_target: replace",
        },
        Key {
            name: "on_drift",
            takes: Takes::Word { known: || words(ON_DRIFT), later: &[] },
            absent: Absent::Value(|| "halt".to_owned()),
            doc: "What ringward does when somebody else changed a deployment group of this plan: `halt` stops writing and waits for a person; `restore` writes the group back as ringward left it, in the ring's schedule, and the ring adopts and soaks again; `adopt` records the change and goes on with the group as it is. A profile in somebody else's group, another updater at work, a build that `forbid` names by now, and a group changed a fourth time in one rollout halt under `restore` too. A ring whose group does not offer its targets is never verified.",
            example: "on_drift: halt",
        },
        Key {
            name: "defaults",
            takes: Takes::Keys(&DEFAULTS),
            absent: Absent::Means("each ring takes the values built in"),
            doc: "What every ring does unless it says otherwise.",
            example: "defaults: {timezone: Europe/Lisbon, soak: 72h}",
        },
        Key {
            name: "rings",
            takes: Takes::Mappings { item: &RING, least: 1, most: MAX_RINGS },
            absent: Absent::Refused,
            doc: "The rings, in the order in which they are entered.",
            example: "rings: [{name: Engineering, profiles: [Engineering]}, {name: Everyone, profiles: [default]}]",
        },
    ],
    later: LATER,
    elsewhere: &[
        ("timezone", IN_RING_OR_DEFAULTS),
        ("schedule", IN_RING_OR_DEFAULTS),
        ("adoption", IN_RING_OR_DEFAULTS),
        ("soak", IN_RING_OR_DEFAULTS),
        ("health", IN_RING_OR_DEFAULTS),
        ("unknown_after", IN_RING_OR_DEFAULTS),
        ("on_failure", IN_RING_OR_DEFAULTS),
        ("max_devices", IN_RING_OR_DEFAULTS),
        ("allow_downgrade", IN_RING_OR_DEFAULTS),
        ("rollback", IN_RING_OR_DEFAULTS),
        ("rollback_to", IN_RING_OR_DEFAULTS),
        ("approval", IN_RING_OR_DEFAULTS),
        ("user_group", UNDER_APPROVAL),
        ("count", UNDER_APPROVAL),
        ("expires", UNDER_APPROVAL),
        ("step", UNDER_ROLLBACK),
        ("profiles", IN_EACH_RING),
        ("group", IN_EACH_RING),
        ("name", "write the plan's name as `plan: NAME`"),
        ("windows", "write it under `versions`"),
        ("macos", "write it under `versions`"),
        ("open", "write it under `schedule` of a ring or of `defaults`"),
        ("freeze", "write it under `schedule` of a ring or of `defaults`"),
    ],
};

/// What every ring does unless it says otherwise.
pub(super) const DEFAULTS: Mapping = Mapping {
    of: "`defaults`",
    name: "defaults",
    doc: "What every ring does unless it says otherwise: any key of a ring except `name`, `was`, `profiles` and `group`.",
    keys: &[
        Key { absent: Absent::Means("the versions at the top of the file"), ..VERSIONS_KEY },
        TIMEZONE,
        SCHEDULE_KEY,
        Key { absent: Absent::Means("the values built in"), ..ADOPTION_KEY },
        SOAK,
        Key { absent: Absent::Means("the values built in"), ..HEALTH_KEY },
        UNKNOWN_AFTER,
        ON_FAILURE_KEY,
        MAX_DEVICES,
        ALLOW_DOWNGRADE,
        Key { absent: Absent::Means("the values built in"), ..ROLLBACK_KEY },
        Key { absent: Absent::Means("none"), ..ROLLBACK_TO_KEY },
        Key { absent: Absent::Means("nobody is asked"), ..APPROVAL_KEY },
    ],
    later: LATER,
    elsewhere: &[
        ("name", IN_EACH_RING),
        ("profiles", IN_EACH_RING),
        ("group", IN_EACH_RING),
        ("forbid", AT_THE_TOP),
        ("on_new_target", AT_THE_TOP),
        ("on_drift", AT_THE_TOP),
        ("description", AT_THE_TOP),
        ("account", AT_THE_TOP),
        ("author", AT_THE_TOP),
        ("user_group", UNDER_APPROVAL),
        ("count", UNDER_APPROVAL),
        ("expires", UNDER_APPROVAL),
        ("open", UNDER_SCHEDULE),
        ("freeze", UNDER_SCHEDULE),
        ("at_least", UNDER_ADOPTION),
        ("within", UNDER_ADOPTION),
        ("seen_at_least", UNDER_ADOPTION),
        ("stalled", UNDER_HEALTH),
        ("dark", UNDER_HEALTH),
        ("min_devices", UNDER_HEALTH),
        ("at_most", OF_A_HEALTH_GATE),
        ("step", UNDER_ROLLBACK),
    ],
};

/// One ring.
pub(super) const RING: Mapping = Mapping {
    of: "a ring",
    name: "ring",
    doc: "One step of the plan: a set of device settings profiles, which becomes one deployment group at Cloudflare.",
    keys: &[
        Key {
            name: "name",
            takes: Takes::Value(&TEXT),
            absent: Absent::Refused,
            doc: "The ring's name in messages, metrics and the log. Unique in the plan.",
            example: "name: Early adopters",
        },
        Key {
            name: "was",
            takes: Takes::Value(&TEXT),
            absent: Absent::Means("the ring that has the same profiles, else the same name"),
            doc: "The name that the ring had before, for an edit that changes its name and its profiles at once: it keeps its group. A ring whose name alone changes needs no such key.",
            example: "was: Pilot",
        },
        Key {
            name: "group",
            takes: Takes::Value(&TEXT),
            absent: Absent::Means("the ring's name"),
            doc: "The name of the deployment group at Cloudflare. Without this key a number is added when a group of another ring of the plan has the name.",
            example: "group: Early adopters (ringward)",
        },
        Key {
            name: "profiles",
            takes: Takes::Values { item: &PROFILE, least: 1, most: MAX_PROFILES },
            absent: Absent::Refused,
            doc: "The device settings profiles whose devices are in this ring. A profile belongs to one ring of one plan.",
            example: "profiles: [IT, Support]",
        },
        VERSIONS_KEY,
        Key { absent: Absent::Inherited(ZONE_BUILT_IN), ..TIMEZONE },
        Key { absent: Absent::Means("the schedule of `defaults`"), ..SCHEDULE_KEY },
        ADOPTION_KEY,
        Key { absent: Absent::Inherited(SOAK_BUILT_IN), ..SOAK },
        HEALTH_KEY,
        Key { absent: Absent::Inherited(UNKNOWN_AFTER_BUILT_IN), ..UNKNOWN_AFTER },
        Key { absent: Absent::Inherited(ON_FAILURE_BUILT_IN), ..ON_FAILURE_KEY },
        Key { absent: Absent::Means("the limit of `defaults`, else none"), ..MAX_DEVICES },
        Key { absent: Absent::Means("what `defaults` allow, else no device"), ..ALLOW_DOWNGRADE },
        ROLLBACK_KEY,
        ROLLBACK_TO_KEY,
        APPROVAL_KEY,
    ],
    later: LATER,
    elsewhere: &[
        ("open", UNDER_SCHEDULE),
        ("freeze", UNDER_SCHEDULE),
        ("at_least", UNDER_ADOPTION),
        ("within", UNDER_ADOPTION),
        ("seen_at_least", UNDER_ADOPTION),
        ("stalled", UNDER_HEALTH),
        ("dark", UNDER_HEALTH),
        ("min_devices", UNDER_HEALTH),
        ("at_most", OF_A_HEALTH_GATE),
        ("step", UNDER_ROLLBACK),
        ("windows", "write it under `versions`"),
        ("macos", "write it under `versions`"),
        ("ring", "write the ring's name as `name`"),
        ("forbid", AT_THE_TOP),
        ("on_new_target", AT_THE_TOP),
        ("on_drift", AT_THE_TOP),
        ("description", "write it at the top of the file, or write a comment (`# …`) here"),
    ],
};

/// Targets per environment.
pub(super) const VERSIONS: Mapping = Mapping {
    of: "`versions`",
    name: "versions",
    doc: "Target versions per environment. Devices on a newer version are taken back to it: Cloudflare installs downgrades as silently as upgrades.",
    keys: &[
        Key {
            name: "windows",
            takes: Takes::Value(&VERSION),
            absent: Absent::Means("no target for Windows from here"),
            doc: "The target of Windows devices.",
            example: "windows: 2026.8.2100.0",
        },
        Key {
            name: "macos",
            takes: Takes::Value(&VERSION),
            absent: Absent::Means("no target for macOS from here"),
            doc: "The target of macOS devices.",
            example: "macos: 2026.8.2100.0",
        },
    ],
    later: &[],
    elsewhere: &[
        ("mac", "write `macos`"),
        ("osx", "write `macos`"),
        ("darwin", "write `macos`"),
        ("win", "write `windows`"),
        ("linux", NO_ASSIGNMENTS),
        ("ios", NO_ASSIGNMENTS),
        ("android", NO_ASSIGNMENTS),
        ("chromeos", NO_ASSIGNMENTS),
    ],
};

/// A range of builds never to offer.
pub(super) const FORBID: Mapping = Mapping {
    of: "an entry of `forbid`",
    name: "forbidden",
    doc: "A range of builds never to offer.",
    keys: &[
        Key {
            name: "versions",
            takes: Takes::Value(&RANGE),
            absent: Absent::Refused,
            doc: "Which builds.",
            example: "versions: '>=2026.7.1343, <2026.7.1376'",
        },
        Key {
            name: "reason",
            takes: Takes::Value(&TEXT),
            absent: Absent::Refused,
            doc: "Why, for the person who is kept from it.",
            example: "reason: fails to connect after upgrade, downgrade, upgrade",
        },
    ],
    later: &[],
    elsewhere: &[
        ("windows", "write a range over both environments as `versions`"),
        ("macos", "write a range over both environments as `versions`"),
    ],
};

/// When ringward may write.
pub(super) const SCHEDULE: Mapping = Mapping {
    of: "`schedule`",
    name: "schedule",
    doc: "When ringward may write. A freeze always wins over an opening.",
    keys: &[
        Key {
            name: "open",
            takes: Takes::Mappings { item: &OPENING, least: 0, most: MAX_OPENINGS },
            absent: Absent::Means("the openings of `defaults`; always open if there are none"),
            doc: "When a ring may be entered. An empty list means always.",
            example: "open: [{cron: \"0 9 * * Mon-Thu\", for: 7h}]",
        },
        Key {
            name: "freeze",
            takes: Takes::Mappings { item: &FREEZE, least: 0, most: MAX_FREEZES },
            absent: Absent::Means("the freezes of `defaults`"),
            doc: "Days on which nothing is written. A ring's own are added to those of `defaults`; only an empty list in a ring lifts them.",
            example: "freeze: [{from: 2026-12-18, until: 2027-01-04, reason: Year-end change freeze}]",
        },
    ],
    later: &[],
    elsewhere: &[
        ("timezone", "write `timezone` next to `schedule`"),
        ("cron", IN_AN_OPENING),
        ("for", IN_AN_OPENING),
    ],
};

/// A repeated span of time.
pub(super) const OPENING: Mapping = Mapping {
    of: "an opening",
    name: "opening",
    doc: "A repeated span of time in which a ring may be entered. It belongs to the moment it opens, also across midnight and clock changes; a ring is entered only while 15m of it are left, or within 2m of its start. Where a freeze begins in it, it ends there; where one ends in it, that is its start.",
    keys: &[
        Key {
            name: "cron",
            takes: Takes::Value(&CRON),
            absent: Absent::Refused,
            doc: "When it opens.",
            example: "cron: \"0 9 * * Mon-Thu\"",
        },
        Key {
            name: "for",
            takes: Takes::Value(&OPEN_SPAN),
            absent: Absent::Refused,
            doc: "How long it stays open, in elapsed time.",
            example: "for: 7h",
        },
    ],
    later: &[],
    elsewhere: &[
        ("timezone", "write `timezone` next to `schedule`, for all its openings"),
        ("until", "write how long it stays open, such as for: 7h"),
        ("from", "write when it opens, such as cron: \"0 9 * * Mon-Thu\""),
    ],
};

/// Days on which nothing is written.
pub(super) const FREEZE: Mapping = Mapping {
    of: "a freeze",
    name: "freeze",
    doc: "Whole days in the ring's zone on which nothing is written. Deadlines stand still, soaks go on.",
    keys: &[
        Key {
            name: "from",
            takes: Takes::Value(&DATE),
            absent: Absent::Refused,
            doc: "The first frozen day.",
            example: "from: 2026-12-18",
        },
        Key {
            name: "until",
            takes: Takes::Value(&DATE),
            absent: Absent::Refused,
            doc: "The last frozen day.",
            example: "until: 2027-01-04",
        },
        Key {
            name: "reason",
            takes: Takes::Value(&TEXT),
            absent: Absent::Refused,
            doc: "Why, for those who wait.",
            example: "reason: Year-end change freeze",
        },
    ],
    later: &[],
    elsewhere: &[("to", "write `until`, the last frozen day")],
};

/// When a ring counts as having taken its targets.
pub(super) const ADOPTION: Mapping = Mapping {
    of: "`adoption`",
    name: "adoption",
    doc: "When the ring counts as having taken its targets, judged in each environment by itself.",
    keys: &[
        Key {
            name: "at_least",
            takes: Takes::Value(&SHARE),
            absent: Absent::Value(|| BUILT_IN_ADOPTION.at_least.to_string()),
            doc: "The share of the devices seen since their assignment that must run the target.",
            example: "at_least: 90%",
        },
        Key {
            name: "within",
            takes: Takes::Value(&WITHIN_SPAN),
            absent: Absent::Value(|| BUILT_IN_ADOPTION.within.to_string()),
            doc: "The deadline, from the assignment on. After it the ring has failed. It stands still in freezes and holds.",
            example: "within: 7d",
        },
        Key {
            name: "seen_at_least",
            takes: Takes::Value(&SHARE),
            absent: Absent::Value(|| BUILT_IN_ADOPTION.seen_at_least.to_string()),
            doc: "The share of the devices active in the week before the assignment that must have been seen since.",
            example: "seen_at_least: 60%",
        },
    ],
    later: &[],
    elsewhere: &[("soak", "write it next to `adoption`")],
};
