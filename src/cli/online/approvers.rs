//! Who could approve a ring, by the User Group that its plan names. Pure.
//!
//! **Invariant:** a group that was not read is not judged: the refused read says so itself.

use crate::cli::online::finding::{CheckFinding, Code};
use crate::plan::model::{Plan, RingPlan};
use crate::rollout::world::{Approvers, Observations};

/// What is worth saying of the people whom a ring asks.
pub(crate) fn of_ring(plan: &Plan, ring: &RingPlan, world: &Observations) -> Option<CheckFinding> {
    let asked = ring.approval.as_ref()?;
    let read = &world.user_groups.get(&asked.user_group)?.value;
    let (name, count) = (&asked.user_group, usize::from(asked.count.get()));
    let instead = "name a User Group as Cloudflare does: `ringward access list` shows those of the account";
    let unsure = |problem: String| Some(CheckFinding::new(Code::ApproversUnknown, problem).instead(instead));
    match read {
        Approvers::Missing => {
            return unsure(format!("there is no User Group `{name}`, so nobody could approve"));
        }
        Approvers::Several(groups) => {
            return unsure(format!(
                "there are {groups} User Groups named `{name}`, so nobody's approval counts"
            ));
        }
        Approvers::Members(_) => {}
    }
    let could = read.accepted().into_iter().filter(|email| plan.author.as_ref() != Some(email)).count();
    let members = format!("{could} members of `{name}` could approve, and {count} must");
    if could >= count {
        return Some(CheckFinding::new(Code::Approvers, members));
    }
    let instead = "add people to the group, or ask for fewer; the plan's author, the invited and members without \
                   an e-mail do not count";
    Some(CheckFinding::new(Code::ApproversTooFew, members).instead(instead))
}
