//! What a verb or a refusal is about, by name.
//!
//! **Invariant:** help and documents have placeholders where an answer has names.

/// What a refusal is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    pub plan: String,
    pub ring: String,
    pub gate: String,
    /// Who holds it, since when and why.
    pub held: String,
    /// The rollout's phase.
    pub phase: String,
    pub version: String,
    /// Rings that have nowhere to go back to, and why.
    pub stuck: String,
    /// The User Groups that are asked.
    pub asked: String,
    /// The revision that waits, and what it changes.
    pub revision: String,
}

impl About {
    /// Placeholders, as in a command's usage.
    pub fn anything() -> Self {
        Self {
            plan: "PLAN".to_owned(),
            ring: "RING".to_owned(),
            gate: "GATE".to_owned(),
            held: "by SOMEBODY".to_owned(),
            phase: "finished".to_owned(),
            version: "VERSION".to_owned(),
            stuck: "ring `RING` has nowhere to go back to".to_owned(),
            asked: "`GROUP`".to_owned(),
            revision: "revision DIGEST waits".to_owned(),
        }
    }

    /// A text in which the name of each of these stands in braces, with what it is.
    pub(crate) fn fill(&self, text: &str) -> String {
        let Self { plan, ring, gate, held, phase, version, stuck, asked, revision } = self;
        let named = |name: &str| match name {
            "plan" => Some(plan),
            "ring" => Some(ring),
            "gate" => Some(gate),
            "held" => Some(held),
            "phase" => Some(phase),
            "version" => Some(version),
            "stuck" => Some(stuck),
            "asked" => Some(asked),
            "revision" => Some(revision),
            _ => None,
        };
        let mut pieces = text.split('{');
        let mut filled = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            match piece.split_once('}').and_then(|(name, rest)| Some((named(name)?, rest))) {
                Some((value, rest)) => filled.extend([value, rest]),
                // Braces of a plan that is quoted.
                None => filled.extend(["{", piece]),
            }
        }
        filled
    }
}
