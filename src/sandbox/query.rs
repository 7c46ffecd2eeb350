//! What a request's query asks for.
//!
//! **Invariant:** a parameter that cannot be read is refused, and one that is not known ignored.

use serde_json::{Value, json};

use super::answer::{Answered, ApiRefusal, SandboxAnswer};

/// A query's pairs, decoded, in their order.
pub(super) type Pairs = [(String, String)];

/// A whole number from 1 to `most` in the query.
pub(super) fn number(pairs: &Pairs, name: &str, default: usize, most: usize) -> Answered<usize> {
    let Some(text) = asked(pairs, name) else { return Ok(default) };
    text.parse()
        .ok()
        .filter(|number| (1..=most).contains(number))
        .ok_or_else(|| ApiRefusal::bad(format!("{name} must be a whole number from 1 to {most}")))
}

pub(super) fn asked<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// Whether something has the value that is asked for, if one is.
pub(super) fn fits(pairs: &Pairs, name: &str, value: &str) -> bool {
    asked(pairs, name).is_none_or(|asked| asked == value)
}

pub(super) fn contains(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}

pub(super) fn descends(pairs: &Pairs) -> Answered<bool> {
    is_desc("direction", asked(pairs, "direction"))
}

pub(super) fn is_desc(name: &str, said: Option<&str>) -> Answered<bool> {
    match said {
        None | Some("asc") => Ok(false),
        Some("desc") => Ok(true),
        Some(_) => Err(ApiRefusal::bad(format!("{name} must be asc or desc"))),
    }
}

/// Whether a kind of registration is a browser extension's; the other is the client's.
pub(super) fn is_extension(name: &str, said: Option<&str>) -> Answered<bool> {
    match said {
        None | Some("warp") => Ok(false),
        Some("browser_extension") => Ok(true),
        Some(_) => Err(ApiRefusal::bad(format!("{name} must be warp or browser_extension"))),
    }
}

pub(super) fn page(entries: Vec<Value>, pairs: &Pairs, (default, most): (usize, usize)) -> Answered {
    let page = number(pairs, "page", 1, usize::MAX)?;
    let per_page = number(pairs, "per_page", default, most)?;
    let total = entries.len();
    let begin = (page - 1).saturating_mul(per_page);
    let shown: Vec<Value> = entries.into_iter().skip(begin).take(per_page).collect();
    let info = json!({ "count": shown.len(), "page": page, "per_page": per_page, "total_count": total });
    Ok(SandboxAnswer::listed(&shown, &info))
}
