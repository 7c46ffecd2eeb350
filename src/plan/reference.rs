//! The plan reference, `docs/plan.md`.
//!
//! **Invariant:** everything about keys is made from `keys`; only the words around them stand
//! here.

use super::grammar::{Absent, Key, Mapping, Takes, ValueKind};
use super::keys::PLAN;
use super::schema::capital;

const INTRODUCTION: &str = "\
# Plan files

*Made by `ringward schema --markdown` from the definitions that ringward reads plans with; a test
keeps it so.*

A plan is one YAML file. The daemon reads the files `*.yaml` and `*.yml` of one directory, not of
those below it; worked plans to start from lie in `rollouts/examples/`. A file without a key `plan` is passed over, and
nothing of it is shown. A link that leads out of the directory is not followed.

- Try a file with `ringward check FILE`. It shows all errors at once, each with its place and
  what would be right. A file with an error never runs: the last good one goes on. A warning says what can
  be used and is probably not meant; with `--strict` it fails the check. Of each ring of a good plan it lists
  the next two openings and the freezes that are not over.
- For completion and hints while typing, write the schema once with
  `ringward schema > ringward.schema.json`, and begin each plan with this line, which the YAML
  language server of most editors reads:

  ```yaml
  # yaml-language-server: $schema=ringward.schema.json
  ```

  The schema knows keys and the shape of values; only `ringward check` knows whether a profile
  stands in two rings or an opening never comes.
- YAML is read by its 1.2 rules, and less of it than there is: one document, every key once, no
  anchors, aliases, merge keys, tags or directives. `defaults` does what those would do.
- Values are the characters written: `name: no` is the word, not a boolean. Quote what begins
  with `*`, `>`, `&`, `!`, `%`, `@` or a backtick.
";

const TARGETS: &str = "
## When a newer target comes

A changed file is *a newer target* when it changes the versions or the profiles of a ring that is
entered already. Its name and its place are labels: a ring whose profiles are the same is that ring, and
one that the file drops keeps its place until it is verified or [let
go](operations.md#when-rings-profiles-and-plans-go-elsewhere). What only restricts is in force at once;
anything else once the file was unchanged for 30 seconds and, with `revisions: person`, confirmed.
Until then the plan enters nothing.

";

/// What the core does, which a test of the random runs' suite tells from its log.
const ON_NEW_TARGET: &str = include_str!("on_new_target.md");

const TARGETS_WHEN: &str = "
Of several newer files in a row, `replace` lets each take over from the one before, so the last ring
waits as long as they come faster than a rollout takes; `finish` rolls out the newest only, and those
between reach nobody.

Take `replace` when the way through all rings is shorter than the time between releases, and
whenever the newer target mends the one that is on its way. Take `finish` when hotfixes come
faster than your soaks let a rollout end: Cloudflare released seven Windows clients in the 100 days
after 2026-06-29; under four rings with soaks of a week, `replace` brought one of them to the last
ring, on day 81, and `finish` three, on days 21, 49 and 77.

The word that counts is the one in the *newer* file. So `finish` never locks you in: write
`on_new_target: replace` into the file that waits, and it takes over as any change does. Write
the running versions back into the file, and nothing waits any more. To change gates or schedule of
the running rollout while a newer target waits, write them into a file with the running versions.

While a newer target waits, `ringward explain` and `ringward status` say which and since when. A
rollout that is halted, paused or stopped does not end by itself: `ringward resume` (or `start`) lets
it go on, and `replace` lets the newer target take over. If the file goes away, the rollout is
withdrawn and nothing waits; a file with a newer target that comes back after that takes effect as any
change does.

A ring that has soaked on the same versions with the same profiles, and whose group still offers
them, is not soaked again, whichever word you write. A soak with a gate that somebody waived does not count for that.
";

const END: &str = "
## What is refused as a whole

A plan with a profile in two rings, two rings of one name, a `rollback_to` that `forbid` names, a ring
without any target, an opening that never comes, or a freeze that ends before it begins. Two files
with the same plan name or the same profile: the one whose rollout runs keeps it, else the first
by file name. Of two plans that run, neither is refused for a profile: the ring whose group has it keeps
it, and the other ring waits.

A ring without an opening in the next 400 days, its freezes counted, is an error of a file that is new or
has changed. A plan that runs is never refused because time passes.

A target that `forbid` names is a warning: the file can be used, so that adding a build to `forbid` stops
a rollout that offers it.
";

/// The reference, in Markdown.
pub fn markdown() -> String {
    let mappings = PLAN.and_below();
    let sections: String = mappings.iter().map(|mapping| section(mapping)).collect();
    let kinds: Vec<&ValueKind> = mappings.iter().flat_map(|mapping| mapping.keys).filter_map(kind).collect();
    let mut told: Vec<&str> = Vec::new();
    let mut values = String::from("\n## Values\n\n| value | how it is written |\n| --- | --- |\n");
    for kind in kinds {
        if !told.contains(&kind.name) {
            told.push(kind.name);
            values.push_str(&format!("| {} | {} |\n", kind.name, cell(kind.doc)));
        }
    }
    let later = PLAN.later.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
    let later = format!(
        "\n## Not supported yet\n\n{later}: a plan with one of these keys is refused, never half obeyed.\n"
    );
    [INTRODUCTION, &sections, &values, TARGETS, ON_NEW_TARGET, TARGETS_WHEN, END, &later].concat()
}

fn section(mapping: &Mapping) -> String {
    let mut text = format!("\n## {}\n\n{}\n\n", capital(mapping.of), mapping.doc);
    text.push_str("| key | takes | without it | meaning |\n| --- | --- | --- | --- |\n");
    for key in mapping.keys {
        let without = match &key.absent {
            Absent::Refused => "an error".to_owned(),
            Absent::Value(value) => format!("`{}`", value()),
            Absent::Inherited(value) => format!("that of `defaults`, else `{}`", value()),
            Absent::Means(what) => (*what).to_owned(),
        };
        text.push_str(&format!(
            "| `{}` | {} | {} | {} |\n",
            key.name,
            cell(&takes(key)),
            cell(&without),
            cell(key.doc)
        ));
    }
    text.push_str("\n```yaml\n");
    for key in mapping.keys {
        text.push_str(key.example);
        text.push('\n');
    }
    text.push_str("```\n");
    text
}

fn takes(key: &Key) -> String {
    let bounded = |kind: &ValueKind| match kind.bound {
        None => kind.name.to_owned(),
        Some(bound) => format!("{}, {}", kind.name, bound()),
    };
    match &key.takes {
        Takes::Value(kind) => bounded(kind),
        Takes::Word { known } => {
            known().iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or ")
        }
        Takes::Keys(mapping) => format!("keys of {}", link(mapping)),
        Takes::Values { item, most, .. } => format!("list, at most {most}, each a {}", item.name),
        Takes::Mappings { item, most, .. } => format!("list, at most {most}, each {}", link(item)),
    }
}

fn kind(key: &Key) -> Option<&'static ValueKind> {
    match &key.takes {
        Takes::Value(kind) | Takes::Values { item: kind, .. } => Some(kind),
        Takes::Word { .. } | Takes::Keys(_) | Takes::Mappings { .. } => None,
    }
}

/// Text inside a table's cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// A link to the section of a mapping. Renderers make anchors of headings so.
fn link(mapping: &Mapping) -> String {
    let anchor = mapping.of.replace('`', "").replace(' ', "-");
    format!("[{}](#{anchor})", mapping.of)
}
