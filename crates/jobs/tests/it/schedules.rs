//! Schedules under a clock that the tests set.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use jobs::{
    CatchUp, Enqueue, Error, Handlers, Job, JobContext, Jobs, Reason, Run, Schedule, ScheduleChange, State,
};
use kernel::{Clock, Timestamp};
use serde_json::json;

use crate::stage::{self, Stage, Work, Working};

/// Stands still until it is set.
pub(crate) struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

impl SetClock {
    fn at(text: &str) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(at(text).as_microsecond())))
    }

    fn set(&self, to: Timestamp) {
        self.0.store(to.as_microsecond(), Ordering::SeqCst);
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

/// `test.<name>`, whose tasks carry the planned time as their number.
fn schedule(name: &'static str, cron: &'static str, zone: &'static str, catch_up: CatchUp) -> Schedule {
    Schedule::new(name, "A test's.", cron, |firing| Work { n: firing.planned_at.as_second() })
        .in_zone(zone)
        .catching_up(catch_up)
}

/// A task whose arguments can be too large.
#[derive(serde::Serialize, serde::Deserialize)]
struct Bulky {
    text: String,
}

impl Job for Bulky {
    const KIND: &'static str = "test.bulky";
}

/// A worker that looks every 20 ms, with these schedules.
fn start(stage: &Stage, clock: &Arc<SetClock>, schedules: Vec<Schedule>) -> (Jobs, Working) {
    let config = jobs::Config { poll_ms: 4, ..stage::quick() };
    let jobs = Jobs::new(stage.db.clone(), clock.clone(), config);
    jobs.declare(schedules);
    let handlers = Handlers::new().on(|_: JobContext, work: Work| async move { Ok(json!(work.n)) });
    let working = Working::start(&jobs, handlers);
    (jobs, working)
}

/// The history, oldest first.
async fn runs(stage: &Stage, jobs: &Jobs, name: &str) -> Vec<Run> {
    let mut tx = stage.db.read().await.unwrap();
    let mut runs = jobs.schedules().runs(&mut tx, name, None, 1_000).await.unwrap();
    runs.reverse();
    runs
}

async fn fired(stage: &Stage, jobs: &Jobs, name: &str) -> Vec<(Timestamp, Reason)> {
    runs(stage, jobs, name).await.into_iter().map(|run| (run.planned_at, run.reason)).collect()
}

/// Until the schedule has fired for this time.
async fn reaches(stage: &Stage, jobs: &Jobs, name: &str, planned: Timestamp) {
    let begun = Instant::now();
    while runs(stage, jobs, name).await.last().is_none_or(|run| run.planned_at < planned) {
        assert!(begun.elapsed() < Duration::from_secs(60), "{name} did not fire for {planned}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Until the worker has made the rows: what was planned before was never this schedule's.
async fn registered(stage: &Stage, count: i64) {
    let begun = Instant::now();
    while stage.count("SELECT COUNT(*) AS value FROM jobs_schedules").await < count {
        assert!(begun.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) async fn many_schedulers_fire_once(stage: &Stage) {
    let clock = SetClock::at("2026-03-01T00:00:30Z");
    let mine = || vec![schedule("test.each_minute", "* * * * *", "UTC", CatchUp::Skip)];
    let workers = [(); 3].map(|()| start(stage, &clock, mine()));
    registered(stage, 1).await;
    let mut expected = Vec::new();
    for minute in 1..=20 {
        let planned = at("2026-03-01T00:00:00Z") + minutes(minute);
        clock.set(planned + Duration::from_millis(3));
        expected.push((planned, Reason::Due));
        reaches(stage, &workers[0].0, "test.each_minute", planned).await;
    }
    assert_eq!(fired(stage, &workers[0].0, "test.each_minute").await, expected);
    for run in runs(stage, &workers[0].0, "test.each_minute").await {
        assert_eq!(run.fired_at, run.planned_at + Duration::from_millis(3));
    }
    for (_, working) in workers {
        working.stop().await;
    }
    assert_eq!(stage.count("SELECT COUNT(*) AS value FROM jobs_tasks").await, 20);
    assert_eq!(stage.count("SELECT COUNT(DISTINCT args) AS value FROM jobs_tasks").await, 20);
}

pub(crate) async fn a_clock_set_forward_follows_the_policy(stage: &Stage) {
    let clock = SetClock::at("2026-03-01T00:10:00Z");
    let (jobs, working) = start(
        stage,
        &clock,
        vec![
            schedule("test.skip", "0 * * * *", "UTC", CatchUp::Skip),
            schedule("test.once", "0 * * * *", "UTC", CatchUp::Once),
            schedule("test.all", "0 * * * *", "UTC", CatchUp::All),
            schedule("test.many", "* * * * *", "UTC", CatchUp::All),
        ],
    );
    registered(stage, 4).await;
    clock.set(at("2026-03-02T00:10:00Z"));
    let last = at("2026-03-02T00:00:00Z");
    reaches(stage, &jobs, "test.once", last).await;
    reaches(stage, &jobs, "test.all", last).await;
    reaches(stage, &jobs, "test.many", at("2026-03-02T00:10:00Z")).await;
    assert_eq!(fired(stage, &jobs, "test.skip").await, []);
    assert_eq!(fired(stage, &jobs, "test.once").await, [(last, Reason::CatchUp)]);
    let all: Vec<_> =
        (1..=24).map(|hour| (at("2026-03-01T00:00:00Z") + minutes(60 * hour), Reason::CatchUp)).collect();
    assert_eq!(fired(stage, &jobs, "test.all").await, all);
    assert_eq!(fired(stage, &jobs, "test.many").await.len(), 100);
    // From here on all go on as ever.
    clock.set(at("2026-03-02T01:00:00Z"));
    for name in ["test.skip", "test.once", "test.all"] {
        reaches(stage, &jobs, name, at("2026-03-02T01:00:00Z")).await;
        let next = (at("2026-03-02T01:00:00Z"), Reason::Due);
        assert_eq!(fired(stage, &jobs, name).await.last(), Some(&next), "{name}");
    }
    working.stop().await;
}

pub(crate) async fn a_clock_set_back_fires_nothing_twice_and_silences_nothing(stage: &Stage) {
    let clock = SetClock::at("2026-03-01T00:10:00Z");
    let (jobs, working) =
        start(stage, &clock, vec![schedule("test.hourly", "0 * * * *", "UTC", CatchUp::Once)]);
    registered(stage, 1).await;
    for hour in 1..=2 {
        clock.set(at("2026-03-01T00:00:00Z") + minutes(60 * hour));
        reaches(stage, &jobs, "test.hourly", clock.now()).await;
    }
    // Far ahead by mistake, and back to before what has fired.
    clock.set(at("2027-03-01T00:00:00Z"));
    reaches(stage, &jobs, "test.hourly", clock.now()).await;
    clock.set(at("2026-03-01T00:30:00Z"));
    let begun = Instant::now();
    let settled = "SELECT settled_at AS value FROM jobs_schedules";
    while stage.count(settled).await != clock.now().as_microsecond() {
        assert!(begun.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for hour in 1..=3 {
        let now = at("2026-03-01T00:00:00Z") + minutes(60 * hour);
        clock.set(now);
        while stage.count(settled).await < now.as_microsecond() {
            assert!(begun.elapsed() < Duration::from_secs(60));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    working.stop().await;
    let mut times: Vec<_> = fired(stage, &jobs, "test.hourly").await.into_iter().map(|(at, _)| at).collect();
    times.sort_unstable();
    let expected =
        ["2026-03-01T01:00:00Z", "2026-03-01T02:00:00Z", "2026-03-01T03:00:00Z", "2027-03-01T00:00:00Z"];
    assert_eq!(times, expected.map(at));
}

/// One that cannot fire stands first; the one after it fires all the same, and so does the first once it can.
pub(crate) async fn one_that_cannot_fire_holds_up_no_other(stage: &Stage) {
    let clock = SetClock::at("2026-03-01T00:10:00Z");
    let is_broken = Arc::new(AtomicBool::new(true));
    let broken = is_broken.clone();
    // Arguments beyond `jobs.args_bytes_max` make no task.
    let first = Schedule::new("test.bulky", "A test's.", "0 * * * *", move |_| {
        let bytes = if broken.load(Ordering::SeqCst) { 300 * 1024 } else { 1 };
        Bulky { text: "x".repeat(bytes) }
    });
    let (jobs, working) =
        start(stage, &clock, vec![first, schedule("test.after", "0 * * * *", "UTC", CatchUp::Once)]);
    registered(stage, 2).await;
    clock.set(at("2026-03-01T01:00:00Z"));
    reaches(stage, &jobs, "test.after", clock.now()).await;
    assert_eq!(fired(stage, &jobs, "test.bulky").await, []);
    is_broken.store(false, Ordering::SeqCst);
    reaches(stage, &jobs, "test.bulky", clock.now()).await;
    working.stop().await;
}

/// What was made while the clock was ahead begins when it comes back; what was to wait goes on waiting.
pub(crate) async fn tasks_made_while_the_clock_was_ahead_do_not_wait_for_it(stage: &Stage) {
    let clock = SetClock::at("2027-03-01T00:00:00Z");
    let config = jobs::Config { poll_ms: 4, ..stage::quick() };
    let jobs = Jobs::new(stage.db.clone(), clock.clone(), config);
    let mut ctx = stage.ctx();
    ctx.now = clock.now();
    let mut tx = stage.db.begin().await.unwrap();
    let now = jobs.enqueue(&mut tx, &ctx, Work { n: 1 }).await.unwrap();
    let how = Enqueue { delay: minutes(60), ..Enqueue::default() };
    let later = jobs.enqueue_with(&mut tx, &ctx, Work { n: 2 }, how).await.unwrap();
    tx.commit().await.unwrap();
    clock.set(at("2026-03-01T00:00:00Z"));
    let handlers = Handlers::new().on(|_: JobContext, work: Work| async move { Ok(json!(work.n)) });
    let worker = Working::start(&jobs, handlers);
    assert_eq!(stage.finished(now).await.started_at, Some(clock.now()));

    // And if the worker sees it happen.
    clock.set(at("2027-03-01T00:00:00Z"));
    stage.execute("INSERT INTO jobs_paused_queues (queue, paused_at) VALUES ('default', 1)").await;
    let mut tx = stage.db.begin().await.unwrap();
    let again = jobs.enqueue(&mut tx, &ctx, Work { n: 3 }).await.unwrap();
    tx.commit().await.unwrap();
    clock.set(at("2026-03-01T00:00:00Z"));
    stage.execute("DELETE FROM jobs_paused_queues").await;
    stage.finished(again).await;
    worker.stop().await;
    let waiting = stage.task(later).await;
    assert_eq!((waiting.state, waiting.run_at), (State::Pending, at("2027-03-01T01:00:00Z")));
}

/// Both changes of the clocks in Paris, in steps of ten minutes.
pub(crate) async fn a_fixed_time_fires_once_when_the_clocks_change(stage: &Stage) {
    for (name, from, fires) in [
        ("test.spring", "2026-03-28T23:00:00Z", "2026-03-29T01:00:00Z"),
        ("test.autumn", "2026-10-24T22:00:00Z", "2026-10-25T00:30:00Z"),
    ] {
        let clock = SetClock::at(from);
        // Looked at after the other, so when it has fired, the other has had its chance.
        let (jobs, working) = start(
            stage,
            &clock,
            vec![
                schedule(name, "30 2 * * *", "Europe/Paris", CatchUp::All),
                schedule("test.mark", "*/10 * * * *", "UTC", CatchUp::Skip),
            ],
        );
        let begun = Instant::now();
        loop {
            let mut tx = stage.db.read().await.unwrap();
            let seen = jobs.schedules().list(&mut tx).await.unwrap();
            drop(tx);
            if seen.len() == 2 && stage.count("SELECT COUNT(*) AS value FROM jobs_schedules").await >= 2 {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(60));
        }
        for _ in 0..30 {
            clock.set(clock.now() + minutes(10));
            reaches(stage, &jobs, "test.mark", clock.now()).await;
        }
        working.stop().await;
        assert_eq!(fired(stage, &jobs, name).await, [(at(fires), Reason::Due)], "{name}");
    }
}

pub(crate) async fn schedules_are_steered(stage: &Stage) {
    let clock = SetClock::at("2026-03-01T00:10:00Z");
    let (jobs, working) = start(
        stage,
        &clock,
        vec![
            schedule("test.steered", "0 * * * *", "UTC", CatchUp::Once),
            schedule("test.mark", "*/10 * * * *", "UTC", CatchUp::Skip),
        ],
    );
    registered(stage, 2).await;
    let schedules = jobs.schedules();
    let change = async |change: ScheduleChange| {
        let mut tx = stage.db.begin().await.unwrap();
        let state = schedules.change(&mut tx, "test.steered", &change).await;
        tx.commit().await.unwrap();
        state
    };
    let go_to = async |text: &str| {
        clock.set(at(text));
        reaches(stage, &jobs, "test.mark", at(text)).await;
    };
    let paused = |is_paused| ScheduleChange { is_paused: Some(is_paused), ..ScheduleChange::default() };

    let state = change(paused(true)).await.unwrap();
    assert_eq!((state.is_paused, state.next_at), (true, None));
    go_to("2026-03-01T03:00:00Z").await;
    assert_eq!(fired(stage, &jobs, "test.steered").await, []);
    // What passed while it was paused is not made up for.
    let state = change(paused(false)).await.unwrap();
    assert_eq!(state.next_at, Some(at("2026-03-01T04:00:00Z")));
    go_to("2026-03-01T03:50:00Z").await;
    assert_eq!(fired(stage, &jobs, "test.steered").await, []);

    let rule = ScheduleChange {
        cron: Some("30 5 * * *".to_owned()),
        time_zone: Some("Europe/Paris".to_owned()),
        ..ScheduleChange::default()
    };
    let state = change(rule).await.unwrap();
    assert_eq!((state.is_overridden, state.next_at), (true, Some(at("2026-03-01T04:30:00Z"))));
    go_to("2026-03-01T04:00:00Z").await;
    go_to("2026-03-01T04:30:00Z").await;
    let due = (at("2026-03-01T04:30:00Z"), Reason::Due);
    assert_eq!(fired(stage, &jobs, "test.steered").await, [due]);

    clock.set(at("2026-03-01T04:30:01Z"));
    let mut tx = stage.db.begin().await.unwrap();
    let mut ctx = stage.ctx();
    ctx.now = clock.now();
    let task = schedules.run_now(&mut tx, &ctx, "test.steered").await.unwrap();
    let state = schedules.reset(&mut tx, "test.steered").await.unwrap();
    assert!(!state.is_overridden);
    assert_eq!((state.next_at, state.last_task), (Some(at("2026-03-01T05:00:00Z")), Some(task)));
    tx.commit().await.unwrap();
    assert_eq!(
        fired(stage, &jobs, "test.steered").await,
        [due, (at("2026-03-01T04:30:01Z"), Reason::Manual)]
    );

    for (cron, zone) in [(Some("61 * * * *"), None), (None, Some("Mars/Olympus")), (Some("0 0 30 2 *"), None)]
    {
        let change = ScheduleChange {
            cron: cron.map(str::to_owned),
            time_zone: zone.map(str::to_owned),
            ..ScheduleChange::default()
        };
        let mut tx = stage.db.begin().await.unwrap();
        let refused = schedules.change(&mut tx, "test.steered", &change).await;
        assert!(matches!(refused, Err(Error::Rule(_))), "{cron:?} {zone:?}");
    }
    let mut tx = stage.db.begin().await.unwrap();
    assert!(matches!(schedules.get(&mut tx, "test.nobody").await, Err(Error::NoSchedule(_))));
    drop(tx);
    working.stop().await;
}
