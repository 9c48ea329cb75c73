//! `socle ml import --from FILE`. The file here is small and written by hand, with what MLflow's own releases differ in; one
//! that a genuine server filled is taken over by `scripts/mlflow.sh`.

use std::path::Path;

use db::Db;
use serde_json::{Value, json};
use testkit::{App, Client};

use crate::{get, path, text, with_admin};

/// Of MLflow's tables what is read of them.
const TABLES: &str = "
    CREATE TABLE alembic_version (version_num TEXT);
    INSERT INTO alembic_version VALUES ('a-revision');
    CREATE TABLE experiments (experiment_id INTEGER, name TEXT, artifact_location TEXT, lifecycle_stage TEXT,
        creation_time BIGINT, last_update_time BIGINT);
    CREATE TABLE experiment_tags (key TEXT, value TEXT, experiment_id INTEGER);
    CREATE TABLE runs (run_uuid TEXT, name TEXT, user_id TEXT, status TEXT, start_time BIGINT, end_time BIGINT,
        lifecycle_stage TEXT, artifact_uri TEXT, experiment_id INTEGER, deleted_time BIGINT);
    CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
    CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
    CREATE TABLE metrics (key TEXT, value FLOAT, timestamp BIGINT, run_uuid TEXT, step BIGINT, is_nan BOOLEAN);
    CREATE TABLE latest_metrics (key TEXT, value FLOAT, timestamp BIGINT, step BIGINT, is_nan BOOLEAN, run_uuid TEXT);
    CREATE TABLE datasets (dataset_uuid TEXT, name TEXT, digest TEXT, dataset_source_type TEXT, dataset_source TEXT,
        dataset_schema TEXT, dataset_profile TEXT);
    CREATE TABLE inputs (input_uuid TEXT, source_type TEXT, source_id TEXT, destination_type TEXT, destination_id TEXT,
        step BIGINT);
    CREATE TABLE input_tags (input_uuid TEXT, name TEXT, value TEXT);
    CREATE TABLE logged_models (model_id TEXT, experiment_id INTEGER, name TEXT, artifact_location TEXT,
        creation_timestamp_ms BIGINT, last_updated_timestamp_ms BIGINT, status INTEGER, lifecycle_stage TEXT,
        model_type TEXT, source_run_id TEXT, status_message TEXT);
    CREATE TABLE logged_model_tags (model_id TEXT, tag_key TEXT, tag_value TEXT);
    CREATE TABLE logged_model_params (model_id TEXT, param_key TEXT, param_value TEXT);
    CREATE TABLE logged_model_metrics (model_id TEXT, metric_name TEXT, metric_timestamp_ms BIGINT, metric_step BIGINT,
        metric_value FLOAT, run_id TEXT, dataset_name TEXT, dataset_digest TEXT);
    CREATE TABLE registered_models (name TEXT, creation_time BIGINT, last_updated_time BIGINT, description TEXT);
    CREATE TABLE registered_model_tags (key TEXT, value TEXT, name TEXT);
    CREATE TABLE registered_model_aliases (alias TEXT, version INTEGER, name TEXT);
    CREATE TABLE model_versions (name TEXT, version INTEGER, creation_time BIGINT, last_updated_time BIGINT,
        description TEXT, user_id TEXT, current_stage TEXT, source TEXT, run_id TEXT, run_link TEXT,
        storage_location TEXT);
    CREATE TABLE model_version_tags (key TEXT, value TEXT, name TEXT, version INTEGER);
    CREATE TABLE trace_info (request_id TEXT, experiment_id INTEGER, timestamp_ms BIGINT, execution_time_ms BIGINT,
        status TEXT, client_request_id TEXT, request_preview TEXT, response_preview TEXT);
    CREATE TABLE trace_tags (key TEXT, value TEXT, request_id TEXT);
    CREATE TABLE trace_request_metadata (key TEXT, value TEXT, request_id TEXT);
";

/// What came to them later.
const NEWER: &str = "
    ALTER TABLE experiments ADD workspace TEXT DEFAULT 'default';
    ALTER TABLE registered_models ADD workspace TEXT DEFAULT 'default';
    ALTER TABLE registered_model_tags ADD workspace TEXT DEFAULT 'default';
    ALTER TABLE registered_model_aliases ADD workspace TEXT DEFAULT 'default';
    ALTER TABLE model_versions ADD workspace TEXT DEFAULT 'default';
    ALTER TABLE model_version_tags ADD workspace TEXT DEFAULT 'default';
    ALTER TABLE trace_info ADD trace_name TEXT;
    ALTER TABLE trace_info ADD session_id TEXT;
    ALTER TABLE trace_info ADD input_tokens BIGINT;
    ALTER TABLE trace_info ADD output_tokens BIGINT;
    ALTER TABLE trace_info ADD total_tokens BIGINT;
    ALTER TABLE trace_info ADD cache_read_input_tokens BIGINT;
    ALTER TABLE trace_info ADD cache_creation_input_tokens BIGINT;
    ALTER TABLE trace_info ADD cache_creation_input_tokens_above_1hr BIGINT;
    ALTER TABLE trace_info ADD input_cost FLOAT;
    ALTER TABLE trace_info ADD output_cost FLOAT;
    ALTER TABLE trace_info ADD total_cost FLOAT;
    CREATE TABLE assessments (assessment_id TEXT, trace_id TEXT, name TEXT, assessment_type TEXT, value TEXT, error TEXT,
        created_timestamp BIGINT, last_updated_timestamp BIGINT, source_type TEXT, source_id TEXT, run_id TEXT,
        span_id TEXT, rationale TEXT, overrides TEXT, valid BOOLEAN, assessment_metadata TEXT);
    CREATE TABLE entity_associations (source_type TEXT, source_id TEXT, destination_type TEXT, destination_id TEXT);
    INSERT INTO entity_associations VALUES ('trace', 'tr-00000000000000000000000000000001', 'run',
        '0123456789abcdef0123456789abcdef'), ('trace', 'tr-00000000000000000000000000000001', 'prompt_version', 'greet/1');
    CREATE TABLE spans (trace_id TEXT, span_id TEXT, parent_span_id TEXT, start_time_unix_nano BIGINT, content TEXT);
    INSERT INTO experiments VALUES (7, 'theirs', 'mlflow-artifacts:/7', 'active', 1, 1, 'other');
    INSERT INTO registered_models VALUES ('m', 1, 1, NULL, 'other');
    INSERT INTO registered_model_tags VALUES ('not', 'ours', 'm', 'other');
    INSERT INTO model_versions VALUES ('m', 9, 1, 1, NULL, NULL, 'None', 'x', NULL, NULL, NULL, 'other');
    UPDATE trace_info SET trace_name = 'asked', session_id = 's', input_tokens = 3, total_tokens = 5, total_cost = 0.25;
    INSERT INTO assessments VALUES ('a-1', 'tr-00000000000000000000000000000001', 'good', 'feedback', '0.5', NULL, 5, 6,
        'HUMAN', 'ada', NULL, NULL, 'since', NULL, TRUE, '{\"n\": 1}');
    INSERT INTO assessments VALUES ('a-2', 'tr-00000000000000000000000000000001', 'right', 'expectation', '[1, 2]', NULL, 5,
        5, 'CODE', NULL, NULL, NULL, NULL, NULL, FALSE, NULL);
    INSERT INTO spans VALUES ('tr-00000000000000000000000000000001', 'AAAAAAAAAAI=', NULL, 5, '{\"trace_id\":
        \"AAAAAAAAAAAAAAAAAAAAAQ==\", \"span_id\": \"AAAAAAAAAAI=\", \"parent_span_id\": null, \"name\": \"ask\",
        \"start_time_unix_nano\": 5, \"end_time_unix_nano\": 9, \"attributes\": {\"mlflow.spanType\": \"\\\"LLM\\\"\",
        \"mlflow.spanOutputs\": \"[NaN]\"}, \"status\": {\"code\": \"STATUS_CODE_OK\"}}');
";

const RUN: &str = "0123456789abcdef0123456789abcdef";
const OTHER: &str = "ff23456789abcdef0123456789abcdef";
const MODEL: &str = "m-0123456789abcdef0123456789abcdef";
const TRACE: &str = "tr-00000000000000000000000000000001";

async fn write(file: &Path, scripts: &[&str]) {
    let db = Db::open(&db::Config::default(), file.to_owned()).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    for script in scripts {
        tx.script((*script).to_owned()).await.unwrap();
    }
    tx.commit().await.unwrap();
    db.close().await;
}

fn rows(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "INSERT INTO experiments VALUES (0, 'Default', 'mlflow-artifacts:/0', 'active', 1, 1);
         INSERT INTO experiments VALUES (3, 'trained', 'mlflow-artifacts:/3', 'active', 1700, 1800);
         INSERT INTO experiments VALUES (4, 'apart', '{folder}/apart', 'active', 1, 1);
         INSERT INTO experiments VALUES (5, 'cloud', 's3://bucket/5', 'deleted', 1, 1);
         INSERT INTO experiment_tags VALUES ('e', 'x', 3);
         INSERT INTO runs VALUES ('{RUN}', 'one', 'ada', 'FINISHED', 10, 20, 'active', 'mlflow-artifacts:/3/{RUN}/artifacts', 3,
             NULL);
         INSERT INTO runs VALUES ('{OTHER}', '', 'ada', 'RUNNING', 11, NULL, 'deleted', '{folder}/apart/{OTHER}/artifacts', 4, 5);
         INSERT INTO runs VALUES ('{}', 'far', NULL, 'FAILED', 12, 13, 'active', 's3://bucket/5/x/artifacts', 5, NULL);
         INSERT INTO params VALUES ('p', 'it''s \"quoted\"', '{RUN}');
         INSERT INTO tags VALUES ('mlflow.parentRunId', '{OTHER}', '{RUN}'), ('t', 'w', '{RUN}'), ('mlflow.runName', 'tagged', '{OTHER}');
         INSERT INTO metrics VALUES ('loss', 0.1, 1, '{RUN}', 0, FALSE), ('loss', 0, 2, '{RUN}', 1, TRUE),
             ('loss', 1.7976931348623157e308, 3, '{RUN}', 2, FALSE), ('loss', 0.30000000000000004, 4, '{RUN}', 3, FALSE);
         INSERT INTO latest_metrics VALUES ('loss', 0.30000000000000004, 4, 3, FALSE, '{RUN}');
         INSERT INTO datasets VALUES ('d-1', 'iris', 'digest', 'local', '{{}}', NULL, 'rows');
         INSERT INTO inputs VALUES ('i-1', 'DATASET', 'd-1', 'RUN', '{RUN}', 0), ('i-2', 'RUN_OUTPUT', '{RUN}', 'MODEL_OUTPUT',
             '{MODEL}', 4);
         INSERT INTO input_tags VALUES ('i-1', 'mlflow.data.context', 'training');
         INSERT INTO logged_models VALUES ('{MODEL}', 3, 'net', 'mlflow-artifacts:/3/models/{MODEL}/artifacts', 30, 40, 2, 'active',
             'kind', '{RUN}', NULL), ('m-gone', 3, 'gone', 'mlflow-artifacts:/3/models/m-gone', 30, 40, 2, 'deleted', '', NULL, NULL);
         INSERT INTO logged_model_params VALUES ('{MODEL}', 'depth', '3');
         INSERT INTO logged_model_tags VALUES ('{MODEL}', 'mt', 'v');
         INSERT INTO logged_model_metrics VALUES ('{MODEL}', 'acc', 5, 0, 0.7000000000000001, '{RUN}', 'iris', 'digest');
         INSERT INTO registered_models VALUES ('m', 50, 60, 'described');
         INSERT INTO registered_model_tags VALUES ('k', 'v', 'm');
         INSERT INTO registered_model_aliases VALUES ('champion', 2, 'm');
         INSERT INTO model_versions VALUES ('m', 1, 51, 52, NULL, NULL, 'Deleted_Internal', 'gone', NULL, NULL, NULL),
             ('m', 2, 53, 54, 'second', 'ada', 'Production', 'mlflow-artifacts:/3/{RUN}/artifacts/model', '{RUN}', NULL, NULL);
         INSERT INTO model_version_tags VALUES ('vk', 'vv', 'm', 2);
         INSERT INTO trace_info VALUES ('{TRACE}', 3, 1700000000123, 1500, 'OK', NULL, 'what?', 'that');
         INSERT INTO trace_tags VALUES ('mlflow.artifactLocation', 'mlflow-artifacts:/3/traces/{TRACE}/artifacts', '{TRACE}'),
             ('mine', 'yes', '{TRACE}');
         INSERT INTO trace_request_metadata VALUES ('mk', 'mv', '{TRACE}');",
        "ee23456789abcdef0123456789abcdef"
    )
}

/// `socle ml import` as the binary runs it.
async fn import(app: &App, words: &[&str]) -> anyhow::Result<()> {
    let parts = ml::build(&app.platform, ml::Config::default())?;
    let command = parts.commands.into_iter().next().expect("there is one command");
    let matches =
        command.command.clone().try_get_matches_from([&["ml", "import", "--from"], words].concat())?;
    command.run(matches).await
}

fn keep(file: &Path, content: &str) {
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, content).unwrap();
}

/// Everything of it, as far as both releases have it.
async fn taken(admin: &Client) -> Value {
    let run = get(admin, &format!("runs/get?run_id={RUN}")).await["run"].clone();
    let (info, data) = (&run["info"], &run["data"]);
    let number = text(&info["experiment_id"]);
    let shown =
        [&info["run_name"], &info["user_id"], &info["status"], &info["start_time"], &info["end_time"]];
    assert_eq!(json!(shown), json!(["one", "ada", "FINISHED", 10, 20]));
    assert_eq!(data["params"], json!([{ "key": "p", "value": "it's \"quoted\"" }]));
    assert!(
        data["tags"].as_array().unwrap().contains(&json!({ "key": "mlflow.parentRunId", "value": OTHER }))
    );
    assert_eq!(data["metrics"][0]["value"], json!(0.30000000000000004));
    let dataset = &run["inputs"]["dataset_inputs"][0];
    assert_eq!(
        (&dataset["dataset"]["name"], &dataset["tags"][0]["value"]),
        (&json!("iris"), &json!("training"))
    );
    assert_eq!(run["outputs"]["model_outputs"][0], json!({ "model_id": MODEL, "step": 4 }));
    let history = get(admin, &format!("metrics/get-history?run_id={RUN}&metric_key=loss")).await;
    let values: Vec<_> =
        history["metrics"].as_array().unwrap().iter().map(|point| point["value"].clone()).collect();
    assert_eq!(values, [json!(0.1), json!("NaN"), json!(f64::MAX), json!(0.30000000000000004)]);
    let deleted = get(admin, &format!("runs/get?run_id={OTHER}")).await["run"]["info"].clone();
    assert_eq!((&deleted["run_name"], &deleted["lifecycle_stage"]), (&json!("tagged"), &json!("deleted")));

    let file = admin.get(&format!("/get-artifact?run_id={RUN}&path=model/MLmodel")).await.expect(200);
    assert_eq!(file.text(), "a model");
    let file =
        admin.get(&format!("/get-artifact?run_id={OTHER}&path=notes%20and%20more.txt")).await.expect(200);
    assert_eq!(file.text(), "notes");
    let model = get(admin, &format!("logged-models/{MODEL}")).await["model"].clone();
    assert_eq!(model["info"]["status"], json!("LOGGED_MODEL_READY"));
    assert_eq!(model["data"]["metrics"][0]["value"], json!(0.7000000000000001));
    assert_eq!(model["data"]["params"], json!([{ "key": "depth", "value": "3" }]));
    let weights = format!("/api/2.0/mlflow-artifacts/artifacts/{number}/models/{MODEL}/artifacts/weights");
    assert_eq!(admin.get(&weights).await.expect(200).text(), "1 2 3");
    admin.get(&path("logged-models/m-gone")).await.expect(404);

    let registered = get(admin, "registered-models/get?name=m").await["registered_model"].clone();
    assert_eq!(
        (&registered["description"], &registered["tags"]),
        (&json!("described"), &json!([{ "key": "k", "value": "v" }]))
    );
    let version = get(admin, "registered-models/alias?name=m&alias=champion").await["model_version"].clone();
    let source = format!("mlflow-artifacts:/{number}/{RUN}/artifacts/model");
    assert_eq!(
        (&version["version"], &version["current_stage"], &version["source"]),
        (&json!("2"), &json!("Production"), &json!(source))
    );
    assert_eq!(version["tags"], json!([{ "key": "vk", "value": "vv" }]));
    admin.get(&path("model-versions/get?name=m&version=1")).await.expect(404);

    let cloud = get(admin, "experiments/get-by-name?experiment_name=cloud").await["experiment"].clone();
    let shown = (&cloud["artifact_location"], &cloud["lifecycle_stage"]);
    assert_eq!(shown, (&json!("s3://bucket/5"), &json!("deleted")));
    let trace = admin.get(&format!("/api/3.0/mlflow/traces/get?trace_id={TRACE}")).await.expect(200).json();
    trace["trace"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_file_is_taken_over_with_its_folder() {
    with_admin(async |app, admin| {
        let folder = app.data.join("mlflow");
        let (file, kept) = (folder.join("mlflow.db"), folder.join("kept"));
        keep(&kept.join(format!("3/{RUN}/artifacts/model/MLmodel")), "a model");
        keep(&kept.join(format!("3/models/{MODEL}/artifacts/weights")), "1 2 3");
        keep(&folder.join(format!("apart/{OTHER}/artifacts/notes and more.txt")), "notes");
        let span = json!({
            "trace_id": "AAAAAAAAAAAAAAAAAAAAAQ==", "span_id": "AAAAAAAAAAI=", "parent_span_id": null, "name": "of a file",
            "start_time_unix_nano": 5, "end_time_unix_nano": 9, "attributes": {}, "status": { "code": "STATUS_CODE_OK" },
        });
        let spans = json!({ "spans": [span] }).to_string();
        keep(&kept.join(format!("3/traces/{TRACE}/artifacts/traces.json")), &spans);
        write(&file, &[TABLES, &rows(&folder)]).await;

        let words = [file.to_str().unwrap(), "--artifacts", kept.to_str().unwrap()];
        import(app, &words).await.unwrap();
        let trace = taken(admin).await;
        assert_eq!((&trace["trace_info"]["tags"]["mine"], &trace["trace_info"]["trace_metadata"]["mk"]), (&json!("yes"), &json!("mv")));
        assert_eq!(trace["trace_info"]["request_time"], json!("2023-11-14T22:13:20.123Z"));
        assert_eq!(trace["spans"][0]["name"], json!("of a file"));
        // A second time nothing changes.
        let before = get(admin, &format!("runs/get?run_id={RUN}")).await;
        import(app, &words).await.unwrap();
        assert_eq!(get(admin, &format!("runs/get?run_id={RUN}")).await, before);
        assert_eq!(taken(admin).await, trace);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn newer_files_tell_more() {
    with_admin(async |app, admin| {
        let folder = app.data.join("mlflow");
        let (file, kept) = (folder.join("mlflow.db"), folder.join("kept"));
        keep(&kept.join(format!("3/{RUN}/artifacts/model/MLmodel")), "a model");
        keep(&kept.join(format!("3/models/{MODEL}/artifacts/weights")), "1 2 3");
        keep(&folder.join(format!("apart/{OTHER}/artifacts/notes and more.txt")), "notes");
        // The server is still there, in the middle of a transaction.
        let theirs = Db::open(&db::Config::default(), file.clone()).await.unwrap();
        let mut tx = theirs.begin().await.unwrap();
        for script in [TABLES.to_owned(), rows(&folder), NEWER.to_owned()] {
            tx.script(script).await.unwrap();
        }
        tx.commit().await.unwrap();
        let mut tx = theirs.begin().await.unwrap();
        tx.script("DELETE FROM runs".to_owned()).await.unwrap();
        let address = format!("sqlite:///{}", file.display());
        import(app, &[&address, "--artifacts", kept.to_str().unwrap()]).await.unwrap();
        tx.rollback().await.unwrap();
        theirs.close().await;

        let trace = taken(admin).await;
        let info = &trace["trace_info"];
        assert_eq!(info["tags"]["mlflow.traceName"], json!("asked"));
        assert_eq!(info["trace_metadata"]["mlflow.trace.session"], json!("s"));
        assert_eq!(
            info["trace_metadata"]["mlflow.trace.tokenUsage"],
            json!(r#"{"input_tokens": 3, "total_tokens": 5}"#)
        );
        assert_eq!(info["trace_metadata"]["mlflow.trace.cost"], json!(r#"{"total_cost": 0.25}"#));
        let judged = info["assessments"].as_array().unwrap();
        let named = |name: &str| judged.iter().find(|one| one["assessment_name"] == name).unwrap();
        assert_eq!(
            (&named("good")["feedback"]["value"], &named("good")["metadata"]),
            (&json!(0.5), &json!({ "n": "1" }))
        );
        let expected =
            json!({ "serialized_value": { "serialization_format": "JSON_FORMAT", "value": "[1, 2]" } });
        assert_eq!(named("right")["expectation"], expected);
        let outputs = trace["spans"][0]["attributes"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["key"] == "mlflow.spanOutputs");
        assert_eq!(
            outputs.unwrap()["value"],
            json!({ "array_value": { "values": [{ "double_value": "NaN" }] } })
        );
        let number = get(admin, "experiments/get-by-name?experiment_name=trained").await["experiment"]["experiment_id"].clone();
        for filter in [format!("run_id = '{RUN}'"), "prompt = 'greet/1'".to_owned()] {
            let location = json!({ "type": "MLFLOW_EXPERIMENT", "mlflow_experiment": { "experiment_id": number } });
            let body = json!({ "locations": [location], "filter": filter });
            let found = admin.post("/api/3.0/mlflow/traces/search", body).await.expect(200).json();
            assert_eq!(found["traces"][0]["trace_id"], json!(TRACE), "{filter}: {found}");
        }
        // Another workspace's things of the same name stay there.
        admin.get(&path("experiments/get-by-name?experiment_name=theirs")).await.expect(404);
        admin.get(&path("model-versions/get?name=m&version=9")).await.expect(404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_taken_over_are_told() {
    with_admin(async |app, admin| {
        let folder = app.data.join("mlflow");
        keep(&folder.join("text.db"), "experiments and runs, in words");
        keep(&folder.join("short.db"), "SQLite");
        keep(&folder.join("empty.db"), "");
        keep(&folder.join("broken.db"), &format!("SQLite format 3\0{}", "x".repeat(5_000)));
        write(&folder.join("other.db"), &["CREATE TABLE cats (name TEXT)"]).await;
        write(&folder.join("old.db"), &[TABLES, "ALTER TABLE trace_info DROP COLUMN request_preview"]).await;
        write(&folder.join("whole.db"), &[TABLES]).await;
        let torn = format!(
            "INSERT INTO experiments VALUES (0, 'Default', 'mlflow-artifacts:/0', 'active', 1, 1);
             INSERT INTO trace_info VALUES ('{TRACE}', 0, 5, 1, 'OK', NULL, NULL, NULL);
             CREATE TABLE spans (trace_id TEXT, span_id TEXT, parent_span_id TEXT, start_time_unix_nano BIGINT, content TEXT);
             INSERT INTO spans VALUES ('{TRACE}', 's', NULL, 5, '{{\"name\": \"to')"
        );
        write(&folder.join("torn.db"), &[TABLES, &torn]).await;
        let place = |name: &str| folder.join(name).display().to_string();
        for (words, told) in [
            (vec![place("missing.db")], "cannot be read: No such file"),
            (vec![place("")], "is a folder"),
            (vec![place("text.db")], "is no SQLite database"),
            (vec![place("short.db")], "is no SQLite database"),
            (vec![place("empty.db")], "is no SQLite database"),
            (vec![place("broken.db")], "cannot be read as a database"),
            (vec![place("other.db")], "not one of MLflow"),
            (vec![place("torn.db")], "not everything is here as it is there"),
            (vec![place("old.db")], "is of an MLflow before 3 (schema a-revision)"),
            (vec![place("whole.db"), "--artifacts".to_owned(), place("nowhere")], "nowhere is no folder"),
            (vec!["postgresql://localhost/mlflow".to_owned()], "start `mlflow server` on it"),
            (
                vec!["http://localhost:1".to_owned(), "--artifacts".to_owned(), place("")],
                "--artifacts goes with a database file",
            ),
            (
                vec![place("whole.db"), "--workspace".to_owned(), "nowhere".to_owned()],
                "there is no workspace",
            ),
        ] {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let error = format!("{:#}", import(app, &words).await.unwrap_err());
            assert!(error.contains(told), "{words:?}: {error}");
        }
        import(app, &[&place("whole.db")]).await.unwrap();
        let runs = admin.post(&path("runs/search"), json!({ "experiment_ids": ["0"] })).await.expect(200);
        assert_eq!(runs.json().get("runs"), None);
    })
    .await;
}
