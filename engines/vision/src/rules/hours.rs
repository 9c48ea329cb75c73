//! When a zone watches: weekly windows in the camera's local time, which the caller passes in.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A day of the week, or a day that the caller's calendar calls a holiday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
    Holiday,
}

impl Day {
    /// 0 is Monday, 6 is Sunday; larger numbers wrap.
    pub fn from_monday_zero(offset: usize) -> Self {
        const WEEK: [Day; 7] = [
            Day::Monday,
            Day::Tuesday,
            Day::Wednesday,
            Day::Thursday,
            Day::Friday,
            Day::Saturday,
            Day::Sunday,
        ];
        WEEK[offset % 7]
    }

    fn yesterday(self) -> Self {
        match self {
            Day::Holiday => Day::Holiday,
            day => Self::from_monday_zero(day as usize + 6),
        }
    }
}

/// A time of day in minutes after midnight, 0..=1440; written `HH:MM`. 24:00 is the end of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    pub const MIDNIGHT: Self = Self(0);
    pub const END: Self = Self(1440);

    /// `None` past 24:00.
    pub fn from_hm(hour: u16, minute: u16) -> Option<Self> {
        let total = hour.checked_mul(60)?.checked_add(minute)?;
        (minute < 60 && total <= 1440).then_some(Self(total))
    }

    /// Reads `HH:MM` (or `H:MM`).
    pub fn parse(text: &str) -> Option<Self> {
        let (h, m) = text.split_once(':')?;
        if m.len() != 2 {
            return None;
        }
        Self::from_hm(h.parse().ok()?, m.parse().ok()?)
    }

    pub fn minutes(self) -> u16 {
        self.0
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl Serialize for TimeOfDay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no time of day such as 22:30")))
    }
}

/// The wall clock at the camera when a frame was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    pub weekday: Day,
    pub time: TimeOfDay,
    /// Whether the caller's calendar calls today a holiday.
    pub holiday: bool,
}

impl LocalTime {
    pub fn new(weekday: Day, time: TimeOfDay) -> Self {
        Self { weekday, time, holiday: false }
    }
}

/// One weekly window. `from` later than `to` runs over midnight and belongs to the day on which it begins.
/// An empty `days` means every day; `holiday` in `days` adds holidays whatever their weekday.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActiveHours {
    #[serde(default)]
    pub days: Vec<Day>,
    pub from: TimeOfDay,
    pub to: TimeOfDay,
}

impl ActiveHours {
    fn covers(&self, local: LocalTime) -> bool {
        let on = |day: Day| self.days.is_empty() || self.days.contains(&day);
        let today = on(local.weekday) || (local.holiday && on(Day::Holiday));
        if self.from < self.to {
            return today && local.time >= self.from && local.time < self.to;
        }
        // Over midnight (or, with equal ends, all round the clock).
        (today && local.time >= self.from) || (on(local.weekday.yesterday()) && local.time < self.to)
    }
}

/// Whether any window is open; no windows at all means always.
pub fn is_active(hours: &[ActiveHours], local: LocalTime) -> bool {
    hours.is_empty() || hours.iter().any(|window| window.covers(local))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(weekday: Day, text: &str) -> LocalTime {
        LocalTime::new(weekday, TimeOfDay::parse(text).unwrap())
    }

    #[test]
    fn windows_open_and_close() {
        let night = [ActiveHours {
            days: vec![Day::Friday],
            from: TimeOfDay::parse("22:00").unwrap(),
            to: TimeOfDay::parse("06:00").unwrap(),
        }];
        for (day, time, expected) in [
            (Day::Friday, "21:59", false),
            (Day::Friday, "22:00", true),
            (Day::Saturday, "05:59", true),
            (Day::Saturday, "06:00", false),
            (Day::Saturday, "23:00", false),
            (Day::Friday, "03:00", false),
        ] {
            assert_eq!(is_active(&night, at(day, time)), expected, "{day:?} {time}");
        }
        assert!(is_active(&[], at(Day::Monday, "12:00")));
    }

    #[test]
    fn holidays_add_days() {
        let window =
            [ActiveHours { days: vec![Day::Holiday], from: TimeOfDay::MIDNIGHT, to: TimeOfDay::END }];
        let mut noon = at(Day::Monday, "12:00");
        assert!(!is_active(&window, noon));
        noon.holiday = true;
        assert!(is_active(&window, noon));
    }

    #[test]
    fn times_of_day_read_and_write() {
        assert_eq!(TimeOfDay::parse("07:05").unwrap().to_string(), "07:05");
        assert_eq!(TimeOfDay::parse("24:00"), Some(TimeOfDay::END));
        for wrong in ["24:01", "7", "07:60", "a:00", "07:5", "-1:00"] {
            assert_eq!(TimeOfDay::parse(wrong), None, "{wrong}");
        }
        assert_eq!(serde_json::to_string(&TimeOfDay::parse("9:30").unwrap()).unwrap(), "\"09:30\"");
    }
}
