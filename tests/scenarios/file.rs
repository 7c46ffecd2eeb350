//! A scenario file: prose, plans, fleet, script and transcript in sections.
//!
//! **Invariant:** a line that means nothing is an error with its text, never skipped.

use std::collections::BTreeMap;

use ringward::ids::PlanName;
use ringward::plan::PlanError;
use ringward::plan::set::{RunningPlans, read_all};
use ringward::rollout::world::InvalidFile;

use super::support::drive::OnDisk;

/// One scenario as written.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// Everything up to the transcript, as it stands in the file.
    pub(crate) script_part: String,
    /// The plans by label; the ones without a label are there from the beginning.
    pub(crate) plans: Vec<(String, String)>,
    /// The lines of `== fleet`.
    pub(crate) fleet: Vec<String>,
    /// The lines of `== script`.
    pub(crate) script: Vec<String>,
    /// The golden transcript.
    pub(crate) transcript: String,
}

/// The heading of the golden part.
pub(crate) const TRANSCRIPT: &str = "== transcript\n";

impl File {
    /// Splits a scenario into its sections.
    pub(crate) fn parse(text: &str) -> Self {
        let (script_part, transcript) = text.split_once(TRANSCRIPT).unwrap_or((text, ""));
        let mut sections: Vec<(String, Vec<String>)> = vec![("prose".to_owned(), Vec::new())];
        for line in script_part.lines() {
            match line.strip_prefix("== ") {
                Some(heading) => sections.push((heading.trim().to_owned(), Vec::new())),
                None => sections.extend_last(line),
            }
        }
        let mut file = Self {
            script_part: script_part.to_owned(),
            plans: Vec::new(),
            fleet: Vec::new(),
            script: Vec::new(),
            transcript: transcript.to_owned(),
        };
        for (heading, lines) in sections {
            match heading.split_once(' ').unwrap_or((&heading, "")) {
                ("plan", label) => file.plans.push((label.to_owned(), lines.join("\n"))),
                ("fleet", "") => file.fleet = meaningful(&lines),
                ("script", "") => file.script = meaningful(&lines),
                ("prose", "") => {
                    let prose = lines.iter().all(|line| line.is_empty() || line.starts_with('#'));
                    assert!(prose, "before the first section every line begins with #");
                }
                _ => panic!("no section is called `{heading}`; there are plan, fleet, script and transcript"),
            }
        }
        file
    }
}

trait ExtendLast {
    fn extend_last(&mut self, line: &str);
}

impl ExtendLast for Vec<(String, Vec<String>)> {
    fn extend_last(&mut self, line: &str) {
        if let Some((_, lines)) = self.last_mut() {
            lines.push(line.to_owned());
        }
    }
}

fn meaningful(lines: &[String]) -> Vec<String> {
    let lines = lines.iter().map(|line| line.trim());
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

/// The words of a line; words in double quotes are one.
pub(crate) fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('"').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// A plan section as the real decoder reads it.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    /// The plan that it names.
    pub(crate) name: PlanName,
    /// What a file of this text is.
    pub(crate) file: OnDisk,
}

/// Plans by their label. One with errors is broken on purpose: its label ends with `broken`.
pub(crate) fn read_plans(plans: &[(String, String)]) -> BTreeMap<String, Vec<Read>> {
    let mut by_label: BTreeMap<String, Vec<Read>> = BTreeMap::new();
    for (label, text) in plans {
        let read = read_all([("plan.yaml", text.as_bytes())], &RunningPlans::new(), None).remove(0);
        let errors = |errors: Vec<PlanError>| errors.iter().map(ToString::to_string).collect::<Vec<_>>();
        let read = match read.outcome.map_err(errors) {
            Ok(good) => {
                Read { name: good.revision.plan.name.clone(), file: OnDisk::Good(Box::new(good.revision)) }
            }
            Err(errors) => {
                assert!(label.ends_with("broken"), "the plan `{label}` has errors:\n{}", errors.join("\n"));
                let (file, restrictions) = ("plan.yaml".to_owned(), read.restrictions);
                let invalid = InvalidFile { file, errors, restrictions };
                let Some(name) = read.name else { panic!("the plan `{label}` has no name") };
                Read { name, file: OnDisk::Invalid(Box::new(invalid)) }
            }
        };
        by_label.entry(label.clone()).or_default().push(read);
    }
    by_label
}
