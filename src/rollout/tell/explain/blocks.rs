//! What each block on account of a plan's file is, what follows from it, and what would end it.

use crate::ids::PlanName;
use crate::rollout::record::{Block, WaitingRevision, WaitsFor};
use crate::rollout::tell::explain::remedy::{Remedy, WaitExplained};

/// What every block of a plan's file leaves going.
pub(crate) const SIGHT: &str = "Nothing is entered, written back or verified meanwhile; polls, gates and soak clocks go on under the plan in force, and `rollback` works.";

/// Explains a plan that is new and waits.
pub fn explain_new(plan: &PlanName, waiting: &WaitingRevision) -> WaitExplained {
    let block = Block::RevisionWaits(waiting.clone());
    let (headline, detail) = words(&block);
    WaitExplained { headline, detail, remedy: remedy(&block, plan.as_str()) }
}

pub(crate) fn words(block: &Block) -> (String, String) {
    match block {
        Block::PlanInvalid { errors, .. } => {
            let more = match errors.len().saturating_sub(1) {
                0 => String::new(),
                1 => " There is 1 error more.".to_owned(),
                more => format!(" There are {more} errors more."),
            };
            let restricts = "What only restricts in the file is in force, as far as it can be read.";
            (block.to_string(), format!("{SIGHT} {restricts}{more}"))
        }
        Block::FileMissing { .. } => (
            block.to_string(),
            format!(
                "{SIGHT} Once every file of the directory can be read and none names the plan for a minute, the rollout is withdrawn; what Cloudflare offers by then stays on offer."
            ),
        ),
        Block::FilesUnreadable { .. } => {
            (block.to_string(), format!("{SIGHT} No rollout is withdrawn for it."))
        }
        Block::RevisionWaits(waiting) => {
            let why = waits_for(waiting.waits_for);
            let detail = match &waiting.in_force {
                Some(in_force) => format!(
                    "{why} In force is revision {}. While another one waits, the build that may be on its way out goes to nobody else. {SIGHT}",
                    in_force.short()
                ),
                None => format!("{why} The plan is new: nothing of it is in force before."),
            };
            (block.to_string(), detail)
        }
    }
}

/// What a revision waits for, in a sentence.
pub const fn waits_for(what: WaitsFor) -> &'static str {
    match what {
        WaitsFor::Time => "It takes effect once the file was unchanged for 30 seconds.",
        WaitsFor::LineEnd => "The file does not end with a line end, so it may have been cut off.",
        WaitsFor::Person => "This daemon's ringward.yaml says `revisions: person`.",
        WaitsFor::Stability => {
            "The plan changed more than 6 times within an hour, so only a person lets it change again."
        }
        WaitsFor::AnotherVersion => "It asks for a version that its own `forbid` covers.",
        WaitsFor::Predecessor => "The plan that it says it was keeps its name for now.",
    }
}

pub(crate) fn remedy(block: &Block, plan: &str) -> Remedy {
    match block {
        Block::PlanInvalid { file, .. } => Remedy::then(
            "correct the file; all that is wrong with it is told by",
            format!("ringward check {file}"),
        ),
        Block::FileMissing { .. } => Remedy::words(
            "put the plan's file back, or leave it away: after a minute the rollout is withdrawn",
        ),
        Block::FilesUnreadable { .. } => {
            Remedy::words("make the directory readable again; then it goes on by itself")
        }
        Block::RevisionWaits(WaitingRevision { digest, waits_for, .. }) => match waits_for {
            WaitsFor::Time => {
                Remedy::words("nothing: it takes effect by itself; or put the file back as it was")
            }
            WaitsFor::LineEnd => Remedy::then(
                "end the file's last line, or, if the file is whole, confirm it",
                confirm(plan, digest.short()),
            ),
            WaitsFor::Person | WaitsFor::Stability => {
                Remedy::then("confirm it, or put the file back as it was", confirm(plan, digest.short()))
            }
            WaitsFor::AnotherVersion => {
                Remedy::words("name another version in the plan, or correct its `forbid`")
            }
            WaitsFor::Predecessor => Remedy::words(
                "nothing, where that ends by itself; else correct `was`, or take it out of the file",
            ),
        },
    }
}

/// The command that confirms a revision; `…` stands for the person's reason.
pub fn confirm(plan: &str, digest: &str) -> String {
    format!("ringward confirm {plan} --revision {digest} --reason …")
}
