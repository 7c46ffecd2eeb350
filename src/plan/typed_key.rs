//! A key in one definition: what it is called, what it takes and means, and how its value is read. A mapping and its
//! keys mean what their comments say: the schema and the reference show them.
//!
//! **Invariant:** a value is read under the name of its own key, and where it cannot be read, that is noted.

use std::ops::Range;

use crate::plan::fields::is_nothing;
use crate::plan::kinds::TEXT;
use crate::plan::{Absent, Fields, Key, Mapping, Node, Problems, Takes, ValueKind, either, text};

/// Reads a value; given is what the value is called, which is the key in backticks.
pub(crate) type ReadValue<T> = fn(&Node, &str, &mut Problems) -> Option<T>;

/// A key whose value is a `T`; its name is that of its field in [`keys!`].
pub(crate) struct TypedKey<T> {
    pub(crate) takes: Takes,
    pub(crate) absent: Absent,
    pub(crate) example: &'static str,
    pub(crate) read: ReadValue<T>,
}

/// What is written of a key.
#[derive(Debug, Clone)]
pub(crate) struct Written<T> {
    /// `None`: absent, or refused, and noted.
    pub(crate) value: Option<T>,
    /// Where the value stands; `None`: absent.
    pub(crate) at: Option<Range<usize>>,
    /// Whether the key seems to be there under a wrong name, which is noted.
    pub(crate) is_misspelt: bool,
}

impl<T> TypedKey<T> {
    /// The key as its mapping lists it.
    pub(crate) const fn key(&self, name: &'static str, doc: &'static str) -> Key {
        let Self { takes, absent, example, .. } = *self;
        Key { name, takes, absent, doc, example }
    }

    /// What is written of it; that one is missing which must be there, is noted.
    pub(crate) fn written(&self, name: &str, fields: &Fields<'_>, problems: &mut Problems) -> Written<T> {
        let node = if let Absent::Refused(instead) = self.absent {
            fields.require(name, &format!("write {instead}"), problems)
        } else {
            fields.get(name)
        };
        let value = match (node, self.absent) {
            (Some(node), Absent::Refused(instead)) if is_nothing(node) => {
                problems.missing(&node.at, format!("`{name}` is empty"), format!("write {instead}"));
                None
            }
            (node, _) => node.and_then(|node| (self.read)(node, &format!("`{name}`"), problems)),
        };
        Written { value, at: node.map(|node| node.at.clone()), is_misspelt: fields.is_misspelt(name) }
    }
}

impl<T> Default for Written<T> {
    fn default() -> Self {
        Self { value: None, at: None, is_misspelt: false }
    }
}

impl<T: Clone> Written<T> {
    /// What is written here, else there.
    pub(crate) fn or(&self, other: &Self) -> Option<T> {
        self.value.clone().or_else(|| other.value.clone())
    }

    /// That of the two which is written, be it refused.
    pub(crate) fn or_there<'a>(&'a self, other: &'a Self) -> &'a Self {
        if self.at.is_some() { self } else { other }
    }

    /// The value with its place.
    pub(crate) fn placed(&self) -> Option<(T, Range<usize>)> {
        self.value.clone().zip(self.at.clone())
    }
}

impl<K: Keys> Written<K> {
    /// The keys that are written below it.
    pub(crate) fn keys(&self) -> K {
        self.value.clone().unwrap_or_default()
    }
}

/// The keys of a mapping, as written.
pub(crate) trait Keys: Clone + Default {
    const MAPPING: &'static Mapping;

    fn of(fields: &Fields<'_>, problems: &mut Problems) -> Self;

    /// Reads a value that is such a mapping.
    fn read(node: &Node, _: &str, problems: &mut Problems) -> Option<Self> {
        Fields::of(node, Self::MAPPING, problems).map(|fields| Self::of(&fields, problems))
    }
}

/// Defines a mapping and its keys, each once: for people its comment; of the mapping what it is called, its name in the
/// schema, and what to write for keys that belong elsewhere, or else the [`Mapping`] which these keys are `of`; of a key
/// its name, the kind of its value, and the [`TypedKey`].
macro_rules! keys {
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $name:literal) => { $name };
    (@elsewhere) => { |_| None };
    (@elsewhere $elsewhere:expr) => { $elsewhere };
    ($(#[doc = $doc:literal])+ $keys:ident($of:literal, $name:literal) { $($field:tt)+ } $(elsewhere $elsewhere:expr)?) => {
        $crate::plan::typed_key::keys! {
            $(#[doc = $doc])+
            $keys of ($crate::plan::grammar::Mapping {
                of: $of,
                name: $name,
                doc: concat!($($doc),+).trim_ascii(),
                keys: $keys::ALL,
                later: &[],
                elsewhere: $crate::plan::typed_key::keys!(@elsewhere $($elsewhere)?),
            }) { $($field)+ }
        }
    };
    ($(#[doc = $doc:literal])+ $keys:ident of $mapping:tt {
        $($(#[doc = $field_doc:literal])* $field:ident $(as $name:literal)?: $value:ty = $key:expr,)+
    }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Default)]
        pub(crate) struct $keys {
            $($(#[doc = $field_doc])* pub(crate) $field: $crate::plan::typed_key::Written<$value>,)+
        }

        #[expect(non_upper_case_globals, reason = "each is called as its field")]
        impl $keys {
            $(const $field: $crate::plan::typed_key::TypedKey<$value> = $key;)+
            /// All of them, in the order in which people write them.
            pub(crate) const ALL: &'static [$crate::plan::grammar::Key] = &[$(Self::$field.key(
                $crate::plan::typed_key::keys!(@name $field $($name)?),
                concat!($($field_doc),*).trim_ascii(),
            ),)+];
        }

        impl $crate::plan::typed_key::Keys for $keys {
            const MAPPING: &'static $crate::plan::grammar::Mapping = &$mapping;

            fn of(
                fields: &$crate::plan::fields::Fields<'_>,
                problems: &mut $crate::plan::error::Problems,
            ) -> Self {
                Self {
                    $($field: Self::$field.written(
                        $crate::plan::typed_key::keys!(@name $field $($name)?), fields, problems,
                    ),)+
                }
            }
        }
    };
}
pub(crate) use keys;

/// A key that takes a value of a kind.
pub(crate) const fn value<T>(
    kind: &'static ValueKind,
    absent: Absent,
    example: &'static str,
    read: ReadValue<T>,
) -> TypedKey<T> {
    TypedKey { takes: Takes::Value(kind), absent, example, read }
}

/// A key that takes a length of time of at least `least`; `why` says what a shorter one would break.
macro_rules! span_key {
    ($least:expr, $why:literal, $absent:expr, $example:literal) => {
        $crate::plan::typed_key::value(
            &$crate::plan::ValueKind {
                pattern: || $crate::plan::patterns::span($least),
                bound: Some(|| format!("at least {}", $least)),
                ..$crate::plan::kinds::SPAN
            },
            $absent,
            $example,
            |node, what, problems| $crate::plan::values::span(node, what, $least, $why, problems),
        )
    };
}
pub(crate) use span_key;

/// A key that takes the keys of a mapping.
pub(crate) const fn below<K: Keys>(absent: Absent, example: &'static str) -> TypedKey<K> {
    TypedKey { takes: Takes::Keys(K::MAPPING), absent, example, read: K::read }
}

/// A key of a file that has no reference: only its name counts, and how it is read.
pub(crate) const fn key<T>(read: ReadValue<T>) -> TypedKey<T> {
    value(&TEXT, Absent::Means(""), "", read)
}

/// One that must be there; `instead` says what to write.
pub(crate) const fn needed<T>(instead: &'static str, read: ReadValue<T>) -> TypedKey<T> {
    value(&TEXT, Absent::Refused(instead), "", read)
}

/// A value that is one of a few words.
pub(crate) trait WordValue: Copy + PartialEq + 'static {
    const WORDS: &'static [(&'static str, Self)];
    /// Words of features to come, which are refused as such.
    const LATER: &'static [&'static str] = &[];
    /// Words of earlier releases, which are refused with the word that means the same now.
    const FORMER: &'static [(&'static str, &'static str)] = &[];
}

/// A key that takes one of the words of `T`; without it the default holds.
pub(crate) const fn word_key<T: WordValue + Default>(example: &'static str) -> TypedKey<T> {
    let takes = Takes::Word { known: words::<T> };
    TypedKey { takes, absent: Absent::Value(default_word::<T>), example, read: word }
}

fn words<T: WordValue>() -> Vec<&'static str> {
    T::WORDS.iter().map(|(word, _)| *word).collect()
}

/// The word that holds where none is written.
fn default_word<T: WordValue + Default>() -> String {
    let holds = T::WORDS.iter().find(|(_, value)| *value == T::default());
    holds.map_or_else(String::new, |(word, _)| (*word).to_owned())
}

/// Reads one of the words of `T`.
pub(crate) fn word<T: WordValue>(node: &Node, what: &str, problems: &mut Problems) -> Option<T> {
    let text = text(node, what, problems)?;
    let instead = format!("write {}", either(&words::<T>()).unwrap_or_default());
    if T::LATER.contains(&text) {
        problems.wrong(&node.at, format!("this {what} is not supported yet"), instead);
        return None;
    }
    if let Some((former, now)) = T::FORMER.iter().find(|(former, _)| *former == text) {
        let problem = format!("`{former}` is a former value of {what}");
        problems.wrong(&node.at, problem, format!("write `{now}`, which means the same"));
        return None;
    }
    let found = T::WORDS.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    if found.is_none() {
        problems.wrong(&node.at, format!("not a known {what}"), instead);
    }
    found
}
