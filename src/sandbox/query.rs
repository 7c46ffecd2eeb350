//! What a request's query asks for.
//!
//! **Invariant:** a parameter that cannot be read is refused, and one that is not known ignored.

use serde_json::{Value, json};

use super::answer::{ApiRefusal, SandboxAnswer};

/// A whole number from 1 to `most` in the query.
pub(super) fn number(
    pairs: &[(String, String)],
    name: &str,
    default: usize,
    most: usize,
) -> Result<usize, ApiRefusal> {
    let Some((_, text)) = pairs.iter().find(|(key, _)| key == name) else { return Ok(default) };
    text.parse()
        .ok()
        .filter(|number| (1..=most).contains(number))
        .ok_or_else(|| ApiRefusal::bad(format!("{name} must be a whole number from 1 to {most}")))
}

pub(super) fn asked<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

pub(super) fn contains(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}

pub(super) fn descends(pairs: &[(String, String)]) -> Result<bool, ApiRefusal> {
    match asked(pairs, "direction") {
        None | Some("asc") => Ok(false),
        Some("desc") => Ok(true),
        Some(_) => Err(ApiRefusal::bad("direction must be asc or desc")),
    }
}

pub(super) fn page(
    entries: Vec<Value>,
    pairs: &[(String, String)],
    (default, most): (usize, usize),
) -> Result<SandboxAnswer, ApiRefusal> {
    let page = number(pairs, "page", 1, usize::MAX)?;
    let per_page = number(pairs, "per_page", default, most)?;
    let total = entries.len();
    let begin = (page - 1).saturating_mul(per_page);
    let shown: Vec<Value> = entries.into_iter().skip(begin).take(per_page).collect();
    let info = json!({ "count": shown.len(), "page": page, "per_page": per_page, "total_count": total });
    Ok(SandboxAnswer::listed(&shown, &info))
}
