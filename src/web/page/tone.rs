//! What something means for the reader, as a colour and an icon.
//!
//! **Invariant:** class names and icons come from [`Tone`] and our own words only, never from data.

/// What something means for the reader: the colour, and the icon for those who see none. Its word is its class in the
/// style sheet, and the name of its icon.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(super) enum Tone {
    /// Done, or fine.
    Good,
    /// Going on.
    Busy,
    /// Held up by time, devices or a person.
    Wait,
    /// Somebody must look.
    Bad,
    /// Not concerned, or not yet.
    #[default]
    Idle,
}

impl Tone {
    pub(super) fn of_state(state: &str) -> Self {
        match state {
            "verified" | "completed" => Self::Good,
            "pending" | "superseded" | "withdrawn" => Self::Idle,
            "rolling_back" | "rolled_back" => Self::Bad,
            _ => Self::Busy,
        }
    }

    pub(super) fn of_verdict(verdict: &str) -> Self {
        match verdict {
            "pass" => Self::Good,
            "exempt" => Self::Idle,
            "wait" => Self::Wait,
            _ => Self::Bad,
        }
    }

    pub(super) fn of_blocker(code: &str) -> Self {
        match code {
            "halted" | "between_groups" | "group_in_the_way" | "blast_limit" | "clock_behind"
            | "clock_differs" | "log_unwritable" => Self::Bad,
            "moving" | "write_in_flight" => Self::Busy,
            _ => Self::Wait,
        }
    }
}
