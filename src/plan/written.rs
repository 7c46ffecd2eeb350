//! The canonical form of a plan file, which its digest is over.
//!
//! **Invariant:** comments, key order, quoting, indentation and the top-level `description` do
//! not change it; any other value does.
//!
//! It is JSON with keys in byte order and every scalar as a string, exactly the characters that
//! the author wrote after quotes and escapes are read: `soak: 72h` and `soak: "72h"` are the
//! same, `72h` and `3d` are not, and nothing that ringward fills in is part of it.

use serde::{Serialize, Serializer};

use super::tree::{MappingEntry, Node, Value};

/// The canonical tree of a whole file.
pub(super) fn canonical(root: &Node) -> String {
    let written = serde_json::to_string(&Canonical { node: root, is_top: true });
    // Keys are texts and nothing refuses, so nothing can fail; what did would be a text of no other file.
    written.unwrap_or_else(|error| format!("{error} in {root:?}"))
}

struct Canonical<'a> {
    node: &'a Node,
    is_top: bool,
}

// Recursion is bounded by the tree's depth.
impl Serialize for Canonical<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let below = |node| Canonical { node, is_top: false };
        match &self.node.value {
            Value::Scalar { text, .. } => serializer.serialize_str(text),
            // A file with one is refused, so its digest is never taken.
            Value::Refused => serializer.serialize_unit(),
            Value::Sequence(items) => serializer.collect_seq(items.iter().map(below)),
            Value::Mapping(entries) => {
                let is_in = |entry: &&MappingEntry| !(self.is_top && entry.key == "description");
                let mut sorted: Vec<&MappingEntry> = entries.iter().filter(is_in).collect();
                sorted.sort_by_key(|entry| &entry.key);
                serializer.collect_map(sorted.into_iter().map(|entry| (&entry.key, below(&entry.value))))
            }
        }
    }
}
