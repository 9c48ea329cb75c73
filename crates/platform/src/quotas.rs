//! How much a workspace may use of what costs: cameras, storage, work.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use db::Tx;
use jiff::{civil::DateTime, tz::TimeZone};
use kernel::{Ctx, Problem, Timestamp, ToProblem};

/// Something that a workspace may use only so much of, as data: part of a module's manifest. Several modules may declare the
/// same resource; what each counts is added up.
#[derive(Debug, Clone, Copy)]
pub struct QuotaSpec {
    /// Such as `cameras`.
    pub resource: &'static str,
    /// What people read, in English and in French.
    pub label: [&'static str; 2],
    /// `bytes` are shown as such; anything else is a plain number.
    pub unit: &'static str,
    pub per: Per,
    /// SQL that tells as `value` what the workspace `$1` uses now, or has used since `$2` (microseconds).
    pub used: &'static str,
}

/// When what was used comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// When it is given up.
    Standing,
    /// At midnight UTC.
    Day,
    /// At midnight UTC on the first of the month.
    Month,
}

impl Per {
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Standing => None,
            Self::Day => Some("day"),
            Self::Month => Some("month"),
        }
    }

    /// When the present period began: 1970 for what stands.
    pub fn start(self, now: Timestamp) -> Timestamp {
        let date = now.to_zoned(TimeZone::UTC).date();
        match self {
            Self::Standing => Timestamp::UNIX_EPOCH,
            Self::Day => midnight(date.to_datetime(jiff::civil::Time::midnight())),
            Self::Month => midnight(date.first_of_month().to_datetime(jiff::civil::Time::midnight())),
        }
    }

    /// When the next one begins.
    pub fn resets_at(self, now: Timestamp) -> Option<Timestamp> {
        let date = now.to_zoned(TimeZone::UTC).date();
        let next = match self {
            Self::Standing => return None,
            Self::Day => date.tomorrow().ok()?,
            Self::Month => date.last_of_month().tomorrow().ok()?,
        };
        Some(midnight(next.to_datetime(jiff::civil::Time::midnight())))
    }
}

fn midnight(at: DateTime) -> Timestamp {
    at.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp()).unwrap_or_default()
}

/// What every module that keeps files counts into.
pub const STORAGE: &str = "storage";
/// Labels of [`STORAGE`].
pub const STORAGE_LABEL: [&str; 2] = ["Storage", "Stockage"];

/// Tasks that people order; what the installation orders by itself does not count.
pub const JOBS: &str = "jobs";

/// For people: bytes in powers of a thousand, other things as a number with their unit.
pub fn amount(value: i64, unit: &str) -> String {
    if unit != "bytes" {
        return format!("{value} {unit}").trim_end().to_owned();
    }
    let steps = [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    match steps.into_iter().find(|(_, size)| value >= *size) {
        // Tenths, cut off: what is left is not told as more than it is.
        Some((name, size)) => format!("{}.{} {name}", value / size, value % size / (size / 10)),
        None => format!("{value} bytes"),
    }
}

/// As people type it: `5`, `10GB`, `500 kB`, in powers of a thousand; `None` where it is no such thing, or too much.
pub fn parse_amount(text: &str) -> Option<i64> {
    let text = text.trim();
    let end = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim().to_ascii_lowercase();
    let size = match unit.strip_suffix('b').unwrap_or(&unit) {
        "" => 1,
        "k" => 1_000,
        "m" => 1_000_000,
        "g" => 1_000_000_000,
        "t" => 1_000_000_000_000,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(size)
}

/// The workspace has used up what it may.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{label}: the workspace may use {}, and uses {}; ask an administrator of the installation for more",
    amount(*.limit, .unit),
    amount(*.used, .unit)
)]
pub struct QuotaReached {
    pub resource: String,
    pub label: &'static str,
    pub unit: &'static str,
    pub limit: i64,
    pub used: i64,
    /// What was asked for beyond that.
    pub asked: i64,
    /// Until it comes back by itself.
    pub retry_after_s: Option<u64>,
}

impl ToProblem for QuotaReached {
    fn problem(&self) -> Problem {
        let status = if self.retry_after_s.is_some() { 429 } else { 402 };
        let problem = Problem::new(status, "quota.reached", self)
            .member("resource", self.resource.clone())
            .member("limit", self.limit)
            .member("used", self.used);
        match self.retry_after_s {
            Some(seconds) => problem.retry_after_s(seconds),
            None => problem,
        }
    }
}

/// Why something may not be used.
#[derive(Debug, thiserror::Error)]
pub enum QuotaError {
    #[error(transparent)]
    Reached(#[from] QuotaReached),
    #[error("could not ask for a quota")]
    Db(#[from] db::Error),
}

impl ToProblem for QuotaError {
    fn problem(&self) -> Problem {
        match self {
            Self::Reached(reached) => reached.problem(),
            Self::Db(error) => error.problem(),
        }
    }
}

/// What [`Quotas`] asks. Implemented by `identity`.
#[async_trait]
pub trait QuotaKeeper: Send + Sync + 'static {
    async fn check(&self, tx: &mut Tx, ctx: &Ctx, resource: &str, more: i64) -> Result<(), QuotaError>;
    async fn tell_reached(&self, tx: &mut Tx, ctx: &Ctx, reached: &QuotaReached) -> db::Result<()>;
}

/// May a workspace use more? Cheap to clone, and to ask where nothing is bounded.
#[derive(Clone, Default)]
pub struct Quotas(Arc<OnceLock<Arc<dyn QuotaKeeper>>>);

impl Quotas {
    /// Called once, by identity, when it is built. A second call changes nothing.
    pub fn provide(&self, keeper: Arc<dyn QuotaKeeper>) {
        drop(self.0.set(keeper));
    }

    fn keeper(&self) -> &dyn QuotaKeeper {
        &**self.0.get().expect("identity is built, and provides this, before anything runs")
    }

    /// Refuses what would go beyond the quota of the context's workspace. To be asked in the transaction that uses it, before
    /// the row is written: of many at once, exactly those get through for whom there is room.
    ///
    /// Lock order: before the end of the audit log, and before what others lock in the same order.
    pub async fn check(&self, tx: &mut Tx, ctx: &Ctx, resource: &str, more: i64) -> Result<(), QuotaError> {
        self.keeper().check(tx, ctx, resource, more).await
    }

    /// Tells the workspace's administrators, once, that something was left out for want of room: where nobody is there to
    /// read a refusal.
    pub async fn tell_reached(&self, tx: &mut Tx, ctx: &Ctx, reached: &QuotaReached) -> db::Result<()> {
        self.keeper().tell_reached(tx, ctx, reached).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_begin_at_midnight_utc() {
        let check = |now: &str, per: Per, start: &str, next: Option<&str>| {
            let now: Timestamp = now.parse().unwrap();
            assert_eq!(per.start(now).to_string(), start);
            assert_eq!(per.resets_at(now).map(|at| at.to_string()).as_deref(), next);
        };
        check("2026-02-28T23:59:59Z", Per::Day, "2026-02-28T00:00:00Z", Some("2026-03-01T00:00:00Z"));
        check("2026-02-28T00:00:00Z", Per::Day, "2026-02-28T00:00:00Z", Some("2026-03-01T00:00:00Z"));
        check("2026-12-31T12:00:00Z", Per::Month, "2026-12-01T00:00:00Z", Some("2027-01-01T00:00:00Z"));
        check("2026-12-31T12:00:00Z", Per::Standing, "1970-01-01T00:00:00Z", None);
    }

    #[test]
    fn amounts_are_told_as_people_read_them() {
        assert_eq!(amount(5, ""), "5");
        assert_eq!(amount(999, "bytes"), "999 bytes");
        assert_eq!(amount(1_999, "bytes"), "1.9 kB");
        assert_eq!(amount(5_000_000_000, "bytes"), "5.0 GB");
        assert_eq!(amount(1_000, "tokens"), "1000 tokens");
    }

    #[test]
    fn amounts_are_read_as_people_type_them() {
        let check = |text: &str, value: Option<i64>| assert_eq!(parse_amount(text), value, "{text:?}");
        check("0", Some(0));
        check("10GB", Some(10_000_000_000));
        check(" 500 kB ", Some(500_000));
        check("3t", Some(3_000_000_000_000));
        for junk in ["", "GB", "-1", "1.5GB", "10GiB", "99999999T", "9223372036854775808"] {
            check(junk, None);
        }
    }

    #[test]
    fn what_stands_is_402_and_what_comes_back_429() {
        let reached = QuotaReached {
            resource: "cameras".to_owned(),
            label: "Cameras",
            unit: "",
            limit: 5,
            used: 5,
            asked: 1,
            retry_after_s: None,
        };
        assert_eq!(reached.problem().status, 402);
        assert!(reached.to_string().starts_with("Cameras: the workspace may use 5, and uses 5"), "{reached}");
        let daily = QuotaReached { retry_after_s: Some(60), ..reached };
        assert_eq!((daily.problem().status, daily.problem().retry_after_s), (429, Some(60)));
    }
}
