use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use jiff::tz::TimeZone;
use kernel::Timestamp;

/// When a schedule fires: a cron expression read on the clocks of a time zone.
///
/// In spring, when the clocks skip an hour, a fixed time in it (`30 2 * * *`) fires at the first minute after it; in
/// autumn, when an hour comes twice, it fires in the first one only. Rules with `*` or `*/n` in their hours or minutes
/// follow the real passage of time: what falls into the skipped hour is left out, and the doubled hour has its times twice.
#[derive(Debug, Clone)]
pub struct Rule {
    cron: Cron,
    zone: TimeZone,
}

/// A rule that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error(
        "{text:?} is no cron rule: {reason}. A cron rule has five fields (minute hour day month weekday), such as \
         `30 8 * * MON-FRI`, or is @hourly, @daily, @weekly, @monthly or @yearly"
    )]
    Cron { text: String, reason: String },
    #[error("{0:?} names no time that will ever come")]
    Never(String),
    #[error("{0:?} is not a time zone; an IANA name such as Europe/Paris or UTC is wanted")]
    TimeZone(String),
    #[error("{0:?} is not a policy; skip, once or all is wanted")]
    CatchUp(String),
}

/// The fields of a rule, and what each may hold beside `*`, lists, ranges and steps.
const FIELDS: [(&str, &str); 5] = [
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day", "1 to 31, or L for the last one"),
    ("month", "1 to 12, or JAN to DEC"),
    ("weekday", "0 to 7 (0 and 7 are Sunday), or SUN to SAT"),
];

/// Planned times that are looked back for; more are passed over.
pub(super) const MISSED_MAX: usize = 100;

impl Rule {
    pub fn parse(cron: &str, time_zone: &str) -> Result<Self, RuleError> {
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let parsed = parser
            .parse(cron)
            .map_err(|_| RuleError::Cron { text: cron.to_owned(), reason: fault(&parser, cron) })?;
        let zone = TimeZone::get(time_zone).map_err(|_| RuleError::TimeZone(time_zone.to_owned()))?;
        Ok(Self { cron: parsed, zone })
    }

    /// The first time after `after`; `None` if there is none in the years that the calendar knows.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let found = self.cron.find_next_occurrence(&after.to_zoned(self.zone.clone()), false).ok()?;
        Some(found.timestamp())
    }

    /// The times after `after` up to `until` itself, the newest [`MISSED_MAX`] of them, oldest first.
    pub fn between(&self, after: Timestamp, until: Timestamp) -> Vec<Timestamp> {
        let mut times = Vec::new();
        let mut at = until.to_zoned(self.zone.clone());
        let mut inclusive = true;
        while times.len() < MISSED_MAX {
            match self.cron.find_previous_occurrence(&at, inclusive) {
                Ok(found) if found.timestamp() > after => {
                    times.push(found.timestamp());
                    (at, inclusive) = (found, false);
                }
                _ => break,
            }
        }
        times.reverse();
        times
    }
}

/// What is wrong with a rule that the parser refuses: its own words name no field.
fn fault(parser: &CronParser, cron: &str) -> String {
    let cron = cron.trim();
    if cron.starts_with('@') {
        return format!("there is no {cron}");
    }
    let fields: Vec<_> = cron.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        let number = fields.len();
        return format!("it has {number} field{}", if number == 1 { "" } else { "s" });
    }
    for (index, (name, allowed)) in FIELDS.into_iter().enumerate() {
        let mut alone = ["*"; FIELDS.len()];
        alone[index] = fields[index];
        if parser.parse(&alone.join(" ")).is_err() {
            return format!(
                "the {name} {:?} is not understood; {allowed}, * for all, lists (1,3), ranges (1-5) and steps (*/2) are",
                fields[index]
            );
        }
    }
    "its fields do not go together".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// The first `count` times after `after`, as wall clocks show them.
    fn times(cron: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let rule = Rule::parse(cron, zone).unwrap();
        let mut now = at(after);
        let mut found = Vec::new();
        for _ in 0..count {
            now = rule.next(now).unwrap();
            found.push(now.to_zoned(rule.zone.clone()).strftime("%m-%d %H:%M%:z").to_string());
        }
        found
    }

    #[test]
    fn a_fixed_time_in_the_skipped_hour_fires_after_it() {
        // Paris, 2026-03-29: 02:00 becomes 03:00.
        assert_eq!(
            times("30 2 * * *", "Europe/Paris", "2026-03-28T00:00:00Z", 3),
            ["03-28 02:30+01:00", "03-29 03:00+02:00", "03-30 02:30+02:00"]
        );
        // New York, 2026-03-08.
        assert_eq!(
            times("0 2 * * *", "America/New_York", "2026-03-08T00:00:00Z", 2),
            ["03-08 03:00-04:00", "03-09 02:00-04:00"]
        );
    }

    #[test]
    fn a_fixed_time_in_the_doubled_hour_fires_once() {
        // Paris, 2026-10-25: 03:00 becomes 02:00.
        assert_eq!(
            times("30 2 * * *", "Europe/Paris", "2026-10-24T12:00:00Z", 2),
            ["10-25 02:30+02:00", "10-26 02:30+01:00"]
        );
    }

    #[test]
    fn steps_follow_the_real_passage_of_time() {
        assert_eq!(
            times("0 * * * *", "Europe/Paris", "2026-10-24T23:30:00Z", 4),
            ["10-25 02:00+02:00", "10-25 02:00+01:00", "10-25 03:00+01:00", "10-25 04:00+01:00"]
        );
        assert_eq!(
            times("*/30 * * * *", "Europe/Paris", "2026-03-29T00:15:00Z", 3),
            ["03-29 01:30+01:00", "03-29 03:00+02:00", "03-29 03:30+02:00"]
        );
    }

    /// Looking back must find what looking ahead does, or a catch-up would fire what was never planned.
    #[test]
    fn backwards_and_forwards_agree_over_both_changes_of_the_clocks() {
        let crons = [
            "30 2 * * *",
            "0 2 * * *",
            "0 * * * *",
            "*/20 * * * *",
            "15 1-3 * * *",
            "59 1 * * SUN",
            "@daily",
        ];
        for zone in ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "UTC", "Asia/Kolkata"] {
            for cron in crons {
                let rule = Rule::parse(cron, zone).unwrap();
                for day in
                    ["2026-03-07", "2026-03-28", "2026-04-04", "2026-10-03", "2026-10-24", "2026-10-31"]
                {
                    let start = at(&format!("{day}T00:00:00Z"));
                    let end = start + jiff::SignedDuration::from_hours(30);
                    let mut forwards = Vec::new();
                    let mut now = start;
                    while let Some(next) = rule.next(now).filter(|next| *next <= end) {
                        forwards.push(next);
                        now = next;
                    }
                    assert_eq!(rule.between(start, end), forwards, "{cron} {zone} {day}");
                }
            }
        }
    }

    #[test]
    fn what_was_missed_is_bounded() {
        let rule = Rule::parse("* * * * *", "UTC").unwrap();
        let times = rule.between(at("2025-01-01T00:00:00Z"), at("2026-01-01T00:00:00Z"));
        assert_eq!((times.len(), times.last().copied()), (MISSED_MAX, Some(at("2026-01-01T00:00:00Z"))));
    }

    #[test]
    fn rules_that_cannot_be_read_say_what_is_wanted() {
        let check = |cron: &str, zone: &str, expected: &str| {
            let error = Rule::parse(cron, zone).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check("every day", "UTC", "five fields");
        check("every day", "UTC", "it has 2 fields");
        check("0 0 * * * *", "UTC", "it has 6 fields");
        check("", "UTC", "it has 0 fields");
        check("@often", "UTC", "there is no @often");
        check("61 * * * *", "UTC", "the minute \"61\" is not understood; 0 to 59");
        check("0 24 * * *", "UTC", "the hour \"24\" is not understood; 0 to 23");
        check("0 0 0 * *", "UTC", "the day \"0\"");
        check("0 0 1 13 *", "UTC", "the month \"13\"");
        check("0 0 * * 8", "UTC", "the weekday \"8\"");
        check("0 0 * * FUNDAY", "UTC", "the weekday \"FUNDAY\"");
        check("5-1 * * * *", "UTC", "the minute \"5-1\"");
        check("@daily", "Mars/Olympus", "IANA");
        assert!(Rule::parse("@hourly", "UTC").is_ok());
        assert!(Rule::parse("0 9 * * MON-FRI", "Europe/Paris").is_ok());
        assert_eq!(Rule::parse("0 0 30 2 *", "UTC").unwrap().next(at("2026-01-01T00:00:00Z")), None);
    }
}
