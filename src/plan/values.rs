//! The small values of a plan: versions, ranges, shares, profiles, lengths of time, names.
//!
//! **Invariant:** each reader notes exactly one problem for a value that it refuses.

use std::{num::NonZeroU32, str::FromStr};

use jiff::civil::Date;

use crate::ids::{AccountId, Email, PlanName, PolicyId, UserGroupName};
use crate::plan::fields::{is_digits, warn_of_comment};
use crate::plan::misprints::{doubtful_profile, misprint, no_profile};
use crate::plan::model::{Percent, ProfileRef};
use crate::plan::names::{self, name, name_or};
use crate::plan::{Advice, Node, Problems, guess, text};
use crate::text::is_hex;
use crate::{time::Span, version::ClientVersion};

/// A line of text.
pub(crate) fn owned_text(node: &Node, what: &str, problems: &mut Problems) -> Option<String> {
    text(node, what, problems).map(str::to_owned)
}

/// Why something is so: a sentence, and no name.
pub(super) fn reason(node: &Node, what: &str, problems: &mut Problems) -> Option<String> {
    let text = text(node, what, problems)?;
    warn_of_comment(node, text, problems);
    Some(text.to_owned())
}

/// A text that is used as a name.
pub(super) fn owned_name(node: &Node, what: &str, problems: &mut Problems) -> Option<String> {
    name(node, what, problems).map(str::to_owned)
}

/// Reads a text with a reader that says what is wrong with it, and what would be right.
pub(crate) fn read<T, A: Into<Advice>>(
    node: &Node,
    what: &str,
    problems: &mut Problems,
    reader: impl FnOnce(&str) -> Result<T, (String, A)>,
) -> Option<T> {
    let text = text(node, what, problems)?;
    match reader(text) {
        Ok(value) => Some(value),
        Err(unread) => {
            let (problem, instead) = match misprint(text) {
                Some((problem, instead)) => (format!("{what} {problem}"), instead),
                None => (unread.0, unread.1.into()),
            };
            problems.wrong(&node.at, problem, instead);
            None
        }
    }
}

/// A day of the calendar, `2026-12-18`; jiff alone would also read a date with a time.
pub(crate) fn date(node: &Node, what: &str, problems: &mut Problems) -> Option<Date> {
    read(node, what, problems, |text| {
        let shape: Vec<usize> = text.split('-').map(str::len).collect();
        text.parse().ok().filter(|_| shape == [4, 2, 2]).ok_or_else(|| {
            let instead = match guess::dates(text, what == "`until`") {
                dates if dates.is_empty() => {
                    "write year, month and day of a day that exists, such as 2026-12-18".into()
                }
                dates => Advice::write(dates),
            };
            (format!("{what} is not a date"), instead)
        })
    })
}

/// A plan's name: lower case, digits, `-`.
pub(super) fn plan_name(node: &Node, problems: &mut Problems) -> Option<PlanName> {
    read(node, "the plan's name", problems, |text| {
        let letters = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        // A leading `-` would be taken for an option on the command line.
        let plain = letters && !text.starts_with('-');
        PlanName::new(text).ok().filter(|_| plain).ok_or_else(|| {
            let instead = "write lower-case letters, digits and `-`, such as cloudflare-one-client";
            ("not a plan name".to_owned(), instead.to_owned())
        })
    })
}

/// An account ID: 32 hexadecimal digits, kept in lower case.
pub(crate) fn account(node: &Node, problems: &mut Problems) -> Option<AccountId> {
    read(node, "`account`", problems, |text| {
        let id = text.to_ascii_lowercase();
        AccountId::new(&*id).ok().filter(|_| is_hex(&id, 32)).ok_or_else(|| {
            let instead = "write its 32 digits 0-9 and a-f, as the dashboard's address shows them";
            ("not an account ID".to_owned(), instead.to_owned())
        })
    })
}

/// A target version, by itself fit to be a target: four numbers, spelt out, 2026.6 or newer.
pub(super) fn target(node: &Node, problems: &mut Problems) -> Option<ClientVersion> {
    read(node, "a version", problems, |text| {
        let version: ClientVersion = text.parse().map_err(|_| {
            let instead = match guess::version(text) {
                Some(version) => Advice::write([version])
                    .and("; the last of its four numbers is 0 for a release, 1 for a beta"),
                None => "write its four numbers, such as 2026.8.2100.0".into(),
            };
            ("not a client version".to_owned(), instead)
        })?;
        let full = version.to_string();
        if full != text {
            return Err(("a version with a short year".to_owned(), Advice::write([full])));
        }
        if !version.follows_assignments() {
            let problem = "this version ignores assignments, so devices on it could never be moved again";
            return Err((problem.to_owned(), "write 2026.6.0.0 or newer".into()));
        }
        if !version.may_exist() {
            let problem = "no client can have this version: its second number is a month, its first the year";
            return Err((
                problem.to_owned(),
                "write it as the release notes do, such as 2026.8.2100.0".into(),
            ));
        }
        Ok(version)
    })
}

/// A share such as `90%` or `99.5%`, above zero; `zero` says what 0% would do.
pub(super) fn share(node: &Node, what: &str, zero: &str, problems: &mut Problems) -> Option<Percent> {
    read(node, what, problems, |text| {
        let share = percent(text).map_err(|instead| (format!("{what} cannot be read"), instead))?;
        if share == Percent::whole(0) {
            let problem = format!("{what} of 0% would {zero}");
            return Err((problem, "write at least 0.1%".into()));
        }
        Ok(share)
    })
}

/// Tenths of a percent exactly; the error says what would be right.
fn percent(text: &str) -> Result<Percent, Advice> {
    let instead = || match guess::percents(text) {
        none if none.is_empty() => {
            "write a percentage from 0.1% to 100%, with one decimal at most, such as 90% or 99.5%".into()
        }
        shares => Advice::write(shares),
    };
    let number = text.strip_suffix('%').ok_or_else(instead)?.trim_end();
    let (whole, tenth) = number.split_once('.').unwrap_or((number, "0"));
    if !is_digits(whole) || !is_digits(tenth) || tenth.len() != 1 {
        return Err(instead());
    }
    let tenths = whole
        .parse::<u16>()
        .ok()
        .and_then(|whole| whole.checked_mul(10)?.checked_add(tenth.parse().ok()?))
        .and_then(Percent::from_tenths);
    tenths.ok_or_else(instead)
}

/// A length of time of at least `least`; `why` says what a shorter one would break.
pub(super) fn span(node: &Node, what: &str, least: Span, why: &str, problems: &mut Problems) -> Option<Span> {
    const INSTEAD: &str =
        "write whole numbers with w, d, h, m or s, such as 72h, 7d or 1h 30m (at most 366d)";
    read(node, what, problems, |text| {
        let span: Span = text.parse().map_err(|_| {
            let instead = match guess::spans(text) {
                none if none.is_empty() => INSTEAD.into(),
                spans => Advice::write(spans),
            };
            (format!("{what} cannot be read"), instead)
        })?;
        if span < least {
            return Err((format!("{what} is too short: {why}"), format!("write at least {least}").into()));
        }
        Ok(span)
    })
}

/// A whole number of `things`, in digits alone, from 1 to `most`.
pub(super) fn count(
    node: &Node,
    what: &str,
    things: &str,
    most: u32,
    problems: &mut Problems,
) -> Option<NonZeroU32> {
    let fits = |count: &NonZeroU32| count.get() <= most;
    whole(node, what, &format!("of {things}, from 1 to {most}"), fits, problems)
}

/// A whole number in digits alone, one that `fits`; `range` says which do.
pub(crate) fn whole<T: FromStr>(
    node: &Node,
    what: &str,
    range: &str,
    fits: impl FnOnce(&T) -> bool,
    problems: &mut Problems,
) -> Option<T> {
    read(node, what, problems, |text| {
        let number = text.parse().ok().filter(|number| is_digits(text) && fits(number));
        number.ok_or_else(|| (format!("{what} cannot be read"), format!("write a whole number {range}")))
    })
}

/// The name of a User Group.
pub(super) fn user_group(node: &Node, what: &str, problems: &mut Problems) -> Option<UserGroupName> {
    let group = UserGroupName::new(name(node, what, problems)?);
    if group.is_err() {
        let instead = "write the group's name as Cloudflare shows it";
        problems.wrong(&node.at, format!("{what} cannot be read"), instead);
    }
    group.ok()
}

/// A person's e-mail address.
pub(super) fn email(node: &Node, what: &str, problems: &mut Problems) -> Option<Email> {
    read(node, what, problems, |text| {
        let instead = "write it as ana@example.com".to_owned();
        text.parse().map_err(|_| (format!("{what} is no e-mail address"), instead))
    })
}

/// A profile: the reserved word `default`, a policy ID, or a name.
pub(super) fn profile(node: &Node, problems: &mut Problems) -> Option<ProfileRef> {
    const REALLY: &str = "; of a profile that is really called so, write the policy ID";
    let text = name_or(node, "a profile", REALLY, problems)?;
    if text == "default" {
        return Some(ProfileRef::Default);
    }
    let odd = if names::key(text) == "default" {
        // The dashboard shows the default profile as `Default`, so this is nearly always meant.
        let difference = names::difference(text, "default").unwrap_or_default();
        let instead = "write `default` for the account's default profile".to_owned();
        Some((format!("differs from `default` only in {difference}"), instead))
    } else {
        no_profile(text)
    };
    if let Some((problem, instead)) = odd {
        problems.wrong(&node.at, format!("this profile {problem}"), format!("{instead}{REALLY}"));
        return None;
    }
    if is_uuid(text) {
        // Cloudflare writes policy IDs in lower case.
        return PolicyId::new(text.to_ascii_lowercase()).ok().map(ProfileRef::Id);
    }
    if let Some((problem, instead)) = doubtful_profile(text) {
        problems.warn(&node.at, format!("this profile {problem}"), instead, None);
    }
    Some(ProfileRef::Named(text.to_owned()))
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.concat().bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_exactly() {
        let rows = [
            ("90%", Ok("90%")),
            ("99.5%", Ok("99.5%")),
            ("100%", Ok("100%")),
            ("100.0 %", Ok("100%")),
            ("0.1%", Ok("0.1%")),
            ("100.1%", Err("from 0.1% to 100%")),
            ("99.55%", Err("one decimal at most")),
            ("0.05%", Err("from 0.1% to 100%")),
            ("-1%", Err("from 0.1% to 100%")),
            ("70000%", Err("from 0.1% to 100%")),
            ("%", Err("from 0.1% to 100%")),
            ("90", Err("write 90%")),
            ("1", Err("write 1% or 100%")),
            ("0.9", Err("write 0.9% or 90%")),
            ("0.955", Err("write 95.5%")),
            ("NaN", Err("from 0.1% to 100%")),
            ("most", Err("from 0.1% to 100%")),
        ];
        for (text, expected) in rows {
            match (percent(text), expected) {
                (Ok(share), Ok(shown)) => assert_eq!(share.to_string(), shown, "{text}"),
                (Err(instead), Err(part)) => assert!(instead.words.contains(part), "{text}: {instead:?}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }

    #[test]
    fn a_uuid_is_told_from_a_name() {
        assert!(is_uuid("f174e90a-fafe-4643-bbbc-4a0ed4fc8415"));
        assert!(!is_uuid("f174e90a-fafe-4643-bbbc-4a0ed4fc841"));
        assert!(!is_uuid("f174e90afafe4643bbbc4a0ed4fc8415"));
        assert!(!is_uuid("g174e90a-fafe-4643-bbbc-4a0ed4fc8415"));
        assert!(!is_uuid("Engineering"));
    }
}
