use std::collections::HashMap;

use db::Tx;
use kernel::{Allow, Ctx};

use super::Ml;
use crate::{
    error::Error,
    model::{self, Point, RunInfo},
    permissions::ReadRuns,
    store::{self, metrics::Chunk},
};

/// Which points of a metric, of many runs.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) run_ids: Vec<String>,
    pub(crate) key: String,
    pub(crate) steps: Option<(i64, i64)>,
    pub(crate) max: usize,
    /// Evenly spread, rather than the first.
    pub(crate) is_spread: bool,
}

/// Of those of the runs that are there, with what is packed of the metric. No database takes a NUL, and no name has one.
async fn chunks_of(
    tx: &mut Tx,
    ctx: &Ctx,
    run_ids: &[&str],
    key: &str,
) -> Result<(Vec<RunInfo>, Vec<Chunk>), Error> {
    if run_ids.iter().any(|run_id| run_id.contains('\0')) || key.contains('\0') {
        return Err(Error::invalid("The name of a run or of a metric must not hold a NUL character."));
    }
    let known = store::runs::list(tx, ctx.workspace, run_ids).await?;
    let rows: Vec<i64> = known.iter().map(|run| run.id).collect();
    let chunks = store::metrics::chunks(tx, &rows, key).await?;
    Ok((known, chunks))
}

impl Ml {
    /// Every point of a metric by time, or so many of them from where the token says; then with the next token. A run that is not
    /// there has none.
    pub(crate) async fn metric_history(
        &self,
        allow: &Allow<ReadRuns>,
        run_id: &str,
        key: &str,
        max: Option<usize>,
        token: Option<&str>,
    ) -> Result<(Vec<Point>, Option<String>), Error> {
        let offset = model::offset_of(token)?;
        let mut tx = self.db.read().await?;
        let (_, chunks) = chunks_of(&mut tx, allow, &[run_id], key).await?;
        drop(tx);
        let mut points = model::history(chunks.iter().map(|chunk| &chunk.points[..]));
        points.drain(..offset.min(points.len()));
        let mut next = None;
        if let Some(max) = max
            && points.len() > max
        {
            points.truncate(max);
            next = Some(model::offset_token(offset + max));
        }
        Ok((points, next))
    }

    /// Points of a metric, run by run. Runs that are not there have none.
    pub(crate) async fn metric_sample(
        &self,
        allow: &Allow<ReadRuns>,
        sample: &Sample,
    ) -> Result<Vec<(String, Vec<Point>)>, Error> {
        let wanted: Vec<_> = sample.run_ids.iter().map(String::as_str).collect();
        let mut tx = self.db.read().await?;
        let (known, found) = chunks_of(&mut tx, allow, &wanted, &sample.key).await?;
        let by_name: HashMap<&str, i64> = known.iter().map(|run| (run.run_id.as_str(), run.id)).collect();
        let mut chunks: HashMap<i64, Vec<Vec<u8>>> = HashMap::new();
        for chunk in found {
            chunks.entry(chunk.run).or_default().push(chunk.points);
        }
        drop(tx);
        let of_run = |run_id: &String| {
            let packed =
                by_name.get(run_id.as_str()).and_then(|row| chunks.get(row)).map_or(&[][..], Vec::as_slice);
            let mut points = model::history(packed.iter().map(Vec::as_slice));
            if sample.is_spread {
                points = model::sampled(points, sample.steps, sample.max);
            } else {
                points.truncate(sample.max);
            }
            (run_id.clone(), points)
        };
        Ok(sample.run_ids.iter().map(of_run).collect())
    }
}
