//! A plan file that was read and judged by itself; the other files of its directory may still object.
//!
//! It depends on nothing but the file's bytes, so it can be made on any thread and kept for as long as
//! they are the same.
//!
//! **Invariant:** nothing of a file that has no `plan` key is shown by anything that is made from it.

use std::collections::BTreeSet;
use std::{fmt, ops::Range, sync::Arc};

use super::model::{PlanDigest, Revision};
use super::slips::Slips;
use super::tree::{self, Node, PLAN_FILE, Value};
use super::{PlanError, coming, compared, decode, written};
use super::{change::Restrictions, error::Problems, good_file::GoodFile, places::Text};
use crate::time::Timestamp;

/// A plan file, read.
#[derive(Clone)]
pub struct Draft {
    bytes: Arc<[u8]>,
    /// What is wrong with it.
    pub(super) problems: Problems,
    /// `None` after a syntax error.
    pub(super) root: Option<Node>,
    /// `None` where anything is wrong.
    revision: Option<Arc<Revision>>,
    /// What the calendar said when it was read.
    calendar: Option<Arc<Calendar>>,
}

/// A draft judged by the calendar.
#[derive(Clone)]
struct Calendar {
    /// All that is to be known of it, warnings of the calendar included.
    problems: Problems,
    /// Rings that never open.
    closed: Problems,
}

impl Draft {
    /// Reads a file.
    pub fn read(bytes: &[u8]) -> Self {
        let mut problems = Problems::default();
        let (text, root) = tree::read_bytes(bytes, &PLAN_FILE, &mut problems);
        let plan = root.as_ref().and_then(|root| decode::plan(root, &mut problems));
        if let Some(root) = &root
            && !problems.is_empty()
        {
            explain(root, text.text, &mut problems);
        }
        let revision = match (&root, plan) {
            (Some(root), Some(plan)) if problems.is_empty() => {
                compared::judge(root, &plan, &mut problems);
                let written = written::canonical(root);
                Some(Arc::new(Revision { digest: PlanDigest::of_written(&written), written, plan }))
            }
            _ => None,
        };
        Self { bytes: bytes.into(), problems, root, revision, calendar: None }
    }

    /// Reads a file and judges it by the calendar at once, for whoever compares it later and has no time for that:
    /// a file may ask for a lot of searching.
    pub fn read_at(bytes: &[u8], now: Timestamp) -> Self {
        let draft = Self::read(bytes);
        let calendar = draft.calendar(now).map(Arc::new);
        Self { calendar, ..draft }
    }

    fn calendar(&self, now: Timestamp) -> Option<Calendar> {
        let (root, revision) = self.root.as_ref().zip(self.revision.as_ref())?;
        let mut problems = self.problems.clone();
        let closed = coming::judge(root, &revision.plan, now, &mut problems);
        Some(Calendar { problems, closed })
    }

    /// What it was read from.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether it means to be a plan: it has a key `plan`, or, where it is no YAML, a line that begins
    /// with one; or one that was copied, with the quote mark of a mail before it, say. Of any other file nothing may be shown, for it may be anybody's secret.
    pub fn names_a_plan(&self) -> bool {
        match &self.root {
            Some(root) if root.get("plan").is_some() => true,
            Some(_) => has_copied_plan_line(&self.bytes),
            None => has_plan_line(&self.bytes) || has_copied_plan_line(&self.bytes),
        }
    }

    /// The text that its places are of.
    pub(super) fn text(&self) -> Text<'_> {
        tree::text_of(&self.bytes, &PLAN_FILE, &mut Problems::default())
    }

    /// What of it may restrict a plan that runs, where it has errors.
    pub(super) fn restrictions(&self, objections: &Problems) -> Restrictions {
        let broken = self.root.as_ref().filter(|_| self.revision.is_none() || !objections.is_empty());
        broken.map(decode::restrictions).unwrap_or_default()
    }

    /// The plan, or all that is wrong with the file, what other files object included. One that was judged by the
    /// calendar when it was read is not judged again: it did not change.
    pub(super) fn finish(
        &self,
        file: &str,
        objections: Problems,
        now: Option<Timestamp>,
    ) -> Result<GoodFile, Vec<PlanError>> {
        match &self.revision {
            Some(revision) if objections.is_empty() => {
                let text = self.text();
                let known = self.calendar.as_deref().filter(|_| now.is_some()).cloned();
                let calendar = known.or_else(|| self.calendar(now?));
                let (problems, closed) = match calendar {
                    Some(Calendar { problems, closed }) => (problems, closed),
                    None => (self.problems.clone(), Problems::default()),
                };
                let problems = problems.and(objections);
                Ok(GoodFile {
                    forbidden: revision.plan.forbidden_targets().collect(),
                    revision: Revision::clone(revision),
                    closed: closed.into_errors(file, &text),
                    warnings: problems.into_warnings(file, &text),
                })
            }
            _ => Err(self.problems.clone().and(objections).into_errors(file, &self.text())),
        }
    }
}

/// Whether a key `plan`, quoted or not, begins a line.
fn has_plan_line(bytes: &[u8]) -> bool {
    let text: Vec<u8> = match bytes {
        // What is wrong with a plan in UTF-16 should be said; its letters are every other byte.
        [0xff, 0xfe, text @ ..] => text.chunks_exact(2).filter_map(|pair| pair.first()).copied().collect(),
        [0xfe, 0xff, text @ ..] => text.chunks_exact(2).filter_map(|pair| pair.last()).copied().collect(),
        _ => bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes).to_vec(),
    };
    text.split(|byte| matches!(byte, b'\n' | b'\r')).any(|line| {
        let keys: [&[u8]; 3] = [b"plan", b"\"plan\"", b"'plan'"];
        keys.iter()
            .any(|key| line.strip_prefix(*key).is_some_and(|rest| rest.trim_ascii_start().starts_with(b":")))
    })
}

/// Whether a line begins with a key `plan` after the mark of what it was copied from, or with a wide colon.
fn has_copied_plan_line(bytes: &[u8]) -> bool {
    String::from_utf8_lossy(bytes).lines().any(|line| {
        let unmarked = ["> ", "+"].into_iter().find_map(|mark| line.strip_prefix(mark));
        let numbered = line.trim_start();
        let unnumbered = numbered.trim_start_matches(|char: char| char.is_ascii_digit());
        let separated = unnumbered.trim_start_matches([' ', '\t', ':', '|', ')']);
        let is_numbered = numbered.len() > unnumbered.len() && unnumbered.len() > separated.len();
        let copied = unmarked.or_else(|| is_numbered.then_some(separated));
        copied.is_some_and(|copied| copied.starts_with("plan: ")) || line.starts_with("plan：")
    })
}

/// Tells slips of copying and of print in place of the errors that they lead to, and of `rings` that stand one step
/// too far right only that.
fn explain(root: &Node, text: &str, problems: &mut Problems) {
    let slips = Slips::of(text);
    let misplaced = misplaced_rings(root);
    // An error that names the character already says more of it than a slip would.
    let is_named = |problem: &str| ["U+", "fills in", "HTML"].iter().any(|word| problem.contains(word));
    let named: BTreeSet<usize> = problems
        .each()
        .filter(|(_, problem)| is_named(problem))
        .filter_map(|(at, _)| slips.at(at.start))
        .map(|slip| slip.at.start)
        .collect();
    problems.explain(|at, problem| {
        if let Some((key_at, under)) = &misplaced
            && (at.start == key_at.start || problem == "`rings` is missing")
        {
            let problem = format!("`rings` stands under `{under}`, one step too far right");
            return Some((
                key_at.clone(),
                problem,
                "begin it, and all below it, further left: it is a key of the plan".to_owned(),
            ));
        }
        let slip = slips.at(at.start).filter(|slip| !named.contains(&slip.at.start))?;
        // What stands beside it, in a name, say, explains nothing.
        let beside = text.get(slip.at.end..at.start).is_some_and(|between| between.trim().is_empty());
        let touches = (slip.at.start <= at.end && at.start <= slip.at.end) || beside;
        let begins = text.get(slip.line.start..slip.at.start).is_some_and(|before| before.trim().is_empty());
        // A key that the slip hides is missed at the mapping's beginning.
        let hides = problem.ends_with("is missing");
        (slip.is_of_line || touches || begins || hides).then_some(())?;
        Some((slip.at.clone(), slip.problem.clone(), slip.instead.clone()))
    });
}

/// The key `rings` below another key of the plan, where the plan itself has none.
fn misplaced_rings(root: &Node) -> Option<(Range<usize>, &str)> {
    let Value::Mapping(entries) = &root.value else { return None };
    if root.get("rings").is_some() {
        return None;
    }
    entries.iter().find_map(|entry| {
        let Value::Mapping(below) = &entry.value.value else { return None };
        let rings = below.iter().find(|entry| entry.key == "rings")?;
        Some((rings.key_at.clone(), entry.key.as_str()))
    })
}

/// The same file, read.
impl PartialEq for Draft {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.bytes, &other.bytes) || self.bytes == other.bytes
    }
}

impl Eq for Draft {}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_has_a_key_plan() {
        let wide = |little: bool, text: &str| -> Vec<u8> {
            let unit = |unit: u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() };
            std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(unit).collect()
        };
        let rows: [(&str, Vec<u8>, bool); 27] = [
            ("a key", b"plan: a".to_vec(), true),
            ("not the first", b"rings: []\nplan: a\n".to_vec(), true),
            ("in double quotes", b"\"plan\": a\n".to_vec(), true),
            ("in single quotes", b"'plan' : a\n".to_vec(), true),
            ("in braces", b"{versions: {}, plan: a}\n".to_vec(), true),
            ("in JSON", b"{\"plan\": \"a\"}".to_vec(), true),
            ("without a value", b"plan:\n".to_vec(), true),
            ("half-written", b"plan: [".to_vec(), true),
            ("half-written, quoted", b"a: [\n\"plan\": b".to_vec(), true),
            ("after a byte order mark, broken", b"\xef\xbb\xbfplan: [".to_vec(), true),
            ("no UTF-8", b"plan: caf\xe9\n".to_vec(), true),
            ("UTF-16, little end first", wide(true, "plan: a\n"), true),
            ("UTF-16, big end first", wide(false, "# x\nplan: a\n"), true),
            ("a value", b"name: plan\n".to_vec(), false),
            ("an item", b"- plan: a\n".to_vec(), false),
            ("below", b"a:\n  plan: b\n".to_vec(), false),
            ("a token", b"cfat_abc\n".to_vec(), false),
            ("another word", b"plans: [\n".to_vec(), false),
            ("in a broken text", b"x: [\n plan: a\n".to_vec(), false),
            ("UTF-16 of anything", wide(true, "a: b\n"), false),
            ("values of a chart", b"replicas: 3\n".to_vec(), false),
            ("nothing", Vec::new(), false),
            ("in a mail", b"> plan: a\n> rings: []\n".to_vec(), true),
            ("with line numbers", b" 1\tplan: a\n 2\trings: []\n".to_vec(), true),
            ("in a diff", b"+plan: a\n+rings: []\n".to_vec(), true),
            ("with a wide colon", "plan：a\n".into(), true),
            ("a list of numbers", b"1 plane: a\n".to_vec(), false),
        ];
        for (row, bytes, expected) in rows {
            assert_eq!(Draft::read(&bytes).names_a_plan(), expected, "{row}");
        }
    }

    /// A person's no takes effect whatever else is wrong; what would open a door does not.
    #[test]
    fn what_is_refused_restricts_all_the_same() {
        let now: Timestamp = "2026-11-30T12:00:00Z".parse().unwrap();
        let file = |target: &str, more: &str| {
            format!("plan: p\nversions: {{windows: {target}}}\nrings: [{{name: A, profiles: [IT]}}]\n{more}")
        };
        let runs = Draft::read(file("2026.8.2033.0", "").as_bytes()).revision.unwrap();
        // (row, what is added to the file, the builds that are forbidden, the ways back)
        let rows = [
            ("a range that is not plain", "forbid: [{versions: '2026.8.*', reason: r}]", "2026.8.*", 0),
            ("everything", "forbid: [{versions: '*', reason: r}]", "*", 0),
            (
                "two builds",
                "forbid: [{versions: '=2026.8.1, =2026.8.2', reason: r}]",
                "=2026.8.1 =2026.8.2",
                0,
            ),
            (
                "beside a date of Japan",
                "forbid: [{versions: '=2026.8.1', reason: r}]\ndefaults: {schedule: {freeze: [{from: 12月18日 00:00, until: 2027-01-04, reason: x}]}}",
                "=2026.8.1",
                0,
            ),
            ("a way forward", "defaults: {rollback_to: {windows: 2026.8.2100.0}}", "", 0),
            (
                "a way back, and another fault",
                "defaults: {rollback_to: {windows: 2026.7.1376.0}, soak: x}",
                "",
                1,
            ),
        ];
        for (row, more, forbidden, back) in rows {
            let draft = Draft::read(file("2026.8.2033.0", more).as_bytes());
            assert!(draft.revision.is_none(), "{row}: it is refused");
            let by = draft.restrictions(&Problems::default());
            let plan = crate::plan::change::restricted(&runs.plan, &by, now);
            let found: Vec<String> = plan.forbid.iter().map(|forbid| forbid.versions.to_string()).collect();
            assert_eq!(found.join(" "), forbidden, "{row}");
            assert_eq!(plan.rings[0].rollback.to.len(), back, "{row}");
        }
    }

    /// What stands beside an error, in a comment or a name, is not what is wrong.
    #[test]
    fn what_is_written_for_print_beside_an_error_is_left_alone() {
        let rows = [
            (
                "in a comment",
                "- {name: A, profiles: [IT], soak: 72}   # three days – a weekend",
                "`soak` cannot be read",
            ),
            ("in a name", "- {name: 営業部（東京）, profiles: [IT], soak: 5}", "`soak` cannot be read"),
            ("in a bare dash", "- {name: Büro – Nord, profiles: [IT], soak: 5}", "`soak` cannot be read"),
        ];
        for (row, ring, problem) in rows {
            let text = format!("plan: p\nversions: {{windows: 2026.8.2100.0}}\nrings:\n  {ring}\n");
            let errors = crate::plan::read("p.yaml", text.as_bytes()).unwrap_err();
            let found: Vec<&str> = errors.iter().map(|error| error.problem.as_str()).collect();
            assert_eq!(found, [problem], "{row}");
        }
    }

    #[test]
    fn a_draft_does_not_show_what_it_holds() {
        let draft = Draft::read(b"cfat_secret");
        assert_eq!(format!("{draft:?}"), "Draft { bytes: 11, .. }");
    }
}
