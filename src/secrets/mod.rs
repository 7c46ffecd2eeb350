//! Every secret of the process, and the one redactor that stands before all that it says.
//!
//! Whoever makes a secret registers it. What is said afterwards shows stars in its place, as many as
//! it has bytes, so that lengths hold. A text that was cut, or that comes in pieces, is covered as
//! well: [`PIECE`] bytes of a secret in a row are never shown. Besides the secret itself the redactor
//! knows how JSON, URLs and HTML write it; not other encodings such as base64.
//!
//! **Invariant:** what leaves through [`redact`], [`Flow`] or [`Covered`] holds no [`PIECE`] bytes in a
//! row of a registered secret, wherever the text was split on its way, and is as long as it was.

mod file;

use std::io::{self, Write};
use std::sync::{Arc, PoisonError, RwLock};
use std::{borrow::Cow, collections::HashSet};

use secrecy::{ExposeSecret as _, SecretString};

pub use file::read_file;

/// A secret must have this many bytes: covering a shorter one would blacken words.
pub const LEAST_BYTES: usize = 8;

/// So many bytes of a secret in a row count as the secret; of a shorter one, all of it.
pub const PIECE: usize = 16;

/// All that is registered. It lives as long as the process: a text may be late.
static KNOWN: RwLock<Option<Arc<[KnownSecret]>>> = RwLock::new(None);

/// A secret that cannot be told from ordinary words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it has fewer than {LEAST_BYTES} characters, which no token has; copy it again")]
pub struct TooShort;

/// Has a secret kept out of everything that the process says.
///
/// # Errors
/// When it is too short to be told from words; it should not be used then.
pub fn register(secret: &SecretString) -> Result<(), TooShort> {
    let text = secret.expose_secret();
    if text.len() < LEAST_BYTES {
        return Err(TooShort);
    }
    let spellings = HashSet::from([text.to_owned(), in_json(text), in_url(text), in_html(text)]);
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    let before = known.as_deref().unwrap_or_default();
    let is_new = |spelling: &String| !before.iter().any(|other| other.text.expose_secret() == spelling);
    let new: Vec<KnownSecret> = spellings.into_iter().filter(is_new).map(KnownSecret::new).collect();
    if !new.is_empty() {
        *known = Some(before.iter().cloned().chain(new).collect());
    }
    Ok(())
}

/// Whether a text holds a secret, or a piece of one.
pub fn is_in(text: &[u8]) -> bool {
    let mut found = false;
    known().iter().for_each(|secret| secret.find(text, |_| found = true));
    found
}

/// A text with stars in place of each secret.
pub fn redact(text: &str) -> Cow<'_, str> {
    if !is_in(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let mut flow = Flow::default();
    let mut covered = flow.pass(text.as_bytes());
    covered.extend(flow.end());
    Cow::Owned(String::from_utf8_lossy(&covered).into_owned())
}

/// A text that comes in parts. What may be the beginning of a secret is held back until the next part.
#[derive(Debug, Default)]
pub struct Flow {
    /// Fewer than [`PIECE`] bytes, each with whether it is part of a secret.
    held: Vec<(u8, bool)>,
}

impl Flow {
    /// Takes the next part, and gives what can be shown by now.
    pub fn pass(&mut self, part: &[u8]) -> Vec<u8> {
        let known = known();
        let ends = |text: &[u8]| known.iter().map(|secret| secret.begins_at_end_of(text)).max().unwrap_or(0);
        if self.held.is_empty() && ends(part) == 0 && !is_in(part) {
            return part.to_vec();
        }
        let mut text: Vec<u8> = self.held.iter().map(|(byte, _)| *byte).collect();
        let mut covers: Vec<bool> = self.held.iter().map(|(_, is_secret)| *is_secret).collect();
        text.extend(part);
        covers.resize(text.len(), false);
        for secret in &*known {
            secret.find(&text, |at| {
                if let Some(covers) = covers.get_mut(at..at + secret.piece) {
                    covers.fill(true);
                }
            });
        }
        let holds = ends(&text);
        let mut all: Vec<(u8, bool)> = text.into_iter().zip(covers).collect();
        self.held = all.split_off(all.len().saturating_sub(holds));
        shown(&all)
    }

    /// Gives what was held back: nothing follows.
    pub fn end(&mut self) -> Vec<u8> {
        shown(&std::mem::take(&mut self.held))
    }

    /// How many bytes are held back.
    pub fn held(&self) -> usize {
        self.held.len()
    }
}

fn shown(text: &[(u8, bool)]) -> Vec<u8> {
    text.iter().map(|(byte, is_secret)| if *is_secret { b'*' } else { *byte }).collect()
}

/// A writer that lets no secret through.
#[derive(Debug)]
pub struct Covered<W: Write> {
    inner: W,
    flow: Flow,
}

impl<W: Write> Covered<W> {
    /// Before this writer.
    pub fn new(inner: W) -> Self {
        Self { inner, flow: Flow::default() }
    }
}

impl<W: Write> Write for Covered<W> {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        let covered = self.flow.pass(part);
        self.inner.write_all(&covered)?;
        Ok(part.len())
    }

    /// A few characters that a secret might begin with are words, most of the time, and who flushes wants
    /// to see them.
    fn flush(&mut self) -> io::Result<()> {
        if self.flow.held() < LEAST_BYTES {
            let held = self.flow.end();
            self.inner.write_all(&held)?;
        }
        self.inner.flush()
    }
}

impl<W: Write> Drop for Covered<W> {
    fn drop(&mut self) {
        // Nobody is left to be told.
        let _ = self.inner.write_all(&self.flow.end());
    }
}

/// Standard output, covered.
pub fn stdout() -> Covered<io::Stdout> {
    Covered::new(io::stdout())
}

/// Standard error, covered.
pub fn stderr() -> Covered<io::Stderr> {
    Covered::new(io::stderr())
}

/// One way to write one secret, ready to be looked for.
#[derive(Debug, Clone)]
struct KnownSecret {
    text: SecretString,
    /// How many bytes in a row count.
    piece: usize,
    pieces: Arc<HashSet<Vec<u8>>>,
    /// Each two bytes in a row. A text is looked at in strides of almost a piece, until two bytes meet.
    pairs: Arc<HashSet<[u8; 2]>>,
}

impl KnownSecret {
    fn new(text: String) -> Self {
        let piece = text.len().min(PIECE);
        let pieces = text.as_bytes().windows(piece).map(<[u8]>::to_vec).collect();
        let pairs = text.as_bytes().windows(2).filter_map(<[u8]>::first_chunk).copied().collect();
        Self { text: text.into(), piece, pieces: Arc::new(pieces), pairs: Arc::new(pairs) }
    }

    /// Tells where each piece begins.
    fn find(&self, text: &[u8], mut found: impl FnMut(usize)) {
        let mut at = 0;
        while let Some(window) = text.get(at..at + self.piece) {
            let is_near = window.last_chunk().is_some_and(|pair| self.pairs.contains(pair));
            if !is_near {
                at += self.piece - 1;
                continue;
            }
            if self.pieces.contains(window) {
                found(at);
            }
            at += 1;
        }
    }

    /// How many bytes at the end of a text could go on to be a piece.
    fn begins_at_end_of(&self, text: &[u8]) -> usize {
        let secret = self.text.expose_secret().as_bytes();
        let could = |length: &usize| {
            let end = text.get(text.len() - length..);
            secret.windows(*length).any(|part| Some(part) == end)
        };
        (1..self.piece.min(text.len() + 1)).rev().find(could).unwrap_or(0)
    }
}

fn known() -> Arc<[KnownSecret]> {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    known.clone().unwrap_or_default()
}

fn in_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    let bare = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    bare.unwrap_or(&quoted).to_owned()
}

fn in_url(text: &str) -> String {
    match askama::filters::urlencode_strict(text) {
        Ok(written) => written.to_string(),
        Err(never) => match never {},
    }
}

/// As the page's templates do.
fn in_html(text: &str) -> String {
    let escape = |char: char| match char {
        '"' | '&' | '\'' | '<' | '>' => format!("&#{};", u32::from(char)),
        other => other.to_string(),
    };
    text.chars().map(escape).collect()
}

#[cfg(test)]
mod tests;
