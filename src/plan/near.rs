//! Near names: what an unknown word was probably meant to be.
//!
//! **Invariant:** a suggestion differs from what was written by a slip or two, never by more.

/// Longer words are not compared: nobody mistypes a known name into 64 characters.
const MAX_CHARS: usize = 64;

/// The known names nearest to `found`, at most three, all equally near; empty when none is near.
pub(crate) fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let found: Vec<char> = found.to_lowercase().chars().take(MAX_CHARS + 1).collect();
    if found.len() > MAX_CHARS {
        return Vec::new();
    }
    let mut best = (found.len() / 3).clamp(1, 3);
    let mut names = Vec::new();
    for name in known {
        // Of words so different in length, none is near; a hostile file asks thousands of times.
        if found.len().abs_diff(name.chars().count()) > best {
            continue;
        }
        let letters: Vec<char> = name.to_lowercase().chars().collect();
        let distance = distance(&found, &letters);
        if distance < best {
            names.clear();
            best = distance;
        }
        if distance == best {
            names.push(name);
        }
    }
    names.sort_unstable();
    names.truncate(3);
    names
}

/// `a`, `b` or `c`, each in backticks; `None` when there is none.
pub(crate) fn either(names: &[&str]) -> Option<String> {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => None,
        Some((only, [])) => Some(only.clone()),
        Some((last, others)) => Some(format!("{} or {last}", others.join(", "))),
    }
}

/// How many slips there are between two words, case aside.
pub(super) fn slips(one: &str, other: &str) -> usize {
    let letters = |word: &str| word.to_lowercase().chars().take(MAX_CHARS + 1).collect::<Vec<_>>();
    distance(&letters(one), &letters(other))
}

/// Slips between two words: letters left out, added, changed, or two neighbours swapped.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, right) in b.iter().enumerate() {
            let changed = above[j] + usize::from(left != right);
            let mut least = changed.min(above[j + 1] + 1).min(row[j] + 1);
            let swapped = i > 0 && j > 0 && a[i - 1] == *right && b[j - 1] == *left;
            if swapped {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_found_and_another_word_is_not() {
        let known = ["soak", "schedule", "profiles", "freeze", "from"];
        let rows: [(&str, &[&str]); 9] = [
            ("shedule", &["schedule"]),
            ("profile", &["profiles"]),
            ("Soak", &["soak"]),
            ("saok", &["soak"]),
            ("freeez", &["freeze"]),
            ("form", &["from"]),
            ("approval", &[]),
            ("", &[]),
            ("x", &[]),
        ];
        for (found, expected) in rows {
            assert_eq!(nearest(found, known), expected, "{found}");
        }
        assert_eq!(nearest(&"a".repeat(10_000), known), Vec::<&str>::new());
    }

    #[test]
    fn suggestions_are_joined() {
        assert_eq!(either(&[]), None);
        assert_eq!(either(&["a"]).as_deref(), Some("`a`"));
        assert_eq!(either(&["a", "b", "c"]).as_deref(), Some("`a`, `b` or `c`"));
    }
}
