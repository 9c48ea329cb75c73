//! Under which keys the runs of an experiment have anything.

use db::Tx;

use crate::model::ColumnKind;

fn table(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Metric => "ml_latest",
        ColumnKind::Param => "ml_params",
        ColumnKind::Tag => "ml_run_tags",
    }
}

/// The keys after `after` that hold `part` whatever its capitals, `limit` at most. One look into the index for each key:
/// however many runs there are, what this costs goes by the number of keys.
pub(crate) async fn list(
    tx: &mut Tx,
    kind: ColumnKind,
    experiment: i64,
    after: &str,
    part: Option<&str>,
    limit: i64,
) -> db::Result<Vec<String>> {
    let next = format!("SELECT MIN(key) FROM {} WHERE experiment = $1 AND key >", table(kind));
    let sql = format!(
        "WITH RECURSIVE found(key) AS ({next} $2 UNION ALL SELECT ({next} found.key) FROM found WHERE found.key IS NOT NULL)
         SELECT key FROM found WHERE key IS NOT NULL AND ($3 IS NULL OR LOWER(key) LIKE $3 ESCAPE '!')
         ORDER BY key LIMIT $4"
    );
    let part = part.map(|part| format!("%{}%", escaped(&part.to_lowercase())));
    tx.query_built(sql).bind(experiment).bind(after).bind(part).bind(limit).map(|row| row.get("key")).await
}

fn escaped(part: &str) -> String {
    let mut text = String::with_capacity(part.len());
    for letter in part.chars() {
        if matches!(letter, '%' | '_' | '!') {
            text.push('!');
        }
        text.push(letter);
    }
    text
}
