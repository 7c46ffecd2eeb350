//! What the health gates measured, each share beside its limit.
//!
//! **Invariant:** a gauge's bar says nothing that does not also stand beside it as text, and shares are
//! rounded for the eye only: verdicts come from whole numbers.

use crate::fleet::PartsPerBillion;
use crate::rollout::record::{Asks, HealthGate};
use crate::time::short;
use crate::web::json::{DarkJson, EvaluationJson, GateJson, HaltJson, RolloutJson, SilentJson, StalledJson};
use crate::web::page::html::encoded;

/// A share and its limit.
pub(super) struct Gauge {
    /// What was measured, with its numbers.
    pub(super) text: String,
    /// Above its limit; of silence, and hardly chance.
    pub(super) over: bool,
    /// The bar's length in hundredths, where 50 is the limit.
    pub(super) width: String,
}

/// The devices that a health gate halted for.
pub(super) struct Accused {
    pub(super) count: usize,
    /// Where the API lists whom the gate finds now.
    pub(super) href: String,
}

/// What a health gate measured; nothing for the others, and nothing while there was nobody to count.
pub(super) fn gauges(gate: &GateJson) -> Vec<Gauge> {
    match (&gate.stalled, &gate.dark) {
        (Some(seen), _) => stalled(seen).into_iter().collect(),
        (_, Some(seen)) => seen.looks.iter().filter_map(|look| silent(seen, look)).collect(),
        (None, None) => Vec::new(),
    }
}

fn stalled(seen: &StalledJson) -> Option<Gauge> {
    let found = share(seen.stalled, seen.sighted)?;
    let limit = f64::from(seen.at_most_per_mille) / 10.0;
    let text = format!("{found:.1} % stalled, at most {limit:.1} %");
    Some(Gauge { text, over: found > limit, width: width(found, limit) })
}

fn silent(seen: &DarkJson, look: &EvaluationJson) -> Option<Gauge> {
    let (ring, control) = (percent(look.ring)?, percent(look.control)?);
    let limit = f64::from(seen.at_most_per_mille) / 10.0;
    let excess = ring - control;
    let (p, asked) = (PartsPerBillion(look.p_per_billion), PartsPerBillion(look.p_at_most_per_billion));
    let compared = if excess < 0.0 {
        format!("{:.1} points below", -excess)
    } else {
        format!("{excess:.1} points above, at most {limit:.1}")
    };
    let text = format!(
        "Silent since {}: {ring:.1} %, control {control:.1} %: {compared}; by chance with p {p}, threshold {asked} \
         down",
        short(look.since)
    );
    Some(Gauge { text, over: excess > limit && p <= asked, width: width(excess, limit) })
}

fn percent(silent: SilentJson) -> Option<f64> {
    share(silent.silent, silent.of)
}

#[expect(clippy::cast_precision_loss, reason = "a fleet has far fewer than 2^52 devices")]
fn share(part: usize, of: usize) -> Option<f64> {
    (of > 0).then(|| part as f64 * 100.0 / of as f64)
}

/// The limit stands in the middle of the bar; what is more than twice as much fills it.
fn width(found: f64, limit: f64) -> String {
    let filled = if limit > 0.0 { found / limit * 50.0 } else { found * 100.0 };
    format!("{:.1}", filled.clamp(0.0, 100.0))
}

/// Whom a halt is about, where a health gate halted.
pub(super) fn accused(rollout: &RolloutJson, halt: &HaltJson) -> Option<Accused> {
    let (count, ring) = (halt.devices?, halt.ring.as_ref()?);
    let of = match halt.gate.as_ref()?.gate.asks() {
        Asks::Health(HealthGate::Dark) => "dark=true",
        Asks::Health(HealthGate::Stalled) => "class=stalled",
        Asks::Schedule | Asks::Sight | Asks::Plan | Asks::People | Asks::Arrival | Asks::Nothing => {
            return None;
        }
    };
    let (plan, ring) = (encoded(rollout.plan.as_str()), encoded(ring.as_str()));
    Some(Accused { count, href: format!("/api/v1/rollouts/{plan}/devices?ring={ring}&{of}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(stalled: usize, sighted: usize, at_most_per_mille: u16) -> StalledJson {
        StalledJson {
            stalled,
            sighted,
            acknowledged: 0,
            at_most_per_mille,
            after_seconds: 86_400,
            min_devices: 30,
        }
    }

    #[test]
    fn a_share_is_drawn_beside_its_limit() {
        let rows = [
            ("none", seen(0, 40, 100), false, "0.0"),
            ("half of the limit", seen(2, 40, 100), false, "25.0"),
            ("at the limit", seen(4, 40, 100), false, "50.0"),
            ("above it", seen(6, 40, 100), true, "75.0"),
            ("far above it", seen(40, 40, 100), true, "100.0"),
            ("nobody may be, nobody is", seen(0, 40, 0), false, "0.0"),
            ("nobody may be, one is", seen(1, 40, 0), true, "100.0"),
        ];
        for (row, seen, over, width) in rows {
            let gauge = stalled(&seen).unwrap();
            assert_eq!((gauge.over, gauge.width.as_str()), (over, width), "{row}");
        }
        assert!(stalled(&seen(0, 0, 100)).is_none(), "nobody was seen");
    }

    #[test]
    fn silence_is_drawn_above_the_control_and_told_with_its_chance() {
        let seen = DarkJson {
            arrived: 40,
            control_active: 100,
            acknowledged: 0,
            looks: Vec::new(),
            next_look: None,
            at_most_per_mille: 20,
            after_seconds: 86_400,
            min_devices: 30,
        };
        let look = |ring: usize, control: usize, p: u32| EvaluationJson {
            look: 2,
            at: "2026-10-11T18:00:00Z".parse().unwrap(),
            since: "2026-10-09T18:00:00Z".parse().unwrap(),
            day: 4,
            ring: SilentJson { of: 40, silent: ring },
            control: SilentJson { of: 100, silent: control },
            p_per_billion: p,
            p_at_most_per_billion: 50_000,
        };
        let rows = [
            ("hardly chance", look(14, 5, 4_000), true, "100.0", "35.0 %, control 5.0 %: 30.0 points above"),
            ("it may be chance", look(4, 5, 90_000_000), false, "100.0", "5.0 points above, at most 2.0"),
            ("fewer than in the control", look(0, 5, 1_000_000_000), false, "0.0", "5.0 points below"),
        ];
        for (row, look, over, width, words) in rows {
            let gauge = silent(&seen, &look).unwrap();
            assert_eq!((gauge.over, gauge.width.as_str()), (over, width), "{row}");
            assert!(gauge.text.contains(words), "{row}: {}", gauge.text);
        }
        let alone = EvaluationJson { control: SilentJson { of: 0, silent: 0 }, ..look(14, 5, 4_000) };
        assert!(silent(&seen, &alone).is_none(), "without a control there is nothing to compare with");
    }
}
