//! The daemon's log, for changes of access: told before anything is sent to Cloudflare, and again after.
//!
//! **Invariant:** what is not on record is not sent.

use super::words::{RoleNames, in_words};
use super::{change::Change, compare::Difference};
use crate::cli::{CliError, Connection, safe};
use crate::rollout::record::AccessOutcome;
use crate::web::json::{
    AccessIntentAnswer, AccessIntentJson, AccessOutcomeJson, MAX_REASON_CHARS, VerbAnswer,
};

/// The way to the log, and what roles and places are called in it.
#[derive(Debug)]
pub(super) struct AccessJournal<'a> {
    pub(super) daemon: &'a Connection,
    pub(super) names: &'a RoleNames,
}

/// A change that is on record.
#[derive(Debug)]
#[must_use = "its outcome must be told"]
pub(super) struct Intent(u64);

impl AccessJournal<'_> {
    /// Puts on record what is about to be written.
    pub(super) async fn intend(
        &self,
        change: &Change<'_>,
        difference: &Difference,
    ) -> Result<Intent, CliError> {
        let words = |shapes: &[_]| shapes.iter().map(|shape| in_words(shape, self.names)).collect();
        let told = AccessIntentJson {
            group: change.group.id.clone(),
            name: safe(&change.group.name),
            remove: words(&difference.remove),
            add: words(&difference.add),
            reason: change.reason.to_owned(),
        };
        let answer: Result<AccessIntentAnswer, _> = self.daemon.post(&["access"], &told).await;
        answer.map(|answer| Intent(answer.intent)).map_err(|error| {
            let error = CliError::from(error);
            let text = format!(
                "group `{}` was not touched, because a change of access stands in the daemon's log before it is \
                 made: {error}",
                safe(&change.group.name)
            );
            error.with_message(text)
        })
    }

    /// Puts on record what became of it.
    pub(super) async fn settle(
        &self,
        intent: Intent,
        outcome: AccessOutcome,
        words: &str,
    ) -> Result<(), CliError> {
        let printable = |c: char| if c.is_control() { ' ' } else { c };
        let reason = words.chars().map(printable).take(MAX_REASON_CHARS).collect();
        let path = ["access", &intent.0.to_string(), "outcome"];
        let told = self.daemon.post::<VerbAnswer>(&path, &AccessOutcomeJson { outcome, reason }).await;
        told.map(|_| ()).map_err(|error| {
            let error = CliError::from(error);
            let text = format!(
                "the daemon's log has the change as record {}, and not what became of it ({}: {words}): {error}",
                intent.0,
                outcome.as_str()
            );
            error.with_message(text)
        })
    }
}
