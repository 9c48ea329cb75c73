//! SQL in every place, keys of every letter, and calls that want too much.

use serde_json::{Value, json};
use testkit::{Answer, Client};

use crate::{experiment, get, log, path, post, refused, run, text, with_admin};

const SQL: &str = "'; DROP TABLE ml_runs; --\" `$1` ?1 :a /* */ \\' %_ {}";

/// What each search says to a filter and an order.
async fn ask(client: &Client, experiment: &str, kind: &str, filter: &str, order: &str) -> Answer {
    let query = |rest: &str| {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("filter", filter)
            .append_pair("order_by", order)
            .finish();
        path(&format!("{rest}?{query}"))
    };
    let order_by: Vec<&str> = if order.is_empty() { Vec::new() } else { vec![order] };
    match kind {
        "runs" => {
            let body = json!({ "experiment_ids": [experiment], "filter": filter, "order_by": order_by });
            client.post(&path("runs/search"), body).await
        }
        "experiments" => {
            let body = json!({ "max_results": 10, "filter": filter, "order_by": order_by });
            client.post(&path("experiments/search"), body).await
        }
        "models" if order.is_empty() => {
            client.get(&query("registered-models/search").replace("&order_by=", "")).await
        }
        "models" => client.get(&query("registered-models/search")).await,
        "versions" if order.is_empty() => {
            client.get(&query("model-versions/search").replace("&order_by=", "")).await
        }
        "versions" => client.get(&query("model-versions/search")).await,
        "logged" => {
            let orders: Vec<_> = order_by.iter().map(|order| json!({ "field_name": order })).collect();
            let body = json!({ "experiment_ids": [experiment], "filter": filter, "order_by": orders });
            client.post(&path("logged-models/search"), body).await
        }
        _ => {
            let location =
                json!({ "type": "MLFLOW_EXPERIMENT", "mlflow_experiment": { "experiment_id": experiment } });
            let body = json!({ "locations": [location], "filter": filter, "order_by": order_by });
            client.post("/api/3.0/mlflow/traces/search", body).await
        }
    }
}

const KINDS: [&str; 6] = ["runs", "experiments", "models", "versions", "logged", "traces"];

#[tokio::test(flavor = "multi_thread")]
async fn every_search_takes_sql_for_text() {
    with_admin(async |_, admin| {
        let id = experiment(admin, "kept").await;
        for kind in KINDS {
            // What stands in an address is shorter.
            let size = if matches!(kind, "models" | "versions") { 1_000 } else { 10_000 };
            let deep = "(".repeat(size * 2);
            let many = vec!["name = 'x'"; size].join(" AND ");
            let nested = format!("name = '{}", "'".repeat(size * 2));
            let ticks = format!("{}name{} = 'x'", "`".repeat(size + 1), "`".repeat(size - 1));
            for filter in [
                "'; DROP TABLE ml_runs; --",
                "name = 'x' OR 1 = 1",
                "name = 'x'; DELETE FROM ml_experiments",
                "name = 'x' UNION SELECT 1",
                "name = (SELECT 1)",
                "name IN (SELECT name FROM ml_runs)",
                "1 = 1",
                "name = 'x' -- ",
                "name = 'x' /* ' */ = 'y'",
                "name = $1",
                "EXISTS (SELECT 1)",
                "name = 'a' 'b'",
                "name LIKE 'a' ESCAPE 'b'",
                "name COLLATE \"C\" = 'x'",
                "pg_sleep(10) = 'x'",
                &deep,
                &many,
                &nested,
                &ticks,
            ] {
                let shown: String = filter.chars().take(60).collect();
                let answer = ask(admin, &id, kind, filter, "").await;
                assert_eq!(answer.status, 400, "{kind}: {shown}: {}", answer.text());
                refused(&answer, 400, "INVALID_PARAMETER_VALUE");
            }
            for order in [
                "name; DROP TABLE ml_runs",
                "(SELECT 1)",
                "random()",
                "name ASC, name",
                "name COLLATE \"C\"",
                "1",
                "name NULLS FIRST",
            ] {
                let answer = ask(admin, &id, kind, "", order).await;
                assert_eq!(answer.status, 400, "{kind}: {order}: {}", answer.text());
            }
            // As a text it is compared, and fits nothing.
            for value in ["; DROP TABLE ml_runs; --", "$1 ? :x @y", "\\", "%", "x') OR ('1'='1"] {
                let attribute = if kind == "runs" { "run_name" } else { "name" };
                let filter = format!("{attribute} = \"{value}\"");
                let found = ask(admin, &id, kind, &filter, "").await.expect(200).json();
                assert!(found.as_object().unwrap().is_empty(), "{kind}: {filter}: {found}");
            }
        }
        assert_eq!(
            get(admin, &format!("experiments/get?experiment_id={id}")).await["experiment"]["name"],
            "kept"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_may_be_sql() {
    with_admin(async |_, admin| {
        let id = experiment(admin, SQL).await;
        let named = form_urlencoded::Serializer::new(String::new()).append_pair("experiment_name", SQL).finish();
        let made = get(admin, &format!("experiments/get-by-name?{named}")).await;
        assert_eq!(made["experiment"]["experiment_id"], json!(id));
        let run_id = run(admin, &id, SQL, 1).await;
        log(
            admin,
            &run_id,
            json!({ "params": [{ "key": "p", "value": SQL }], "tags": [{ "key": "t", "value": SQL }] }),
        )
        .await;
        let dataset = json!({ "name": SQL, "digest": "d", "source_type": SQL, "source": SQL });
        post(admin, "runs/log-inputs", json!({ "run_id": run_id, "datasets": [{ "dataset": dataset }] })).await;
        let found = get(admin, &format!("runs/get?run_id={run_id}")).await["run"].clone();
        assert_eq!(found["info"]["run_name"], SQL);
        assert_eq!(found["data"]["params"][0]["value"], SQL);
        assert_eq!(found["inputs"]["dataset_inputs"][0]["dataset"]["name"], SQL);
        post(admin, "experiments/set-experiment-tag", json!({ "experiment_id": id, "key": "t", "value": SQL })).await;
        let name = "'; DROP TABLE ml_models; --";
        let tags = json!([{ "key": "t", "value": SQL }]);
        post(admin, "registered-models/create", json!({ "name": name, "description": SQL, "tags": tags })).await;
        let version = json!({ "name": name, "source": format!("runs:/{run_id}/model"), "description": SQL, "tags": tags });
        post(admin, "model-versions/create", version).await;
        let found = post(admin, "registered-models/get-latest-versions", json!({ "name": name })).await;
        assert_eq!(found["model_versions"][0]["description"], SQL);
        for body in [
            json!({ "run_id": "' OR '1'='1" }),
            json!({ "run_id": run_id, "key": "'; DROP TABLE ml_runs; --", "value": "x" }),
        ] {
            refused(&admin.post(&path("runs/set-tag"), body).await, 400, "INVALID_PARAMETER_VALUE");
        }
        let alias = json!({ "name": name, "alias": "a'; --", "version": "1" });
        refused(&admin.post(&path("registered-models/alias"), alias).await, 400, "INVALID_PARAMETER_VALUE");
        let strange = admin.get(&path("runs/get?run_id=%27%20OR%20%271%27%3D%271")).await;
        assert!(matches!(strange.status, 400 | 404), "{}", strange.text());
        let strange = admin.get(&path("experiments/get?experiment_id=0%20OR%201%3D1")).await;
        refused(&strange, 400, "INVALID_PARAMETER_VALUE");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_of_every_letter_that_is_allowed_and_of_no_other() {
    with_admin(async |_, admin| {
        let id = experiment(admin, "keys").await;
        let run_id = run(admin, &id, "one", 1).await;
        let allowed: Vec<char> =
            ('a'..='z').chain('A'..='Z').chain('0'..='9').chain("_-. :/éß漢я".chars()).collect();
        // All of them at once, and each between two letters.
        let whole: String = allowed.iter().filter(|letter| **letter != '/').collect();
        let keys: Vec<String> = allowed.iter().map(|letter| format!("k{letter}k")).chain([whole]).collect();
        for some in keys.chunks(50) {
            let metrics: Vec<_> =
                some.iter().map(|key| json!({ "key": key, "value": 1.5, "timestamp": 1 })).collect();
            let pairs: Vec<_> = some.iter().map(|key| json!({ "key": key, "value": key })).collect();
            log(admin, &run_id, json!({ "metrics": metrics, "params": pairs, "tags": pairs })).await;
        }
        let found = get(admin, &format!("runs/get?run_id={run_id}")).await["run"]["data"].clone();
        let of = |kind: &str| -> Vec<String> {
            found[kind].as_array().unwrap().iter().map(|one| text(&one["key"])).collect()
        };
        for key in &keys {
            for kind in ["metrics", "params", "tags"] {
                assert!(of(kind).contains(key), "{kind} {key:?}");
            }
            let query =
                form_urlencoded::Serializer::new(String::new()).append_pair("metric_key", key).finish();
            let history = get(admin, &format!("metrics/get-history?run_id={run_id}&{query}")).await;
            assert_eq!(history["metrics"][0]["key"], json!(key));
            let filter =
                format!("metrics.`{key}` = 1.5 AND params.`{key}` = '{key}' AND tags.\"{key}\" = '{key}'");
            let found =
                ask(admin, &id, "runs", &filter, &format!("metrics.`{key}` DESC")).await.expect(200).json();
            assert_eq!(found["runs"].as_array().map(Vec::len), Some(1), "{filter}");
        }
        let not_allowed =
            (0_u8..128).map(char::from).filter(|letter| !allowed.contains(letter)).chain("€“…🙂".chars());
        for letter in not_allowed {
            let key = format!("k{letter}k");
            for batch in [
                json!({ "run_id": run_id, "metrics": [{ "key": key, "value": 1, "timestamp": 1 }] }),
                json!({ "run_id": run_id, "params": [{ "key": key, "value": "v" }] }),
                json!({ "run_id": run_id, "tags": [{ "key": key, "value": "v" }] }),
            ] {
                refused(&admin.post(&path("runs/log-batch"), batch).await, 400, "INVALID_PARAMETER_VALUE");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_of_64_bits_and_no_more() {
    with_admin(async |_, admin| {
        let id = experiment(admin, "numbers").await;
        let run_id = run(admin, &id, "one", i64::MAX).await;
        let info = get(admin, &format!("runs/get?run_id={run_id}")).await["run"]["info"].clone();
        assert_eq!(info["start_time"], json!(i64::MAX));
        for (key, timestamp, step) in [("a", i64::MAX, i64::MIN), ("b", 0, i64::MAX), ("c", 9_007_199_254_740_993, -1)] {
            for quoted in [false, true] {
                let (time, step) = if quoted {
                    (json!(timestamp.to_string()), json!(step.to_string()))
                } else {
                    (json!(timestamp), json!(step))
                };
                let metric = json!({ "run_id": run_id, "key": key, "value": -0.0, "timestamp": time, "step": step });
                post(admin, "runs/log-metric", metric).await;
            }
            let history = get(admin, &format!("metrics/get-history?run_id={run_id}&metric_key={key}")).await;
            let points = history["metrics"].as_array().unwrap();
            assert_eq!(points.len(), 1, "the same point in quotes is the same point");
            assert_eq!((&points[0]["timestamp"], &points[0]["step"]), (&json!(timestamp), &json!(step)));
        }
        let huge: Value = serde_json::from_str("9223372036854775808").unwrap();
        for (timestamp, step, value) in [
            (huge.clone(), json!(1), json!(1)),
            (json!(1), huge, json!(1)),
            (json!(1.5), json!(1), json!(1)),
            (json!(1), json!("one"), json!(1)),
            (json!(1), json!(1), json!("one")),
            (json!(1), json!(1), json!([1])),
            (json!(1), json!(true), json!(1)),
        ] {
            let metric = json!({ "run_id": run_id, "key": "x", "value": value, "timestamp": timestamp, "step": step });
            refused(&admin.post(&path("runs/log-metric"), metric).await, 400, "INVALID_PARAMETER_VALUE");
            let batch = json!({ "run_id": run_id, "metrics": [{ "key": "x", "value": value, "timestamp": timestamp, "step": step }] });
            refused(&admin.post(&path("runs/log-batch"), batch).await, 400, "INVALID_PARAMETER_VALUE");
        }
        for filter in [
            "start_time > 9223372036854775808",
            "start_time > 99999999999999999999999999",
            "metrics.a > 1e999999999999",
            "metrics.a > 99999999999999999999999999999999999999999",
        ] {
            let answer = ask(admin, &id, "runs", filter, "").await;
            assert!(matches!(answer.status, 200 | 400), "{filter}: {}", answer.text());
        }
    })
    .await;
}
