//! The terms in which the language of plan files is written down.
//!
//! **Invariant:** these types say all that the schema and the reference tell of a key.

/// A mapping and the keys that it may have.
#[derive(Debug)]
pub(crate) struct Mapping {
    /// What it is, as in "`colour` is not a key of a ring".
    pub(crate) of: &'static str,
    /// Its name in the schema.
    pub(crate) name: &'static str,
    /// What it is for.
    pub(crate) doc: &'static str,
    pub(crate) keys: &'static [Key],
    /// Keys whose feature is not built yet: refused, never ignored.
    pub(crate) later: &'static [&'static str],
    /// What to write for a key that belongs elsewhere or has another name.
    pub(crate) elsewhere: fn(&str) -> Option<&'static str>,
}

/// One key of a mapping.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) takes: Takes,
    pub(crate) absent: Absent,
    /// What it means, in whole sentences.
    pub(crate) doc: &'static str,
    /// The key with a value, as YAML.
    pub(crate) example: &'static str,
}

/// What a key takes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Takes {
    /// One value.
    Value(&'static ValueKind),
    /// One of a few words.
    Word { known: fn() -> Vec<&'static str> },
    /// Keys and values.
    Keys(&'static Mapping),
    /// The same, or one word.
    KeysOr { keys: &'static Mapping, word: &'static str },
    /// A list of values, none of them twice.
    Values { item: &'static ValueKind, least: usize, most: usize },
    /// A list of mappings; of those that must be distinct, two equal ones are refused.
    Mappings { item: &'static Mapping, least: usize, most: usize, are_distinct: bool },
}

/// What a key means when it is not written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Absent {
    /// It must be written: this.
    Refused(&'static str),
    /// This value holds, as it would be written.
    Value(fn() -> String),
    /// That of `defaults` holds, else this one.
    Inherited(fn() -> String),
    /// Something that is no value.
    Means(&'static str),
    /// The same for a key that a ring and `defaults` share.
    Shared { ring: &'static str, defaults: &'static str },
}

/// A kind of single value.
#[derive(Debug)]
pub(crate) struct ValueKind {
    /// What it is called in the reference.
    pub(crate) name: &'static str,
    /// How it is written.
    pub(crate) doc: &'static str,
    /// A pattern (ECMA 262) that every such value matches, and few others do.
    pub(crate) pattern: fn() -> String,
    /// The most characters.
    pub(crate) most: usize,
    /// Whether a bare number or boolean can be such a value, read as the characters written.
    pub(crate) bare: Bare,
    /// What a bound of the value is, if it has one: "at least 2d".
    pub(crate) bound: Option<fn() -> String>,
}

/// How YAML readers other than ours take a bare value of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bare {
    /// As text.
    Text,
    /// Perhaps as a number or a boolean: a profile may be named `2024` or `no`.
    Anything,
    /// Perhaps as a boolean.
    Truth,
    /// As a whole number, from 1 to this.
    Number { most: u32 },
}

impl Key {
    /// A shared key as a ring, or `defaults`, has it.
    pub(crate) const fn shared(mut self, in_ring: bool) -> Self {
        self.absent = match self.absent {
            Absent::Value(built_in) if in_ring => Absent::Inherited(built_in),
            Absent::Shared { ring, defaults } => Absent::Means(if in_ring { ring } else { defaults }),
            Absent::Refused(_) | Absent::Value(_) | Absent::Inherited(_) | Absent::Means(_) => self.absent,
        };
        self
    }
}

impl Mapping {
    pub(crate) fn key(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// It and every mapping below it, from the top down, each once.
    pub(crate) fn and_below(&'static self) -> Vec<&'static Self> {
        let mut found = vec![self];
        let mut next = 0;
        while let Some(mapping) = found.get(next) {
            next += 1;
            for key in mapping.keys {
                let (Takes::Keys(below)
                | Takes::KeysOr { keys: below, .. }
                | Takes::Mappings { item: below, .. }) = key.takes
                else {
                    continue;
                };
                if found.iter().all(|known| known.name != below.name) {
                    found.push(below);
                }
            }
        }
        found
    }

    /// The names of its keys, in the order in which people write them.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|key| key.name)
    }
}
