//! `apalis` under the trial: `trial-apalis URL setup | enqueue N | work`.

#[path = "../../common.rs"]
mod common;
use common::*;
use apalis::prelude::*;
use serde::{Deserialize, Serialize};
use std::sync::OnceLock;
use std::{str::FromStr, time::Duration};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqlitePool};
use sqlx::PgPool;

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Ledger { n: i64 }
static PG: OnceLock<PgPool> = OnceLock::new();
static LITE: OnceLock<SqlitePool> = OnceLock::new();

async fn handle(job: Ledger) -> Result<(), BoxDynError> {
    work(job.n).await;
    // The library has no completion inside the transaction of the body: the effect commits, then it acknowledges.
    if let Some(p) = PG.get() {
        sqlx::query("INSERT INTO ledger VALUES ($1, $2)").bind(job.n).bind(std::process::id() as i64).execute(p).await?;
    } else {
        sqlx::query("INSERT INTO ledger VALUES ($1, $2)").bind(job.n).bind(std::process::id() as i64).execute(LITE.get().unwrap()).await?;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let a: Vec<String> = std::env::args().collect();
    let url = &a[1];
    if url.starts_with("postgres") { PG.set(sqlx::postgres::PgPoolOptions::new().max_connections(12).connect(url).await?).unwrap(); } else {
        let o = SqliteConnectOptions::from_str(url)?.create_if_missing(true).journal_mode(SqliteJournalMode::Wal)
            .synchronous(sqlx::sqlite::SqliteSynchronous::Normal).busy_timeout(Duration::from_secs(10));
        LITE.set(SqlitePoolOptions::new().max_connections(5).connect_with(o).await?).unwrap();
    };
    let hb = Duration::from_secs_f64(env_f("HEARTBEAT", 1.0));
    match a[2].as_str() {
        "setup" => {
            if let Some(p) = PG.get() { apalis_postgres::PostgresStorage::setup(p).await?; sqlx::query("CREATE TABLE ledger(job bigint, pid bigint)").execute(p).await?; }
            if let Some(p) = LITE.get() { apalis_sqlite::SqliteStorage::setup(p).await?; sqlx::query("CREATE TABLE ledger(job bigint, pid bigint)").execute(p).await?; }
        }
        "enqueue" => {
            let n: i64 = a[3].parse()?;
            let t = std::time::Instant::now();
            let mut i = 0;
            while i < n {
                let tasks: Vec<_> = (i..(i+100).min(n)).map(|k| TaskBuilder::new(serde_json::to_vec(&Ledger { n: k }).unwrap()).max_attempts(100).build()).collect();
                if let Some(p) = PG.get() { let mut tx = p.begin().await?; apalis_postgres::queries::push_tasks(&mut *tx, "q", tasks).await?; tx.commit().await?; }
                else if let Some(p) = LITE.get() { let mut tx = p.begin().await?; apalis_sqlite::queries::push_tasks(&mut *tx, "q", &tasks).await?; tx.commit().await?; }
                i += 100;
            }
            println!("enqueue {:.0}/s", n as f64 / t.elapsed().as_secs_f64());
        }
        _ => {
            open_log();
            let name = format!("w-{}", std::process::id());
            if let Some(p) = PG.get() {
                let c = apalis_postgres::Config::default().queue("q").batch_size(10).heartbeat_interval(hb).missed_heartbeats(3);
                let b = apalis_postgres::PostgresStorage::<Ledger>::new(p).with_config(c).poll_with_interval(Duration::from_millis(50));
                WorkerBuilder::new(name).backend(b).concurrency(10).build(handle).run().await?;
            } else if let Some(p) = LITE.get() {
                let c = apalis_sqlite::Config::default().queue("q").batch_size(10).heartbeat_interval(hb).missed_heartbeats(3);
                let b = apalis_sqlite::SqliteStorage::<Ledger>::new(p).with_config(c).poll_with_interval(Duration::from_millis(50));
                WorkerBuilder::new(name).backend(b).concurrency(10).build(handle).run().await?;
            }
        }
    }
    Ok(())
}
