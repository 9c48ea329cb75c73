//! The `jobs` crate under the trial: `trial-socle URL setup | enqueue N | work`.

#[path = "../../common.rs"]
mod common;

use std::{sync::Arc, time::Instant};

use common::{env_f, open_log, work};
use db::{Db, Migrator};
use jobs::{Config, Handlers, Job, JobContext, Jobs};
use kernel::{Clock, Ctx, Secret, SystemClock, WorkspaceId};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Ledger {
    n: i64,
}

impl Job for Ledger {
    const KIND: &'static str = "trial.ledger";
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let config = db::Config { url: Secret::new(args[1].clone()), connections_max: 12, ..db::Config::default() };
    let db = Db::open(&config, "unused".into()).await?;
    let lease_ms = (env_f("LEASE", 6.0) * 1000.0) as u64;
    let config = Config {
        queues: [("default".to_owned(), 10)].into(),
        lease_ms,
        heartbeat_ms: lease_ms / 3,
        losses_max: 1_000,
        ..Config::default()
    };
    let jobs = Jobs::new(db.clone(), Arc::new(SystemClock), config);
    match args[2].as_str() {
        "setup" => {
            Migrator::new(db.engine(), &[("jobs", jobs::MIGRATIONS)])?.upgrade(&db, SystemClock.now()).await?;
            let mut tx = db.begin().await?;
            tx.script("CREATE TABLE ledger (job bigint, pid bigint)".to_owned()).await?;
            tx.commit().await?;
        }
        "enqueue" => {
            let count: i64 = args[3].parse()?;
            let begun = Instant::now();
            let workspace = WorkspaceId::new(SystemClock.now());
            for first in (0..count).step_by(100) {
                let ctx = Ctx::system("trial", workspace, SystemClock.now());
                let mut tx = db.begin().await?;
                for n in first..count.min(first + 100) {
                    jobs.enqueue(&mut tx, &ctx, Ledger { n }).await?;
                }
                tx.commit().await?;
            }
            println!("enqueue {:.0}/s", count as f64 / begun.elapsed().as_secs_f64());
        }
        _ => {
            open_log();
            let handlers = Handlers::new().on(|ctx: JobContext, job: Ledger| async move {
                work(job.n).await;
                let mut tx = ctx.db().begin().await?;
                tx.query("INSERT INTO ledger (job, pid) VALUES ($1, $2)")
                    .bind(job.n)
                    .bind(std::process::id())
                    .execute()
                    .await?;
                ctx.complete_in(&mut tx, serde_json::Value::Null).await?;
                tx.commit().await?;
                Ok(serde_json::Value::Null)
            });
            jobs.run(handlers, tokio_util::sync::CancellationToken::new()).await;
        }
    }
    Ok(())
}
