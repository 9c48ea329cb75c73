//! Work that comes by itself: schedules that modules declare as data, and administrators change.

mod control;
mod rule;
pub(crate) mod store;
mod ticker;

use std::{fmt, str::FromStr, sync::Arc};

use kernel::{TaskId, Timestamp};

use crate::{Job, Result, State, queue::Order};

pub use control::Schedules;
pub use rule::{Rule, RuleError};
pub(crate) use ticker::Ticker;

kernel::id_kind! {
    /// One firing of a schedule.
    pub ScheduleRun = "run" => ScheduleRunId
}

/// What becomes of planned times that passed while no worker ran, or over which the clock was set forward. A time counts
/// as missed when it is noticed more than a minute late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CatchUp {
    /// Forget them.
    Skip,
    /// One firing, for the last of them.
    #[default]
    Once,
    /// Each fires, oldest first; at most the last 100.
    All,
}

impl CatchUp {
    pub const ALL: [Self; 3] = [Self::Skip, Self::Once, Self::All];

    pub fn name(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Once => "once",
            Self::All => "all",
        }
    }
}

impl FromStr for CatchUp {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        Self::ALL
            .into_iter()
            .find(|policy| policy.name() == text)
            .ok_or_else(|| RuleError::CatchUp(text.to_owned()))
    }
}

/// Why a schedule fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Its time had come.
    Due,
    /// Its time had passed unseen.
    CatchUp,
    /// Somebody asked for it.
    Manual,
}

impl Reason {
    pub const ALL: [Self; 3] = [Self::Due, Self::CatchUp, Self::Manual];

    pub fn name(self) -> &'static str {
        match self {
            Self::Due => "DUE",
            Self::CatchUp => "CATCH_UP",
            Self::Manual => "MANUAL",
        }
    }
}

/// What the maker of a schedule's payload is told.
#[derive(Debug, Clone, Copy)]
pub struct Firing {
    /// The time that the rule names, not that of the firing.
    pub planned_at: Timestamp,
    pub reason: Reason,
}

type Make = Arc<dyn Fn(&Firing) -> Result<Order> + Send + Sync>;

/// A schedule as its module declares it.
#[derive(Clone)]
pub struct Schedule {
    /// `module.verb_thing`. Never changes: an administrator's settings and the history are kept under it.
    pub name: &'static str,
    /// For administrators.
    pub description: &'static str,
    /// Five fields, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.
    pub cron: &'static str,
    /// IANA name, such as `Europe/Paris`.
    pub time_zone: &'static str,
    pub catch_up: CatchUp,
    pub(crate) kind: &'static str,
    pub(crate) make: Make,
}

impl Schedule {
    /// A schedule in UTC that makes up for missed times once. `make` gives the job of one firing.
    ///
    /// # Panics
    ///
    /// If `cron` is no cron expression: that is a slip in the module's source.
    pub fn new<J: Job>(
        name: &'static str,
        description: &'static str,
        cron: &'static str,
        make: impl Fn(&Firing) -> J + Send + Sync + 'static,
    ) -> Self {
        if let Err(error) = Rule::parse(cron, "UTC") {
            panic!("schedule {name}: {error}");
        }
        let make: Make = Arc::new(move |firing| Order::of(&make(firing)));
        Self { name, description, cron, time_zone: "UTC", catch_up: CatchUp::Once, kind: J::KIND, make }
    }

    /// On the clocks of this time zone.
    ///
    /// # Panics
    ///
    /// If there is no such zone.
    #[must_use]
    pub fn in_zone(mut self, time_zone: &'static str) -> Self {
        if let Err(error) = Rule::parse(self.cron, time_zone) {
            panic!("schedule {}: {error}", self.name);
        }
        self.time_zone = time_zone;
        self
    }

    #[must_use]
    pub fn catching_up(mut self, catch_up: CatchUp) -> Self {
        self.catch_up = catch_up;
        self
    }

    /// The kind of the tasks that it makes.
    pub fn kind(&self) -> &'static str {
        self.kind
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schedule({} {} {})", self.name, self.cron, self.time_zone)
    }
}

/// A schedule as it is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleState {
    pub name: &'static str,
    pub kind: &'static str,
    pub description: &'static str,
    pub cron: String,
    pub time_zone: String,
    pub catch_up: CatchUp,
    pub is_paused: bool,
    /// An administrator has changed the rule.
    pub is_overridden: bool,
    /// `None` while it is paused, or if its rule names no time any more.
    pub next_at: Option<Timestamp>,
    pub last_at: Option<Timestamp>,
    pub last_task: Option<TaskId>,
    /// Where the last firing's task stands; `None` when it is no longer kept.
    pub last_outcome: Option<State>,
}

/// What an administrator changes. `None` leaves it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScheduleChange {
    pub cron: Option<String>,
    pub time_zone: Option<String>,
    pub catch_up: Option<CatchUp>,
    pub is_paused: Option<bool>,
}

/// One firing, as the history keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub id: ScheduleRunId,
    pub planned_at: Timestamp,
    pub fired_at: Timestamp,
    pub task: TaskId,
    /// `None` when the task is no longer kept.
    pub task_state: Option<State>,
    pub reason: Reason,
}
