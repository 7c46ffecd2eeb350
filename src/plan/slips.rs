//! What gets into a file by copying, merging or an editor that writes for print, line by line: marks of a merge,
//! fences, quotes of a mail, dashes that are no hyphen, templates that nobody filled in.
//!
//! **Invariant:** a slip is only told in place of an error at its line, or of the syntax error that it leads to; a
//! file without errors is never searched.

use std::ops::Range;

use crate::plan::characters::{is_dash, named, opens_quote, quoted};
use crate::text::{is_unseen, seen};

/// One line that is not of the plan's language.
#[derive(Debug)]
pub(super) struct Slip {
    pub(super) line: Range<usize>,
    /// The offending text.
    pub(super) at: Range<usize>,
    pub(super) problem: String,
    pub(super) instead: String,
    /// Whether the whole line is foreign, so that what follows it may be read wrong.
    pub(super) is_of_line: bool,
}

/// All of a text, in order.
#[derive(Debug)]
pub(super) struct Slips(Vec<Slip>);

/// What is wrong with a line: the place within it, what it is, and what to do.
type FoundSlip = (Range<usize>, String, String);

impl Slips {
    pub(super) fn of(text: &str) -> Self {
        let mut slips = Vec::new();
        // The indentation of a key whose block of text goes on; within, every line is the author's.
        let mut block: Option<usize> = None;
        let mut start = 0;
        for whole in text.split_inclusive(['\n', '\r']) {
            let (line, from) = (whole.trim_end_matches(['\n', '\r']), start);
            start += whole.len();
            let indent = line.len() - line.trim_start_matches(' ').len();
            if block.is_some_and(|block| indent > block || line.trim().is_empty()) {
                continue;
            }
            block = begins_block(line).then_some(indent);
            // A comment is the author's.
            let line = written(line);
            let of_line = of_line(line);
            let is_of_line = of_line.is_some();
            if let Some((at, problem, instead)) = of_line.or_else(|| within_line(line)) {
                let at = from + at.start..from + at.end;
                slips.push(Slip { line: from..start.max(from + 1), at, problem, instead, is_of_line });
            }
        }
        Self(slips)
    }

    /// What explains an error at an offset.
    pub(super) fn at(&self, offset: usize) -> Option<&Slip> {
        let after = self.0.partition_point(|slip| slip.line.start <= offset);
        self.0.get(after.checked_sub(1)?).filter(|slip| slip.line.contains(&offset))
    }

    /// What explains a syntax error that the parser noticed at an offset: a foreign line before it, or a slip on its
    /// line or the one above.
    pub(super) fn before(&self, text: &str, offset: usize) -> Option<&Slip> {
        let line_end = |from: usize| {
            text.get(from..).and_then(|rest| rest.find(['\n', '\r'])).map_or(text.len(), |at| from + at)
        };
        // Of a line that begins with a tab, the parser complains at the value above it.
        let end = line_end(offset);
        let below = text.get(end..).unwrap_or_default();
        let until = match below.trim_start_matches(['\n', '\r', ' ']).starts_with('\t') {
            true => line_end(text.len() - below.trim_start().len()),
            false => end,
        };
        let above = text.get(..offset).unwrap_or_default().trim_end_matches(['\n', '\r', ' ']);
        let above = above.rfind(['\n', '\r']).unwrap_or(0);
        let noticed = || self.0.iter().filter(|slip| slip.line.start <= until);
        noticed().find(|slip| slip.is_of_line).or_else(|| noticed().find(|slip| slip.line.end > above))
    }
}

/// A line without its comment; `#1` is none that was meant as one.
fn written(line: &str) -> &str {
    if line.trim_start().starts_with('#') && !line.trim_start().starts_with("#!") {
        return "";
    }
    line.find(" # ").and_then(|at| line.get(..at)).unwrap_or(line)
}

/// Whether a block of text begins: `description: |`.
fn begins_block(line: &str) -> bool {
    let header = line.trim_end().rsplit(' ').next().unwrap_or_default();
    let rest = header.trim_end_matches(|char: char| char.is_ascii_digit() || matches!(char, '-' | '+'));
    matches!(rest, "|" | ">") && line.contains(": ")
}

/// A line that is foreign as a whole.
fn of_line(line: &str) -> Option<FoundSlip> {
    if let Some(found) = cut_list(line) {
        return Some(found);
    }
    let item = line.trim();
    let begin = line.len() - line.trim_start().len();
    let whole = begin..begin + item.len();
    let (problem, instead) = copied(line, item).or_else(|| other_language(line, item))?;
    Some((whole, problem.to_owned(), instead.to_owned()))
}

/// A comment that takes the closing bracket away: `[Floor #1, Floor #2]`.
fn cut_list(line: &str) -> Option<FoundSlip> {
    let at = line.find(" #")? + 1;
    let (list, comment) = line.split_at_checked(at)?;
    let open = |text: &str, open: char, close: char| {
        text.matches(open).count().saturating_sub(text.matches(close).count())
    };
    let is_cut = (open(list, '[', ']') > 0 && comment.contains(']'))
        || (open(list, '{', '}') > 0 && comment.contains('}'));
    let is_text = comment.chars().nth(1).is_some_and(|char| !char.is_whitespace());
    let problem = "a comment begins here, and takes the end of the list away".to_owned();
    let instead = "quote a text with a blank and a `#`, such as 'Floor #1'".to_owned();
    (is_cut && is_text && !list.contains(['\'', '"'])).then(|| (at..line.trim_end().len(), problem, instead))
}

/// What is around a plan, or before each of its lines, where it was copied from.
fn copied(line: &str, item: &str) -> Option<(&'static str, &'static str)> {
    let merge = ["<<<<<<<", ">>>>>>>", "|||||||"];
    let is_merge =
        |mark| line.strip_prefix(mark).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
    Some(if merge.into_iter().any(is_merge) {
        (
            "a mark of a merge conflict",
            "keep one side, and delete the lines `<<<<<<<`, `|||||||`, `=======` and `>>>>>>>`",
        )
    } else if item.starts_with("```") || item.starts_with("~~~") {
        ("a fence of Markdown", "delete this line, and the one that closes it")
    } else if ["{code", "{noformat"].iter().any(|mark| item.starts_with(mark)) {
        ("a mark of Jira or Confluence", "delete this line, and the one that closes it")
    } else if line.starts_with("> ") || item == ">" {
        ("the quote mark of a mail", "delete `> ` at the beginning of each line")
    } else if is_numbered(line) {
        ("a line number", "delete the numbers at the beginning of the lines")
    } else if line.starts_with("@@ ") || line.starts_with("diff --git") || is_added(line) {
        (
            "a line of a diff",
            "delete what belongs to the diff: headers, and the sign at the beginning of each line",
        )
    } else if ["cat ", "$ ", "tee ", "#!/"].iter().any(|command| line.starts_with(command)) || line == "EOF" {
        ("a line of a shell", "delete it; here is YAML alone")
    } else {
        return None;
    })
}

/// `+plan: p`
fn is_added(line: &str) -> bool {
    line.strip_prefix('+').is_some_and(|rest| rest.contains(':') || rest.trim_start().starts_with('-'))
}

/// `12: plan: p`, `  12  plan: p`: a number, what separates it, and a line of a plan.
fn is_numbered(line: &str) -> bool {
    let line = line.trim_start();
    let rest = line.trim_start_matches(|char: char| char.is_ascii_digit());
    let content = rest.trim_start_matches([' ', '\t', ':', '|', ')']);
    let is_key = content.split_once(':').is_some_and(|(key, _)| {
        !key.is_empty()
            && key.trim_start_matches("- ").bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    });
    line.len() > rest.len() && rest.len() > content.len() && (is_key || content.starts_with("- "))
}

/// Comments, sections and rulers of other languages.
fn other_language(line: &str, item: &str) -> Option<(&'static str, &'static str)> {
    let ruler = |char| item.len() > 3 && item.chars().all(|each| each == char);
    let section = line.starts_with('[') && line.trim_end().ends_with(']');
    let is_word =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let key = item.trim_start_matches("- ").split(['=', '{', '"']).next().unwrap_or_default().trim_end();
    let after = item.trim_start_matches("- ").get(key.len()..).unwrap_or_default().trim_start();
    Some(if line == "=======" {
        ("a ruler, or a mark of a merge conflict", "delete it; begin a comment with `# `")
    } else if (item == "---" && line.starts_with(' ')) || ruler('=') || ruler('*') || ruler('-') || ruler('_')
    {
        ("a ruler is no YAML", "begin it with `# `")
    } else if ["//", "/*", "; ", "-- ", "<!--", "＃"].iter().any(|mark| item.starts_with(mark)) {
        ("this begins no comment", "begin a comment with `# `")
    } else if item.starts_with("{%") || item.starts_with("{{") || item.starts_with("<%") {
        ("a template that nobody fills in", "render it first, or write what is meant")
    } else if section {
        (
            "a section of INI or TOML",
            "write YAML: each key with a colon, and `rings` as a list with a dash for each ring",
        )
    } else if is_word(key) && after.starts_with('=') {
        ("a key with `=`", "write a colon and a space after the key")
    } else if is_word(key) && (after == "{" || after.ends_with("\" {")) {
        ("a block of another language", "write YAML: a colon after the key, and what is below it indented")
    } else {
        return None;
    })
}

/// The first character of a line that is not what it looks like, and marks of templates.
fn within_line(line: &str) -> Option<FoundSlip> {
    let content = line.trim_start_matches(|char: char| char.is_whitespace() || is_unseen(char));
    let begin = line.len() - content.len();
    if let Some((at, odd)) =
        line.char_indices().take_while(|(at, _)| *at < begin).find(|(_, char)| *char != ' ')
    {
        let problem = match odd {
            '\t' => "a tab where YAML wants spaces".to_owned(),
            odd => format!("{} in the indentation", named(odd)),
        };
        return Some((at..at + odd.len_utf8(), problem, "indent with spaces".to_owned()));
    }
    list_mark(content)
        .or_else(|| cut_entry(content))
        .map(|(end, problem, instead)| (begin..begin + end, problem, instead))
        .or_else(|| {
            let marks = ["{{", "{%", "${", "$(", "<%"];
            let template = marks.into_iter().filter_map(|mark| line.find(mark)).min();
            template
                .map(|at| {
                    let problem = "a template that nobody fills in".to_owned();
                    (at..at + 2, problem, "write what is meant, letter by letter".to_owned())
                })
                .or_else(|| included(line))
                .or_else(|| odd_character(line))
        })
}

/// A list entry that begins with something else than a hyphen: what it begins with takes so many bytes.
fn list_mark(content: &str) -> Option<(usize, String, String)> {
    let mut chars = content.chars();
    let (first, second) = (chars.next()?, chars.next()?);
    let number = content.trim_start_matches(|char: char| char.is_ascii_digit());
    let digits = content.len() - number.len();
    let mark = if is_dash(first) || matches!(first, '•' | '·' | '▪' | '◦') {
        named(first)
    } else if matches!(first, '*' | '+') && second == ' ' {
        format!("`{first}`")
    } else if digits > 0 && (number.starts_with(". ") || number.starts_with(") ")) {
        return Some((digits + 1, "a number begins no list entry".to_owned(), "write `- `".to_owned()));
    } else {
        return None;
    };
    Some((first.len_utf8(), format!("{mark} begins no list entry"), "write `- `".to_owned()))
}

/// An entry that is a comment altogether: `- #1 Floor`.
fn cut_entry(content: &str) -> Option<(usize, String, String)> {
    let comment = content.strip_prefix("- ").filter(|comment| comment.starts_with('#'))?.trim_end();
    let is_text = comment.chars().nth(1).is_some_and(|char| !char.is_whitespace());
    let problem = "a comment begins here, so the entry is empty".to_owned();
    let instead = format!("quote it: {}; in a comment, write a blank after `#`", quoted(comment));
    is_text.then(|| (2 + comment.len(), problem, instead))
}

/// What other tools would put in from another file.
fn included(line: &str) -> Option<FoundSlip> {
    const MARKS: [&str; 6] = ["!include", "!reference", "!vault", "!env", "!ENV", "$ref"];
    let (at, mark) = MARKS.into_iter().find_map(|mark| line.find(mark).map(|at| (at, mark)))?;
    let problem = format!("`{mark}` puts nothing in: each file stands alone");
    Some((
        at..at + mark.len(),
        problem,
        "write here what it stands for; rings share values by `defaults`".to_owned(),
    ))
}

/// A character that editors and input methods write in place of one that YAML knows.
fn odd_character(line: &str) -> Option<FoundSlip> {
    let mut at = 0;
    for (char, is_seen) in seen(line) {
        let place = at..at + char.len_utf8();
        at = place.end;
        let instead = match char {
            // Of the same shape and width as those of ASCII, in the same order.
            '\u{ff01}'..='\u{ff5e}' => {
                let plain = u32::from(char).checked_sub(0xfee0).and_then(char::from_u32)?;
                if plain == ':' { "write `:` and a space".to_owned() } else { format!("write `{plain}`") }
            }
            '、' | '،' => "write `,`".to_owned(),
            quote if opens_quote(quote) => "write ' or \" around a text, or nothing".to_owned(),
            blank if blank.is_whitespace() && !blank.is_ascii() => "write a space".to_owned(),
            _ if !is_seen => "delete it".to_owned(),
            dash if is_dash(dash) => "write `-`".to_owned(),
            _ => continue,
        };
        return Some((place, format!("{} is not a character that YAML knows", named(char)), instead));
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::plan::read;

    const HEAD: &str = "plan: p\nversions: {windows: 2026.8.2100.0}\nrings:\n";

    /// Line, column and text of each error of a file.
    fn errors(text: &str) -> Vec<(usize, usize, String)> {
        let errors = read("p.yaml", text.as_bytes()).expect_err("a bad file");
        errors.into_iter().map(|error| (error.line, error.column, error.problem)).collect()
    }

    #[test]
    fn a_slip_is_told_once_at_its_place() {
        let ring = |rest: &str| format!("{HEAD}  - name: A\n    profiles:\n{rest}");
        let rows = [
            (
                "a merge",
                ring("      - IT\n<<<<<<< HEAD\n    soak: 96h\n=======\n    soak: 99h\n>>>>>>> b\n"),
                (7, 1),
                "merge",
            ),
            ("a fence", format!("```yaml\n{HEAD}  - {{name: A, profiles: [IT]}}\n```\n"), (1, 1), "Markdown"),
            ("a mail", "> plan: p\n> rings: []\n".to_owned(), (1, 1), "a mail"),
            ("line numbers", "1  plan: p\n2  rings: []\n".to_owned(), (1, 1), "line number"),
            ("a diff", "+plan: p\n+rings: []\n".to_owned(), (1, 1), "diff"),
            ("an en dash", ring("      – IT\n      – HR\n"), (6, 7), "U+2013 EN DASH begins"),
            ("a bullet", ring("      • IT\n"), (6, 7), "U+2022 BULLET begins"),
            ("a star", ring("      * IT\n"), (6, 7), "`*` begins"),
            ("a number", ring("      1. IT\n      2. HR\n"), (6, 7), "a number begins"),
            ("a tab", format!("{HEAD}  - name: A\n\tprofiles: [IT]\n"), (5, 1), "a tab where"),
            (
                "a blank of print",
                ring("      - IT\n \u{a0}  soak: 96h\n"),
                (7, 2),
                "U+00A0 NO-BREAK SPACE in",
            ),
            (
                "a wide colon",
                format!("{HEAD}  - {{name： A, profiles: [IT]}}\n"),
                (4, 10),
                "U+FF1A FULLWIDTH COLON",
            ),
            (
                "a zone in quotes of print",
                format!("{HEAD}  - {{name: A, profiles: [IT], timezone: “UTC”}}\n"),
                (4, 41),
                "U+201C",
            ),
            (
                "a key with an unseen mark",
                format!("{HEAD}  - {{name: A, profiles: [IT], so\u{200b}ak: 96h}}\n"),
                (4, 33),
                "U+200B",
            ),
            (
                "a template",
                format!("{HEAD}  - {{name: A, profiles: {{{{ all }}}}}}\n"),
                (4, 25),
                "a template",
            ),
            (
                "a loop",
                format!("{HEAD}{{% for r in all %}}\n  - {{name: A, profiles: [IT]}}\n"),
                (4, 1),
                "a template",
            ),
            (
                "an include",
                "plan: p\nversions: {windows: 2026.8.2100.0}\nrings: !include rings.yaml\n".to_owned(),
                (3, 8),
                "!include",
            ),
            (
                "a list cut by a comment",
                format!("{HEAD}  - name: A\n    profiles: [Floor #1, Floor #2]\n"),
                (5, 22),
                "takes the end of the list",
            ),
            ("an entry that is a comment", ring("      - #1 Floor\n"), (6, 7), "so the entry is empty"),
            ("a comment of another language", format!("// the plan\n{HEAD}"), (1, 1), "no comment"),
            ("TOML", format!("[plan]\n{HEAD}"), (1, 1), "INI or TOML"),
            (
                "`rings` below",
                "plan: p\nversions:\n  windows: 2026.8.2100.0\n  rings:\n    - {name: A, profiles: [IT]}\n"
                    .to_owned(),
                (4, 3),
                "one step too far right",
            ),
        ];
        for (row, text, (line, column), problem) in rows {
            let errors = errors(&text);
            let [(at_line, at_column, found)] = errors.as_slice() else { panic!("{row}: {errors:?}") };
            assert_eq!((*at_line, *at_column), (line, column), "{row}: {found}");
            assert!(found.contains(problem), "{row}: {found}");
        }
    }

    #[test]
    fn what_an_author_writes_into_a_text_is_no_slip() {
        let prose = "description: |\n  > a quote\n  – a dash\n  ```\n  {{ x }}\n";
        let good = format!("{HEAD}  - {{name: A, profiles: [IT]}}\n");
        assert!(read("p.yaml", format!("{prose}{good}").as_bytes()).is_ok());
        let found = errors(&format!("{prose}{HEAD}  - {{name: A, profiles: [IT], soak: 96}}\n"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].2.contains("`soak`"), "{found:?}");
    }

    #[test]
    fn a_mark_at_the_end_of_a_plan_begins_nothing() {
        let good = format!("{HEAD}  - {{name: A, profiles: [IT]}}\n");
        for end in ["---\n", "...\n", "...\n---\n", "---\n# the end\n"] {
            assert!(read("p.yaml", format!("{good}{end}").as_bytes()).is_ok(), "{end}");
        }
        assert!(errors(&format!("{good}---\nplan: q\n"))[0].2.contains("a second document"));
    }
}
