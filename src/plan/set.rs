//! The plan files of one directory together: a plan name, a deployment group or a profile belongs to one file.
//!
//! **Invariant:** of the files that claim the same name, exactly one is free of that error: the one whose
//! rollout runs, else the first by file name. The same with groups and profiles, except that of plans which all
//! run none is stopped by another team's edit: at Cloudflare a group or a profile has one ring, which keeps it.
//!
//! A file with errors of its own still claims what can be read of it, so that a running plan
//! that is edited into an error does not lose its name to a copy. After a syntax error nothing
//! can be read; the groups at Cloudflare then show whose profiles they are. Groups and profiles are
//! compared by the keys of their names: that a name and an ID mean the same profile shows only at Cloudflare.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::error::{Other, Problems};
use super::names::{differing, key, key_with_case, profile_key};
use super::places::{Places, Related};
use super::values::{owned_name, plan_name, profile};
use super::{Draft, GoodFile, MAX_PROFILES, PlanError};
use super::{change::Restrictions, model::ProfileRef};
use crate::{ids::PlanName, time::Timestamp};

/// What one file of the directory says.
#[derive(Debug, Clone, PartialEq)]
pub struct FileRead {
    /// The file's name, as handed in.
    pub file: String,
    /// The plan that it names, as far as that can be read.
    pub name: Option<PlanName>,
    /// What of a file with errors may restrict.
    pub restrictions: Restrictions,
    /// The plan and what is to be known of it, or all that is wrong with it.
    pub outcome: Result<GoodFile, Vec<PlanError>>,
}

/// The plans with a running rollout, each with the file it came from, if that is known.
pub type RunningPlans = BTreeMap<PlanName, Option<String>>;

/// Reads all files and compares them. The answers come in the order of file names. Without `now`, none is
/// judged by the calendar.
pub fn read_all<'a>(
    files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    running: &RunningPlans,
    now: Option<Timestamp>,
) -> Vec<FileRead> {
    let drafts: Vec<_> = files.into_iter().map(|(file, bytes)| (file, Draft::read(bytes))).collect();
    compare(drafts.iter().map(|(file, draft)| (*file, draft)), running, now)
}

/// Compares files that were read. The answers come in the order of file names.
pub fn compare<'a>(
    files: impl IntoIterator<Item = (&'a str, &'a Draft)>,
    running: &RunningPlans,
    now: Option<Timestamp>,
) -> Vec<FileRead> {
    let mut drafts: Vec<Claimant<'_>> =
        files.into_iter().map(|(file, draft)| Claimant::of(file, draft)).collect();
    // Those who run claim first, then by file name.
    drafts.sort_by_key(|draft| (!draft.runs(running), draft.file));
    let mut names = HashMap::new();
    let mut taken = Wanted::default();
    for claimant in &mut drafts {
        let name_keeper = claimant.claim_name(&mut names);
        let runs = claimant.runs(running);
        claimant.claim_rest(&mut taken, name_keeper.as_deref(), runs);
    }
    drafts.sort_by_key(|draft| draft.file);
    drafts
        .into_iter()
        .map(|Claimant { file, draft, name, objections, .. }| FileRead {
            file: file.to_owned(),
            name: name.map(|name| name.value),
            restrictions: draft.restrictions(&objections),
            outcome: draft.finish(file, objections, now),
        })
        .collect()
}

struct Claimant<'a> {
    file: &'a str,
    draft: &'a Draft,
    /// What other files object.
    objections: Problems,
    name: Option<Claimed<PlanName>>,
    /// Each with whether a `group` says so: without one, a ring's name becomes free by a number behind it.
    groups: Vec<Claimed<(String, bool)>>,
    profiles: Vec<Claimed<ProfileRef>>,
}

/// What files before have taken, by the keys of names; and which wrote it how.
#[derive(Default)]
struct Wanted {
    groups: HashMap<String, ((String, bool), Related)>,
    profiles: HashMap<ProfileRef, (String, Related)>,
    /// Of names that differ only in case, Cloudflare may have two.
    profiles_in_any_case: HashMap<ProfileRef, (String, Related)>,
}

/// Something that one file claims, and the place that other files' errors point to.
struct Claimed<T> {
    value: T,
    at: Range<usize>,
    place: Related,
}

impl<'a> Claimant<'a> {
    fn of(file: &'a str, draft: &'a Draft) -> Self {
        // What is wrong with these values is noted in the draft already.
        let mut noted = Problems::default();
        let root = draft.root.as_ref();
        let name = root.and_then(|root| {
            let node = root.get("plan")?;
            Some((plan_name(node, &mut noted)?, node.at.clone()))
        });
        let rings = || root.into_iter().flat_map(|root| root.list("rings"));
        let groups: Vec<_> = rings()
            .filter_map(|ring| {
                let group = ring.get("group");
                let node = group.or_else(|| ring.get("name"))?;
                Some(((owned_name(node, "", &mut noted)?, group.is_some()), node.at.clone()))
            })
            .collect();
        let profiles: Vec<_> = rings()
            .flat_map(|ring| ring.list("profiles"))
            // Of more, which are refused, the rest claims nothing.
            .take(MAX_PROFILES)
            .filter_map(|node| Some((profile(node, &mut noted)?, node.at.clone())))
            .collect();
        let starts = name.iter().map(|(_, at)| at.start);
        let starts = starts.chain(groups.iter().map(|(_, at)| at.start));
        let starts = starts.chain(profiles.iter().map(|(_, at)| at.start));
        let text = draft.text();
        let places = Places::of(&text, starts);
        let place = |at: &Range<usize>, what: &str| places.related(file, &text, at, what.to_owned());
        let named = |(value, at)| Claimed { place: place(&at, "it is named here"), value, at };
        let wanted = |(value, at)| Claimed { place: place(&at, "it is wanted here"), value, at };
        let listed = |(value, at)| Claimed { place: place(&at, "it is listed here"), value, at };
        let name = name.map(named);
        let groups = groups.into_iter().map(wanted).collect();
        let profiles = profiles.into_iter().map(listed).collect();
        Self { file, draft, objections: Problems::default(), name, groups, profiles }
    }

    fn runs(&self, running: &RunningPlans) -> bool {
        let from = self.name.as_ref().and_then(|name| running.get(&name.value));
        from.is_some_and(|from| from.as_ref().is_none_or(|file| file == self.file))
    }

    /// Notes an error when another file keeps this plan's name, and says which.
    fn claim_name(&mut self, taken: &mut HashMap<PlanName, Related>) -> Option<String> {
        let Claimed { value, at, place } = self.name.as_ref()?;
        let keeper = taken.entry(value.clone()).or_insert_with(|| place.clone()).clone();
        if keeper.file == self.file {
            return None;
        }
        let problem = format!("{} has this plan already", keeper.file);
        let file = keeper.file.clone();
        let instead = "give this plan another name, or remove one of the files";
        self.objections.clash(at, problem, instead, Other::Elsewhere(keeper));
        Some(file)
    }

    /// Notes an error for each group and profile that another file keeps; not for those of the file that
    /// keeps the name too, since a copied plan has one problem and not fifty.
    fn claim_rest(&mut self, taken: &mut Wanted, name_keeper: Option<&str>, runs: bool) {
        // Those who run come first, so that the keeper of one that runs does, too.
        let objects =
            |keeper: &Related| !runs && keeper.file != self.file && Some(keeper.file.as_str()) != name_keeper;
        for Claimed { value, at, place } in &self.groups {
            let (name, is_said) = value;
            let ((group, was_said), keeper) =
                taken.groups.entry(key(name)).or_insert_with(|| (value.clone(), place.clone()));
            if objects(keeper) && (*is_said || *was_said) {
                let problem =
                    format!("{} wants this deployment group already{}", keeper.file, differing(name, group));
                let instead = "write another name as `group` in one of them";
                self.objections.clash(at, problem, instead, Other::Elsewhere(keeper.clone()));
            }
        }
        for Claimed { value, at, place } in &self.profiles {
            let text = value.to_string();
            let claim = || (text.clone(), place.clone());
            let (other, keeper) =
                taken.profiles.entry(profile_key(value, key_with_case)).or_insert_with(claim);
            if objects(keeper) {
                let problem =
                    format!("this profile is in {} already{}", keeper.file, differing(&text, other));
                let instead = "a profile belongs to one plan; remove it from one of them";
                self.objections.clash(at, problem, instead, Other::Elsewhere(keeper.clone()));
                continue;
            }
            let (other, keeper) =
                taken.profiles_in_any_case.entry(profile_key(value, key)).or_insert_with(claim);
            if objects(keeper) && *other != text {
                let problem =
                    format!("this profile differs from one in {} only in upper and lower case", keeper.file);
                let instead = "write one of them, unless Cloudflare has both";
                self.objections.warn(at, problem, instead, Some(Other::Elsewhere(keeper.clone())));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(name: &str, profiles: &str) -> String {
        format!(
            "plan: {name}\nversions: {{windows: 2026.8.2100.0}}\nrings:\n  - {{name: R of {name}, profiles: [{profiles}]}}\n"
        )
    }

    /// A name, the files, the running plans, which file is refused, and why.
    type Row<'a> = (&'a str, &'a [(&'a str, String)], &'a [(&'a str, Option<&'a str>)], &'a str, Vec<String>);

    /// Which files are refused, and the start of what each error says.
    fn refusals(files: &[(&str, String)], running: &[(&str, Option<&str>)]) -> Vec<(String, Vec<String>)> {
        let running = running
            .iter()
            .map(|(name, file)| (PlanName::new(*name).unwrap(), file.map(str::to_owned)))
            .collect();
        let read = read_all(files.iter().map(|(file, text)| (*file, text.as_bytes())), &running, None);
        read.into_iter()
            .filter_map(|read| Some((read.file, read.outcome.err()?)))
            .map(|(file, errors)| (file, errors.into_iter().map(|error| error.problem).collect()))
            .collect()
    }

    #[test]
    fn a_name_or_profile_in_two_files_is_an_error_on_one() {
        let name_taken = |file: &str| format!("{file} has this plan already");
        let profile_taken = |file: &str| format!("this profile is in {file} already");
        let copies = [("b.yaml", plan("p", "IT, HR")), ("a.yaml", plan("p", "IT, HR"))];
        let broken = [("a.yaml", plan("q", "IT")), ("z.yaml", plan("p", "IT") + "soak: 72h\n")];
        let rows: [Row<'_>; 7] = [
            ("nobody runs: the first by name", &copies, &[], "b.yaml", vec![name_taken("a.yaml")]),
            ("the later one runs", &copies, &[("p", Some("b.yaml"))], "a.yaml", vec![name_taken("b.yaml")]),
            ("the running file is unknown", &copies, &[("p", None)], "b.yaml", vec![name_taken("a.yaml")]),
            (
                "the running file is gone",
                &copies,
                &[("p", Some("c.yaml"))],
                "b.yaml",
                vec![name_taken("a.yaml")],
            ),
            (
                "one profile in two plans",
                &[("a.yaml", plan("p", "IT, HR")), ("b.yaml", plan("q", "Lab, IT"))],
                &[("q", Some("b.yaml"))],
                "a.yaml",
                vec![profile_taken("b.yaml")],
            ),
            (
                "one profile in two plans that run, and in a third",
                &[("a.yaml", plan("p", "IT")), ("b.yaml", plan("q", "IT")), ("c.yaml", plan("r", "IT"))],
                &[("p", Some("a.yaml")), ("q", Some("b.yaml"))],
                "c.yaml",
                vec![profile_taken("a.yaml")],
            ),
            (
                "a running plan edited into an error keeps its profiles",
                &broken,
                &[("p", Some("z.yaml"))],
                "a.yaml",
                vec![profile_taken("z.yaml")],
            ),
        ];
        for (row, files, running, refused, problems) in rows {
            let found = refusals(files, running);
            assert!(found.contains(&(refused.to_owned(), problems)), "{row}: {found:?}");
            let broken = files.iter().filter(|(_, text)| text.ends_with("soak: 72h\n")).count();
            assert_eq!(found.len(), 1 + broken, "{row}: {found:?}");
        }
    }

    #[test]
    fn files_that_share_nothing_are_all_fine() {
        let files =
            [("a.yaml", plan("p", "IT")), ("b.yaml", plan("q", "HR")), ("c.yaml", plan("r", "default"))];
        assert_eq!(refusals(&files, &[]), Vec::new());
    }

    #[test]
    fn errors_of_both_kinds_come_in_file_order() {
        let files = [("a.yaml", plan("p", "IT")), ("b.yaml", "sook: 1\n".to_owned() + &plan("p", "HR"))];
        let found = refusals(&files, &[]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].1, ["not a key of a plan", "a.yaml has this plan already"]);
    }

    #[test]
    fn a_group_in_two_files_is_an_error_on_the_one_that_does_not_run() {
        let wants = |name: &str, ring: &str| {
            format!(
                "plan: {name}\nversions: {{windows: 2026.8.2100.0}}\nrings:\n  - {{{ring}, profiles: [{name}]}}\n"
            )
        };
        let in_case = "; the two differ only in upper and lower case";
        let rows = [
            ("the same", "name: A, group: Pilot", "name: B, group: Pilot", None, "b.yaml", ""),
            ("by case", "name: A, group: Pilot", "name: B, group: pilot", None, "b.yaml", in_case),
            ("a ring's name", "name: Pilot", "name: B, group: Pilot", None, "b.yaml", ""),
            ("the later one runs", "name: A, group: Pilot", "name: Pilot", Some("q"), "a.yaml", ""),
        ];
        for (row, first, second, runs, refused, differ) in rows {
            let files = [("a.yaml", wants("p", first)), ("b.yaml", wants("q", second))];
            let running: Vec<_> = runs.map(|name| (name, None)).into_iter().collect();
            let keeper = if refused == "a.yaml" { "b.yaml" } else { "a.yaml" };
            let expected = format!("{keeper} wants this deployment group already{differ}");
            assert_eq!(refusals(&files, &running), [(refused.to_owned(), vec![expected])], "{row}");
        }
        // A ring's name becomes free by a number behind it; what a `group` says does not.
        for second in ["name: Pilot, group: Pilot of q", "name: Pilot"] {
            let own = [("a.yaml", wants("p", "name: Pilot")), ("b.yaml", wants("q", second))];
            assert_eq!(refusals(&own, &[]), Vec::new(), "{second}");
        }
        let says = "name: A, group: Pilot";
        let both_run = [("a.yaml", wants("p", says)), ("b.yaml", wants("q", says))];
        assert_eq!(
            refusals(&both_run, &[("p", None), ("q", None)]),
            Vec::new(),
            "nobody is stopped by another's edit"
        );
    }

    #[test]
    fn a_profile_that_differs_in_case_alone_is_a_warning() {
        let files = [("a.yaml", plan("p", "Sales")), ("b.yaml", plan("q", "sales"))];
        let read =
            read_all(files.iter().map(|(file, text)| (*file, text.as_bytes())), &RunningPlans::new(), None);
        let warned: Vec<_> = read.into_iter().map(|read| read.outcome.unwrap().warnings.len()).collect();
        // Each has a note besides: there is nowhere to roll back to.
        assert_eq!(warned, [1, 2]);
    }
}
