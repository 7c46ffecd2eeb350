//! Texts that are used as names and were meant otherwise: quotes of print, templates, escapes of HTML, patterns.
//!
//! **Invariant:** what an administrator may really have called something is no error here, unless there is another
//! way to write it.

use crate::plan::Advice;
use crate::plan::characters::{closes_quote, named, opens_quote, quoted, shown};

/// Why a text is no name, and what to write.
pub(super) fn no_name(text: &str) -> Option<(String, Advice)> {
    let trimmed = text.trim();
    if trimmed != text {
        let ends = [text.chars().next(), text.chars().last()];
        let odd = ends.into_iter().flatten().find(|char| char.is_whitespace() && *char != ' ');
        let blank = odd.map_or_else(|| "a blank".to_owned(), named);
        return Some((format!("begins or ends with {blank}"), in_place(trimmed)));
    }
    printed_quote(text).or_else(|| template(text)).or_else(|| html_escape(text)).or_else(|| {
        match text.strip_suffix([',', ';', '，', '；', '、', '،']) {
            Some(rest) if !rest.is_empty() => {
                let problem = "ends with a character that separates, which belongs to it here".to_owned();
                Some((problem, in_place(rest.trim_end())))
            }
            _ => None,
        }
    })
}

/// To write this text.
fn in_place(text: &str) -> Advice {
    Advice::from(format!("write `{text}`")).put(quoted(text))
}

/// What no text has that was written for a plan: quotes of print around it, a template, an escape of HTML.
pub(super) fn misprint(text: &str) -> Option<(String, Advice)> {
    printed_quote(text).or_else(|| template(text)).or_else(|| html_escape(text))
}

/// Quotes of print around a text, or a single one at an end of it; a name may well quote another: `Café “Nord”`.
fn printed_quote(text: &str) -> Option<(String, Advice)> {
    // An apostrophe of print ends a name, `Directors’`, as well as it may begin one: `’s-Hertogenbosch`.
    let opens = text.chars().next().filter(|char| opens_quote(*char));
    let closes = text.chars().last().filter(|char| closes_quote(*char));
    let is_alone = text.chars().filter(|char| opens_quote(*char)).count() == 1;
    let quote = match (opens, closes) {
        (Some(open), Some(_)) if text.chars().nth(1).is_some() => open,
        (Some(quote), _) if is_alone => quote,
        (None, Some(quote)) if is_alone && opens_quote(quote) => quote,
        _ => return None,
    };
    let bare = text.trim_matches(closes_quote).trim();
    let instead = if bare.is_empty() || bare.contains(closes_quote) {
        "write ' or \" around a text, or nothing".into()
    } else {
        in_place(bare).and(", or ' or \" around it")
    };
    Some((
        format!("has a quote that YAML does not know ({}), which belongs to it here", named(quote)),
        instead,
    ))
}

/// What another tool would fill in.
fn template(text: &str) -> Option<(String, Advice)> {
    const MARKS: [&str; 7] = ["{{", "}}", "{%", "${", "$(", "#{", "<%"];
    let word = |text: &str| {
        text.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_')
            && text.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
    };
    let variable = text.strip_prefix('$').is_some_and(word)
        || text.strip_prefix('%').and_then(|text| text.strip_suffix('%')).is_some_and(word);
    let mark = MARKS.into_iter().find(|mark| text.contains(mark));
    let what = match mark {
        Some(mark) => format!("holds `{mark}`: a template that nobody fills in"),
        None if variable => "is a variable that nobody fills in".to_owned(),
        None => format!("holds `{}`: a placeholder that nobody fills in", in_angles(text)?),
    };
    Some((what, "write what is meant, letter by letter".into()))
}

/// A word in angle brackets; `3<5` has none.
fn in_angles(text: &str) -> Option<&str> {
    let at = text.match_indices('<').map(|(at, _)| at).find(|at| {
        let after = text.get(at + 1..).unwrap_or_default();
        after.starts_with(|char: char| char.is_alphabetic() || matches!(char, '/' | '<'))
            && after.contains('>')
    })?;
    let rest = text.get(at..)?;
    rest.get(..=rest.find('>')?)
}

/// `&amp;`, as it stands in the source of a web page.
fn html_escape(text: &str) -> Option<(String, Advice)> {
    const ESCAPES: [(&str, &str); 7] = [
        ("&amp;", "&"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&#39;", "'"),
        ("&nbsp;", " "),
    ];
    let (escape, _) = ESCAPES.iter().find(|(escape, _)| text.contains(escape))?;
    // `&amp;` last: `&amp;lt;` was `&lt;` before.
    let meant =
        ESCAPES.iter().rev().fold(text.to_owned(), |text, (escape, meant)| text.replace(escape, meant));
    let problem = format!("holds `{escape}`, which is how HTML writes it");
    Some((problem, Advice::write([quoted(&meant)])))
}

/// A text that can be used as a name, and probably is none.
pub(super) fn doubtful(text: &str) -> Option<(String, String)> {
    const PLACEHOLDERS: [&str; 8] =
        ["todo", "tbd", "fixme", "changeme", "change-me", "xxx", "xxxx", "placeholder"];
    let odd = text.chars().find(|char| char.is_whitespace() && *char != ' ');
    let lower = text.to_lowercase();
    let around = |open, close| text.starts_with(open) && text.ends_with(close) && text.len() > 1;
    let unfilled = PLACEHOLDERS.contains(&lower.as_str())
        || ["your ", "your-", "your_"].iter().any(|your| lower.starts_with(your))
        || around('{', '}')
        || around('[', ']')
        || text.chars().all(|char| matches!(char, '?' | '.' | '…' | '-' | '_'));
    let (problem, instead) = if let Some(odd) = odd {
        (format!("holds {}", named(odd)), "write a blank, unless exactly this is meant")
    } else if text.contains("  ") {
        ("has a doubled blank".to_owned(), "write one, unless exactly this is meant")
    } else if text.ends_with(['"', '\'']) && text.len() > 1 {
        let problem = "ends with a quote, which belongs to it".to_owned();
        (problem, "write quotes around the whole text, once, or none")
    } else if unfilled {
        ("seems to be a placeholder".to_owned(), "write what is meant")
    } else if text.contains(" //") {
        ("holds `//`, which begins no comment".to_owned(), "begin a comment with a blank and `# `")
    } else if text.contains("%20") {
        ("holds `%20`, which is how addresses write a blank".to_owned(), "write a blank")
    } else {
        return None;
    };
    Some((problem, instead.to_owned()))
}

/// Why a text is no profile, where a list of profiles is meant otherwise.
pub(super) fn no_profile(text: &str) -> Option<(String, String)> {
    const NAME_EACH: &str =
        "name each profile, and `default` for the account's default profile, which all other devices have";
    let lower = text.to_lowercase();
    if matches!(lower.as_str(), "..." | "…" | "etc." | "etc" | "usw." | "and so on") {
        let problem = "is no name: nothing is filled in for it".to_owned();
        return Some((problem, "name each profile".to_owned()));
    }
    if lower == "all" || text.starts_with('*') || text.ends_with('*') {
        return Some(("is a pattern, and there are none here".to_owned(), NAME_EACH.to_owned()));
    }
    if text.starts_with('!') {
        return Some(("is an exclusion, and there are none here".to_owned(), NAME_EACH.to_owned()));
    }
    let separator = text.chars().find(|char| matches!(char, '，' | '、' | '،' | ';' | '；'))?;
    let (name, instead) =
        (shown(separator), "write each profile as an entry of its own, with a comma between");
    Some((format!("holds {name}, which separates nothing"), instead.to_owned()))
}

/// A profile that is read as a name, and may mean something else.
pub(super) fn doubtful_profile(text: &str) -> Option<(&'static str, &'static str)> {
    const DEFAULT: &str = "write `default`, if the account's default profile is meant";
    Some(match text.to_lowercase().as_str() {
        "defaults" | "default profile" | "all devices" | "everyone" | "everybody" => {
            ("is read as the name of a profile", DEFAULT)
        }
        "none" | "null" | "nothing" => {
            ("is read as the name of a profile", "drop the ring, if it has no devices")
        }
        other if other.contains(", ") => {
            ("holds a comma, and is read as one name", "write two entries, if two profiles are meant")
        }
        other if other.split_once('@').is_some_and(|(_, host)| host.contains('.')) => {
            ("is an e-mail address", "write the name of a profile, unless one is really called so")
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_no_name_says_what_it_is() {
        let rows = [
            ("“Pilot”", "LEFT DOUBLE QUOTATION MARK"),
            ("‘default’", "LEFT SINGLE QUOTATION MARK"),
            ("„Pilot“", "DOUBLE LOW-9"),
            ("»Pilot«", "RIGHT-POINTING DOUBLE ANGLE"),
            ("「Pilot」", "LEFT CORNER BRACKET"),
            ("＂Pilot＂", "FULLWIDTH QUOTATION MARK"),
            ("“IT", "LEFT DOUBLE"),
            ("HR”", "RIGHT DOUBLE"),
            ("{{ ring }}", "holds `{{`: a template"),
            ("${GROUP}", "holds `${`: a template"),
            ("$(group)", "holds `$(`: a template"),
            ("{% if x %}", "holds `{%`: a template"),
            ("%RING%", "a variable"),
            ("$GROUP", "a variable"),
            ("<ring name>", "holds `<ring name>`: a placeholder"),
            ("<b>Pilot</b>", "holds `<b>`: a placeholder"),
            ("R&amp;D", "holds `&amp;`"),
            (" Pilot", "begins or ends with a blank"),
            ("Pilot\u{a0}", "NO-BREAK SPACE"),
            ("Pilot,", "separates"),
            ("Pilot;", "separates"),
        ];
        for (text, expected) in rows {
            let (problem, _) = no_name(text).unwrap_or_default();
            assert!(problem.contains(expected), "{text}: {problem}");
        }
        assert_eq!(no_name("R&amp;D").unwrap().1.words, "write 'R&D'");
        assert_eq!(no_name("“Pilot”").unwrap().1.words, "write `Pilot`, or ' or \" around it");
    }

    #[test]
    fn a_name_that_people_really_give_is_one() {
        let names = [
            "R&D",
            "Büro (Köln)",
            "A/B",
            "C#",
            "3<5",
            "Directors’",
            "’s-Hertogenbosch",
            "Marie’s team",
            "Café “Nord”",
            "“Nord” Lisboa",
            "👨\u{200d}👩\u{200d}👧 IT",
            "می\u{200c}خواهم",
            "צוות 1",
            "100% remote",
            "$5 club",
            "IT, HR",
            "営業部",
            "AT&T; Lisbon",
        ];
        for name in names {
            assert_eq!(no_name(name), None, "{name}");
            assert_eq!(doubtful(name), None, "{name}");
        }
    }

    #[test]
    fn there_are_no_patterns_of_profiles() {
        let rows = [
            ("...", "is no name"),
            ("…", "is no name"),
            ("etc.", "is no name"),
            ("*", "a pattern"),
            ("All", "a pattern"),
            ("Floor*", "a pattern"),
            ("!HR", "an exclusion"),
            ("IT，HR", "FULLWIDTH COMMA"),
            ("IT、HR", "IDEOGRAPHIC COMMA"),
            ("IT; HR", "`;`"),
        ];
        for (text, expected) in rows {
            let (problem, _) = no_profile(text).unwrap_or_default();
            assert!(problem.contains(expected), "{text}: {problem}");
        }
        assert_eq!(no_profile("All hands"), None);
    }
}
