//! One rollout as the templates print it.
//!
//! **Invariant:** every text is printed through the template's escaping.

use crate::time::short;
use crate::web::json::{EventJson, ForecastJson, RolloutJson, WhenJson};
use crate::web::page::action::{self, Action};
use crate::web::page::blocker::{BlockerCard, blockers};
use crate::web::page::html::{Moment, encoded};
use crate::web::page::ring::{RingCard, ring};
use crate::web::page::standing::{current_ring, headline};
use crate::web::page::tone::Tone;
use crate::web::page::viewer::Viewer;

/// One rollout.
pub(super) struct RolloutCard<'a> {
    pub(super) json: &'a RolloutJson,
    pub(super) href: String,
    pub(super) phase: String,
    /// The phase, or the hold.
    pub(super) badge: String,
    pub(super) tone: Tone,
    pub(super) headline: String,
    pub(super) since: Moment,
    pub(super) earliest_move: Option<Moment>,
    /// When it will be done, in a sentence; `None` while nobody has looked ahead.
    pub(super) forecast: Option<String>,
    pub(super) verified: usize,
    pub(super) devices: Option<(usize, usize)>,
    pub(super) blockers: Vec<BlockerCard>,
    pub(super) actions: Vec<Action>,
    pub(super) rings: Vec<RingCard<'a>>,
}

impl<'a> RolloutCard<'a> {
    /// A rollout, with the records that are its milestones, oldest first.
    pub(super) fn new(rollout: &'a RolloutJson, milestones: &[EventJson], viewer: &Viewer) -> Self {
        let now = rollout.at;
        let current = current_ring(rollout);
        let rings = rollout.rings.iter().enumerate();
        let rings: Vec<_> = rings.map(|one| ring(rollout, one, current, milestones, viewer)).collect();
        let devices = rings.iter().filter_map(|ring| ring.arrived);
        let devices = devices.reduce(|(arrived, of), (more, all)| (arrived + more, of + all));
        Self {
            json: rollout,
            href: format!("/plans/{}", encoded(rollout.plan.as_str())),
            phase: rollout.phase.replace('_', " "),
            badge: match (&rollout.halted, &rollout.paused) {
                (Some(_), _) => "halted".to_owned(),
                (None, Some(_)) => "paused".to_owned(),
                (None, None) => rollout.phase.replace('_', " "),
            },
            tone: tone(rollout),
            headline: headline(rollout, current),
            since: Moment::new(rollout.phase_since, now),
            earliest_move: rollout.earliest_move.map(|at| Moment::new(at, now)),
            forecast: None,
            verified: rollout.rings.iter().filter(|ring| ring.state == "verified").count(),
            devices,
            blockers: blockers(rollout, viewer),
            actions: action::of_plan(&rollout.plan, viewer),
            rings,
        }
    }
}

/// When a rollout will be done, in a sentence.
pub(super) fn forecast(told: &ForecastJson) -> String {
    let WhenJson { middle, from, until, .. } = &told.done;
    let (Some(middle), Some(from), Some(until)) = (middle, from, until) else {
        return "no date: as things are, it comes to no end".to_owned();
    };
    let range = format!("{}, 80 % between {} and {}", short(*middle), short(*from), short(*until));
    match told.held {
        Some(_) => format!("no date until somebody lets it go on; if that were now: {range}"),
        None => range,
    }
}

fn tone(rollout: &RolloutJson) -> Tone {
    let blocked = rollout.waiting_on.iter().map(|blocker| Tone::of_blocker(&blocker.code));
    match () {
        () if rollout.halted.is_some() => Tone::Bad,
        () if rollout.paused.is_some() => Tone::Wait,
        () if blocked.clone().any(|tone| tone == Tone::Bad) => Tone::Bad,
        () if rollout.waiting_on.iter().any(|blocker| blocker.code == "offers_forbidden") => Tone::Wait,
        () => Tone::of_state(&rollout.phase),
    }
}
