//! Ranges of versions as a plan file writes them, and which builds they cover.
//!
//! **Invariant:** a range that is taken covers a build that may be assigned and not all of them, has one meaning to
//! whoever reads it, and all of its comparisons together bound one stretch of builds.

use semver::{Comparator, Op, VersionReq};

use crate::plan::{Advice, Node, Problems, model::AllowDowngrade, text, values::read};
use crate::version::ClientVersion;

/// Year, month and build.
type Build = [u64; 3];

const EXAMPLE: &str = "such as '>=2026.7.1343, <2026.7.1376' or '=2026.7.1343'";
/// The first build that may be assigned, of [`ClientVersion::FIRST_ASSIGNABLE`].
const FIRST: Build = [2026, 6, 0];
/// Years that a version may begin with.
const YEARS: std::ops::Range<u64> = 2000..2100;

/// A stretch of builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    /// The first of them.
    from: Build,
    /// The first after them; `None`: it has no end.
    until: Option<Build>,
}

/// A range of versions, over the first three numbers.
pub(super) fn range(node: &Node, what: &str, problems: &mut Problems) -> Option<VersionReq> {
    read(node, "a range of versions", problems, |text| {
        let range = VersionReq::parse(text)
            .map_err(|error| (format!("not a range of versions ({error})"), Advice::from(comparisons())))?;
        let written: Vec<&str> = text.split(',').map(str::trim).collect();
        if range.comparators.iter().any(has_short_year) {
            let full =
                range.comparators.iter().zip(&written).map(|(one, written)| with_century(one, written));
            let full = full.collect::<Vec<_>>().join(", ");
            return Err(("a version with a short year".to_owned(), Advice::write([format!("'{full}'")])));
        }
        let refused =
            range.comparators.iter().zip(&written).find_map(|(one, written)| not_plain(one, written));
        if let Some((problem, advice)) = refused {
            // A text for one of several would stand in place of all.
            let words = |advice: Advice| advice.words.into();
            return Err((problem, if written.len() == 1 { advice } else { words(advice) }));
        }
        // `*` has no comparator.
        match Stretch::of(&range) {
            Some(Stretch { from: FIRST, until: None }) => {
                let problem = format!("{what} would cover every build that can be assigned");
                Err((problem, format!("write the builds that are meant, {EXAMPLE}").into()))
            }
            Some(_) => Ok(range),
            None => Err(nothing(&range, what)),
        }
    })
}

/// Which devices may go down: a range of what they run, `true` for all, `false` for none.
pub(super) fn allow_downgrade(node: &Node, what: &str, problems: &mut Problems) -> Option<AllowDowngrade> {
    match text(node, what, problems)?.trim() {
        "true" => Some(AllowDowngrade::Any),
        "false" => Some(AllowDowngrade::Nothing),
        _ => range(node, what, problems).map(AllowDowngrade::From),
    }
}

fn comparisons() -> String {
    format!("write comparisons over the first three numbers, {EXAMPLE}")
}

/// What a range that may be refused forbids: all that it covers, and of builds joined by a comma each.
pub(super) fn meant(text: &str) -> Vec<VersionReq> {
    let Ok(range) = VersionReq::parse(text) else { return Vec::new() };
    let exact = |(comparator, written): (&Comparator, &str)| {
        let is_bare = comparator.op == Op::Caret && !written.trim_start().starts_with('^');
        let op = if is_bare { Op::Exact } else { comparator.op };
        let major = comparator.major + if has_short_year(comparator) { 2_000 } else { 0 };
        Comparator { op, major, ..comparator.clone() }
    };
    let comparators: Vec<Comparator> = range.comparators.iter().zip(text.split(',')).map(exact).collect();
    let builds = comparators.iter().filter(|comparator| comparator.op == Op::Exact);
    let builds: Vec<VersionReq> = builds.map(|one| VersionReq { comparators: vec![one.clone()] }).collect();
    if comparators.len() > 1 && !builds.is_empty() {
        return builds;
    }
    vec![VersionReq { comparators }]
}

const fn has_short_year(comparator: &Comparator) -> bool {
    matches!(comparator.major, 20..100)
}

/// A comparison with its year in full.
fn with_century(comparator: &Comparator, written: &str) -> String {
    let at = written.find(|char: char| char.is_ascii_digit()).unwrap_or(0);
    let (comparison, version) = written.split_at(at);
    let century = if has_short_year(comparator) { "20" } else { "" };
    format!("{comparison}{century}{version}")
}

/// What in a comparison does not mean what it seems to.
fn not_plain(comparator: &Comparator, written: &str) -> Option<(String, Advice)> {
    let Comparator { op, major, minor, patch, pre } = comparator;
    let refused = |problem: &str, advice: Advice| Some((format!("`{written}`: {problem}"), advice));
    if written.contains('+') || !pre.is_empty() {
        let (first, second) = written.split_once(['-', '+']).unwrap_or((written, ""));
        if second.split('.').count() == 3 {
            return refused(
                "a dash makes no range",
                both_ends(first.trim_start_matches(['=', '<', '>']), second),
            );
        }
        return refused("a build has no name behind its number", comparisons().into());
    }
    // Cargo's reading of a bare version is "this or newer", a surprise in a list of builds.
    if *op == Op::Caret && !written.starts_with('^') {
        return refused(
            "a version without a comparison, which would mean the rest of the year too",
            comparisons().into(),
        );
    }
    match op {
        Op::Exact | Op::Greater | Op::GreaterEq | Op::Less | Op::LessEq => {}
        Op::Tilde if minor.is_some() => {
            return refused("this would be the rest of the month, which not all know", comparisons().into());
        }
        Op::Caret if minor.is_some() => {
            return refused("this would be the rest of the year, which not all know", comparisons().into());
        }
        _ => return refused("a range is written with comparisons alone", comparisons().into()),
    }
    if !YEARS.contains(major) {
        let problem = "a version begins with its year, so this compares years";
        return refused(problem, comparisons().into());
    }
    if patch.is_some_and(|build| u32::try_from(build).is_err()) {
        return refused("no build has so high a number", comparisons().into());
    }
    if minor.is_some_and(|month| month > 12) {
        return refused("the second number of a version is a month, from 1 to 12", comparisons().into());
    }
    None
}

fn both_ends(from: &str, to: &str) -> Advice {
    let (from, to) = (from.trim(), to.trim());
    Advice::write([format!("'>={from}, <={to}'"), format!("'>={from}, <{to}'")])
}

/// Why no build is covered, and what would cover those that are meant.
fn nothing(range: &VersionReq, what: &str) -> (String, Advice) {
    let comparators = &range.comparators;
    let problem = format!("{what} would cover no build that can be assigned");
    let exact = comparators.iter().filter(|comparator| comparator.op == Op::Exact).count();
    if exact > 0 && comparators.len() > 1 {
        let entries: Vec<String> = comparators.iter().map(|one| format!("- versions: '{one}'")).collect();
        let why = format!("{problem}: a comma means `and`");
        return (why, format!("write an entry for each: {}", entries.join(" and ")).into());
    }
    if let [one, other] = comparators.as_slice()
        && Stretch::of_comparators(std::slice::from_ref(one)).is_some()
        && Stretch::of_comparators(std::slice::from_ref(other)).is_some()
    {
        let (above, below) = if is_lower_bound(one) { (one, other) } else { (other, one) };
        let turned = |comparator: &Comparator, op| Comparator { op, ..comparator.clone() };
        // The smaller number becomes the lower bound.
        let (low, high) = (turned(below, above.op), turned(above, below.op));
        let between = format!("'{low}, {high}'");
        // `<2026.7` beside a build is a month that was meant to end there, and no bound in the wrong place.
        let alike = one.patch.is_some() == other.patch.is_some();
        if !alike || Stretch::of_comparators(&[low, high]).is_none() {
            let why = format!("{problem}: none lies between its bounds");
            return (why, comparisons().into());
        }
        let why = format!("{problem}: its bounds are upside down");
        return (why, format!(
            "write {between} for what lies between, or an entry for each: - versions: '{below}' and - versions: '{above}'"
        ).into());
    }
    let first = ClientVersion::FIRST_ASSIGNABLE;
    (problem, format!("write builds of {first} or newer, {EXAMPLE}").into())
}

const fn is_lower_bound(comparator: &Comparator) -> bool {
    matches!(comparator.op, Op::Greater | Op::GreaterEq)
}

impl Stretch {
    /// The builds that may be assigned and that a range covers; `None`: there is none.
    pub(super) fn of(range: &VersionReq) -> Option<Self> {
        Self::of_comparators(&range.comparators)
    }

    fn of_comparators(comparators: &[Comparator]) -> Option<Self> {
        let mut stretch = Self { from: FIRST, until: None };
        for Comparator { op, major, minor, patch, .. } in comparators {
            let first = [*major, minor.unwrap_or(0), patch.unwrap_or(0)];
            // The first build after those that have the numbers which are written.
            let after = match (minor, patch) {
                (None, _) => [major.saturating_add(1), 0, 0],
                (Some(minor), None) => [*major, minor.saturating_add(1), 0],
                (Some(minor), Some(patch)) => [*major, *minor, patch.saturating_add(1)],
            };
            match op {
                Op::Exact => {
                    stretch.begin(first);
                    stretch.end(after);
                }
                Op::GreaterEq => stretch.begin(first),
                Op::Greater => stretch.begin(after),
                Op::Less => stretch.end(first),
                Op::LessEq => stretch.end(after),
                // Of old logs: they are never refused, and may cover anything.
                _ => {}
            }
        }
        stretch.until.is_none_or(|until| stretch.from < until).then_some(stretch)
    }

    fn begin(&mut self, build: Build) {
        self.from = self.from.max(a_month(build));
    }

    fn end(&mut self, build: Build) {
        let build = a_month(build);
        self.until = Some(self.until.map_or(build, |until| until.min(build)));
    }

    /// Whether a build newer than a version's is among them.
    pub(super) fn reaches_above(self, version: ClientVersion) -> bool {
        let semver::Version { major, minor, patch, .. } = version.as_semver();
        let next = [major, minor, patch + 1];
        self.until.is_none_or(|until| next.max(self.from) < until)
    }
}

/// The same bound, in a month that there is.
const fn a_month(build: Build) -> Build {
    match build {
        [year, 0, _] => [year, 1, 0],
        [year, month, _] if month > 12 => [year.saturating_add(1), 1, 0],
        build => build,
    }
}

#[cfg(test)]
mod tests {
    use crate::plan;

    /// What is said of a range in `forbid`: the problem and what would be right; `None`: it is taken.
    fn told(range: &str) -> Option<(String, String)> {
        let text = format!(
            "plan: p\nversions: {{windows: 2026.9.1.0}}\nforbid: [{{versions: '{range}', reason: x}}]\nrings: [{{name: A, profiles: [B]}}]\n"
        );
        let errors = plan::read("p.yaml", text.as_bytes()).err()?;
        assert_eq!(errors.len(), 1, "{range}: {errors:?}");
        Some((errors[0].problem.clone(), errors[0].instead.clone()))
    }

    /// Of what is refused in haste, the no counts.
    #[test]
    fn what_a_refused_range_forbids_is_known() {
        let rows = [
            ("=2026.7.1343, =2026.7.1350", "=2026.7.1343 =2026.7.1350"),
            ("2026.7.1343", "=2026.7.1343"),
            ("=26.7.1343", "=2026.7.1343"),
            ("2026.8.*", "2026.8.*"),
            ("~2026.8.2100", "~2026.8.2100"),
            ("*", "*"),
            (">=2026.6.0", ">=2026.6.0"),
            ("the July build", ""),
        ];
        for (text, expected) in rows {
            let found: Vec<String> = super::meant(text).iter().map(ToString::to_string).collect();
            assert_eq!(found.join(" "), expected, "{text}");
        }
    }

    #[test]
    fn a_range_covers_what_it_seems_to() {
        for range in [
            "=2026.7.1343",
            ">=2026.7.1343, <2026.7.1376",
            "<2026.8",
            ">2026.8.2033",
            "=2026.7",
            ">=2026.12.1, <2027",
            ">=2026.6.0, <=2026.6.822",
        ] {
            assert_eq!(told(range), None, "{range}");
        }
        // (row, the range, a part of the problem, a part of what would be right)
        let rows = [
            (
                "two builds",
                "=2026.7.1343, =2026.7.1350",
                "a comma means `and`",
                "- versions: '=2026.7.1343' and - versions: '=2026.7.1350'",
            ),
            (
                "a range and a build",
                ">=2026.7.1, =2026.6.1",
                "a comma means `and`",
                "- versions: '>=2026.7.1'",
            ),
            ("short years", ">=26.7.1343, <26.7.1376", "a short year", "'>=2026.7.1343, <2026.7.1376'"),
            (
                "upside down",
                ">=2026.7.1376, <2026.7.1343",
                "upside down",
                "'>=2026.7.1343, <2026.7.1376' for what lies between",
            ),
            ("without its own bound", ">2026.7.1343, <2026.7.1343", "none lies between", "such as"),
            ("between neighbours", ">2026.7.1343, <2026.7.1344", "no build", ""),
            ("a beta", "=2026.7.1343-beta", "no name behind", "such as"),
            (
                "a dash",
                "=2026.7.1343-2026.7.1376",
                "a dash makes no range",
                "'>=2026.7.1343, <=2026.7.1376' or",
            ),
            ("a build number", "=1343", "begins with its year", "such as"),
            ("a build number that may be a year", "<=2150", "begins with its year", "such as"),
            ("a long number", "<=2026.7.18446744073709551615", "so high a number", "such as"),
            ("a month", "=2026.13.5", "a month", "such as"),
            ("too old", "=2025.7.1343", "no build", "2026.6.0.0 or newer"),
            ("up to an upper bound of a month", ">=2026.7.1343, <2026.7", "none lies between", "such as"),
            ("everything", ">=0.0.0", "begins with its year", "such as"),
            ("everything since", ">=2026.6.0", "every build", "such as"),
            ("all", "*", "every build", "such as"),
            ("a wildcard", "2026.7.*", "comparisons alone", "such as"),
            ("a tilde", "~2026.7.1343", "the rest of the month", "such as"),
            ("a tilde in December", "~2026.12.5", "the rest of the month", "such as"),
            ("a caret", "^2026.7.1343", "the rest of the year", "such as"),
            ("bare", "2026.7.1343", "without a comparison", "such as"),
            ("words", "the July build", "not a range", "such as"),
        ];
        for (row, range, problem, instead) in rows {
            let Some((found, remedy)) = told(range) else { panic!("{row}: {range} is taken") };
            assert!(found.contains(problem) && remedy.contains(instead), "{row}: {found}; {remedy}");
        }
    }
}
