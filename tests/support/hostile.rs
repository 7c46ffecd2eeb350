//! Plan files that hold and ask for as much searching as a file may.
//!
//! **Invariant:** each is valid beside all others: no name or profile is in two of them.

use std::ops::Range;

/// One of many: twenty rings, none like another, each with as many openings as there can be on a day that takes long
/// to find, and 150 freezes.
pub fn hostile_plan(number: usize) -> String {
    let ring = |ring: usize| {
        let opening =
            |i: usize| format!("{{cron: \"{} {} 15W 2 *\", for: 15m}}", (i * 7 + ring) % 60, i % 24);
        let openings = (0..32).map(opening).collect::<Vec<_>>().join(", ");
        let (freezes, asked) = (frozen(50..150), "approval: {user_group: G, expires: 1h}");
        format!(
            "  - {{name: R{number}-{ring}, profiles: [p{number}-{ring}], {asked}, schedule: {{open: [{openings}], freeze: [{freezes}]}}}}\n"
        )
    };
    let rings: String = (0..20).map(ring).collect();
    let shared = frozen(0..50);
    format!(
        "plan: hostile-{number}\nversions: {{windows: 2026.8.2100.0}}\ndefaults: {{timezone: Europe/Lisbon, schedule: {{freeze: [{shared}]}}}}\nrings:\n{rings}"
    )
}

/// Days of 2027 that do not touch, as many as are asked for.
fn frozen(days: Range<usize>) -> String {
    let freeze = |day: usize| {
        let (month, day) = (1 + day % 12, 1 + 2 * (day / 12));
        format!("{{from: 2027-{month:02}-{day:02}, until: 2027-{month:02}-{day:02}, reason: r}}")
    };
    days.map(freeze).collect::<Vec<_>>().join(", ")
}
