//! People who said no, and what becomes of it when they leave.

use crate::ids::Email;
use crate::plan::model::ApprovalRule;
use crate::rollout::judge::approval::*;
use crate::rollout::judge::tests::{Bench, at};
use crate::rollout::record::Member;
use crate::rollout::world::Observed;
use crate::schedule::Schedule;

const READ: &str = "12T11:59";
const NOW: &str = "12T12:00";

fn group(name: &str) -> UserGroupName {
    name.parse().unwrap()
}

fn email(name: &str) -> Email {
    format!("{name}@example.com").parse().unwrap()
}

/// `ana bo`; `?` is a member whose address Cloudflare leaves out, `(cy)` one who did not take the invitation.
fn members(text: &str) -> Approvers {
    let member = |name: &str| match name.strip_prefix('(').and_then(|name| name.strip_suffix(')')) {
        Some(invited) => {
            Member { email: Some(email(invited)), standing: Standing::Other("pending".to_owned()) }
        }
        None => Member { email: (name != "?").then(|| email(name)), standing: Standing::Accepted },
    };
    Approvers::Members(text.split_whitespace().map(member).collect())
}

/// Ana approved, and then cy rejected it in the name of a group.
fn bench(in_the_name_of: &str) -> Bench {
    let mut bench = Bench::entering(Schedule::always(), at(READ));
    let digest = bench.rollout.revision.digest.clone();
    let (user_group, count) = (group("Keepers"), 1.try_into().unwrap());
    bench.plan.approval = Some(ApprovalRule { user_group, count, expires: "5d".parse().unwrap() });
    let approval = Approval {
        digest: digest.clone(),
        given_at: at("12T09:00"),
        expires_at: at("17T09:00"),
        note: "fine".to_owned(),
        groups: vec![group("Keepers")],
        standing: crate::rollout::state::Validity::Stands,
    };
    let (note, groups) = ("no sound".to_owned(), vec![group(in_the_name_of)]);
    let rejection = Rejection { digest, at: at("12T10:00"), note, groups };
    let words = &mut bench.rollout.rings[0].words;
    words.approvals.insert(email("ana"), approval);
    words.rejections.insert(email("cy"), rejection);
    bench
}

fn subject(bench: &Bench) -> Subject<'_> {
    let Bench { state, rollout, plan, world } = bench;
    Subject { state, rollout, ring: &rollout.rings[0], plan, world, now: at(NOW) }
}

#[test]
fn a_rejection_counts_until_its_giver_is_known_to_have_left() {
    let refused = Verdict::Wait(Waiting::ApprovalRefused);
    let stale = "12T11:00";
    // In whose name it was said; that group as it was read, and when; the verdict; may an approval set it aside.
    let rows = [
        ("a member", "Keepers", Some(members("ana cy")), READ, refused.clone(), false),
        ("who left", "Keepers", Some(members("ana bo")), READ, Verdict::Pass, true),
        ("invited anew", "Keepers", Some(members("ana (cy)")), READ, Verdict::Pass, true),
        (
            "perhaps the one without an address",
            "Keepers",
            Some(members("ana ?")),
            READ,
            refused.clone(),
            true,
        ),
        ("of a group that is asked no more", "The board", Some(members("ana")), READ, refused.clone(), true),
        (
            "read too long ago",
            "Keepers",
            Some(members("ana")),
            stale,
            Verdict::Unknown(Unknown::ApproversUnread),
            false,
        ),
        ("not read", "Keepers", None, READ, Verdict::Unknown(Unknown::ApproversUnread), false),
        (
            "no such group",
            "Keepers",
            Some(Approvers::Missing),
            READ,
            Verdict::Unknown(Unknown::NoUserGroup),
            false,
        ),
        (
            "two of the name",
            "Keepers",
            Some(Approvers::Several(2)),
            READ,
            Verdict::Unknown(Unknown::UserGroupAmbiguous),
            false,
        ),
    ];
    for (row, in_the_name_of, read, as_of, expected, sets_aside) in rows {
        let mut bench = bench(in_the_name_of);
        let read = read.map(|value| (group("Keepers"), Observed { value, as_of: at(as_of) }));
        bench.world.user_groups.extend(read);
        let judged = judge(subject(&bench)).unwrap();
        let Evidence::Approval(approved) = &judged.evidence else { panic!("{row}: {judged:?}") };
        assert_eq!(judged.verdict, expected, "{row}");
        let (counts, lapsed) = match expected {
            Verdict::Pass => (vec![], vec![email("cy")]),
            _ => (vec![email("cy")], vec![]),
        };
        assert_eq!((&approved.refused, &approved.lapsed), (&counts, &lapsed), "{row}");
        let asks = asks(&bench.plan, &bench.world, None);
        let fresh = after(at(NOW), -ENTRY_MAX_AGE);
        let aside = cannot_take_back(subject(&bench), &asks, fresh);
        assert_eq!(!aside.is_empty(), sets_aside, "{row}");
    }
}
