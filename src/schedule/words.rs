//! A cron line in words: what was read of it.
//!
//! **Invariant:** lines of the same words open at the same times.

use std::collections::BTreeSet;

use super::grammar::{CronEntry, CronField, WrittenCron};

/// So many times of day are told one by one.
const FEW_TIMES: usize = 6;

impl WrittenCron {
    /// When it opens: `Mon to Thu 09:00`, `the 2nd Tue of the month, in Mar to Oct, 09:00 and 13:30`.
    pub fn words(&self) -> String {
        let months = self.values(CronField::Month);
        let named = |month: u8| CronField::Month.names()[usize::from(month - 1)].to_owned();
        let within =
            if months.len() == 12 { String::new() } else { format!(", in {},", list(&months, named)) };
        format!("{}{within} {}", self.days(), self.times())
    }

    /// The plain values of a field, of two Sundays the first.
    fn values(&self, field: CronField) -> BTreeSet<u8> {
        let entries = self.fields[field as usize].iter();
        let (least, most) = field.bounds();
        let values = entries.filter_map(|entry| match *entry {
            CronEntry::All => Some((least..=most).step_by(1)),
            CronEntry::Values { from, to, step } => Some((from..=to).step_by(step.into())),
            _ => None,
        });
        let sunday = |value| if field == CronField::Weekday { value % 7 } else { value };
        values.flatten().map(sunday).collect()
    }

    fn times(&self) -> String {
        let (minutes, hours) = (self.values(CronField::Minute), self.values(CronField::Hour));
        if minutes.len() * hours.len() <= FEW_TIMES {
            let times = hours
                .iter()
                .flat_map(|hour| minutes.iter().map(move |minute| format!("{hour:02}:{minute:02}")));
            return and(&times.collect::<Vec<_>>());
        }
        let minute = match minutes.len() {
            60 => "each minute".to_owned(),
            1 => format!("minute {}", list(&minutes, |minute| minute.to_string())),
            _ => format!("minutes {}", list(&minutes, |minute| minute.to_string())),
        };
        match hours.len() {
            24 => format!("at {minute} of each hour"),
            1 => format!("at {minute} of hour {}", list(&hours, |hour| hour.to_string())),
            _ => format!("at {minute} of hours {}", list(&hours, |hour| hour.to_string())),
        }
    }

    fn days(&self) -> String {
        let day = (!self.is_all(CronField::Day)).then(|| self.of_month());
        let weekday = (!self.is_all(CronField::Weekday)).then(|| self.of_week());
        match (day, weekday) {
            (None, None) => "every day".to_owned(),
            (Some(days), None) => days,
            (None, Some(weekdays)) => weekdays,
            (Some(days), Some(weekdays)) if self.takes_both_days => format!("{days}, if it is {weekdays}"),
            (Some(days), Some(weekdays)) => format!("{days}, and also {weekdays}"),
        }
    }

    fn is_all(&self, field: CronField) -> bool {
        self.fields[field as usize] == [CronEntry::All]
    }

    fn of_month(&self) -> String {
        let plain = self.values(CronField::Day);
        let told = (!plain.is_empty()).then(|| format!("the {} of the month", list(&plain, nth)));
        let special = self.fields[CronField::Day as usize].iter().filter_map(|entry| match entry {
            CronEntry::LastDay => Some("the last day of the month".to_owned()),
            CronEntry::LastWorkday => Some("the last day from Mon to Fri of the month".to_owned()),
            CronEntry::NearestWorkday(day) => {
                Some(format!("the day from Mon to Fri nearest to the {}", nth(*day)))
            }
            _ => None,
        });
        and(&told.into_iter().chain(special).collect::<Vec<_>>())
    }

    fn of_week(&self) -> String {
        let named = |weekday: u8| CronField::Weekday.names()[usize::from(weekday)].to_owned();
        let plain = self.values(CronField::Weekday);
        let told = (!plain.is_empty()).then(|| list(&plain, named));
        let special = self.fields[CronField::Weekday as usize].iter().filter_map(|entry| match entry {
            CronEntry::Nth { weekday, week } => {
                Some(format!("the {} {} of the month", nth(*week), named(*weekday)))
            }
            CronEntry::LastOf(weekday) => Some(format!("the last {} of the month", named(*weekday))),
            _ => None,
        });
        and(&told.into_iter().chain(special).collect::<Vec<_>>())
    }
}

/// Values with what follows one another joined: `1, 3 and 5 to 9`.
fn list(values: &BTreeSet<u8>, told: impl Fn(u8) -> String) -> String {
    let mut runs: Vec<(u8, u8)> = Vec::new();
    for value in values {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *value => *last = *value,
            _ => runs.push((*value, *value)),
        }
    }
    let texts = runs.into_iter().flat_map(|(from, to)| match to - from {
        0 => vec![told(from)],
        1 => vec![told(from), told(to)],
        _ => vec![format!("{} to {}", told(from), told(to))],
    });
    and(&texts.collect::<Vec<_>>())
}

fn and(texts: &[String]) -> String {
    match texts {
        [first @ .., second, last] => [first, &[format!("{second} and {last}")]].concat().join(", "),
        _ => texts.concat(),
    }
}

fn nth(number: u8) -> String {
    let ending = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_in_words() {
        let rows = [
            ("0 9 * * Mon-Thu", "Mon to Thu 09:00"),
            ("0 9 * * *", "every day 09:00"),
            ("0,30 9,13 * * Sat,Sun", "Sun and Sat 09:00, 09:30, 13:00 and 13:30"),
            ("0 9 * * 5-7", "Sun, Fri and Sat 09:00"),
            ("0 9 * * Tue#2", "the 2nd Tue of the month 09:00"),
            ("0 9 * * Tue#1,Thu#3", "the 1st Tue of the month and the 3rd Thu of the month 09:00"),
            ("0 9 * * FriL", "the last Fri of the month 09:00"),
            ("0 9 1,15 * *", "the 1st and 15th of the month 09:00"),
            ("0 9 1-7 * +Tue", "the 1st to 7th of the month, if it is Tue 09:00"),
            ("0 9 1-7 * Tue", "the 1st to 7th of the month, and also Tue 09:00"),
            ("0 9 1-31 * Mon", "the 1st to 31st of the month, and also Mon 09:00"),
            ("0 9 * * 0-7", "Sun to Sat 09:00"),
            ("0 9 L * *", "the last day of the month 09:00"),
            ("0 9 LW * *", "the last day from Mon to Fri of the month 09:00"),
            ("0 9 15W * *", "the day from Mon to Fri nearest to the 15th 09:00"),
            ("0 9 * Mar-Oct Mon", "Mon, in Mar to Oct, 09:00"),
            ("*/15 9-17 * * *", "every day at minutes 0, 15, 30 and 45 of hours 9 to 17"),
            ("20 * * * *", "every day at minute 20 of each hour"),
            ("* * * * *", "every day at each minute of each hour"),
            ("*/25 * * * *", "every day at minutes 0, 25 and 50 of each hour"),
        ];
        for (line, words) in rows {
            assert_eq!(WrittenCron::read(line).unwrap().words(), words, "{line}");
        }
    }
}
