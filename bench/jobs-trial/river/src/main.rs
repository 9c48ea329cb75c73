//! `riverqueue` under the trial: `trial-river URL setup | enqueue N | work`.

#[path = "../../common.rs"]
mod common;
use common::*;
use riverqueue::{Client, Job, JobArgs, MaintenanceConfig, QueueConfig, WorkContext, WorkOutcome, Workers, BoxError};
use riverqueue::migrate::{PostgresMigrator, SqliteMigrator};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqlitePool};
use sqlx::PgPool;
use std::{str::FromStr, time::Duration};

#[derive(Clone, Debug, Deserialize, JobArgs, Serialize)]
#[river(kind = "ledger")]
struct Ledger { n: i64 }

enum Pool { Pg(PgPool), Lite(SqlitePool) }

async fn handle(ctx: WorkContext, job: Job<Ledger>) -> Result<WorkOutcome, BoxError> {
    work(job.args.n).await;
    let client = ctx.client().unwrap();
    if let Some(pg) = client.database().as_postgres() {
        let mut tx = riverqueue::database::begin_postgres(pg.pool()).await?;
        sqlx::query("INSERT INTO ledger VALUES ($1, $2)").bind(job.args.n).bind(std::process::id() as i64).execute(&mut *tx).await?;
        ctx.job_complete_tx(&mut tx).await?;
        tx.commit().await?;
    } else {
        let lite = client.database().as_sqlite().unwrap();
        let mut tx = riverqueue::database::begin_sqlite_write(lite.pool()).await?;
        sqlx::query("INSERT INTO ledger VALUES ($1, $2)").bind(job.args.n).bind(std::process::id() as i64).execute(&mut *tx).await?;
        ctx.job_complete_tx(&mut tx).await?;
        tx.commit().await?;
    }
    Ok(WorkOutcome::Complete)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let a: Vec<String> = std::env::args().collect();
    let url = &a[1];
    let pool = if url.starts_with("postgres") {
        Pool::Pg(sqlx::postgres::PgPoolOptions::new().max_connections(12).connect(url).await?)
    } else {
        let o = SqliteConnectOptions::from_str(url)?.create_if_missing(true).journal_mode(SqliteJournalMode::Wal)
            .synchronous(sqlx::sqlite::SqliteSynchronous::Normal).busy_timeout(Duration::from_secs(10));
        Pool::Lite(SqlitePoolOptions::new().max_connections(5).connect_with(o).await?)
    };
    match a[2].as_str() {
        "setup" => {
            match &pool {
                Pool::Pg(p) => { PostgresMigrator::new(p.clone()).migrate_up().await?; sqlx::query("CREATE TABLE ledger(job bigint, pid bigint)").execute(p).await?; }
                Pool::Lite(p) => { SqliteMigrator::new(p.clone()).migrate_up().await?; sqlx::query("CREATE TABLE ledger(job bigint, pid bigint)").execute(p).await?; }
            }
        }
        "enqueue" => {
            let n: i64 = a[3].parse()?;
            let t = std::time::Instant::now();
            match &pool {
                Pool::Pg(p) => { let client = Client::builder(p.clone()).allow_unregistered_job_kinds().build()?;
                    let mut i = 0; while i < n { let mut tx = riverqueue::database::begin_postgres(p).await?;
                        for k in i..(i+100).min(n) { client.insert(Ledger { n: k }).tx(&mut tx).await?; } tx.commit().await?; i += 100; } }
                Pool::Lite(p) => { let client = Client::builder(p.clone()).allow_unregistered_job_kinds().build()?;
                    let mut i = 0; while i < n { let mut tx = riverqueue::database::begin_sqlite_write(p).await?;
                        for k in i..(i+100).min(n) { client.insert(Ledger { n: k }).tx(&mut tx).await?; } tx.commit().await?; i += 100; } }
            }
            println!("enqueue {:.0}/s", n as f64 / t.elapsed().as_secs_f64());
        }
        _ => {
            open_log();
            let mut w = Workers::new();
            w.add_fn(handle)?;
            let m = MaintenanceConfig::default()
                .with_rescue_after(Duration::from_secs_f64(env_f("RESCUE", 3.0)))
                .with_rescuer_interval(Duration::from_secs(1));
            macro_rules! go { ($p:expr) => {{
                let c = Client::builder($p.clone()).workers(w).maintenance(m)
                    .job_timeout(Duration::from_secs_f64(env_f("TIMEOUT", 2.0)))
                    .default_max_attempts(100)
                    .queue("default", QueueConfig::new(10).with_fetch_poll_interval(Duration::from_millis(200)).with_fetch_cooldown(Duration::from_millis(10)))
                    .build()?;
                let mut r = c.start()?; r.wait().await?;
            }} }
            match &pool { Pool::Pg(p) => go!(p), Pool::Lite(p) => go!(p) }
        }
    }
    Ok(())
}
