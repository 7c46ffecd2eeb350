//! A starter plan as a commented file.
//!
//! **Invariant:** what came from the account is written through [`scalar`] or [`comment`].

use crate::cli::init::draft::{DraftProfile, DraftRing, ProfileSpelling, StarterPlan, StarterTarget};
use crate::cli::init::scalar::{comment, scalar};
use crate::cli::online::Sizes;
use crate::cli::render::short;
use crate::ids::AccountId;
use crate::rollout::record::Group;
use crate::time::Timestamp;
use crate::version::Environment;

/// The plan file.
pub(super) fn file(draft: &StarterPlan, account: &AccountId, groups: &[Group], at: Timestamp) -> String {
    let mut text = format!(
        "\
# A starter plan, written by `ringward init` from what the account had on {}.
# Read it and make it yours: names, order of the rings, schedule, targets. Then check it with
#   ringward check --online FILE
# `ringward run --observe` then shows what it would do without writing anything.

# Names the plan in commands, metrics and the log. It stays; the targets below change.
plan: cloudflare-one-client

# The only account that this plan is for.
",
        short(at)
    );
    text.push_str(&pin(account));
    text.push_str(&versions(draft));
    text.push_str(DEFAULTS);
    text.push_str(&rollback_to(draft));
    text.push_str(&existing(draft, groups));
    text.push_str(RINGS);
    let rings: Vec<String> = draft.rings.iter().map(ring).collect();
    text.push_str(&rings.join("\n"));
    if !draft.left_out.is_empty() {
        text.push_str("\n# In no ring:\n");
        for out in &draft.left_out {
            text.push_str(&format!("#   {}\n#     {}\n", comment(&out.what), comment(&out.why)));
        }
    }
    text
}

/// An account that is written otherwise than Cloudflare's cannot be pinned.
fn pin(account: &AccountId) -> String {
    let id = account.as_str();
    let hex = id.len() == 32 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if hex { format!("account: {}\n", scalar(id)) } else { format!("# account: {}\n", comment(id)) }
}

fn versions(draft: &StarterPlan) -> String {
    let mut text = "
# What every ring shall run: the newest version that a device of the account runs already. Look
# for a newer one, and for known issues, in Cloudflare's release notes. A newer target starts the
# plan again from its first ring.
versions:
"
    .to_owned();
    for environment in Environment::ALL {
        let Some(StarterTarget { version, there, devices, beta, .. }) = draft.targets.get(&environment)
        else {
            text.push_str(&format!("  # {environment}: no device on 2026.6 or newer was seen\n"));
            continue;
        };
        text.push_str(&format!("  {environment}: {version}  # {there} of {devices} devices run it\n"));
        if let Some(beta) = beta {
            text.push_str(&format!("  # {beta} was seen as well; it is a beta\n"));
        }
    }
    text
}

const DEFAULTS: &str = "
# What every ring does unless it says otherwise.
defaults:
  timezone: UTC  # yours, such as Europe/Lisbon

  # When ringward may change assignments; laptops install when they next wake up. No ring is
  # entered on a Friday, so that people are there when something is wrong.
  schedule:
    open:
      - {cron: \"0 9 * * Mon-Thu\", for: 7h}  # minute hour day month weekday; open until 16:00
    # freeze:
    #   - {from: 2026-12-18, until: 2027-01-04, reason: Year-end change freeze}

  # A ring is adopted when 90% of its devices that were seen run the target, and at least 60% of
  # its active devices were seen at all. If that takes longer, the rollout halts for a person.
  adoption: {at_least: 90%, within: 7d, seen_at_least: 60%}

  # How long a ring then runs before the next one may follow; at least 48h.
  soak: 72h

  # Where `ringward rollback` takes a ring whose group is new and which was never verified before:
  # without it there is no way back for such a ring. An earlier one on 2026.6 or newer, that works.
";

/// The versions to go back to, where the account shows some.
fn rollback_to(draft: &StarterPlan) -> String {
    let known: Vec<_> = Environment::ALL
        .iter()
        .filter_map(|environment| Some((environment, draft.targets.get(environment)?)))
        .collect();
    let mut text = String::new();
    let earlier = |(environment, target): &(&Environment, &StarterTarget)| {
        target.earlier.map(|(version, there)| (**environment, version, there))
    };
    let shown: Vec<_> = known.iter().filter_map(earlier).collect();
    if !shown.is_empty() {
        text.push_str("  rollback_to:\n");
    }
    for (environment, version, there) in &shown {
        text.push_str(&format!("    {environment}: {version}  # {there} devices run it\n"));
    }
    for (environment, _) in known.iter().filter(|(_, target)| target.earlier.is_none()) {
        text.push_str(&format!("  # {environment}: no device on an earlier one was seen\n"));
    }
    text.push('\n');
    text
}

const RINGS: &str = "\
# In order: a ring is entered when the one before has soaked. Each becomes one deployment group.
# Behind each profile stand its devices; too old: below 2026.6, which ignores assignments; away:
# not seen for 7 days.
rings:
";

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
        text.push_str(&format!("#   {}: offers {}\n", comment(&format!("{name} ({id})")), comment(&offers)));
        text.push_str(&format!("#     {}\n", comment(&what)));
    }
    text.push('\n');
    text
}

fn ring(ring: &DraftRing) -> String {
    let mut text = format!("  - name: {}\n", scalar(&ring.name));
    if let Some(group) = &ring.group {
        text.push_str(&format!("    group: {}\n", scalar(group)));
    }
    text.push_str("    profiles:\n");
    for profile in &ring.profiles {
        let (written, name) = match &profile.written {
            ProfileSpelling::Default => ("default".to_owned(), "everybody else: ".to_owned()),
            ProfileSpelling::Name(name) => (scalar(name), String::new()),
            ProfileSpelling::Id(id) => (scalar(id), format!("{}: ", comment(&profile.name))),
        };
        text.push_str(&format!("      - {written}  # {name}{}\n", devices(profile)));
    }
    text
}

/// `windows 46 (2 too old, 3 away), macos 23, 5 on other systems`.
fn devices(profile: &DraftProfile) -> String {
    let one = |(environment, sizes): (&Environment, &Sizes)| {
        let apart: Vec<String> = [(sizes.too_old, "too old"), (sizes.away, "away")]
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
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
