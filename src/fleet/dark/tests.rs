//! Looks against stories of whole fleets, told in local days of Lisbon.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::fleet::{ListedDevice, ListedProfile, Membership, Reported, Sweep, SweepScope};
use crate::ids::PolicyId;
use crate::schedule::{Freeze, Zone};
use crate::time::after;
use crate::version::ClientVersion;

const OLD: ClientVersion = ClientVersion::new(2026, 7, 1376, 0);
const TARGET: ClientVersion = ClientVersion::new(2026, 8, 2100, 0);

/// October 2026: the 12th is a Monday. Lisbon is an hour ahead of UTC until the 25th.
fn at(day: i8, hour: i8) -> Timestamp {
    let zone = jiff::tz::TimeZone::get("Europe/Lisbon").unwrap();
    jiff::civil::date(2026, 10, day).at(hour, 0, 0, 0).to_zoned(zone).unwrap().timestamp()
}

fn policy(name: &str) -> PolicyId {
    PolicyId::new(name).unwrap()
}

fn scope(name: &str, assigned_at: Option<Timestamp>, zone: &str) -> RingScope {
    RingScope {
        policies: [policy(name)].into(),
        targets: BTreeMap::from([(Environment::Windows, TARGET)]),
        assigned_at,
        zone: Zone::new(zone).unwrap(),
        stalled_after: SignedDuration::from_hours(24),
    }
}

/// Tuesday morning.
fn assigned() -> Timestamp {
    at(13, 9)
}

/// Draws without order: the same for the same words.
fn draw(seed: u64, device: usize, day: i8) -> u64 {
    let mut word = seed ^ (device as u64) << 24 ^ u64::from(day.unsigned_abs()) << 8 | 1;
    for _ in 0..4 {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
    }
    word
}

struct Story {
    seed: u64,
    ring: usize,
    control: usize,
    /// Of the ring: works until the evening of its arrival, and never comes back.
    faulty: usize,
    /// Per cent of devices that stay closed on a working day.
    absent: u64,
    /// Days on which the ring's country is at home.
    at_home: Vec<i8>,
    /// Days on which ringward does not look.
    unwatched: Vec<i8>,
    /// Where the control works, and how many hours later its day is.
    control_in: (&'static str, i64),
}

impl Default for Story {
    fn default() -> Self {
        Self {
            seed: 1,
            ring: 400,
            control: 1_000,
            faulty: 0,
            absent: 4,
            at_home: vec![],
            unwatched: vec![],
            control_in: ("Europe/Lisbon", 0),
        }
    }
}

impl Story {
    fn works(&self, index: usize, day: i8) -> bool {
        let in_ring = index < self.ring;
        let weekend = [3, 4, 10, 11, 17, 18, 24, 25].contains(&day);
        let closed = draw(self.seed, index, day) % 100 < self.absent;
        let dark = index < self.faulty && day > 13;
        !(weekend || closed || dark || in_ring && self.at_home.contains(&day))
    }

    fn sighting(&self, index: usize, seen: Timestamp) -> ListedDevice {
        let in_ring = index < self.ring;
        let arrived = in_ring && seen >= after(assigned(), SignedDuration::from_hours(1));
        ListedDevice {
            id: DeviceId::new(format!("d{index:05}")).unwrap(),
            name: String::new(),
            user: None,
            device_type: Some("windows".to_owned()),
            os_version: None,
            client: Reported::Version(if arrived { TARGET } else { OLD }),
            last_seen_at: Some(seen),
            policy: Some(ListedProfile { id: policy(if in_ring { "ring" } else { "rest" }), default: false }),
        }
    }

    fn scopes(&self, now: Timestamp) -> [RingScope; 2] {
        let assigned_at = (now >= assigned()).then(assigned);
        [scope("ring", assigned_at, "Europe/Lisbon"), scope("rest", None, self.control_in.0)]
    }

    /// Swept at noon and in the evening of each day from the 5th on, each half by its own clock.
    fn fleet(&self, until: i8) -> Fleet {
        let mut fleet = Fleet::default();
        let (ring, control) = (0..self.ring, self.ring..self.ring + self.control);
        let halves = [(ring, 0), (control, self.control_in.1)];
        let watched = (5..=until).filter(|day| !self.unwatched.contains(day));
        let days = watched.flat_map(|day| [(day, 12), (day, 18)]);
        let mut sweeps: Vec<_> = days
            .flat_map(|(day, hour)| {
                let of = |(half, later): &(std::ops::Range<usize>, i64)| {
                    (after(at(day, hour), SignedDuration::from_hours(*later)), day, half.clone())
                };
                halves.each_ref().map(of)
            })
            .collect();
        sweeps.sort_by_key(|(started_at, ..)| *started_at);
        for (started_at, day, half) in sweeps {
            let worked = half.filter(|index| self.works(*index, day));
            let devices = worked.map(|index| self.sighting(index, started_at)).collect();
            let scope = SweepScope::SeenAfter(after(started_at, -SignedDuration::from_hours(1)));
            let sweep = Sweep { scope, started_at, finished_at: started_at, devices };
            let _ = fleet.observe(sweep, &Membership::new(self.scopes(started_at).to_vec()));
        }
        fleet
    }

    fn looks_at(&self, schedule: &Schedule, known_until: Timestamp) -> DarkEvaluations {
        let day = jiff::Zoned::new(known_until, jiff::tz::TimeZone::UTC).day();
        self.looks_without(schedule, known_until, &BTreeMap::new(), day)
    }

    /// The same with silences accepted, and swept until a day.
    fn looks_without(
        &self,
        schedule: &Schedule,
        known_until: Timestamp,
        acknowledged: &BTreeMap<DeviceId, Timestamp>,
        day: i8,
    ) -> DarkEvaluations {
        let [ring, control] = self.scopes(assigned());
        self.fleet(day).dark(&DarkQuestion {
            ring: &ring,
            control: &[control],
            environment: Environment::Windows,
            after: SignedDuration::from_hours(24),
            schedule,
            acknowledged,
            known_until,
        })
    }
}

fn lisbon(freeze: Option<i8>) -> Schedule {
    let day = |day| jiff::civil::date(2026, 10, day);
    let freezes = freeze.map(|on| Freeze::new(day(on), day(on), "Holiday").unwrap());
    Schedule::new(Zone::new("Europe/Lisbon").unwrap(), vec![], freezes.into_iter().collect()).unwrap()
}

fn fails(looks: &DarkEvaluations) -> bool {
    looks.looks.iter().any(|look| look.exceeds(Percent::whole(2)) && look.is_no_chance())
}

fn days(looks: &DarkEvaluations) -> Vec<(u8, u32, Timestamp)> {
    looks.looks.iter().map(|look| (look.look, look.day, look.since)).collect()
}

#[test]
fn looks_are_taken_in_the_evening_and_reach_back_over_days_that_count() {
    let story = Story::default();
    let told = |known_until| days(&story.looks_at(&lisbon(None), known_until));
    for (name, known_until, expected) in [
        ("Tuesday evening: nothing arrived a day ago", at(13, 21), vec![]),
        ("Wednesday before the look", at(14, 19), vec![]),
        ("Wednesday evening", at(14, 20), vec![(1, 1, at(13, 20))]),
        ("Thursday at noon: still Wednesday's", at(15, 12), vec![(1, 1, at(13, 20))]),
        ("Thursday evening", at(15, 21), vec![(1, 2, at(14, 20)), (2, 2, at(13, 20))]),
        ("Saturday: still Friday's", at(17, 21), vec![(1, 3, at(15, 20)), (2, 3, at(14, 20))]),
        (
            "Monday evening: the weekend does not count",
            at(19, 21),
            vec![(1, 4, at(16, 20)), (2, 4, at(15, 20))],
        ),
    ] {
        assert_eq!(told(known_until), expected, "{name}");
    }
    let next = story.looks_at(&lisbon(None), at(14, 19)).next_at;
    assert_eq!(next, Some(at(14, 20)));
}

#[test]
fn a_freeze_and_a_day_without_sight_do_not_count() {
    let story = Story::default();
    let frozen = story.looks_at(&lisbon(Some(15)), at(16, 21));
    assert_eq!(days(&frozen), [(1, 2, at(14, 20)), (2, 2, at(13, 20))], "Thursday is frozen");
    let blind = Story { unwatched: vec![15], ..Story::default() };
    let looks = blind.looks_at(&lisbon(None), at(16, 21));
    assert_eq!(days(&looks), [(1, 2, at(14, 20)), (2, 2, at(13, 20))], "nobody looked on Thursday");
    assert!(!fails(&looks));
}

#[test]
fn devices_that_never_come_back_are_named_by_the_second_evening() {
    let story = Story { faulty: 20, ..Story::default() };
    let looks = story.looks_at(&lisbon(None), at(15, 20));
    let second = looks.looks.iter().find(|look| look.look == 2).unwrap();
    assert!(second.exceeds(Percent::whole(2)) && second.is_no_chance(), "{second:?}");
    let faulty: BTreeSet<DeviceId> = (0..20).map(|index| story.sighting(index, at(13, 9)).id).collect();
    // Some of the faulty were absent on Tuesday: those never arrived and are no cohort.
    assert!(second.silent.iter().filter(|id| faulty.contains(id)).count() >= 17, "{second:?}");
    let accepted = faulty.into_iter().map(|id| (id, at(15, 21))).collect();
    let again = story.looks_without(&lisbon(None), at(15, 20), &accepted, 15);
    assert!(!fails(&again), "what is acknowledged is taken out: {again:?}");
}

#[test]
fn a_local_holiday_is_silence_of_most_and_not_a_fault_before() {
    let story = Story { at_home: vec![15], ..Story::default() };
    for hour in [8, 12, 16, 19] {
        assert!(!fails(&story.looks_at(&lisbon(None), at(15, hour))), "{hour}");
    }
    let evening = story.looks_at(&lisbon(None), at(15, 20));
    let first = evening.looks.first().unwrap();
    assert!(first.ring.mostly_silent() && !first.control.mostly_silent(), "{first:?}");
    // Once they are back the day is lost, to the ring and to the control alike.
    let after = story.looks_at(&lisbon(None), at(16, 20));
    assert_eq!(days(&after), [(1, 2, at(14, 20)), (2, 2, at(13, 20))]);
    let alike = |look: &DarkEvaluation| (look.ring.ratio() - look.control.ratio()).abs() < 0.02;
    assert!(after.looks.iter().all(alike) && !fails(&after), "{after:?}");
    // Those who do not come back are found all the same.
    let faulty = Story { faulty: 20, ..story };
    assert!(fails(&faulty.looks_at(&lisbon(None), at(16, 20))));
    let declared = faulty.looks_at(&lisbon(Some(15)), at(15, 20));
    assert_eq!(declared.looks.first().map(|look| look.at), Some(at(14, 20)), "the day before stands");
}

#[test]
fn a_control_in_another_zone_is_looked_at_by_its_own_clock() {
    let near = Story { faulty: 20, ..Story::default() };
    for (control_in, evening) in [(("America/Los_Angeles", 8), at(15, 4)), (("Asia/Tokyo", -8), at(14, 20))] {
        let far = Story { control_in, ..Story { faulty: 20, ..Story::default() } };
        let before = after(evening, -SignedDuration::from_secs(1));
        let early = far.looks_at(&lisbon(None), before);
        assert_eq!((early.looks, early.next_at), (vec![], Some(evening)), "{control_in:?}");
        let taken = far.looks_at(&lisbon(None), evening).looks;
        let next_door = near.looks_at(&lisbon(None), at(14, 20)).looks.into_iter();
        let next_door: Vec<_> = next_door.map(|look| DarkEvaluation { taken_at: evening, ..look }).collect();
        assert_eq!(taken, next_door, "{control_in:?}");
        let thursday = far.looks_at(&lisbon(None), after(evening, SignedDuration::from_hours(24)));
        assert!(fails(&thursday), "{control_in:?}: the fault is found by Thursday's look");
        let weekend = far.looks_at(&lisbon(None), after(evening, SignedDuration::from_hours(4 * 24)));
        let newest = weekend.looks.iter().map(|look| look.at).max();
        assert_eq!(newest, Some(at(16, 20)), "{control_in:?}: it is Saturday and Sunday there as well");
    }
    let rows = [("Asia/Tokyo", -8), ("Asia/Kolkata", -4), ("UTC", 1), ("America/Los_Angeles", 8)];
    for (zone, hours) in rows {
        let [zone, lisbon] = [zone, "Europe/Lisbon"].map(|zone| Zone::new(zone).unwrap());
        assert_eq!(hours_behind(&zone, &lisbon, at(14, 12)), hours, "{zone:?}");
    }
}

#[test]
fn a_weekday_on_which_the_ring_is_at_home_each_week_does_not_count() {
    let friday = at(16, 22);
    let newest = |at_home: &[i8]| {
        let story = Story { at_home: at_home.to_vec(), ..Story::default() };
        let looks = story.looks_at(&lisbon(None), friday).looks;
        looks.iter().map(|look| look.at).max()
    };
    assert_eq!(newest(&[9, 16]), Some(at(15, 20)), "the Friday before was free as well");
    assert_eq!(newest(&[16]), Some(at(16, 20)), "it worked on the Friday before");
    assert_eq!(newest(&[14, 15, 16]), Some(at(16, 20)), "a ring that fell silent");
    let blind = Story { at_home: vec![16], unwatched: vec![9], ..Story::default() };
    let looks = blind.looks_at(&lisbon(None), friday).looks;
    let newest = looks.iter().map(|look| look.at).max();
    assert_eq!(newest, Some(at(16, 20)), "nobody knows of the Friday before");
}

/// Twenty of 400, control of 1,000, 4 % absent each day: the headline of the issue, at this level.
#[test]
fn the_power_and_the_false_alarms_are_as_the_design_says() {
    let found = (1..=12).filter(|seed| {
        let story = Story { seed: *seed, faulty: 20, ..Story::default() };
        [14, 15].iter().any(|day| fails(&story.looks_at(&lisbon(None), at(*day, 20))))
    });
    let found = found.count();
    let alarms: usize = (1..=6)
        .map(|seed| {
            let story = Story { seed, ..Story::default() };
            [14, 15, 16, 19, 20, 21, 22, 23]
                .iter()
                .filter(|day| fails(&story.looks_at(&lisbon(None), at(**day, 20))))
                .count()
        })
        .sum();
    println!("found in {found} of 12 seeds; {alarms} false alarms on 48 evenings");
    assert!(found >= 11, "{found}");
    assert!(alarms == 0, "{alarms}");
}

#[test]
fn what_the_days_may_spend_adds_up_to_one_chance_of_error() {
    let spent: u64 = (1..=2_000).map(|day| LOOKS.len() as u64 * u64::from(p_at_most(day).0)).sum();
    // In parts per billion, each rounded up: a thousandth, but for the days after the 2,000th.
    assert!((999_000..=1_004_000).contains(&spent), "{spent}");
    assert_eq!(p_at_most(1), PartsPerBillion(250_000));
    assert_eq!(p_at_most(0), p_at_most(1));
}

#[test]
fn no_day_is_given_the_room_of_an_earlier_one() {
    let assigned = hour_of(assigned());
    let mut before = None;
    for later in 1..100 {
        let until = after(at(13, 21), SignedDuration::from_hours(24 * later));
        let mut days = days::calendar(&lisbon(None), until, SignedDuration::ZERO);
        days.retain(|day| day.looks_at <= until);
        days.iter_mut().for_each(|day| day.counts = true);
        let day = days::days_since(&days, assigned);
        assert_eq!(day, u32::try_from(later).ok(), "each day counts once, remembered or not");
        assert!(day > before, "{later}");
        before = day;
    }
}

#[test]
fn who_is_silent_for_long_stays_in_the_second_look() {
    let story = Story { faulty: 40, ..Story::default() };
    let looks = story.looks_at(&lisbon(None), at(23, 20)).looks;
    let [first, second] = looks.as_slice() else { panic!("{looks:?}") };
    assert!(first.silent.iter().all(|id| id.as_str() >= "d00040"), "they were silent the day before, too");
    let faulty = second.silent.iter().filter(|id| id.as_str() < "d00040").count();
    assert!(
        faulty >= 35 && fails(&DarkEvaluations { looks: vec![second.clone()], ..DarkEvaluations::default() })
    );
    // Of those that arrived, and of all others since the assignment.
    assert!(second.ring.of > 390 && second.control.of > 990, "{second:?}");
}

#[test]
fn a_ring_that_is_dead_is_all_silent_in_the_second_look() {
    let story = Story { ring: 40, faulty: 40, ..Story::default() };
    for day in [15, 16, 19, 23] {
        let looks = story.looks_at(&lisbon(None), at(day, 20)).looks;
        let second = looks.iter().find(|look| look.look == 2).unwrap();
        assert!(second.ring.of >= 35 && second.ring.silent == second.ring.of, "{day}: {second:?}");
    }
}

#[test]
fn a_silence_is_accepted_until_the_next_sign_of_life() {
    let story = Story { at_home: vec![14, 15], ..Story::default() };
    let all: BTreeMap<DeviceId, Timestamp> =
        (0..story.ring).map(|index| (story.sighting(index, at(13, 12)).id, at(15, 21))).collect();
    let told = |day, swept| story.looks_without(&lisbon(None), at(day, 20), &all, swept);
    let then = told(15, 15);
    assert!(then.looks.is_empty() && then.acknowledged == 400, "{then:?}");
    // They come back on Friday the 16th; whoever does is asked about as before, over days that were not lost.
    let back = told(19, 19);
    let second = back.looks.iter().find(|look| look.look == 2).unwrap();
    assert!(second.ring.of > 350 && second.ring.silent <= 3 && back.acknowledged < 30, "{back:?}");
    assert_eq!(second.since, at(13, 20));
}

#[test]
fn a_control_that_sleeps_is_known_still() {
    let story = Story { ring: 40, control: 50, ..Story::default() };
    let asleep = story.looks_without(&lisbon(None), at(26, 20), &BTreeMap::new(), 16);
    assert_eq!((asleep.control_active, asleep.control_known), (0, 50));
}
