//! What is wrong where a file is not YAML, in words for those who write plans and not parsers.
//!
//! **Invariant:** every kind of error has words; the parser's own are used only for kinds that a
//! plan hardly meets.

use std::ops::Range;

use granit_parser::ErrorKind;

/// An error in words.
pub(super) struct Explained {
    /// Where in the text; not always where the parser noticed.
    pub(super) at: usize,
    pub(super) problem: String,
    pub(super) instead: String,
}

/// What is wrong at `start`, and what would be right; `info` are the parser's words.
pub(super) fn explain(kind: &ErrorKind, info: &str, text: &str, start: usize) -> Explained {
    let rest = text.get(start..).unwrap_or_default();
    if let ErrorKind::UnexpectedCharacter { character } = kind
        && character.is_control()
    {
        // The parser tells the place of the value that holds it.
        let at = start + rest.find(*character).unwrap_or(0);
        let problem = format!("a control character (U+{:04X})", u32::from(*character));
        return Explained { at, problem, instead: "remove it".to_owned() };
    }
    let this = line_begin(text, start);
    let above = line_begin(text, this.saturating_sub(1));
    let slip = slip(text, above..this).or_else(|| slip(text, this..start));
    slip.unwrap_or_else(|| {
        let (problem, instead) = words(kind, info, text.get(this..start).unwrap_or_default(), rest);
        Explained { at: start, problem, instead }
    })
}

/// Where the line of an offset begins.
fn line_begin(text: &str, offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or_default();
    before.rfind(['\n', '\r']).map_or(0, |at| at + 1)
}

/// Slips that parsers notice only later: a dash or a colon without its space.
fn slip(text: &str, line: Range<usize>) -> Option<Explained> {
    let written = text.get(line.clone())?.trim_end();
    let item = written.trim_start();
    let begin = line.start + written.len() - item.len();
    if item.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic())) {
        let problem = "a dash without a space".to_owned();
        return Some(Explained { at: begin, problem, instead: "write `- `, then the value".to_owned() });
    }
    let entry = item.trim_start_matches("- ");
    let begin = begin + item.len() - entry.len();
    let (key, value) = entry.split_once(':')?;
    let is_key = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let joined = value.starts_with(|c: char| !c.is_whitespace());
    (is_key && joined).then(|| Explained {
        at: begin + key.len(),
        problem: "a colon without a space".to_owned(),
        instead: format!("write `{key}: `, then the value"),
    })
}

/// `line` is the line so far, `rest` what follows.
fn words(kind: &ErrorKind, info: &str, line: &str, rest: &str) -> (String, String) {
    let at = rest.chars().next();
    let (problem, instead) = match kind {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInPlainScalar => ("a tab where YAML wants spaces", "indent with spaces"),
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            let problem = format!("`{open}` is closed by `{close}`");
            return (problem, "close `[` with `]`, and `{` with `}`".to_owned());
        }
        ErrorKind::DirectiveDisallowed => ("a line that begins with `%`", "leave it out"),
        ErrorKind::MissingAnchorOrAliasName if at == Some('&') => {
            ("a bare `&`, which begins an anchor in YAML", "quote the value")
        }
        ErrorKind::MissingAnchorOrAliasName => ("a bare `*`, which begins an alias in YAML", quote_it(line)),
        ErrorKind::UnexpectedCharacter { character } => {
            return (format!("a value that begins with `{character}`"), "quote the value".to_owned());
        }
        ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::InvalidIndentation
        | ErrorKind::InvalidFlowScalarIndent => (
            "a line whose indentation fits nothing above it",
            "begin keys of one mapping, and dashes of one list, in the same column",
        ),
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => {
            ("a line that is no `key: value`", "write a colon and a space after the key")
        }
        ErrorKind::InvalidColonPlacement
        | ErrorKind::MappingValueNotAllowed
        | ErrorKind::InvalidMappingValueWhitespace => (
            "a colon that belongs to no key",
            "write each `key: value` on its own line, and quote a value that holds a colon and a space",
        ),
        ErrorKind::BlockSequenceEntryNotAllowed
        | ErrorKind::BlockEntryInFlowCollection
        | ErrorKind::InvalidBlockEntryWhitespace => (
            "a dash that begins no list item",
            "begin each list item on its own line with a dash and a space, or write [a, b]",
        ),
        ErrorKind::InvalidBlockScalarHeader => (
            "a bare `>` or `|`, which begins a block of text in YAML",
            "quote the value, such as '>=2026.7.1343, <2026.7.1376'",
        ),
        _ => match quotes(kind).or_else(|| brackets(kind)) {
            Some(words) => words,
            None => {
                let instead = "check indentation, colons and quotes here and on the line above";
                return (format!("not YAML ({info})"), instead.to_owned());
            }
        },
    };
    (problem.to_owned(), instead.to_owned())
}

/// Of what is wrong with a quoted value.
fn quotes(kind: &ErrorKind) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        ErrorKind::UnclosedQuotedScalar => {
            ("a quote that is not closed", "close it on the same line, with the quote that opened it")
        }
        ErrorKind::InvalidQuotedScalarIndent => {
            ("a quote on a line above is not closed", "close it on its line, with the quote that opened it")
        }
        ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar => {
            ("text after the closing quote", "quote the whole value, or none of it")
        }
        ErrorKind::UnknownQuotedScalarEscape
        | ErrorKind::InvalidQuotedScalarHexEscape
        | ErrorKind::InvalidUnicodeEscape => {
            ("a backslash that YAML cannot read", "write it in single quotes, or double the backslash")
        }
        _ => return None,
    })
}

/// What to do about a bare `*`.
fn quote_it(line: &str) -> &'static str {
    match line.contains("cron") {
        true => "quote the cron line, such as cron: \"*/30 9-16 * * Mon-Thu\"",
        false => "quote the value",
    }
}

fn brackets(kind: &ErrorKind) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        ErrorKind::UnclosedFlowCollection { open: '[' } | ErrorKind::UnexpectedEofFlowSequence => {
            ("a bracket that is not closed", "close the list with `]`")
        }
        ErrorKind::UnclosedFlowCollection { .. } | ErrorKind::UnexpectedEofFlowMapping => {
            ("a brace that is not closed", "close the mapping with `}`")
        }
        ErrorKind::ExpectedFlowMappingSeparator => {
            ("a `,` or `}` is missing before this", "write {key: value, key: value}")
        }
        ErrorKind::ExpectedFlowSequenceSeparator => {
            ("a `,` or `]` is missing before this", "write [one, two]")
        }
        ErrorKind::MisplacedFlowCollectionEnd => {
            ("a closing bracket that nothing opened", "remove it, or quote the value")
        }
        _ => return None,
    })
}
