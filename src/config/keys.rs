//! The keys of `ringward.yaml`, as the decoder knows them; `docs/identity.md` tells what they mean.
//!
//! **Invariant:** a key that stands here is read by the decoder, and no other is.

use crate::config::model::MayRead;
use crate::plan::grammar::{Absent, Bare, Key, Mapping, Takes, ValueKind};
use crate::plan::model::Revisions;
use crate::plan::typed_key::WordValue;

/// The most entries of a list.
pub(super) const MOST: usize = 1_000;

/// Nothing is made from what a key of this file means: only its name counts.
const fn key(name: &'static str) -> Key {
    const ANY: ValueKind = ValueKind {
        name: "text",
        doc: "One line of text.",
        pattern: r"^[^\t\n]*\S[^\t\n]*$",
        most: crate::plan::MAX_TEXT_CHARS,
        bare: Bare::Anything,
        bound: None,
    };
    Key { name, takes: Takes::Value(&ANY), absent: Absent::Means(""), doc: "", example: "" }
}

impl WordValue for MayRead {
    const WORDS: &'static [(&'static str, Self)] = &[("open", Self::Open), ("signed_in", Self::SignedIn)];
}

impl WordValue for Revisions {
    const WORDS: &'static [(&'static str, Self)] = &[("file", Self::File), ("person", Self::Person)];
}

impl WordValue for bool {
    const WORDS: &'static [(&'static str, Self)] = &[("true", true), ("false", false)];
}

/// Whose clock is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trustee {
    Machine,
}

impl WordValue for Trustee {
    const WORDS: &'static [(&'static str, Self)] = &[("machine", Self::Machine)];
}

/// What a daemon is told beside its plans.
pub(super) const CONFIG: Mapping = Mapping {
    of: "the configuration",
    name: "configuration",
    doc: "",
    keys: &[
        key("access"),
        key("reading"),
        key("revisions"),
        key("approval_floor"),
        key("guard"),
        key("clock"),
        key("plans"),
        key("listen"),
        key("hosts"),
        key("read_only"),
        key("observe"),
        key("account"),
        key("token_file"),
        key("ca_file"),
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

/// An application of Cloudflare Access.
pub(super) const ACCESS: Mapping = Mapping {
    of: "`access`",
    name: "access",
    doc: "",
    keys: &[key("team"), key("audience"), key("certs_url"), key("operators"), key("services")],
    later: &[],
    elsewhere: &[("aud", "write `audience`, a list of AUD tags")],
};

/// What no plan may do more of.
pub(super) const GUARD: Mapping = Mapping {
    of: "`guard`",
    name: "guard",
    doc: "",
    keys: &[key("devices_per_day")],
    later: &[],
    elsewhere: &[],
};

/// What every ring needs from so many devices on.
pub(super) const FLOOR: Mapping = Mapping {
    of: "`approval_floor`",
    name: "approval_floor",
    doc: "",
    keys: &[key("user_group"), key("count"), key("over_devices")],
    later: &[],
    elsewhere: &[],
};

/// That this machine's clock is right whatever Cloudflare's answers say.
pub(super) const CLOCK: Mapping = Mapping {
    of: "`clock`",
    name: "clock",
    doc: "",
    keys: &[key("trust"), key("until"), key("reason")],
    later: &[],
    elsewhere: &[],
};
