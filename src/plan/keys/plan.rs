//! The keys at the top of a plan file.
//!
//! **Invariant:** `defaults` and a ring take what is theirs; nothing here is repeated there but `versions`.

use std::ops::Range;

use crate::ids::{AccountId, Email, PlanName};
use crate::plan::fields::{description, too_many};
use crate::plan::keys::elsewhere;
use crate::plan::keys::ring::{DEFAULTS, LATER, RING, RingRead, SharedKeys};
use crate::plan::keys::versions::{Targets, VERSIONS_KEY};
use crate::plan::kinds::{ACCOUNT, EMAIL, PLAN_NAME, PROSE, RANGE, TEXT};
use crate::plan::model::{Forbid, OnDrift, OnNewTarget, Plan, RingPlan};
use crate::plan::ranges::range;
use crate::plan::rings::{RINGS_EXAMPLE, read_rings};
use crate::plan::typed_key::{Keys as _, below, keys, value, word_key};
use crate::plan::values::{account, email, plan_name, reason};
use crate::plan::{Absent, MAX_RINGS, Mapping, Node, Problems, Takes, TypedKey, WordValue, items};

/// The most entries of `forbid`.
pub const MAX_FORBIDS: usize = 100;
const FORBID_EXAMPLE: &str =
    "a list, such as - {versions: '>=2026.7.1343, <2026.7.1376', reason: fails to connect}";

impl WordValue for OnNewTarget {
    const WORDS: &'static [(&'static str, Self)] = &[("replace", Self::Replace), ("finish", Self::Finish)];
}

impl WordValue for OnDrift {
    const WORDS: &'static [(&'static str, Self)] =
        &[("halt", Self::Halt), ("restore", Self::Restore), ("accept", Self::Accept)];
    const FORMER: &'static [(&'static str, &'static str)] = &[("adopt", "accept")];
}

keys! {
    /// What a plan file writes.
    PlanKeys of PLAN {
        /// The plan's name in commands, metrics and the log. It stays when targets change; no two files may
        /// share it.
        name as "plan": PlanName = value(
            &PLAN_NAME, Absent::Refused("the plan's name, such as plan: cloudflare-one-client"),
            "plan: cloudflare-one-client", |node, _, problems| plan_name(node, problems),
        ),
        /// The name that the plan had before. Once no readable file names that plan any more, its rollout
        /// goes on under the new name where it is, if the profiles of all rings together are the same. It
        /// counts as long as no ring was entered under the new name, and may stay in the file.
        was: PlanName = value(
            &PLAN_NAME, Absent::Means("the plan has had no other name"),
            "was: one-client", |node, _, problems| plan_name(node, problems),
        ),
        /// For people. Changing it changes nothing else.
        description: String = value(
            &PROSE, Absent::Means("none"),
            "description: Cloudflare One Client for all staff",
            |node, _, problems| description(node, problems).map(str::to_owned),
        ),
        /// Who wrote the plan: this person's approval of it does not count.
        author: Email = value(&EMAIL, Absent::Means("nobody"), "author: ana@example.com", email),
        /// Pins the plan to one Cloudflare account; a daemon of another account refuses it.
        account: AccountId = value(
            &ACCOUNT, Absent::Means("any account"),
            "account: 023e105f4ecef8ad9ca31a8372d0c353", |node, _, problems| account(node, problems),
        ),
        /// The target version per environment, for each ring that names none. To roll out a newer version,
        /// change it here: the plan starts again from the first ring.
        versions: Targets = TypedKey { absent: Absent::Means("each ring, or `defaults`, names its own"), ..VERSIONS_KEY },
        /// Builds never to offer to anybody. A rollout that offers one halts, with your reason, and a plan
        /// that asks for one is not begun.
        forbid: Vec<(Forbid, Range<usize>)> = TypedKey {
            takes: Takes::Mappings { item: ForbidKeys::MAPPING, least: 0, most: MAX_FORBIDS, are_distinct: false },
            absent: Absent::Means("no build is forbidden"),
            example: "forbid: [{versions: '>=2026.7.1343, <2026.7.1376', reason: fails to connect after upgrade}]",
            read: forbids,
        },
        /// What a newer target does to a rollout that is still running: `replace` lets it take over at once;
        /// with `finish` the newest target waits until the rollout is completed, and then begins at once. The
        /// value in the newer file counts. The reference tells under "When a newer target comes" when to take
        /// which.
        on_new_target: OnNewTarget = word_key("on_new_target: replace"),
        /// What ringward does when somebody else changed a deployment group of this plan: `halt` stops
        /// writing and waits for a person; `restore` writes the group back as ringward left it, in the ring's
        /// schedule, and the ring adopts and soaks again; `accept` records the change and goes on with the
        /// group as it is. A profile in somebody else's group, another updater at work, a build that `forbid`
        /// names by now, and a group changed a fourth time in one rollout halt under `restore` too. A ring
        /// whose group does not offer its targets is never verified.
        on_drift: OnDrift = word_key("on_drift: halt"),
        /// What every ring does unless it says otherwise.
        defaults: SharedKeys = below(
            Absent::Means("each ring takes the values built in"),
            "defaults: {timezone: Europe/Lisbon, soak: 72h}",
        ),
        /// The rings, in the order in which they are entered.
        rings: Vec<RingRead> = TypedKey {
            takes: Takes::Mappings { item: &RING, least: 1, most: MAX_RINGS, are_distinct: true },
            absent: Absent::Refused(RINGS_EXAMPLE),
            example: "rings: [{name: Engineering, profiles: [Engineering]}, {name: Everyone, profiles: [default]}]",
            read: read_rings,
        },
    }
}

/// The whole file.
pub(in crate::plan) const PLAN: Mapping = Mapping {
    of: "a plan",
    name: "plan",
    doc: "One plan: which rings there are, which client version each is to run, when ringward may write, and which gates must pass before the next ring follows.",
    keys: PlanKeys::ALL,
    later: LATER,
    elsewhere: |key| match key {
        "user_group" | "count" | "expires" => Some(elsewhere::UNDER_APPROVAL),
        "step" => Some(elsewhere::UNDER_ROLLBACK),
        "profiles" | "group" => Some(elsewhere::IN_EACH_RING),
        "name" => Some("write the plan's name as `plan: NAME`"),
        "open" | "freeze" => Some("write it under `schedule` of a ring or of `defaults`"),
        key if elsewhere::is_environment(key) => Some(elsewhere::UNDER_VERSIONS),
        key => DEFAULTS.key(key).map(|_| elsewhere::IN_RING_OR_DEFAULTS),
    },
};

keys! {
    /// A range of builds never to offer.
    ForbidKeys("an entry of `forbid`", "forbidden") {
        /// Which builds.
        versions: semver::VersionReq = value(
            &RANGE, Absent::Refused("a range, such as '>=2026.7.1343, <2026.7.1376'"),
            "versions: '>=2026.7.1343, <2026.7.1376'", |node, _, problems| range(node, "this entry", problems),
        ),
        /// Why, for the person who is kept from it.
        reason: String = value(
            &TEXT, Absent::Refused("why, for the person whose plan is refused"),
            "reason: fails to connect after upgrade, downgrade, upgrade", reason,
        ),
    }
    elsewhere |key| elsewhere::is_environment(key).then_some("write a range over both environments as `versions`")
}

fn forbids(node: &Node, what: &str, problems: &mut Problems) -> Option<Vec<(Forbid, Range<usize>)>> {
    let items = items(node, what, FORBID_EXAMPLE, problems)?;
    if too_many(&node.at, items.len(), MAX_FORBIDS, "entries", "; join neighbouring ranges", problems) {
        return None;
    }
    Some(items.iter().filter_map(|item| Some((forbid(item, problems)?, item.at.clone()))).collect())
}

fn forbid(node: &Node, problems: &mut Problems) -> Option<Forbid> {
    let ForbidKeys { versions, reason } = ForbidKeys::read(node, "", problems)?;
    Some(Forbid { versions: versions.value?, reason: reason.value? })
}

impl PlanKeys {
    /// The plan, of these rings. `None` only where a problem was noted.
    pub(in crate::plan) fn filled(self, rings: Option<Vec<RingPlan>>) -> Option<Plan> {
        Some(Plan {
            name: self.name.value?,
            was: self.was.value,
            description: self.description.value,
            account: self.account.value,
            author: self.author.value,
            forbid: self.forbid.value.unwrap_or_default().into_iter().map(|(forbid, _)| forbid).collect(),
            on_new_target: self.on_new_target.value.unwrap_or_default(),
            on_drift: self.on_drift.value.unwrap_or_default(),
            rings: rings?,
        })
    }
}
