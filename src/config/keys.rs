//! The keys of `ringward.yaml`, as the decoder knows them.
//!
//! **Invariant:** a key that stands here is read by the decoder, and no other is.

use crate::config::model::MayRead;
use crate::plan::grammar::{Absent, Bare, Key, Mapping, Takes, ValueKind};
use crate::plan::model::Revisions;
use crate::plan::typed_key::{TypedKey, Word, word_key};

/// One line of text; what it must be is the reader's business.
const LINE: ValueKind = ValueKind {
    name: "text",
    doc: "One line of text.",
    pattern: r"^[^\t\n]*\S[^\t\n]*$",
    most: crate::plan::MAX_TEXT_CHARS,
    bare: Bare::Anything,
    bound: None,
};

/// The most entries of a list.
pub(super) const MOST: usize = 1_000;

const fn value(name: &'static str, absent: &'static str, doc: &'static str, example: &'static str) -> Key {
    Key { name, takes: Takes::Value(&LINE), absent: Absent::Means(absent), doc, example }
}

const fn needed(name: &'static str, doc: &'static str, example: &'static str) -> Key {
    Key { name, takes: Takes::Value(&LINE), absent: Absent::Refused, doc, example }
}

const fn list(name: &'static str, absent: &'static str, doc: &'static str, example: &'static str) -> Key {
    let takes = Takes::Values { item: &LINE, least: 1, most: MOST };
    Key { name, takes, absent: Absent::Means(absent), doc, example }
}

const fn mapping(name: &'static str, of: &'static Mapping, doc: &'static str, example: &'static str) -> Key {
    Key { name, takes: Takes::Keys(of), absent: Absent::Means("there is none"), doc, example }
}

impl Word for MayRead {
    const WORDS: &'static [(&'static str, Self)] = &[("open", Self::Open), ("signed_in", Self::SignedIn)];
}

impl Word for Revisions {
    const WORDS: &'static [(&'static str, Self)] = &[("file", Self::File), ("person", Self::Person)];
}

impl Word for bool {
    const WORDS: &'static [(&'static str, Self)] = &[("true", true), ("false", false)];
}

/// Whose clock is right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Trustee {
    #[default]
    Machine,
}

impl Word for Trustee {
    const WORDS: &'static [(&'static str, Self)] = &[("machine", Self::Machine)];
}

pub(super) const READING: TypedKey<MayRead> =
    word_key("reading", "Who may read over TCP: `open` or `signed_in`.", "reading: signed_in");
pub(super) const REVISIONS: TypedKey<Revisions> = word_key(
    "revisions",
    "Who lets a revision of a plan take effect that does more than restrict: `file`, once it was unchanged for 30 seconds, or `person`, by `ringward confirm`.",
    "revisions: person",
);
pub(super) const READ_ONLY: TypedKey<bool> =
    word_key("read_only", "No verbs over TCP: `true` or `false`.", "read_only: true");
pub(super) const OBSERVE: TypedKey<bool> =
    word_key("observe", "Everything but writes at Cloudflare: `true` or `false`.", "observe: true");
pub(super) const TRUST: TypedKey<Trustee> = word_key("trust", "The word `machine`.", "trust: machine");

pub(super) const CONFIG: Mapping = Mapping {
    of: "the configuration",
    name: "configuration",
    doc: "What a daemon is told beside its plans.",
    keys: &[
        mapping(
            "access",
            &ACCESS,
            "Cloudflare Access in front of ringward.",
            "access: {team: acme, audience: […]}",
        ),
        READING.key(),
        REVISIONS.key(),
        mapping("approval_floor", &FLOOR, "Approvals that no plan may ask less than.", "approval_floor: {…}"),
        mapping("guard", &GUARD, "What no plan may do more of.", "guard: {devices_per_day: 2000}"),
        mapping(
            "clock",
            &CLOCK,
            "A word for this machine's clock, where a proxy in between has the wrong time.",
            "clock: {trust: machine, until: 2026-12-18, reason: …}",
        ),
        value("plans", "--plans must be given", "The directory of plan files.", "plans: plans"),
        value(
            "listen",
            "127.0.0.1:8787",
            "The address of page, API and metrics, or `none`.",
            "listen: 127.0.0.1:8787",
        ),
        list(
            "hosts",
            "none",
            "Names that page, API and metrics may be read under.",
            "hosts: [ringward.example.com]",
        ),
        READ_ONLY.key(),
        OBSERVE.key(),
        value(
            "account",
            "--account must be given",
            "The account's ID.",
            "account: 023e105f4ecef8ad9ca31a8372d0c353",
        ),
        value(
            "token_file",
            "CLOUDFLARE_API_TOKEN",
            "The file that holds the API token.",
            "token_file: /etc/ringward/token",
        ),
        value("ca_file", "this machine's", "PEM certificates to trust.", "ca_file: /etc/ringward/ca.pem"),
    ],
    later: &[],
    elsewhere: &[
        ("api_url", "give --api-url or RINGWARD_API_URL"),
        ("clock", "give --clock or RINGWARD_CLOCK"),
        ("devices_per_day", "write it under `guard`"),
        ("db", "give --db or RINGWARD_DB; this file is looked for beside the database"),
        ("host", "write `hosts`, a list of names"),
        ("requests", "give --requests or RINGWARD_REQUESTS"),
        ("token", "write `token_file`: this file holds no secret"),
        ("plan", "this is no plan; a plan is a file of its own"),
        ("rings", "rings stand in a plan, which is a file of its own"),
    ],
};

pub(super) const ACCESS: Mapping = Mapping {
    of: "`access`",
    name: "access",
    doc: "An application of Cloudflare Access.",
    keys: &[
        needed("team", "NAME of https://NAME.cloudflareaccess.com.", "team: acme"),
        Key {
            name: "audience",
            takes: Takes::Values { item: &LINE, least: 1, most: MOST },
            absent: Absent::Refused,
            doc: "The AUD tags of the applications that lead here.",
            example: "audience: [4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2]",
        },
        value(
            "certs_url",
            "the team's own",
            "Where the team's keys are, for tests.",
            "certs_url: http://127.0.0.1:9000/certs",
        ),
        list(
            "operators",
            "`everyone`",
            "E-mails of those who may ask for verbs, or the word `everyone`.",
            "operators: [ana@example.com]",
        ),
        list(
            "services",
            "none",
            "Client IDs of service tokens that may ask for verbs.",
            "services: [88bf3b6d.access]",
        ),
    ],
    later: &[],
    elsewhere: &[("aud", "write `audience`, a list of AUD tags")],
};

pub(super) const GUARD: Mapping = Mapping {
    of: "`guard`",
    name: "guard",
    doc: "What no plan may do more of.",
    keys: &[needed(
        "devices_per_day",
        "The most devices that entries and restores of all plans may offer something else within 24 hours.",
        "devices_per_day: 2000",
    )],
    later: &[],
    elsewhere: &[],
};

pub(super) const FLOOR: Mapping = Mapping {
    of: "`approval_floor`",
    name: "approval_floor",
    doc: "What every ring needs from so many devices on.",
    keys: &[
        needed("user_group", "The User Group whose members count.", "user_group: Release Approvers"),
        needed("count", "How many of them, from 1 to 255.", "count: 2"),
        needed("over_devices", "Rings of more devices than these.", "over_devices: 1000"),
    ],
    later: &[],
    elsewhere: &[],
};

pub(super) const CLOCK: Mapping = Mapping {
    of: "`clock`",
    name: "clock",
    doc: "That this machine's clock is right whatever Cloudflare's answers say.",
    keys: &[
        TRUST.key(),
        needed("until", "The last day on which that counts, in UTC.", "until: 2026-12-18"),
        needed("reason", "Why, for those who read the status.", "reason: the proxy's clock is wrong"),
    ],
    later: &[],
    elsewhere: &[],
};
