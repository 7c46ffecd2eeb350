//! Past-tense facts: what the log keeps and what state is folded from.
//!
//! **Invariant:** every event has an actor and a reason, and carries all that a reader
//! needs to judge it later: counts, verdicts and both sides of a write, never a reference to
//! something that may change.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::ids::{Email, GroupId, PlanName, PolicyId, RingName, TokenName, UserGroupName};
use crate::plan::model::{Plan, PlanDigest, Revision};
use crate::rollout::record::{
    AccessChange, AccessOutcome, Acknowledged, Actor, AgreedAnswer, Ask, Block, BlockKind, Cancelled, Cause,
    Drift, Finding, Gate, Group, GroupDrift, HowBack, Judgement, RollbackStep, RolloutId, TokenGrant,
    Trigger, Unknown, WriteId, WriteIntent,
};
use crate::time::Timestamp;
use crate::version::{ClientVersion, Environment};

/// An event that is about to be appended.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Who.
    pub actor: Actor,
    /// Why, in words; never empty.
    pub reason: String,
    /// The rollout it is about; `None`: the account.
    pub rollout: Option<RolloutId>,
    /// What happened.
    pub event: Event,
}

impl Entry {
    /// Something that ringward did by itself.
    pub fn engine(rollout: &RolloutId, reason: impl Into<String>, event: Event) -> Self {
        // The engine's reasons quote names from outside; the log keeps plain text only.
        let reason = reason.into().replace(|c: char| c.is_control() && c != '\n' && c != '\t', " ");
        Self { actor: Actor::Engine, reason, rollout: Some(rollout.clone()), event }
    }
}

/// An event as the log has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Its place in the log, from 1, without gaps.
    pub seq: u64,
    /// When it was recorded, by the daemon's clock; never before the one before it, unless it confirms the
    /// clock ([`Event::ClockConfirmed`]).
    pub at: Timestamp,
    /// What was appended.
    pub entry: Entry,
}

/// What can happen. The names are promises: they stand in the log, the API and the transcripts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[derive(strum::EnumCount, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Event {
    /// A daemon took over the log.
    DaemonStarted {
        /// ringward's version.
        version: String,
        /// Whether it writes at Cloudflare.
        mode: Mode,
        /// For so many seconds of its clock a plan's file must have been unchanged before more of it than a
        /// restriction takes effect; `None`: a ringward that did not wait.
        #[serde(default)]
        settles_seconds: Option<u64>,
    },
    /// The clock stepped: it was set back, or more time passed between two looks at it than the daemon
    /// can have slept. What nobody watched counts for no soak, deadline or `unknown_after`.
    ClockStepped {
        /// Up to when everything was watched; for a clock set back, its last reading before.
        from: Timestamp,
        /// The clock's next reading.
        to: Timestamp,
    },
    /// A person confirmed the machine's clock, which is behind the log: the log was dated by a clock that was
    /// ahead. From here on everything is dated by the clock again, before what came before.
    ClockConfirmed {
        /// The present instant up to then.
        was: Timestamp,
        /// The present instant from here on.
        now: Timestamp,
        /// Answers of Cloudflare that agree with it.
        answers: Vec<AgreedAnswer>,
    },
    /// Somebody stopped all writes.
    Stopped {},
    /// Somebody allowed writes again.
    Started {},
    /// Somebody on this machine made a bearer token. Its text was told to them once and is kept nowhere.
    TokenMade {
        /// Whose it is, and how it is known again.
        token: Box<TokenGrant>,
    },
    /// Somebody on this machine revoked a bearer token.
    TokenRevoked {
        /// Which.
        name: TokenName,
    },
    /// Somebody is about to change the permission policies of a User Group, with a token of their own.
    AccessIntended {
        /// What is to change.
        change: Box<AccessChange>,
    },
    /// What became of that.
    AccessSettled {
        /// The number of the record that told of it.
        intent: u64,
        /// What became of it.
        outcome: AccessOutcome,
    },
    /// A plan began a rollout.
    PlanAccepted {
        /// The plan whole.
        revision: Box<Revision>,
    },
    /// The plan of a rollout changed where no entered ring is touched.
    PlanRevised {
        /// The plan whole.
        revision: Box<Revision>,
        /// Whether it only restricts, or changes what is for people: then what they said of the revision
        /// before stands for this one.
        #[serde(default)]
        restricts_only: bool,
        /// Rings that the plan's file does not name any more. They were entered and are not verified, so
        /// that they keep their place.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        dropped: BTreeSet<RingName>,
    },
    /// What only restricts in the plan's file is in force, whatever else waits or is wrong in it.
    PlanRestricted {
        /// The plan with it.
        plan: Box<Plan>,
        /// What restricts, in words.
        restricts: Vec<String>,
    },
    /// This file of the plans directory holds the plan.
    PlanFileNamed {
        /// Its name.
        file: String,
    },
    /// No file names the plan any more, whose rollout is finished: its rings hold their groups no more.
    PlanFileGone {},
    /// The rollout of a plan that no readable file names any more goes on under the name that a file gives it,
    /// which says what it was. It is the first record under that name; all that was the old plan's is the new one's.
    PlanRenamed {
        /// The name before.
        from: PlanName,
    },
    /// Rings have other names in the plan's file, with the same profiles or by its own word.
    RingRenamed {
        /// The new name by the old one.
        renamed: BTreeMap<RingName, RingName>,
    },
    /// A ring that the plan's file dropped is let go: no profile of it exists any more, and each of its
    /// devices was seen elsewhere or is missing from two full sweeps.
    RingLetGo {
        ring: RingName,
        /// What it had.
        profiles: BTreeSet<PolicyId>,
        /// When the last full sweep began.
        swept_at: Timestamp,
    },
    /// Something stands before every step of a plan's rollout; it takes the place of one of its kind.
    BlockBegun {
        /// What.
        block: Block,
    },
    /// It stands there no more.
    BlockEnded {
        /// Its kind.
        block: BlockKind,
    },
    /// A person lets a revision take effect that waits.
    RevisionConfirmed {
        /// The revision that they have read.
        digest: PlanDigest,
    },
    /// A newer target took over.
    RolloutSuperseded {
        /// The newer plan's digest.
        by: PlanDigest,
    },
    /// A newer target waits until this rollout is finished; it takes the place of one that waited before.
    NewTargetWaits {
        /// The newer plan whole.
        revision: Box<Revision>,
    },
    /// The plan's file asks for this rollout's own targets again, so none waits any more.
    NewTargetDropped {},
    /// The plan's file is gone.
    RolloutWithdrawn {},
    /// The plan's file is back with the same targets.
    RolloutReturned {},
    /// Every ring is verified.
    RolloutCompleted {},
    /// A ring's turn came.
    RingReached { ring: RingName },
    /// A ring had already soaked on these targets and still has them.
    RingRecognised {
        ring: RingName,
        /// Its group as read.
        group: Group,
        /// The soak it rests on.
        soak: SoakFact,
    },
    /// A ring was entered without a write: its group already offers the targets.
    RingAssigned {
        ring: RingName,
        /// Its group as read; its `updated_at` is the assignment.
        group: Group,
        /// The entry gates' words.
        judgements: Vec<Judgement>,
    },
    /// A write was decided: recorded before anything is sent.
    WritePlanned {
        /// The ring that it is for.
        ring: RingName,
        /// What is to be written, and on what grounds.
        intent: Box<WriteIntent>,
    },
    /// A planned write certainly did not happen.
    WriteCancelled {
        ring: RingName,
        write: WriteId,
        why: Cancelled,
        /// Not to be planned again before this.
        retry_at: Option<Timestamp>,
    },
    /// Cloudflare answered with exactly what was intended.
    WriteConfirmed {
        ring: RingName,
        write: WriteId,
        /// The group as answered.
        group: Group,
        /// Devices that it offers something else, by the count just before it was sent; `None`: the
        /// ring has no limit, or what was counted is lost.
        #[serde(default)]
        counted: Option<usize>,
    },
    /// Cloudflare refused the write; nothing was applied.
    WriteRefused {
        ring: RingName,
        write: WriteId,
        /// HTTP status.
        status: u16,
        /// What Cloudflare said, and what to do.
        message: String,
    },
    /// Nobody can say whether the write was applied.
    WriteDoubted {
        ring: RingName,
        write: WriteId,
        /// What happened instead of a clear answer.
        why: String,
        /// Devices that it offers something else, by the count just before it was sent; `None`: the
        /// ring has no limit, or what was counted is lost.
        #[serde(default)]
        counted: Option<usize>,
    },
    /// A first read about a write whose outcome is unknown.
    DoubtRead {
        ring: RingName,
        write: WriteId,
        /// What it shows.
        finding: Finding,
        /// When the read began.
        read_at: Timestamp,
    },
    /// Two agreeing reads ended the doubt.
    WriteSettled {
        ring: RingName,
        write: WriteId,
        /// What both show.
        finding: Finding,
        /// When the first read began.
        first_read_at: Timestamp,
        /// When the second read began.
        second_read_at: Timestamp,
    },
    /// The targets were adopted; the soak begins.
    AdoptionReached {
        ring: RingName,
        /// Each environment's word, with its counts.
        judgements: Vec<Judgement>,
    },
    /// The ring soaked; the next one may follow.
    RingVerified {
        ring: RingName,
        /// The exit gates' words.
        judgements: Vec<Judgement>,
    },
    /// Devices left an entered ring, or came back to it, so many that its shares are taken of others
    /// than before. What it says of adoption then rests on this.
    DevicesLeft {
        ring: RingName,
        environment: Environment,
        /// Devices that have left, in all.
        left: usize,
        /// How many the log knew of before.
        before: usize,
        /// All devices of the environment, those that left included.
        of: usize,
    },
    /// A gate can no longer tell, or cannot tell for another reason than before.
    GateUnknown { ring: RingName, gate: Gate, environment: Option<Environment>, why: Unknown },
    /// A gate can tell again.
    GateKnown { ring: RingName, gate: Gate, environment: Option<Environment> },
    /// A named person declared that a gate does not apply to a ring of this rollout.
    GateWaived { ring: RingName, gate: Gate },
    /// Everything but the clock is ready for a ring, and people are asked to let it be entered.
    ApprovalAsked {
        ring: RingName,
        /// The revision that they are asked for.
        digest: PlanDigest,
        /// Who, and how many.
        asks: Vec<Ask>,
    },
    /// A person lets a ring be entered.
    ApprovalGiven {
        ring: RingName,
        /// By this revision.
        digest: PlanDigest,
        /// With these versions.
        targets: BTreeMap<Environment, ClientVersion>,
        /// Until when it counts.
        expires_at: Timestamp,
        /// The User Groups that were asked and that the person was an accepted member of.
        groups: Vec<UserGroupName>,
        /// Whose rejections it sets aside: they left every group that is asked, and cannot take them back.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        set_aside: Vec<Email>,
    },
    /// A person who could let a ring be entered says no.
    ApprovalRefused {
        ring: RingName,
        /// To this revision.
        digest: PlanDigest,
        /// The User Groups that were asked and that the person was an accepted member of.
        groups: Vec<UserGroupName>,
    },
    /// The engine stopped the rollout until a person looks.
    Halted {
        /// Why.
        cause: Cause,
    },
    /// A person lifted the halt, having seen its cause.
    HaltLifted {
        /// What is acknowledged.
        cause: Cause,
        /// All that the gates of the rollout found at this instant, besides.
        #[serde(default)]
        acknowledged: Vec<Acknowledged>,
    },
    /// Somebody else changed a ring's group, and the plan has ringward write it back.
    DriftFound {
        /// What, with both sides.
        drift: Box<GroupDrift>,
    },
    /// A ring's group is again as ringward left it, by no write of ringward's.
    DriftEnded {
        ring: RingName,
        /// The group as read.
        group: Group,
    },
    /// The plan has ringward go on with what somebody else did.
    DriftAdopted {
        /// What, with both sides.
        drift: Drift,
    },
    /// Somebody else gave a ring's group another name; nothing that devices follow changed.
    GroupRenamed {
        ring: RingName,
        /// The name before.
        was: String,
        /// The group as read.
        group: Group,
    },
    /// A rollout is to go back. All of it is decided here, before anything is written.
    RollbackStarted {
        /// What set it off.
        trigger: Trigger,
        /// Its rings; never empty. What they take away is blocked from now on.
        steps: Vec<RollbackStep>,
    },
    /// A ring goes back without a write: its group already offers what it goes back to.
    RollbackInPlace {
        ring: RingName,
        /// Its group as read.
        group: Group,
        /// What it goes back to.
        to: BTreeMap<Environment, ClientVersion>,
    },
    /// A ring's part of a rollback is over; the ring before it follows.
    RingRolledBack {
        ring: RingName,
        how: HowBack,
        /// Each environment's word, with its counts; none without a group.
        judgements: Vec<Judgement>,
    },
    /// Every ring of a rollback is over.
    RollbackCompleted {},
    /// A person allows a version again that this plan's rollbacks block.
    VersionReleased { version: ClientVersion },
    /// A person paused the plan.
    Paused {},
    /// A person lifted the pause.
    PauseLifted {},
}

/// Whether a daemon may write at Cloudflare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It may.
    Write,
    /// Everything but writes.
    Observe,
}

/// Proof that a set of profiles soaked on a set of versions; what spares a ring a second soak.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoakFact {
    /// The ring's group.
    pub group: GroupId,
    /// The profiles that soaked.
    pub policies: BTreeSet<PolicyId>,
    /// On these versions.
    pub targets: BTreeMap<Environment, ClientVersion>,
    /// When the ring was verified.
    pub verified_at: Timestamp,
}
