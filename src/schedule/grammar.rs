//! The grammar of a cron line as a plan file writes it, field by field.
//!
//! **Invariant:** a line that it takes means the same to croner, and nothing in it is a guess: a name stands in its own
//! field, a list has no empty entry, a range goes upwards, and a step leaves more than its first value.

use std::fmt;

/// A field of a cron line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumIter)]
pub enum CronField {
    /// 0 to 59.
    Minute,
    /// 0 to 23.
    Hour,
    /// 1 to 31, of the month.
    Day,
    /// 1 to 12, or a name.
    Month,
    /// 0 to 7, where 0 and 7 are Sunday, or a name.
    Weekday,
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
/// Which of its weekday in a month `#` can name: no month has a sixth.
pub const WEEKS: std::ops::RangeInclusive<u8> = 1..=5;

impl CronField {
    /// Its least and its greatest number.
    pub const fn bounds(self) -> (u8, u8) {
        match self {
            Self::Minute => (0, 59),
            Self::Hour => (0, 23),
            Self::Day => (1, 31),
            Self::Month => (1, 12),
            Self::Weekday => (0, 7),
        }
    }

    /// The names of its numbers, from the least on.
    pub const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Minute | Self::Hour | Self::Day => &[],
            Self::Month => &MONTHS,
            Self::Weekday => &WEEKDAYS,
        }
    }

    /// How many values it goes through before it begins anew.
    pub const fn cycle(self) -> u8 {
        match self {
            Self::Minute => 60,
            Self::Hour => 24,
            Self::Day => 31,
            Self::Month => 12,
            Self::Weekday => 7,
        }
    }

    /// The number that a text is: digits, or a name in any case.
    pub fn value(self, text: &str) -> Option<u8> {
        let (least, most) = self.bounds();
        let named = self.names().iter().zip(least..).find(|(name, _)| name.eq_ignore_ascii_case(text));
        let number = || {
            let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|number| digits && (least..=most).contains(number))
        };
        named.map(|(_, number)| number).or_else(number)
    }
}

/// One entry of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CronEntry {
    /// `*`, which leaves it to other fields. One that lists all values does not: where day and weekday are given, either
    /// is enough.
    All,
    /// Every so many values from one to another, both included; a single value is a range of its own.
    Values { from: u8, to: u8, step: u8 },
    /// The last day of the month.
    LastDay,
    /// The last day of the month from Monday to Friday.
    LastWorkday,
    /// The day from Monday to Friday that is nearest to this one, in the same month.
    NearestWorkday(u8),
    /// A weekday's so manieth of the month.
    Nth { weekday: u8, week: u8 },
    /// A weekday's last of the month.
    LastOf(u8),
}

/// A cron line as written: the entries of each field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenCron {
    /// By field, in the order of [`CronField`].
    pub fields: [Vec<CronEntry>; 5],
    /// Whether a day must match both where day and weekday are given: the weekday has a `+`.
    pub takes_both_days: bool,
}

/// Why a text is no cron line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CronFault {
    /// It has so many fields.
    Count(usize),
    /// A field cannot be read.
    Field { field: CronField, found: String, why: FieldFault },
}

/// What is the matter with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldFault {
    /// Nothing stands beside a comma.
    Empty,
    /// This range goes downwards.
    Backwards(String),
    /// Of this entry, the step leaves its first value alone.
    StepTooLong { entry: String, first: u8 },
    /// It has both `L` and `LW`.
    TwoLastDays,
    /// It has the name of a value of another field.
    OfField(CronField),
    /// It is none of what the field takes.
    Unknown,
}

impl WrittenCron {
    /// Reads a line.
    ///
    /// # Errors
    /// With the first field that cannot be read.
    pub fn read(line: &str) -> Result<Self, CronFault> {
        let texts: Vec<&str> = line.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = texts[..] else {
            return Err(CronFault::Count(texts.len()));
        };
        let bare = weekday.strip_prefix('+').filter(|_| day != "*");
        let fields = [
            entries(CronField::Minute, minute)?,
            entries(CronField::Hour, hour)?,
            entries(CronField::Day, day)?,
            entries(CronField::Month, month)?,
            entries(CronField::Weekday, bare.unwrap_or(weekday))?,
        ];
        Ok(Self { fields, takes_both_days: bare.is_some() })
    }
}

fn entries(field: CronField, found: &str) -> Result<Vec<CronEntry>, CronFault> {
    let refused = |why| CronFault::Field { field, found: found.to_owned(), why };
    if found == "*" {
        return Ok(vec![CronEntry::All]);
    }
    let entries = found.split(',').map(|entry| entry_of(field, entry).map_err(refused));
    let entries = entries.collect::<Result<Vec<_>, _>>()?;
    // croner takes the two together for `LW` alone.
    if [CronEntry::LastDay, CronEntry::LastWorkday].iter().all(|last| entries.contains(last)) {
        return Err(refused(FieldFault::TwoLastDays));
    }
    Ok(entries)
}

fn entry_of(field: CronField, entry: &str) -> Result<CronEntry, FieldFault> {
    if entry.is_empty() {
        return Err(FieldFault::Empty);
    }
    if let Some(special) = special(field, entry) {
        return Ok(special);
    }
    let (range, step) = match entry.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (entry, None),
    };
    let unknown = || FieldFault::Unknown;
    let (least, most) = field.bounds();
    let (from, to) = match range.split_once('-') {
        // A step alone goes over the whole field; of two Sundays, the first.
        None if range == "*" && step.is_some() => (least, most.min(least + field.cycle() - 1)),
        None if step.is_none() => {
            let value = field.value(range).ok_or_else(|| of_another(field, range))?;
            (value, value)
        }
        None => return Err(unknown()),
        Some((from, to)) => {
            let end = |text: &str| field.value(text).ok_or_else(|| of_another(field, text));
            let alike = field.names().iter().any(|name| name.eq_ignore_ascii_case(from))
                == field.names().iter().any(|name| name.eq_ignore_ascii_case(to));
            let (from, to) = (end(from)?, end(to)?);
            if !alike {
                return Err(unknown());
            }
            (from, to)
        }
    };
    if from > to || (from == to && range.contains('-')) {
        return Err(FieldFault::Backwards(range.to_owned()));
    }
    let Some(step) = step else { return Ok(CronEntry::Values { from, to, step: 1 }) };
    let digits = (1..=4).contains(&step.len()) && step.bytes().all(|byte| byte.is_ascii_digit());
    let step: u16 = step.parse().ok().filter(|step| digits && *step > 0).ok_or_else(unknown)?;
    match u8::try_from(step).ok().filter(|step| *step <= to - from) {
        Some(step) => Ok(CronEntry::Values { from, to, step }),
        None => Err(FieldFault::StepTooLong { entry: entry.to_owned(), first: from }),
    }
}

/// What the calendar decides.
fn special(field: CronField, entry: &str) -> Option<CronEntry> {
    match field {
        CronField::Day => match entry {
            "L" => Some(CronEntry::LastDay),
            "LW" => Some(CronEntry::LastWorkday),
            _ => field.value(entry.strip_suffix('W')?).map(CronEntry::NearestWorkday),
        },
        CronField::Weekday => match entry.split_once('#') {
            Some((weekday, week)) => {
                let week = week.parse().ok().filter(|number| week.len() == 1 && WEEKS.contains(number))?;
                Some(CronEntry::Nth { weekday: field.value(weekday)? % 7, week })
            }
            None => Some(CronEntry::LastOf(field.value(entry.strip_suffix('L')?)? % 7)),
        },
        CronField::Minute | CronField::Hour | CronField::Month => None,
    }
}

/// A name of another field's values, such as a month among the weekdays.
fn of_another(field: CronField, text: &str) -> FieldFault {
    let others = [CronField::Month, CronField::Weekday].into_iter().filter(|other| *other != field);
    let named = |other: &CronField| other.names().iter().any(|name| name.eq_ignore_ascii_case(text));
    others.clone().find(named).map_or(FieldFault::Unknown, FieldFault::OfField)
}

impl fmt::Display for CronFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "it has {count} fields instead of 5"),
            Self::Field { found, why: FieldFault::Empty, .. } => {
                write!(f, "`{found}` has nothing beside a comma")
            }
            Self::Field { field, found, .. } => {
                let field = match field {
                    CronField::Minute => "a minute",
                    CronField::Hour => "an hour",
                    CronField::Day => "a day of the month",
                    CronField::Month => "a month",
                    CronField::Weekday => "a weekday",
                };
                write!(f, "`{found}` is not {field}")
            }
        }
    }
}
