//! The keys of `access.yaml`, as the decoder knows them.
//!
//! **Invariant:** a key that stands here is read by the decoder, and no other is.

use crate::plan::MAX_TEXT_CHARS;
use crate::plan::grammar::{Absent, Bare, Key, Mapping, Takes, ValueKind};

/// One line of text; what it must be is the reader's business.
const LINE: ValueKind = ValueKind {
    name: "text",
    doc: "One line of text.",
    pattern: r"^[^\t\n]*\S[^\t\n]*$",
    most: MAX_TEXT_CHARS,
    bare: Bare::Anything,
    bound: None,
};

/// The most roles of one policy, zones of one place, policies of one group, and groups of a file.
pub(super) const MOST: usize = 500;

const ROLES: Takes = Takes::Values { item: &LINE, least: 1, most: MOST };

/// The whole file.
pub(super) const FILE: Mapping = Mapping {
    of: "an access file",
    name: "access",
    doc: "Which permission policies each User Group has.",
    keys: &[
        Key {
            name: "account",
            takes: Takes::Value(&LINE),
            absent: Absent::Means("any account"),
            doc: "Pins the file to one Cloudflare account.",
            example: "account: 023e105f4ecef8ad9ca31a8372d0c353",
        },
        Key {
            name: "groups",
            takes: Takes::Value(&LINE),
            absent: Absent::Refused,
            doc: "Each User Group by its name, with a list of all its policies.",
            example: "groups: {Release Approvers: [{allow: [Billing], on: account}]}",
        },
    ],
    later: &[],
    elsewhere: &[
        ("allow", "write it in a policy, below a group's name"),
        ("deny", "write it in a policy, below a group's name"),
        ("members", "members are never written; add them in the dashboard or at the identity provider"),
    ],
};

/// One policy.
pub(super) const POLICY: Mapping = Mapping {
    of: "a policy",
    name: "policy",
    doc: "Roles that members have, or are denied, in a place.",
    keys: &[
        Key {
            name: "allow",
            takes: ROLES,
            absent: Absent::Means("`deny` says which roles are taken"),
            doc: "Roles to give.",
            example: "allow: [Cloudflare Zero Trust Read Only]",
        },
        Key {
            name: "deny",
            takes: ROLES,
            absent: Absent::Means("`allow` says which roles are given"),
            doc: "Roles to take.",
            example: "deny: [Billing]",
        },
        Key {
            name: "on",
            takes: Takes::Value(&LINE),
            absent: Absent::Refused,
            doc: "Where: the word `account` for all of it, or some of its zones.",
            example: "on: account",
        },
    ],
    later: &[],
    elsewhere: &[
        ("access", "write the roles below `allow` or `deny`"),
        ("roles", "write the roles below `allow` or `deny`"),
        ("permission_groups", "write the roles by name, below `allow` or `deny`"),
        ("resource_groups", "write the place as `on`"),
        ("zones", "write it below `on`, as in on: {zones: [ID]}"),
    ],
};

/// A place that is not the whole account.
pub(super) const PLACE: Mapping = Mapping {
    of: "a place",
    name: "place",
    doc: "Parts of the account.",
    keys: &[Key {
        name: "zones",
        takes: ROLES,
        absent: Absent::Refused,
        doc: "IDs of zones.",
        example: "zones: [023e105f4ecef8ad9ca31a8372d0c353]",
    }],
    later: &[],
    elsewhere: &[],
};
