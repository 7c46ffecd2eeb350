//! The canonical form of a plan file, which its digest is over.
//!
//! **Invariant:** comments, key order, quoting, indentation and the top-level `description` do
//! not change it; any other value does.
//!
//! It is JSON with keys in byte order and every scalar as a string, exactly the characters that
//! the author wrote after quotes and escapes are read: `soak: 72h` and `soak: "72h"` are the
//! same, `72h` and `3d` are not, and nothing that ringward fills in is part of it.

use super::tree::{Node, Value};

/// The canonical tree of a whole file.
pub(super) fn canonical(root: &Node) -> String {
    let mut out = String::new();
    write(root, true, &mut out);
    out
}

// Recursion is bounded by the tree's depth.
fn write(node: &Node, is_top: bool, out: &mut String) {
    match &node.value {
        Value::Scalar { text, .. } => push_text(text, out),
        // A file with one is refused, so its digest is never taken.
        Value::Refused => out.push_str("null"),
        Value::Sequence(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, false, out);
            }
            out.push(']');
        }
        Value::Mapping(entries) => {
            let left_out = |key: &str| is_top && key == "description";
            let mut sorted: Vec<_> = entries.iter().filter(|entry| !left_out(&entry.key)).collect();
            sorted.sort_by(|a, b| a.key.cmp(&b.key));
            out.push('{');
            for (index, entry) in sorted.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                push_text(&entry.key, out);
                out.push(':');
                write(&entry.value, false, out);
            }
            out.push('}');
        }
    }
}

fn push_text(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}
