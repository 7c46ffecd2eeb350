//! The devices of an environment by class: how many, and the bar that shows how they are spread.
//!
//! **Invariant:** a class with a device has a cell wherever there are cells for all of them, so one
//! stalled laptop among thousands is seen; a bar is full of `arrived` only if all arrived.

use std::collections::BTreeMap;

use crate::cli::{Screen, Tint};
use crate::{version::Environment, web::json::ClassesJson};

/// The classes that a version can move, in the order of the bar.
const SHOWN: [Mark; 4] = [
    Mark { name: "arrived", unicode: "█", ascii: "#", tint: Tint::Good },
    Mark { name: "due", unicode: "▒", ascii: "-", tint: Tint::Waiting },
    Mark { name: "stalled", unicode: "▚", ascii: "!", tint: Tint::Bad },
    Mark { name: "not seen", unicode: "░", ascii: ".", tint: Tint::Quiet },
];

struct Mark {
    name: &'static str,
    unicode: &'static str,
    ascii: &'static str,
    tint: Tint,
}

impl Mark {
    const fn glyph(&self, screen: &Screen) -> &'static str {
        screen.glyph(self.unicode, self.ascii)
    }
}

/// A bar of exactly `cells` cells for counts of [`SHOWN`]; blank when no device can be moved.
pub(super) fn bar(screen: &Screen, counts: [usize; 4], cells: usize) -> String {
    let shares = spread(counts, cells);
    let drawn: String = SHOWN
        .iter()
        .zip(shares)
        .filter(|(_, cells)| *cells > 0)
        .map(|(shown, cells)| screen.paint(shown.tint, &shown.glyph(screen).repeat(cells)))
        .collect();
    let blank = cells - shares.iter().sum::<usize>();
    format!("{drawn}{}", " ".repeat(blank))
}

/// The environments of a ring in the order of reports: Windows, macOS, then the rest.
pub(super) fn in_order(
    classes: &BTreeMap<String, ClassesJson>,
) -> impl Iterator<Item = (&String, &ClassesJson)> {
    let mut environments: Vec<_> = classes.iter().collect();
    environments.sort_by_key(|(name, _)| {
        Environment::ALL.iter().position(|known| known.as_str() == *name).unwrap_or(Environment::ALL.len())
    });
    environments.into_iter()
}

/// The devices of one environment by class, in words.
pub(super) const fn each(classes: &ClassesJson) -> [(usize, &'static str); 7] {
    let ClassesJson { arrived, due, stalled, unseen, too_old, untargeted, left } = *classes;
    [
        (arrived, "arrived"),
        (due, "due"),
        (stalled, "stalled"),
        (unseen, "not seen"),
        (too_old, "too old"),
        (untargeted, "untargeted"),
        (left, "left the ring"),
    ]
}

/// All devices of one environment.
pub(super) fn total(classes: &ClassesJson) -> usize {
    each(classes).iter().map(|(count, _)| count).sum()
}

/// What the characters of a bar mean.
pub(super) fn legend(screen: &Screen) -> String {
    let entries =
        SHOWN.iter().map(|shown| format!("{} {}", screen.paint(shown.tint, shown.glyph(screen)), shown.name));
    entries.collect::<Vec<_>>().join("  ")
}

/// `cells` spread over the counts: at least one for each that is not zero, the rest by share.
fn spread(counts: [usize; 4], cells: usize) -> [usize; 4] {
    let total: usize = counts.iter().sum();
    if total == 0 {
        return [0; 4];
    }
    let mut shares = counts.map(|count| (count * cells / total).max(usize::from(count > 0)));
    // At most four cells too many or three too few.
    while shares.iter().sum::<usize>() > cells {
        let Some(largest) = shares.iter_mut().max() else { break };
        *largest -= 1;
    }
    while shares.iter().sum::<usize>() < cells {
        // The class that has the least for its count, by cross-multiplication with the shares.
        let neediest = (0..counts.len())
            .filter(|index| counts.get(*index).is_some_and(|count| *count > 0))
            .max_by_key(|index| {
                let count = counts.get(*index).copied().unwrap_or(0);
                let share = shares.get(*index).copied().unwrap_or(0);
                (count * cells).saturating_sub(share * total)
            });
        let Some(share) = neediest.and_then(|index| shares.get_mut(index)) else { break };
        *share += 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::screen::{Glyphs, Ink, Surface};

    #[test]
    fn cells_are_spread_by_share_and_nobody_is_lost() {
        let rows = [
            ("nobody", [0, 0, 0, 0], 10, [0, 0, 0, 0]),
            ("all arrived", [31, 0, 0, 0], 10, [10, 0, 0, 0]),
            ("half and half", [5, 5, 0, 0], 10, [5, 5, 0, 0]),
            ("one stalled of thousands", [9_998, 0, 1, 1], 20, [18, 0, 1, 1]),
            ("one not there yet", [999, 1, 0, 0], 10, [9, 1, 0, 0]),
            ("thirds", [1, 1, 1, 0], 10, [3, 3, 4, 0]),
            ("fewer cells than classes", [5, 5, 5, 5], 2, [1, 1, 0, 0]),
            ("no cells", [5, 5, 5, 5], 0, [0, 0, 0, 0]),
        ];
        for (row, counts, cells, expected) in rows {
            let found = spread(counts, cells);
            let sum: usize = found.iter().sum();
            assert!(sum == cells || counts == [0; 4], "{row}: {found:?}");
            assert_eq!(found.map(|cells| cells > 0), expected.map(|cells| cells > 0), "{row}: {found:?}");
            if cells >= 4 {
                assert_eq!(found, expected, "{row}");
            }
        }
    }

    #[test]
    fn a_bar_has_its_width_in_every_set_of_characters() {
        let counts = [6, 2, 1, 1];
        let of = |glyphs, ink| Screen { columns: 80, surface: Surface::Stream, glyphs, ink };
        let unicode = of(Glyphs::Unicode, Ink::Plain);
        let ascii = of(Glyphs::Ascii, Ink::Plain);
        assert_eq!(bar(&unicode, counts, 10), "██████▒▒▚░");
        assert_eq!(bar(&ascii, counts, 10), "######--!.");
        assert_eq!(bar(&ascii, [0; 4], 3), "   ");
        assert_eq!(legend(&ascii), "# arrived  - due  ! stalled  . not seen");
        assert!(bar(&of(Glyphs::Ascii, Ink::Colour), counts, 10).contains("\u{1b}[32m######"));
    }
}
