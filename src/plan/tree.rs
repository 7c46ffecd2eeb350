//! Stage 1: bytes to a tree whose every key and value knows its place in the file.
//!
//! **Invariant:** a tree has at most [`MAX_DEPTH`] levels and [`MAX_NODES`] nodes, no key twice
//! in one mapping, and text only: what a scalar means is the decoder's business.
//!
//! YAML is read to its 1.2 rules, and less of it than there is: one document, keys that are
//! plain words, no anchors, aliases, merge keys, tags or directives. A plan is copied, reviewed
//! and diffed by people, and `defaults` does what anchors would do.

use std::collections::HashMap;
use std::ops::{ControlFlow, Range};

use granit_parser::{ErrorKind, Event, Options, Parser, ScalarStyle, ScanError, Span};

use crate::plan::slips::Slips;
use crate::plan::syntax::{Explained, explain};
use crate::plan::{Other, Problems, Text, characters::quoted};

/// The largest plan file, in bytes. A plan of 100 rings has about 50 KiB.
pub const MAX_BYTES: usize = 1024 * 1024;
/// The deepest nesting. A plan needs 6.
const MAX_DEPTH: usize = 32;
/// The most keys, values, lists and mappings of one file.
const MAX_NODES: usize = 20_000;

/// A value and its place, in bytes of the text.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) at: Range<usize>,
    pub(crate) value: Value,
    /// What took the end of a bare text away, if anything did.
    pub(crate) comment: Option<Box<Comment>>,
    /// Whether a bare text goes on in a second line.
    pub(crate) is_folded: bool,
}

/// A comment that was probably meant as text: no blank follows its `#`, as in `Ring #1`.
#[derive(Debug, Clone)]
pub(crate) struct Comment {
    pub(crate) at: Range<usize>,
    /// The text and it, in quotes.
    pub(crate) quoted: String,
}

impl Comment {
    /// That directly after a bare text.
    fn after(text: &str, at: &Range<usize>) -> Option<Self> {
        // Where nothing is written, the place is that of the key's colon or the entry's dash.
        let end = at.end + usize::from(at.is_empty() && text.get(at.end..)?.starts_with([':', '-']));
        let rest = text.get(end..)?;
        let comment = rest.trim_start_matches([' ', '\t']);
        let begin = end + rest.len() - comment.len();
        // Only where one begins is the line looked at to its end: a line may be as long as the file.
        let comment = if comment.starts_with('#') { comment.lines().next()? } else { return None };
        let after = comment.strip_prefix('#')?.chars().next();
        if begin == end || after.is_none_or(|char| char.is_whitespace() || char == '#') {
            return None;
        }
        // `Ring #1 # the first` has a comment besides.
        let meant = comment.split(" #").next().unwrap_or(comment).trim_end();
        let whole = if at.is_empty() { meant } else { text.get(at.start..begin + meant.len())? };
        Some(Self { at: begin..begin + meant.len(), quoted: quoted(whole.trim()) })
    }
}

impl Node {
    fn of(at: Range<usize>, value: Value) -> Self {
        Self { at, value, comment: None, is_folded: false }
    }

    /// The value of a key; `None` also where this is no mapping.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Mapping(entries) => {
                entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
            }
            Value::Sequence(_) | Value::Scalar { .. } | Value::Refused => None,
        }
    }

    /// The items of the list that a key has; none where it has none.
    pub(crate) fn list(&self, key: &str) -> &[Self] {
        self.get(key).map_or(&[], Self::items)
    }

    /// The items of a list; none where this is no list.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.value {
            Value::Sequence(items) => items,
            Value::Mapping(_) | Value::Scalar { .. } | Value::Refused => &[],
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// In the order written; no name twice.
    Mapping(Vec<MappingEntry>),
    Sequence(Vec<Node>),
    /// Text after quotes and escapes are read.
    Scalar {
        text: String,
        /// Only a bare one can be "nothing" (`key:`, `~`, `null`).
        is_bare: bool,
    },
    /// Something that is not read, such as an alias; the problem is noted.
    Refused,
}

#[derive(Debug, Clone)]
pub(crate) struct MappingEntry {
    pub(crate) key: String,
    pub(crate) key_at: Range<usize>,
    pub(crate) value: Node,
}

/// What is said of a kind of file where it is no such file at all.
pub(crate) struct FileKind {
    /// What it holds, as in "save the plan as UTF-8 text".
    pub(crate) what: &'static str,
    /// How such a file begins.
    pub(crate) begin: &'static str,
    /// What does what anchors would do.
    pub(crate) instead_of_anchors: &'static str,
}

/// Plans.
pub(crate) const PLAN_FILE: FileKind = FileKind {
    what: "plan",
    begin: "begin with `plan: NAME`, as in rollouts/examples/",
    instead_of_anchors: "; to share values between rings, use `defaults`",
};

/// Bytes to text: not too long, UTF-8, no NUL. The problem's place is in the text as far as it
/// could be read, which is returned with it.
pub(super) fn text_of<'a>(bytes: &'a [u8], kind: &FileKind, problems: &mut Problems) -> Text<'a> {
    const BYTE_ORDER_MARK: &str = "\u{feff}";
    let unread = Text { text: "", skipped: 0 };
    let save = format!("save the {} as UTF-8 text", kind.what);
    if bytes.len() > MAX_BYTES {
        let problem = format!("this file is too large ({} bytes)", bytes.len());
        problems.missing(&(0..0), problem, format!("a {} file has at most {MAX_BYTES} bytes", kind.what));
        return unread;
    }
    // What Windows editors call "Unicode".
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        problems.missing(&(0..0), "this file is UTF-16", save);
        return unread;
    }
    let (text, broken) = match std::str::from_utf8(bytes) {
        Ok(text) => (text, None),
        Err(error) => {
            let (readable, _) = bytes.split_at(error.valid_up_to());
            (std::str::from_utf8(readable).unwrap_or_default(), Some(error.valid_up_to()))
        }
    };
    let skipped = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    let text = text.get(skipped..).unwrap_or_default();
    if let Some(nul) = text.find('\0') {
        problems.missing(&(nul..nul), "a NUL byte: this is not a text file", save);
    } else if let Some(broken) = broken {
        let place = broken - skipped;
        problems.missing(&(place..place), "bytes that are not UTF-8", save);
    }
    Text { text, skipped }
}

/// Bytes to text and tree: [`text_of`] and [`read`].
pub(crate) fn read_bytes<'a>(
    bytes: &'a [u8],
    kind: &FileKind,
    problems: &mut Problems,
) -> (Text<'a>, Option<Node>) {
    let text = text_of(bytes, kind, problems);
    let root = if problems.is_empty() { read(text.text, kind, problems) } else { None };
    (text, root)
}

/// Text to tree. `None` after a syntax error, an exceeded budget, or an empty file; other
/// problems leave a tree that the decoder can go on with.
fn read(text: &str, kind: &FileKind, problems: &mut Problems) -> Option<Node> {
    let mut options = Options::default();
    options.emit_comments = false;
    options.disallow_directives = true;
    options.emit_unresolved_aliases = true;
    options.emit_anchor_events = true;
    // One more than the budget, so that the budget's own message is the one that shows.
    options.flow_nesting_limit = MAX_DEPTH + 1;
    options.block_nesting_limit = MAX_DEPTH + 1;
    let mut builder =
        TreeBuilder { text, kind, problems, stack: Vec::new(), root: None, second: None, nodes: 0 };
    for step in Parser::new_from_str_with_options(text, options) {
        let next = match step {
            Ok((event, span)) => builder.event(event, &span),
            Err(error) => {
                builder.syntax_error(&error);
                ControlFlow::Break(())
            }
        };
        if next.is_break() {
            return None;
        }
    }
    if builder.root.is_none() {
        builder.problems.missing(&(0..0), format!("this file holds no {}", kind.what), kind.begin);
    }
    builder.root
}

struct TreeBuilder<'a, 'p> {
    text: &'a str,
    kind: &'a FileKind,
    problems: &'p mut Problems,
    stack: Vec<Open>,
    root: Option<Node>,
    /// Where another document begins, if anything stands there.
    second: Option<Range<usize>>,
    nodes: usize,
}

/// A collection whose end has not come yet.
struct Open {
    at: Range<usize>,
    kind: OpenKind,
}

enum OpenKind {
    Sequence(Vec<Node>),
    Mapping {
        entries: Vec<MappingEntry>,
        /// Where each name was first written.
        names: HashMap<String, Range<usize>>,
        /// The key that waits for its value, and its place; without a name it is refused, and its value goes with it.
        key: Option<(Range<usize>, Option<String>)>,
    },
}

impl TreeBuilder<'_, '_> {
    fn event(&mut self, event: Event<'_>, span: &Span) -> ControlFlow<()> {
        let at = byte_range(span, self.text);
        if event.is_node() {
            self.nodes += 1;
            if self.nodes > MAX_NODES {
                let instead = format!("a {} file has at most {MAX_NODES} of them", self.kind.what);
                self.problems.missing(&at, "too many keys and values", instead);
                return ControlFlow::Break(());
            }
        }
        if event.tag().is_some() {
            let at = span.tag_span().map_or(at.clone(), |tag| byte_range(&tag, self.text));
            self.problems.wrong(&at, "tags are not read", "write the value without it");
        }
        match event {
            // Only a value makes a document of it: a mark at the end of the file begins nothing.
            Event::DocumentStart(..) if self.root.is_some() => self.second = self.second.take().or(Some(at)),
            Event::Scalar(..) if self.second.is_some() && at.is_empty() => {}
            ref event if self.second.is_some() && event.is_node() => {
                let at = self.second.take().unwrap_or(at);
                let instead = format!(
                    "write one {} per file; delete a `---` or `...` between its keys",
                    self.kind.what
                );
                self.problems.wrong(&at, "a second document", instead);
                return ControlFlow::Break(());
            }
            Event::Scalar(text, style, ..) => {
                let text = match style {
                    // The line break that ends a block is YAML's, not the author's.
                    ScalarStyle::Literal | ScalarStyle::Folded => text.trim_end_matches('\n').to_owned(),
                    _ => text.into_owned(),
                };
                let is_bare = style == ScalarStyle::Plain;
                let comment = Comment::after(self.text, &at).filter(|_| is_bare).map(Box::new);
                let is_folded =
                    is_bare && self.text.get(at.clone()).is_some_and(|text| text.contains(['\n', '\r']));
                self.add(Node { at, value: Value::Scalar { text, is_bare }, comment, is_folded });
            }
            Event::Anchor(..) => {
                let instead = format!("quote a text that begins with `&`{}", self.kind.instead_of_anchors);
                self.problems.wrong(&at, "anchors are not read", instead);
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                let instead = format!("quote a text that begins with `*`{}", self.kind.instead_of_anchors);
                self.problems.wrong(&at, "aliases are not read", instead);
                self.add(Node::of(at, Value::Refused));
            }
            Event::SequenceStart(..) => return self.open(at, OpenKind::Sequence(Vec::new())),
            Event::MappingStart(..) => {
                let names = HashMap::new();
                return self.open(at, OpenKind::Mapping { entries: Vec::new(), names, key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(at),
            // Stream and document marks carry nothing.
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn open(&mut self, at: Range<usize>, kind: OpenKind) -> ControlFlow<()> {
        if self.stack.len() >= MAX_DEPTH {
            self.too_deep(&at);
            return ControlFlow::Break(());
        }
        self.stack.push(Open { at, kind });
        ControlFlow::Continue(())
    }

    fn close(&mut self, end: Range<usize>) {
        let Some(open) = self.stack.pop() else { return };
        let (value, last) = match open.kind {
            OpenKind::Sequence(items) => {
                let last = items.last().map(|item| item.at.end);
                (Value::Sequence(items), last)
            }
            OpenKind::Mapping { entries, .. } => {
                let last = entries.last().map(|entry| entry.value.at.end);
                (Value::Mapping(entries), last)
            }
        };
        // A flow collection ends with its bracket; a block ends where its last value does, since
        // the parser sees its end only at the next token.
        let end = if end.is_empty() { last.unwrap_or(open.at.end) } else { end.end };
        self.add(Node::of(open.at.start..end.max(open.at.end), value));
    }

    fn add(&mut self, node: Node) {
        let Some(open) = self.stack.last_mut() else {
            self.root = Some(node);
            return;
        };
        match &mut open.kind {
            OpenKind::Sequence(items) => items.push(node),
            OpenKind::Mapping { entries, names, key } => match key.take() {
                None => {
                    let at = node.at.clone();
                    *key = Some((at, read_key(node, names, self.problems)));
                }
                Some((key_at, Some(key))) => entries.push(MappingEntry { key, key_at, value: node }),
                Some((_, None)) => {}
            },
        }
    }

    fn too_deep(&mut self, at: &Range<usize>) {
        let problem = format!("nested more than {MAX_DEPTH} levels deep");
        let instead = format!("a {} needs fewer; look for brackets that are not closed", self.kind.what);
        self.problems.missing(at, problem, instead);
    }

    fn syntax_error(&mut self, error: &ScanError) {
        let start = error.marker().byte_offset().unwrap_or(self.text.len()).min(self.text.len());
        if *error.kind() == ErrorKind::RecursionLimitExceeded {
            return self.too_deep(&(start..start));
        }
        let is_control =
            matches!(error.kind(), ErrorKind::UnexpectedCharacter { character } if character.is_control());
        if let Some(slip) = Slips::of(self.text).before(self.text, start).filter(|_| !is_control) {
            return self.problems.wrong(&slip.at, slip.problem.as_str(), slip.instead.as_str());
        }
        let Explained { at: start, mut problem, mut instead } =
            explain(error.kind(), &error.info(), self.text, start);
        let opened = self.stack.last().map(|open| open.at.start).and_then(|at| {
            let bracket = self.text.get(at..at + 1).filter(|bracket| matches!(*bracket, "{" | "["))?;
            Some((at, bracket))
        });
        // Of a bracket that is not closed, the parser learns on some later line.
        if let Some((at, bracket)) = opened
            && self.text.get(at..start).is_some_and(|between| between.contains(['\n', '\r']))
        {
            let close = if bracket == "[" { "]" } else { "}" };
            problem = format!("`{bracket}` is still open here");
            instead = format!("close it with `{close}`, or write commas between the values in it");
        }
        let opened = opened.filter(|(at, _)| *at != start).map(|(at, bracket)| {
            let what = format!("`{bracket}` was opened here");
            Other::Here { at: at..at + 1, what }
        });
        match opened {
            Some(other) => self.problems.clash(&(start..start), problem, instead, other),
            None => self.problems.missing(&(start..start), problem, instead),
        }
    }
}

/// Takes a node that stands where a key belongs. `None`: it is refused, and that is noted.
fn read_key(
    node: Node,
    names: &mut HashMap<String, Range<usize>>,
    problems: &mut Problems,
) -> Option<String> {
    let at = node.at;
    let (name, is_bare) = match node.value {
        Value::Scalar { text, is_bare } => (text, is_bare),
        Value::Refused => return None,
        Value::Mapping(_) | Value::Sequence(_) => {
            problems.wrong(&at, "a list or mapping as a key", "write a word, then a colon");
            return None;
        }
    };
    if name == "<<" && is_bare {
        problems.wrong(&at, "merge keys are not read", "write the keys out; use `defaults` to share them");
        return None;
    }
    if let Some(first) = names.get(&name).cloned() {
        let begins = names.values().all(|at| at.start >= first.start);
        let instead = match begins {
            true => {
                "if another entry begins here, write a dash and a space before it; else keep one, with all that both hold"
            }
            false => "keep one, with all that both hold",
        };
        problems.clash(&at, "this key is repeated", instead, Other::already(&first, &name));
        if !begins {
            return None;
        }
        // Whatever follows may belong to the second entry: one dash is missing, not one per key.
        names.clear();
    }
    names.insert(name.clone(), at);
    Some(name)
}

fn byte_range(span: &Span, text: &str) -> Range<usize> {
    let range = span.byte_range().unwrap_or(text.len()..text.len());
    range.start.min(text.len())..range.end.min(text.len())
}
