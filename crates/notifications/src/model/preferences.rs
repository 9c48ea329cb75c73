use std::collections::BTreeMap;

use jiff::{ToSpan as _, Zoned, civil, tz::TimeZone};
use kernel::Timestamp;
use platform::{Level, Notice};
use serde::{Deserialize, Serialize};

/// A time of day in minutes from midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Minute(u16);

impl Minute {
    pub(crate) const EIGHT: Self = Self(8 * 60);

    /// `08:00` to `23:59`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (hours, minutes) = text.split_once(':')?;
        let number = |text: &str| {
            (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit()))
                .then(|| text.parse::<u16>().ok())?
        };
        let (hours, minutes) = (number(hours)?, number(minutes)?);
        (hours < 24 && minutes < 60).then_some(Self(hours * 60 + minutes))
    }

    pub(crate) fn from_number(number: u16) -> Option<Self> {
        (number < 24 * 60).then_some(Self(number))
    }

    pub(crate) fn number(self) -> u16 {
        self.0
    }

    fn time(self) -> civil::Time {
        // In bounds by construction.
        civil::time((self.0 / 60) as i8, (self.0 % 60) as i8, 0, 0)
    }
}

impl std::fmt::Display for Minute {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// Whether mails are collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Digest {
    #[default]
    Off,
    Hourly,
    Daily,
}

impl Digest {
    pub(crate) const ALL: [Self; 3] = [Self::Off, Self::Hourly, Self::Daily];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Hourly => "hourly",
            Self::Daily => "daily",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|digest| digest.name() == text)
    }
}

/// By which channels a topic is told. Those to come (Slack, Discord, Teams, web push) are more fields here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Channels {
    pub(crate) in_app: bool,
    pub(crate) email: bool,
}

/// A person's choice for one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopicChoice {
    pub(crate) topic: String,
    pub(crate) channels: Channels,
}

/// How a person wants to be told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Preferences {
    /// Only what the person chose; the others follow the topic.
    pub(crate) topics: BTreeMap<String, Channels>,
    pub(crate) digest: Digest,
    pub(crate) digest_at: Minute,
    /// From, until; over midnight when the first is the later one.
    pub(crate) quiet: Option<(Minute, Minute)>,
    pub(crate) time_zone: TimeZone,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            topics: BTreeMap::new(),
            digest: Digest::Off,
            digest_at: Minute::EIGHT,
            quiet: None,
            time_zone: TimeZone::UTC,
        }
    }
}

/// When a mail goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// At once, by itself.
    Now,
    /// With all others that are due then.
    At(Timestamp),
}

impl Preferences {
    pub(crate) fn zone_name(&self) -> &str {
        self.time_zone.iana_name().unwrap_or("UTC")
    }

    /// The person's choice, else the topic's default; a topic that nobody declared is told in the application only.
    pub(crate) fn channels(&self, topic: &str, notice: Option<&Notice>) -> Channels {
        self.topics.get(topic).copied().unwrap_or_else(|| {
            let (in_app, email) = notice.map_or((true, false), |notice| (notice.in_app, notice.email));
            Channels { in_app, email }
        })
    }

    /// When a mail of this level may go out: errors at once; the others with the next digest, and never in quiet hours.
    pub(crate) fn when(&self, level: Level, now: Timestamp) -> When {
        if level == Level::Error {
            return When::Now;
        }
        let here = now.to_zoned(self.time_zone.clone());
        let collected = match self.digest {
            Digest::Off => here.clone(),
            Digest::Hourly => next_hour(&here),
            Digest::Daily => next_time(&here, self.digest_at),
        };
        let due = self.after_quiet(&collected).timestamp();
        if due <= now { When::Now } else { When::At(due) }
    }

    fn after_quiet(&self, at: &Zoned) -> Zoned {
        let Some((from, until)) = self.quiet else { return at.clone() };
        let time = at.time();
        let (from, end) = (from.time(), until.time());
        let is_quiet = if from <= end { (from..end).contains(&time) } else { time >= from || time < end };
        if is_quiet { next_time(at, until) } else { at.clone() }
    }
}

/// The next full hour after `at`.
fn next_hour(at: &Zoned) -> Zoned {
    let floor = at.timestamp().as_second().div_euclid(3_600) * 3_600;
    let next = Timestamp::from_second(floor + 3_600).unwrap_or(Timestamp::MAX);
    next.to_zoned(at.time_zone().clone())
}

/// The next time after `at` that the clock on the wall shows `minute`. On a day that skips it: just after the gap.
fn next_time(at: &Zoned, minute: Minute) -> Zoned {
    let on = |date: civil::Date| date.to_datetime(minute.time()).to_zoned(at.time_zone().clone()).ok();
    let today = on(at.date()).filter(|then| then > at);
    let tomorrow = || at.date().checked_add(1.day()).ok().and_then(on);
    today.or_else(tomorrow).unwrap_or_else(|| at.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preferences(digest: Digest, quiet: Option<(&str, &str)>, zone: &str) -> Preferences {
        let minute = |text| Minute::parse(text).unwrap();
        Preferences {
            digest,
            quiet: quiet.map(|(from, to)| (minute(from), minute(to))),
            time_zone: TimeZone::get(zone).unwrap(),
            ..Preferences::default()
        }
    }

    #[test]
    fn times_of_day() {
        let check = |text: &str, expected: Option<u16>| {
            assert_eq!(Minute::parse(text).map(Minute::number), expected, "{text:?}");
        };
        check("00:00", Some(0));
        check("08:30", Some(510));
        check("23:59", Some(1439));
        for text in ["24:00", "8:00", "08:60", "08:0", "0800", "+8:00", "", "08:00:00"] {
            check(text, None);
        }
        assert_eq!(Minute::parse("08:05").unwrap().to_string(), "08:05");
    }

    #[test]
    fn mails_wait_for_their_time() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let check = |preferences: &Preferences, level: Level, now: &str, expected: Option<&str>| {
            let expected = expected.map_or(When::Now, |due| When::At(at(due)));
            assert_eq!(preferences.when(level, at(now)), expected, "{preferences:?} {now}");
        };
        let plain = preferences(Digest::Off, None, "UTC");
        check(&plain, Level::Info, "2026-01-05T03:00:00Z", None);

        let night = preferences(Digest::Off, Some(("22:00", "07:00")), "Europe/Paris");
        check(&night, Level::Warning, "2026-01-05T21:30:00Z", Some("2026-01-06T06:00:00Z"));
        check(&night, Level::Warning, "2026-01-05T05:59:59Z", Some("2026-01-05T06:00:00Z"));
        check(&night, Level::Warning, "2026-01-05T06:00:00Z", None);
        check(&night, Level::Warning, "2026-01-05T20:59:59Z", None);
        check(&night, Level::Error, "2026-01-05T21:30:00Z", None);
        // In summer the same clock on the wall is an hour earlier.
        check(&night, Level::Info, "2026-07-05T21:30:00Z", Some("2026-07-06T05:00:00Z"));
        // On the night of the change: two o'clock does not come.
        let early = preferences(Digest::Off, Some(("01:00", "02:30")), "Europe/Paris");
        check(&early, Level::Info, "2026-03-29T00:30:00Z", Some("2026-03-29T01:30:00Z"));

        let noon = preferences(Digest::Off, Some(("12:00", "14:00")), "UTC");
        check(&noon, Level::Info, "2026-01-05T13:00:00Z", Some("2026-01-05T14:00:00Z"));
        check(&noon, Level::Info, "2026-01-05T14:00:00Z", None);

        let hourly = preferences(Digest::Hourly, None, "Asia/Kolkata");
        check(&hourly, Level::Info, "2026-01-05T08:10:00Z", Some("2026-01-05T09:00:00Z"));
        check(&hourly, Level::Info, "2026-01-05T09:00:00Z", Some("2026-01-05T10:00:00Z"));
        check(&hourly, Level::Error, "2026-01-05T08:10:00Z", None);

        let daily = preferences(Digest::Daily, None, "Europe/Paris");
        check(&daily, Level::Info, "2026-01-05T06:59:00Z", Some("2026-01-05T07:00:00Z"));
        check(&daily, Level::Info, "2026-01-05T07:00:00Z", Some("2026-01-06T07:00:00Z"));
        // A digest that falls into quiet hours waits for their end.
        let late = Preferences { quiet: Some((Minute(0), Minute(9 * 60))), ..daily };
        check(&late, Level::Info, "2026-01-05T07:30:00Z", Some("2026-01-06T08:00:00Z"));
    }

    #[test]
    fn choices_come_before_defaults() {
        let notice = Notice {
            topic: "a.b",
            label: ["", ""],
            title: ["", ""],
            body: ["", ""],
            in_app: true,
            email: true,
        };
        let mut preferences = Preferences::default();
        assert_eq!(preferences.channels("a.b", Some(&notice)), Channels { in_app: true, email: true });
        assert_eq!(preferences.channels("a.c", None), Channels { in_app: true, email: false });
        preferences.topics.insert("a.b".to_owned(), Channels { in_app: false, email: true });
        assert_eq!(preferences.channels("a.b", Some(&notice)), Channels { in_app: false, email: true });
    }
}
