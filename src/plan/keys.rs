//! The language of a plan file: every mapping, its keys, what each takes and what it means.
//!
//! **Invariant:** this is the only list of keys. The decoder refuses what is not here and reads
//! all that is; the schema for editors and the reference in `docs/plan.md` are made from it.

use super::decode::{MAX_FORBIDS, MAX_PROFILES, MAX_RINGS};
use super::fields::{MAX_PROSE_CHARS, MAX_TEXT_CHARS};
use super::model::{OnFailure, OnNewTarget};
use super::ring::{
    BUILT_IN_ADOPTION, BUILT_IN_SOAK, BUILT_IN_UNKNOWN_AFTER, LEAST_SOAK, LEAST_UNKNOWN_AFTER, LEAST_WITHIN,
};
use crate::schedule::{LEAST_OPENING, MAX_FREEZES, MAX_OPENINGS, Zone};
use crate::time::in_words;

/// A mapping and the keys that it may have.
#[derive(Debug)]
pub(super) struct Mapping {
    /// What it is, as in "`colour` is not a key of a ring".
    pub(super) of: &'static str,
    /// Its name in the schema.
    pub(super) name: &'static str,
    /// What it is for.
    pub(super) doc: &'static str,
    pub(super) keys: &'static [Key],
    /// Keys of DESIGN 3 whose feature is not built yet: refused, never ignored.
    pub(super) later: &'static [&'static str],
    /// Keys that belong elsewhere or have another name, each with what to write.
    pub(super) elsewhere: &'static [(&'static str, &'static str)],
}

/// One key of a mapping.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) takes: Takes,
    pub(super) absent: Absent,
    /// What it means, in whole sentences.
    pub(super) doc: &'static str,
    /// The key with a value, as YAML.
    pub(super) example: &'static str,
}

/// What a key takes.
#[derive(Debug)]
pub(super) enum Takes {
    /// One value.
    Value(&'static ValueKind),
    /// One of a few words. Words of features to come are refused as such.
    Word { known: fn() -> Vec<&'static str>, later: &'static [&'static str] },
    /// Keys and values.
    Keys(&'static Mapping),
    /// A list of values.
    Values { item: &'static ValueKind, least: usize, most: usize },
    /// A list of mappings.
    Mappings { item: &'static Mapping, least: usize, most: usize },
}

/// What a key means when it is not written.
#[derive(Debug)]
pub(super) enum Absent {
    /// It must be written.
    Refused,
    /// This value holds, as it would be written.
    Value(fn() -> String),
    /// That of `defaults` holds, else this one.
    Inherited(fn() -> String),
    /// Something that is no value.
    Means(&'static str),
}

/// A kind of single value.
#[derive(Debug)]
pub(super) struct ValueKind {
    /// What it is called in the reference.
    pub(super) name: &'static str,
    /// How it is written.
    pub(super) doc: &'static str,
    /// A pattern (ECMA 262) that every such value matches, and few others do.
    pub(super) pattern: &'static str,
    /// The most characters.
    pub(super) most: usize,
    /// Whether a bare number or boolean can be such a value, read as the characters written.
    pub(super) bare: Bare,
    /// What a bound of the value is, if it has one: "at least 2d".
    pub(super) bound: Option<fn() -> String>,
}

/// How YAML readers other than ours take a bare value of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bare {
    /// As text.
    Text,
    /// Perhaps as a number or a boolean: a profile may be named `2024` or `no`.
    Anything,
}

impl Mapping {
    pub(super) fn key(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The names of its keys, in the order in which people write them.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|key| key.name)
    }
}

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
pub(super) const ON_NEW_TARGET: &[(&str, OnNewTarget)] = &[("replace", OnNewTarget::Replace)];

fn words<T>(known: &[(&'static str, T)]) -> Vec<&'static str> {
    known.iter().map(|(word, _)| *word).collect()
}

const LINE: &str = r"^[^\t\n]*\S[^\t\n]*$";
const SPAN: &str =
    r"^\s*(?=[0-9])(?:[0-9]+w\s*)?(?:[0-9]+d\s*)?(?:[0-9]+h\s*)?(?:[0-9]+m\s*)?(?:[0-9]+s\s*)?$";
const SPAN_NAME: &str = "length of time";
const SPAN_DOC: &str = "Whole numbers with w, d, h, m or s, the larger unit first, such as 72h, 7d or 1h 30m; elapsed time, at most 366d.";

const TEXT: ValueKind = ValueKind {
    name: "text",
    doc: "One line of text, at most 255 characters.",
    pattern: LINE,
    most: MAX_TEXT_CHARS,
    bare: Bare::Anything,
    bound: None,
};
const PROSE: ValueKind = ValueKind {
    name: "prose",
    doc: "Text, also of several lines, at most 4000 characters.",
    pattern: r"\S",
    most: MAX_PROSE_CHARS,
    ..TEXT
};
const PLAN_NAME: ValueKind = ValueKind {
    name: "plan name",
    doc: "Lower-case letters, digits and `-`, such as cloudflare-one-client.",
    pattern: r"^[a-z0-9][a-z0-9-]*$",
    ..TEXT
};
const ACCOUNT: ValueKind = ValueKind {
    name: "account ID",
    doc: "The 32 digits 0-9 and a-f that the dashboard's address shows.",
    pattern: r"^[0-9a-f]{32}$",
    ..TEXT
};
const PROFILE: ValueKind = ValueKind {
    name: "profile",
    doc: "A profile's name, its policy ID, or the word `default` for the account's default profile.",
    ..TEXT
};
const VERSION: ValueKind = ValueKind {
    name: "version",
    doc: "Four numbers, such as 2026.8.2100.0.",
    pattern: r"^[1-9][0-9]{3,}\.(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)$",
    most: MAX_TEXT_CHARS,
    bare: Bare::Text,
    bound: Some(|| "2026.6.0.0 or newer".to_owned()),
};
const RANGE: ValueKind = ValueKind {
    name: "range of versions",
    doc: "Comparisons over the first three numbers of a version, such as '>=2026.7.1343, <2026.7.1376' or '=2026.7.1343'. Quote them: a bare `>` begins a block of text.",
    pattern: r"^\s*(?:[<>=~^*]|[0-9.]+[*xX])",
    bound: None,
    ..VERSION
};
const ZONE: ValueKind = ValueKind {
    name: "time zone",
    doc: "An IANA name, such as Europe/Lisbon, America/New_York or UTC.",
    pattern: r"^[A-Za-z][A-Za-z0-9_+/-]*$",
    bound: None,
    ..VERSION
};
const SHARE: ValueKind = ValueKind {
    name: "percentage",
    doc: "With its sign and at most one decimal, such as 90% or 99.5%.",
    pattern: r"^0*(?:100(?:\.0)?|[1-9][0-9]?(?:\.[0-9])?|0\.[1-9])\s*%$",
    bound: Some(|| "from 0.1% to 100%".to_owned()),
    ..VERSION
};
const SOAK_SPAN: ValueKind = ValueKind {
    name: SPAN_NAME,
    doc: SPAN_DOC,
    pattern: SPAN,
    bound: Some(|| format!("at least {LEAST_SOAK}")),
    ..VERSION
};
const WITHIN_SPAN: ValueKind = ValueKind { bound: Some(|| format!("at least {LEAST_WITHIN}")), ..SOAK_SPAN };
const UNKNOWN_SPAN: ValueKind =
    ValueKind { bound: Some(|| format!("at least {LEAST_UNKNOWN_AFTER}")), ..SOAK_SPAN };
const OPEN_SPAN: ValueKind =
    ValueKind { bound: Some(|| format!("at least {}", in_words(LEAST_OPENING))), ..SOAK_SPAN };
const CRON: ValueKind = ValueKind {
    name: "cron line",
    doc: "Five fields: minute, hour, day, month, weekday, in the ring's time zone, such as \"0 9 * * Mon-Thu\". Where day and weekday are both given, either is enough. Quote it: a bare `*` begins an alias.",
    pattern: r"^\s*\S+(?:\s+\S+){4}\s*$",
    bound: None,
    ..VERSION
};
const DATE: ValueKind = ValueKind {
    name: "date",
    doc: "Year, month and day, such as 2026-12-18.",
    pattern: r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    bound: None,
    ..VERSION
};

/// Keys whose features are not built yet.
const LATER: &[&str] = &["approval", "checks", "health", "max_devices"];

const IN_RING_OR_DEFAULTS: &str = "write it in a ring, or under `defaults` for all of them";
const IN_EACH_RING: &str = "write it in each ring";
const AT_THE_TOP: &str = "write it at the top of the file";
const UNDER_SCHEDULE: &str = "write it under `schedule`";
const UNDER_ADOPTION: &str = "write it under `adoption`";
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
    doc: "When ringward may write assignments; laptops install whenever they next wake up. A ring that writes only `open` keeps the freezes of `defaults`, and the other way round.",
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
            name: "description",
            takes: Takes::Value(&PROSE),
            absent: Absent::Means("none"),
            doc: "For people. Changing it changes nothing else.",
            example: "description: Cloudflare One Client for all staff",
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
            doc: "Builds never to offer to anybody. A plan that targets one is refused, with your reason.",
            example: "forbid: [{versions: '>=2026.7.1343, <2026.7.1376', reason: fails to connect after upgrade}]",
        },
        Key {
            name: "on_new_target",
            takes: Takes::Word { known: || words(ON_NEW_TARGET), later: &["finish"] },
            absent: Absent::Value(|| "replace".to_owned()),
            doc: "What a newer target does to a rollout that is still running: `replace` lets it take over at once.",
            example: "on_new_target: replace",
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
        ("unknown_after", IN_RING_OR_DEFAULTS),
        ("on_failure", IN_RING_OR_DEFAULTS),
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
    doc: "What every ring does unless it says otherwise: any key of a ring except `name`, `profiles` and `group`.",
    keys: &[
        Key { absent: Absent::Means("the versions at the top of the file"), ..VERSIONS_KEY },
        TIMEZONE,
        SCHEDULE_KEY,
        Key { absent: Absent::Means("the values built in"), ..ADOPTION_KEY },
        SOAK,
        UNKNOWN_AFTER,
        ON_FAILURE_KEY,
    ],
    later: LATER,
    elsewhere: &[
        ("name", IN_EACH_RING),
        ("profiles", IN_EACH_RING),
        ("group", IN_EACH_RING),
        ("forbid", AT_THE_TOP),
        ("on_new_target", AT_THE_TOP),
        ("description", AT_THE_TOP),
        ("account", AT_THE_TOP),
        ("open", UNDER_SCHEDULE),
        ("freeze", UNDER_SCHEDULE),
        ("at_least", UNDER_ADOPTION),
        ("within", UNDER_ADOPTION),
        ("seen_at_least", UNDER_ADOPTION),
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
            name: "group",
            takes: Takes::Value(&TEXT),
            absent: Absent::Means("the ring's name"),
            doc: "The name of the deployment group at Cloudflare.",
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
        Key { absent: Absent::Inherited(UNKNOWN_AFTER_BUILT_IN), ..UNKNOWN_AFTER },
        Key { absent: Absent::Inherited(ON_FAILURE_BUILT_IN), ..ON_FAILURE_KEY },
    ],
    later: LATER,
    elsewhere: &[
        ("open", UNDER_SCHEDULE),
        ("freeze", UNDER_SCHEDULE),
        ("at_least", UNDER_ADOPTION),
        ("within", UNDER_ADOPTION),
        ("seen_at_least", UNDER_ADOPTION),
        ("windows", "write it under `versions`"),
        ("macos", "write it under `versions`"),
        ("ring", "write the ring's name as `name`"),
        ("forbid", AT_THE_TOP),
        ("on_new_target", AT_THE_TOP),
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
            doc: "Why, for the person whose plan is refused.",
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
            doc: "Days on which nothing is written. An empty list in a ring lifts the freezes of `defaults`.",
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
    doc: "A repeated span of time in which a ring may be entered. It belongs to the moment it opens, also across midnight and clock changes; a ring is entered only while 15m of it are left.",
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
