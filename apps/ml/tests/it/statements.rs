//! A list costs no more statements when it has more rows.

use serde_json::{Value, json};
use testkit::{Client, STATEMENTS};

use crate::{experiment, log, path, post, run, with_admin};

async fn fill(client: &Client, number: &str, from: usize, to: usize) {
    for at in from..to {
        let run_id = run(client, number, &format!("run {at}"), at as i64).await;
        let dataset = json!({ "name": "d", "digest": format!("d{at}"), "source_type": "s", "source": "s" });
        let inputs = json!({ "run_id": run_id, "datasets": [{ "dataset": dataset, "tags": [{ "key": "k", "value": "v" }] }] });
        post(client, "runs/log-inputs", inputs).await;
        let batch = json!({ "metrics": [{ "key": "m", "value": at, "timestamp": 1 }], "params": [{ "key": "p", "value": "v" }] });
        log(client, &run_id, batch).await;
        post(
            client,
            "experiments/create",
            json!({ "name": format!("e{at}"), "tags": [{ "key": "k", "value": "v" }] }),
        )
        .await;
        let logged = json!({ "experiment_id": number, "params": [{ "key": "p", "value": "v" }] });
        post(client, "logged-models", logged).await;
        let name = format!("model {at}");
        post(
            client,
            "registered-models/create",
            json!({ "name": name, "tags": [{ "key": "k", "value": "v" }] }),
        )
        .await;
        let version = json!({ "name": name, "source": "s3://b/m", "tags": [{ "key": "k", "value": "v" }] });
        post(client, "model-versions/create", version).await;
        post(client, "registered-models/alias", json!({ "name": name, "alias": "a", "version": "1" })).await;
        let info = json!({
            "trace_id": format!("tr-{at}"), "request_time": "2026-01-01T00:00:00Z", "tags": { "k": "v" }, "trace_metadata": { "k": "v" },
            "trace_location": { "mlflow_experiment": { "experiment_id": number } },
            "assessments": [{ "assessment_name": "good", "feedback": { "value": 1 } }],
        });
        client.post("/api/3.0/mlflow/traces", json!({ "trace": { "trace_info": info } })).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_cost_the_same_whatever_their_length() {
    with_admin(async |_, admin| {
        let number = experiment(admin, "counted").await;
        let location = json!({ "mlflow_experiment": { "experiment_id": number } });
        let lists: [(&str, String, Value); 4] = [
            ("runs", path("runs/search"), json!({ "experiment_ids": [number], "order_by": ["metrics.m"] })),
            ("experiments", path("experiments/search"), json!({ "max_results": 100 })),
            (
                "models",
                path("logged-models/search"),
                json!({ "experiment_ids": [number], "max_results": 50 }),
            ),
            ("traces", "/api/3.0/mlflow/traces/search".to_owned(), json!({ "locations": [location] })),
        ];
        let asked = [
            ("registered_models", path("registered-models/search?max_results=100")),
            ("model_versions", path("model-versions/search?max_results=100")),
        ];
        let count = async |few: usize| {
            let mut counts = Vec::new();
            let mut take = |member: &str, answer: testkit::Answer| {
                let answer = answer.expect(200);
                let rows = answer.json()[member].as_array().map_or(0, Vec::len);
                assert!(rows >= few, "{rows} {member}");
                counts.push((member.to_owned(), answer.header(STATEMENTS).to_owned()));
            };
            for (member, place, body) in &lists {
                take(member, admin.post(place, body.clone()).await);
            }
            for (member, place) in &asked {
                take(member, admin.get(place).await);
            }
            counts
        };
        fill(admin, &number, 0, 3).await;
        count(3).await;
        let few = count(3).await;
        fill(admin, &number, 3, 30).await;
        assert_eq!(count(30).await, few);
    })
    .await;
}
