//! A preview for people, like a unified diff: `+` comes, `-` goes, `~` changes, `!` is in the way.
//!
//! **Invariant:** every sign says by itself what its colour says; no line that can be broken
//! between words is longer than [`WIDTH`].

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::cli::{Ink, Out, counted, safe, short};
use crate::rollout::record::{GroupContent, Purpose, of_seen};
use crate::rollout::tell::preview::{Course, Outcome, Preview, PreviewedWrite, RingPreview};
use crate::{
    ids::PolicyId, plan::model::Revision, rollout::decide::blocker::Blocker,
    rollout::tell::preview::devices::DeviceCounts, rollout::world::Observations, time::Timestamp,
};

/// The narrowest terminal that people use.
const WIDTH: usize = 80;
/// Profiles that stay are listed up to this many; above, they are counted.
const MAX_LISTED: usize = 5;

/// What a line is about: its sign, and the number of the terminal's colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sign(char, Option<u8>);

const COMES: Sign = Sign('+', Some(32));
const GOES: Sign = Sign('-', Some(31));
const CHANGES: Sign = Sign('~', Some(33));
const IN_THE_WAY: Sign = Sign('!', Some(31));
const STAYS: Sign = Sign(' ', None);

struct DiffPage<'a> {
    out: Out<'a>,
    ink: Ink,
    names: BTreeMap<&'a PolicyId, &'a str>,
    plan: &'a str,
}

/// Writes a preview.
pub(super) fn text(
    out: Out<'_>,
    preview: &Preview,
    revision: &Revision,
    world: &Observations,
    now: Timestamp,
    ink: Ink,
) -> io::Result<()> {
    let profiles = world.profiles.iter().flat_map(|profiles| &profiles.value.listed);
    let names = profiles.map(|profile| {
        let unnamed = if profile.is_default { "default" } else { profile.id.as_str() };
        (&profile.id, profile.name.as_deref().unwrap_or(unnamed))
    });
    let mut page = DiffPage { out, ink, names: names.collect(), plan: preview.rollout.plan.as_str() };
    let (plan, digest) = (&preview.rollout.plan, revision.digest.short());
    let course = course(preview.course, &preview.rollout.to_string());
    page.line("", &format!("Plan {plan}, revision {digest}, at {}: {course}", short(now)))?;
    if !preview.now.is_empty() {
        page.line("", "")?;
        page.line("", "Now in the way:")?;
        for blocker in &preview.now {
            page.blocker(blocker)?;
        }
    }
    if !preview.restores.is_empty() {
        page.line("", "")?;
        page.line("", "First, groups that somebody else changed are written back:")?;
        for write in &preview.restores {
            page.write(write)?;
        }
    }
    let reachable = preview.reachable().count();
    for (index, ring) in preview.rings.iter().enumerate() {
        page.line("", "")?;
        if index == reachable {
            page.line("", "The rings after it wait for it. As things are, they would come to this:")?;
            page.line("", "")?;
        }
        page.ring(index + 1, ring)?;
    }
    page.line("", "")?;
    page.line("", &summary(preview))
}

/// What it comes to before the first ring that is blocked.
fn summary(preview: &Preview) -> String {
    let sum = |counts: fn(&RingPreview) -> &DeviceCounts| {
        let mut sum = DeviceCounts::new();
        for (environment, count) in preview.reachable().flat_map(counts) {
            *sum.entry(*environment).or_default() += count;
        }
        sum
    };
    let (retargeted, released) = (sum(|ring| &ring.retargeted), sum(|ring| &ring.released));
    let created = preview.writes().filter(|write| write.before.is_none()).count();
    let changed = preview.writes().count() - created;
    let (groups, writes) = (counted(created, "group"), counted(changed, "write"));
    let would = match (created, changed) {
        (0, 0) => "Nothing would change at Cloudflare.".to_owned(),
        (_, 0) => format!("It would create {groups}."),
        (0, _) => format!("It would change groups by {writes}."),
        (_, _) => format!("It would create {groups} and change groups by {writes}."),
    };
    format!("{would}{} Nothing was written.", moved(&retargeted, &released, " ", "."))
}

fn course(course: Course, rollout: &str) -> String {
    match course {
        Course::Begins => format!("it begins rollout {rollout}."),
        Course::GoesOn => format!("rollout {rollout} goes on with it."),
        Course::Waits => format!(
            "it waits until the running rollout is completed (`on_new_target: finish`) and then begins rollout {rollout}; this is what it changes then."
        ),
        Course::HangsOnWrite => format!(
            "it begins rollout {rollout} if the write that has no outcome yet was applied; otherwise the rollout before it goes on with it."
        ),
        Course::RollingBack => {
            format!("rollout {rollout} goes back; this plan takes effect when that is finished.")
        }
        Course::RolledBack => format!(
            "rollout {rollout} was rolled back, and what it took back is blocked: with this plan nothing begins."
        ),
        Course::Completed => format!("rollout {rollout} is completed, and it asks for nothing else."),
    }
}

/// What happens to how many devices, each sentence between `before` and `after`.
fn moved(retargeted: &DeviceCounts, released: &DeviceCounts, before: &str, after: &str) -> String {
    let told = |counts: &DeviceCounts, what: [&str; 2]| {
        let words: Vec<String> =
            counts.iter().map(|(environment, count)| format!("{count} {environment}")).collect();
        let total: usize = counts.values().sum();
        let (devices, what) = if total == 1 { ("device", what[0]) } else { ("devices", what[1]) };
        match words.as_slice() {
            [] => String::new(),
            words => format!("{before}{} {devices} {what}{after}", words.join(" and ")),
        }
    };
    let gets = told(retargeted, ["gets another target", "get another target"]);
    let loses = told(released, ["is left without a target", "are left without a target"]);
    gets + &loses
}

impl DiffPage<'_> {
    fn ring(&mut self, number: usize, ring: &RingPreview) -> io::Result<()> {
        let comes_to = match (&ring.outcome, ring.writes.len()) {
            (Outcome::Entered(state), _) => format!("nothing to write, it is {state}"),
            (Outcome::InPlace, _) => "nothing to write, its group offers the targets already".to_owned(),
            (Outcome::Written, count) => counted(count, "write"),
            (Outcome::Blocked(_), 0) => "blocked".to_owned(),
            (Outcome::Blocked(_), count) => format!("{}, then blocked", counted(count, "write")),
        };
        self.line("", &format!("Ring {number}, {}: {comes_to}", safe(ring.name.as_str())))?;
        for write in &ring.writes {
            self.write(write)?;
        }
        if let Outcome::Blocked(blockers) = &ring.outcome {
            for blocker in blockers {
                self.blocker(blocker)?;
            }
        }
        let moved = moved(&ring.retargeted, &ring.released, "\n", "");
        for sentence in moved.lines().filter(|sentence| !sentence.is_empty()) {
            self.line("  ", sentence)?;
        }
        for (environment, moves) in &ring.moves {
            self.line("  ", &of_seen(*environment, moves.seen, moves))?;
        }
        if !ring.waits.is_empty() {
            let words: Vec<String> =
                ring.waits.iter().map(|word| safe(&format!("{} ({})", word.gate, word.value()))).collect();
            self.line("  ", &format!("not now: {}", words.join("; ")))?;
        }
        for stuck in &ring.no_rollback_target {
            let (environments, tried) = (stuck.environments(), stuck.tried.join("; "));
            self.signed(IN_THE_WAY, &safe(&format!("no rollback target on {environments}: {tried}")))?;
            self.line("  ", "do: write `rollback_to` into the plan, with the version to go back to")?;
        }
        Ok(())
    }

    fn write(&mut self, write: &PreviewedWrite) -> io::Result<()> {
        let name = safe(&write.after.name);
        let nothing = GroupContent { name: String::new(), versions: Vec::new(), policies: BTreeSet::new() };
        let (sign, title, before) = match (&write.before, &write.purpose) {
            (None, _) => (COMES, format!("group `{name}`"), &nothing),
            (Some(group), Purpose::Target | Purpose::Restore | Purpose::Rollback { .. }) => {
                (CHANGES, format!("group `{name}` ({})", safe(group.id.as_str())), &group.content)
            }
            (Some(group), Purpose::MoveOut { from, plan } | Purpose::PutBack { from, plan }) => {
                let (id, from) = (safe(group.id.as_str()), safe(from.as_str()));
                let of = plan.as_ref().map(|plan| format!(" of plan {plan}")).unwrap_or_default();
                (CHANGES, format!("group `{name}` ({id}) of ring {from}{of}"), &group.content)
            }
        };
        self.signed(sign, &title)?;
        // By environment, so that the old and the new version of one stand together.
        let mut versions: Vec<_> = before.versions.iter().map(|entry| (entry, GOES)).collect();
        versions.extend(write.after.versions.iter().map(|entry| (entry, COMES)));
        versions.sort_by_key(|(entry, sign)| (&entry.environment, *sign == COMES, &entry.version));
        for (entry, sign) in versions {
            let stays = before.versions.contains(entry) && write.after.versions.contains(entry);
            // What stays is on both sides, and told once.
            if !stays || sign != COMES {
                self.signed(if stays { STAYS } else { sign }, &format!("  {}", safe(&entry.to_string())))?;
            }
        }
        let profile = |page: &Self, id: &PolicyId| {
            format!("  profile {}", safe(page.names.get(id).copied().unwrap_or(id.as_str())))
        };
        let stay: Vec<&PolicyId> = before.policies.intersection(&write.after.policies).collect();
        if stay.len() > MAX_LISTED {
            self.signed(STAYS, &format!("  {} profiles stay", stay.len()))?;
        } else {
            for id in stay {
                self.signed(STAYS, &profile(self, id))?;
            }
        }
        for id in before.policies.difference(&write.after.policies) {
            self.signed(GOES, &profile(self, id))?;
        }
        for id in write.after.policies.difference(&before.policies) {
            self.signed(COMES, &profile(self, id))?;
        }
        Ok(())
    }

    fn blocker(&mut self, blocker: &Blocker) -> io::Result<()> {
        // Vetoes know profiles by their ID; people by name.
        let text = self.names.iter().fold(blocker.to_string(), |text, (id, name)| {
            if *name == id.as_str() { text } else { text.replace(id.as_str(), &format!("{name} ({id})")) }
        });
        self.signed(IN_THE_WAY, &safe(&text))?;
        self.line("  ", &format!("do: {}", safe(&blocker.remedy(self.plan))))
    }

    fn signed(&mut self, sign: Sign, text: &str) -> io::Result<()> {
        let indent = " ".repeat(text.len() - text.trim_start().len());
        let lines = wrapped(text.trim_start(), WIDTH - 2 - indent.len());
        for (index, line) in lines.iter().enumerate() {
            let char = if index == 0 { sign.0 } else { ' ' };
            let line = format!("{char} {indent}{line}");
            match (self.ink, sign.1) {
                (Ink::Colour, Some(colour)) => writeln!(self.out, "\u{1b}[{colour}m{line}\u{1b}[0m")?,
                _ => writeln!(self.out, "{}", line.trim_end())?,
            }
        }
        Ok(())
    }

    fn line(&mut self, indent: &str, text: &str) -> io::Result<()> {
        for line in wrapped(text, WIDTH - indent.len()) {
            writeln!(self.out, "{}", format!("{indent}{line}").trim_end())?;
        }
        Ok(())
    }
}

/// `text` in lines of at most `width` characters, broken between words; a longer word stays whole.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { continue };
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}
