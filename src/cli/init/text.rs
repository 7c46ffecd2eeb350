//! A starter plan as a commented file.
//!
//! **Invariant:** what came from the account is written through [`scalar`] or, in a comment, [`safe`]. Whatever the text, the
//! written form stays on its line, means the text and nothing else, and shows no character that a reader cannot see.

use crate::cli::init::draft::{DraftProfile, DraftRing, StarterPlan, StarterTarget};
use crate::{
    cli::online::Sizes,
    cli::safe,
    cli::short,
    ids::AccountId,
    plan::model::ProfileRef,
    rollout::record::Group,
    text::{is_hex, is_unseen},
    time::Timestamp,
    version::Environment,
};

/// The plan file.
pub(super) fn file(draft: &StarterPlan, account: &AccountId, groups: &[Group], at: Timestamp) -> String {
    let rings: Vec<String> = draft.rings.iter().map(ring).collect();
    format!(
        include_str!("starter.yaml"),
        at = short(at),
        account = pin(account),
        versions = versions(draft),
        rollback_to = rollback_to(draft),
        existing = existing(draft, groups),
        rings = rings.join("\n"),
        left_out = left_out(draft),
    )
}

fn left_out(draft: &StarterPlan) -> String {
    let lines = draft.left_out.iter();
    let lines: String =
        lines.map(|out| format!("#   {}\n#     {}\n", safe(&out.what), safe(&out.why))).collect();
    if lines.is_empty() { lines } else { format!("\n# In no ring:\n{lines}") }
}

/// An account that is written otherwise than Cloudflare's cannot be pinned.
fn pin(account: &AccountId) -> String {
    let id = account.as_str();
    if is_hex(id, 32) { format!("account: {}\n", scalar(id)) } else { format!("# account: {}\n", safe(id)) }
}

fn versions(draft: &StarterPlan) -> String {
    let one = |environment: Environment| {
        let Some(target) = draft.targets.get(&environment) else {
            return format!("  # {environment}: no device on 2026.6 or newer was seen\n");
        };
        let StarterTarget { version, there, devices, beta, .. } = target;
        let beta = beta.map(|beta| format!("  # {beta} was seen as well; it is a beta\n"));
        let beta = beta.unwrap_or_default();
        format!("  {environment}: {version}  # {there} of {devices} devices run it\n{beta}")
    };
    Environment::ALL.into_iter().map(one).collect()
}

/// The versions to go back to, where the account shows some.
fn rollback_to(draft: &StarterPlan) -> String {
    let (mut shown, mut unseen) = (String::new(), String::new());
    for (environment, target) in &draft.targets {
        match target.earlier {
            Some((version, there)) => {
                shown.push_str(&format!("    {environment}: {version}  # {there} devices run it\n"));
            }
            None => unseen.push_str(&format!("  # {environment}: no device on an earlier one was seen\n")),
        }
    }
    let head = if shown.is_empty() { "" } else { "  rollback_to:\n" };
    format!("{head}{shown}{unseen}\n")
}

/// The groups that are there, and what ringward would do about each.
fn existing(draft: &StarterPlan, groups: &[Group]) -> String {
    if groups.is_empty() {
        return String::new();
    }
    let mut text = "# Deployment groups that the account has already:\n".to_owned();
    for group in groups {
        let versions: Vec<String> = group.content.versions.iter().map(ToString::to_string).collect();
        let offers = if versions.is_empty() { "nothing".to_owned() } else { versions.join(", ") };
        let ring = draft.rings.iter().find(|ring| ring.existing.as_ref() == Some(&group.id));
        let out = draft.left_out.iter().find(|out| out.existing.as_ref() == Some(&group.id));
        let what = match (ring, out) {
            (Some(ring), _) => format!("ring `{}` takes it over", ring.name),
            (None, Some(out)) => format!("ringward leaves it alone: {}", out.why),
            (None, None) => "ringward leaves it alone: it holds no profile that a ring could have".to_owned(),
        };
        let (name, id) = (&group.content.name, group.id.as_str());
        text.push_str(&format!("#   {}: offers {}\n", safe(&format!("{name} ({id})")), safe(&offers)));
        text.push_str(&format!("#     {}\n", safe(&what)));
    }
    text.push('\n');
    text
}

fn ring(ring: &DraftRing) -> String {
    let group = ring.group.as_ref().map(|group| format!("    group: {}\n", scalar(group)));
    let profile = |profile: &DraftProfile| {
        let (written, name) = match &profile.written {
            ProfileRef::Default => ("default".to_owned(), "everybody else: ".to_owned()),
            ProfileRef::Named(name) => (scalar(name), String::new()),
            ProfileRef::Id(id) => (scalar(id.as_str()), format!("{}: ", safe(&profile.name))),
        };
        format!("      - {written}  # {name}{}\n", devices(profile))
    };
    let profiles: String = ring.profiles.iter().map(profile).collect();
    format!("  - name: {}\n{}    profiles:\n{profiles}", scalar(&ring.name), group.unwrap_or_default())
}

/// `windows 46 (2 too old, 3 away), macos 23, 5 on other systems`.
fn devices(profile: &DraftProfile) -> String {
    let one = |(environment, sizes): (&Environment, &Sizes)| {
        let apart = [(sizes.too_old, "too old"), (sizes.away, "away")].into_iter();
        let apart = apart.filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
        let apart: Vec<String> = apart.collect();
        let apart = if apart.is_empty() { String::new() } else { format!(" ({})", apart.join(", ")) };
        format!("{environment} {}{apart}", sizes.devices)
    };
    let mut words: Vec<String> =
        profile.sizes.environments.iter().filter(|(_, sizes)| sizes.devices > 0).map(one).collect();
    if profile.sizes.other > 0 {
        words.push(format!("{} on other systems", profile.sizes.other));
    }
    words.join(", ")
}

/// Words that some reader of YAML takes for something else than text.
const OTHER_MEANING: [&str; 10] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "default"];

/// A text as a YAML value, bare where that is safe and in double quotes elsewhere.
fn scalar(text: &str) -> String {
    let inner = |char: char| char.is_ascii_alphanumeric() || " _-./()".contains(char);
    let bare = text.starts_with(|char: char| char.is_ascii_alphabetic())
        && text.chars().all(inner)
        && !text.ends_with(' ')
        && !OTHER_MEANING.contains(&text.to_ascii_lowercase().as_str());
    if bare { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    let written = |char: char| match (char, u32::from(char)) {
        ('"' | '\\', _) => format!("\\{char}"),
        (unseen, code @ 0x1_0000..) if !is_plain(unseen) => format!("\\U{code:08X}"),
        (unseen, code) if !is_plain(unseen) => format!("\\u{code:04X}"),
        (other, _) => other.to_string(),
    };
    format!("\"{}\"", text.chars().map(written).collect::<String>())
}

/// Whether a reader sees the character as it is.
fn is_plain(char: char) -> bool {
    !char.is_control() && !is_unseen(char)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stay_what_they_are() {
        let rows = [
            ("plain", "Engineering", "Engineering"),
            ("several words", "Sales (EMEA) 2", "Sales (EMEA) 2"),
            ("a keyword", "no", "\"no\""),
            ("a keyword in capitals", "NULL", "\"NULL\""),
            ("a number", "2026", "\"2026\""),
            ("a dash", "- x", "\"- x\""),
            ("a comment", "a #b", "\"a #b\""),
            ("a mapping", "a: b", "\"a: b\""),
            ("quotes", "the \"A\" team's", "\"the \\\"A\\\" team's\""),
            ("a backslash", "a\\nb", "\"a\\\\nb\""),
            ("spaces around", " IT ", "\" IT \""),
            ("emoji", "🚀 Crew", "\"🚀 Crew\""),
            ("a byte order mark", "a\u{feff}b", "\"a\\uFEFFb\""),
            ("reading direction", "a\u{202e}b", "\"a\\u202Eb\""),
            ("a tag character", "a\u{e0041}b", "\"a\\U000E0041b\""),
            ("a line separator", "a\u{2028}b", "\"a\\u2028b\""),
            ("empty", "", "\"\""),
        ];
        for (row, text, expected) in rows {
            assert_eq!(scalar(text), expected, "{row}");
            let read: String = serde_saphyr::from_str(&scalar(text)).unwrap();
            assert_eq!(read, text, "{row}: another reader");
        }
        assert_eq!(safe("a\nb\u{2028}c\u{202e}"), "a b c\u{fffd}");
    }
}
