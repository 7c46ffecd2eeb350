//! `check --summary`: each file on one screen, however many rings it has.
//!
//! **Invariant:** a file takes at most [`LINES`] lines of at most [`COLUMNS`] cells, and what is left out is
//! counted.

use std::{collections::BTreeMap, io};

use crate::cli::judgement::file::{FileErrors, JudgedFile};
use crate::cli::judgement::summary::{RingSummary, Summary, frozen};
use crate::cli::{Glyphs, Ink, Out, Screen, Surface, counted, safe};
use crate::plan::{PlanError, Severity};
use crate::time::Timestamp;

/// A terminal's least, by its lines.
#[cfg(test)]
const LINES: usize = 24;
/// What most terminals show without a break.
const COLUMNS: usize = 100;

/// So many groups of rings are told, each in four lines at most.
const GROUPS: usize = 4;
/// So many kinds of errors of a file that cannot be used are told, and of a good file's warnings and notes. Head,
/// groups and a line each for what else there is of rings, warnings and notes make up the screen.
const ERRORS: usize = 10;
const WARNINGS: usize = 2;
const NOTES: usize = 1;
/// So many places of one kind.
const PLACES: usize = 5;

/// Cuts what is wider.
const SCREEN: Screen =
    Screen { columns: COLUMNS, surface: Surface::Stream, glyphs: Glyphs::Unicode, ink: Ink::Plain };

impl JudgedFile {
    /// What is in a file, or how many errors, on one screen.
    pub(super) fn write_brief(&self, out: Out<'_>, now: Timestamp) -> io::Result<()> {
        let lines =
            match &self.outcome {
                Ok(good) => {
                    let mut lines = Summary::of(&good.revision, now).brief(&self.file, now);
                    lines.extend(told(&good.warnings, Severity::Warning, WARNINGS));
                    lines.extend(told(&good.warnings, Severity::Note, NOTES));
                    lines
                }
                Err(refused) => {
                    let mut lines = vec![format!(
                        "{}: cannot be used: {}",
                        safe(&self.file),
                        counted(refused.count(), "error")
                    )];
                    match refused {
                        FileErrors::Path(why) => lines.push(format!("  {}", safe(why))),
                        FileErrors::Plan(errors) => lines.extend(told(errors, Severity::Error, ERRORS)),
                    }
                    lines.extend(self.holds_up.as_ref().map(|rollout| {
                        format!("  {rollout} runs, and would enter nothing until this is fixed")
                    }));
                    lines
                }
            };
        lines.iter().try_for_each(|line| writeln!(out, "{}", SCREEN.cut(line, COLUMNS)))
    }
}

impl Summary<'_> {
    fn brief(&self, file: &str, now: Timestamp) -> Vec<String> {
        let mut groups: Vec<(Vec<String>, Vec<usize>)> = Vec::new();
        let mut known: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        for (index, ring) in self.rings.iter().enumerate() {
            // Rings with other freezes are another group, though the first is the same.
            let freezes: Vec<String> = ring.freezes.iter().map(|freeze| frozen(freeze)).collect();
            let key = [ring.brief(now), ring.opens.clone(), freezes].concat();
            let place = *known.entry(key).or_insert_with(|| {
                groups.push((ring.brief(now), Vec::new()));
                groups.len() - 1
            });
            groups[place].1.push(index);
        }
        let mut lines = vec![self.headline(file)];
        for (brief, rings) in groups.iter().take(GROUPS) {
            let (first, rest) =
                brief.split_first().map_or(("", brief.as_slice()), |(first, rest)| (first, rest));
            lines.push(format!("  {}: {first}", self.named(rings)));
            lines.extend(rest.iter().map(|line| format!("     {line}")));
        }
        if let Some(left @ [_, ..]) = groups.get(GROUPS..) {
            let mut rings: Vec<usize> = left.iter().flat_map(|(_, rings)| rings.clone()).collect();
            rings.sort_unstable();
            lines.push(format!(
                "  and {} that open, soak or are approved otherwise: {}",
                counted(rings.len(), "more ring"),
                numbers(&rings)
            ));
        }
        lines.push(format!("  {}", self.first_entry(now)));
        lines
    }

    /// One by its name, several by their numbers.
    fn named(&self, rings: &[usize]) -> String {
        match rings {
            [only] => {
                let ring = self.rings.get(*only).map(|ring| safe(ring.name.as_str())).unwrap_or_default();
                format!("ring {}, {ring}", only + 1)
            }
            rings => format!("rings {} ({} rings)", numbers(rings), rings.len()),
        }
    }
}

impl RingSummary<'_> {
    /// Targets, openings, freezes and rules, a line each; without freezes, three.
    fn brief(&self, now: Timestamp) -> Vec<String> {
        let zone = self.timezone;
        let opens = match self.opens.as_slice() {
            [] if self.freezes.is_empty() => "open at all times".to_owned(),
            [] => format!("open at all times but in freezes, {zone}; {}", self.next(now, 1)),
            [only] => format!("opens {only} {zone}; {}", self.next(now, 1)),
            [first, more @ ..] => {
                let more = counted(more.len(), "more opening");
                format!("opens {first} {zone}, and {more}; {}", self.next(now, 1))
            }
        };
        let frozen = self.freezes.split_first().map(|(first, more)| match more.len() {
            0 => frozen(first),
            more => format!("{}, and {}", frozen(first), counted(more, "more freeze")),
        });
        [Some(self.versions()), Some(opens), frozen, Some(self.rules())].into_iter().flatten().collect()
    }
}

/// Positions as people count, with what follows one another joined: `1, 3 to 98`.
fn numbers(positions: &[usize]) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for number in positions.iter().map(|position| position + 1) {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let texts = runs.iter().map(|(from, to)| match to - from {
        0 => from.to_string(),
        1 => format!("{from}, {to}"),
        _ => format!("{from} to {to}"),
    });
    texts.collect::<Vec<_>>().join(", ")
}

/// Errors, warnings or notes by kind, at most so many: how many, and the first places.
fn told(all: &[PlanError], severity: Severity, most: usize) -> Vec<String> {
    let of_severity: Vec<&PlanError> = all.iter().filter(|told| told.severity == severity).collect();
    let mut kinds: Vec<(&str, Vec<usize>)> = Vec::new();
    for told in &of_severity {
        match kinds.iter_mut().find(|(problem, _)| *problem == told.problem) {
            Some((_, lines)) => lines.push(told.line),
            None => kinds.push((&told.problem, vec![told.line])),
        }
    }
    let mut lines: Vec<String> = kinds
        .iter()
        .take(most)
        .map(|(problem, places)| {
            let shown: Vec<String> = places.iter().take(PLACES).map(ToString::to_string).collect();
            let more = if places.len() > PLACES { ", …" } else { "" };
            let at = if places.len() == 1 { "line" } else { "lines" };
            let count = counted(places.len(), severity.as_str());
            // The place first: it is never cut.
            format!("  {count}, {at} {}{more}: {}", shown.join(", "), safe(problem))
        })
        .collect();
    let left: usize = kinds.iter().skip(most).map(|(_, places)| places.len()).sum();
    if left > 0 {
        let thing = format!("more {}", severity.as_str());
        lines.push(format!("  and {}; `ringward check` without --summary shows all", counted(left, &thing)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::cells;
    use crate::plan::{MAX_ERRORS, examine};

    fn brief(text: &str) -> Vec<String> {
        let now: Timestamp = "2026-11-29T12:00:00Z".parse().unwrap();
        let outcome = examine("p.yaml", text.as_bytes(), Some(now)).map_err(FileErrors::Plan);
        let mut out = Vec::new();
        JudgedFile { file: "p.yaml".to_owned(), outcome, holds_up: None }.write_brief(&mut out, now).unwrap();
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    const HEAD: &str = "plan: p\nversions: {windows: 2026.8.2100.0, macos: 2026.8.2100.0}\n";

    /// A hundred rings with twenty freezes each, told apart by what a row says of each.
    fn hundred(of: impl Fn(usize) -> String) -> String {
        let freezes: Vec<String> = (1..=20)
            .map(|day| {
                format!("{{from: 2027-02-{day:02}, until: 2027-02-{day:02}, reason: {}}}", "Ü".repeat(90))
            })
            .collect();
        let freezes = freezes.join(", ");
        let rings: String = (1..=100)
            .map(|i| format!("  - {{name: Ring {i}, profiles: [P{i}], schedule: {{open: [{{cron: '0 9 * * Mon-Thu', for: 7h}}], freeze: [{freezes}]}}{}}}\n", of(i)))
            .collect();
        format!("{HEAD}rings:\n{rings}")
    }

    #[test]
    fn a_file_takes_one_screen() {
        let wrong: String = (0..150).map(|i| format!("k{i}: v\n")).collect();
        let rows = [
            ("all rings alike", hundred(|_| String::new())),
            ("each soaks for another time", hundred(|i| format!(", soak: {}h", 100 + i))),
            (
                "every third is approved",
                hundred(
                    |i| if i % 3 == 0 { ", approval: {user_group: G}".to_owned() } else { String::new() },
                ),
            ),
            (
                "warnings of many kinds",
                hundred(|i| format!(", unknown_after: {}d, adoption: {{at_least: {}%}}", 20 + i, 1 + i % 49)),
            ),
            (
                "all at once",
                hundred(|i| {
                    format!(
                        ", soak: {}h, adoption: {{at_least: {}%}}, health: {{dark: {{at_most: {}%}}}}, timezone: Etc/GMT+{}",
                        100 + i,
                        1 + i % 49,
                        50 + i % 50,
                        1 + i % 9
                    )
                }),
            ),
            ("more errors than are told", wrong),
        ];
        for (row, text) in rows {
            let lines = brief(&text);
            assert!(lines.len() <= LINES, "{row}: {} lines\n{}", lines.len(), lines.join("\n"));
            let widest = lines.iter().map(|line| cells(line)).max().unwrap();
            assert!(widest <= COLUMNS, "{row}: {widest} cells\n{}", lines.join("\n"));
        }
    }

    #[test]
    fn rings_that_agree_are_told_together_and_what_is_left_out_is_counted() {
        let alike = brief(&hundred(|_| String::new()));
        assert!(alike[1].starts_with("  rings 1 to 100 (100 rings): windows 2026.8.2100.0"), "{}", alike[1]);
        assert!(
            alike[2].contains("opens Mon to Thu 09:00 for 7h UTC; next Mon 30 Nov 09:00"),
            "{}",
            alike[2]
        );
        let first = brief(&hundred(|i| if i == 1 { ", soak: 4d".to_owned() } else { String::new() }));
        assert!(first[1].starts_with("  ring 1, Ring 1: ") && first[5].starts_with("  rings 2 to 100"));
        let each = brief(&hundred(|i| format!(", soak: {}h", 100 + i)));
        let left = "  and 96 more rings that open, soak or are approved otherwise: 5 to 100";
        assert!(each.iter().any(|line| line == left), "{}", each.join("\n"));
        let wrong: String = (0..150).map(|i| format!("k{i}: v\n")).collect();
        let wrong = brief(&wrong);
        assert_eq!(wrong[0], format!("p.yaml: cannot be used: {} errors", MAX_ERRORS + 1));
        let keys = "  98 errors, lines 1, 2, 3, 4, 5, …: not a key of a plan";
        assert!(
            wrong.iter().any(|line| line == keys),
            "{}",
            wrong.join(
                "
"
            )
        );
    }
}
