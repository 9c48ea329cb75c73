use serde_json::{Value, json};
use testkit::Client;

use crate::{experiment, log, path, post, refused, run, text, with_admin};

/// Names of the runs that are found, walked in pages of `size`.
async fn names(
    client: &Client,
    experiment: &str,
    filter: &str,
    order_by: &[&str],
    size: usize,
) -> Vec<String> {
    let mut body = json!({
        "experiment_ids": [experiment], "filter": filter, "order_by": order_by, "max_results": size,
    });
    let mut found = Vec::new();
    loop {
        let page = post(client, "runs/search", body.clone()).await;
        let runs = page["runs"].as_array().cloned().unwrap_or_default();
        assert!(runs.len() <= size);
        found.extend(runs.iter().map(|run| text(&run["info"]["run_name"])));
        match page.get("next_page_token") {
            Some(token) => body["page_token"] = token.clone(),
            None => return found,
        }
    }
}

/// Runs a to f: with a metric (NaN, none, the same twice), params and tags.
async fn fill(client: &Client) -> String {
    let id = experiment(client, "search").await;
    let rows: [(&str, i64, Value, &str); 6] = [
        ("a", 1, json!(0.5), "adam"),
        ("b", 2, json!("NaN"), "sgd"),
        ("c", 3, Value::Null, "SGD"),
        ("d", 4, json!(-1.0), "a%b"),
        ("e", 5, json!(0.5), "it''s"),
        ("f", 6, json!(7), "[x]*?"),
    ];
    for (name, start, value, optimizer) in rows {
        let run_id = run(client, &id, name, start).await;
        let mut batch = json!({ "params": [{ "key": "opt", "value": optimizer }] });
        if !value.is_null() {
            batch["metrics"] = json!([{ "key": "my loss", "value": value, "timestamp": 1 }]);
            batch["tags"] = json!([{ "key": "has.metric", "value": "yes" }]);
        }
        log(client, &run_id, batch).await;
    }
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_and_orders_find_what_mlflow_finds() {
    with_admin(async |_, admin| {
        let id = fill(admin).await;
        let check = async |filter: &str, order_by: &[&str], expected: &str| {
            for size in [1, 2, 4, 100] {
                let found = names(admin, &id, filter, order_by, size).await.concat();
                assert_eq!(found, expected, "{filter} {order_by:?} in pages of {size}");
            }
        };
        check("", &[], "fedcba").await;
        check("", &["metrics.`my loss`"], "deafbc").await;
        check("", &["metrics.`my loss` DESC"], "feadbc").await;
        check("", &["metrics.`my loss`", "start_time"], "daefbc").await;
        check(
            "",
            &["metrics.none", "params.opt"],
            "fdaebc".replace("fdaebc", "Cfdaeb").to_lowercase().as_str(),
        )
        .await;
        check("", &["params.opt DESC", "run_id"], "beadfc").await;
        check("", &["tags.`has.metric`", "attributes.run_name"], "abdefc").await;
        check("", &["end_time DESC", "start_time ASC"], "abcdef").await;
        check("metrics.`my loss` > 0", &[], "fea").await;
        check("metrics.`my loss` != 7", &[], "edba").await;
        check("metrics.`my loss` = 0.5 AND params.opt = 'adam'", &[], "a").await;
        check("metrics.`my loss` <= 0.5", &["metrics.`my loss` DESC"], "ead").await;
        check("metrics.`my loss` != 7", &["metrics.`my loss`"], "deab").await;
        check("metrics.`my loss` > -2 AND metrics.`my loss` < 7", &["metrics.`my loss` DESC"], "ead").await;
        check("metrics.`my loss` > 0 AND params.opt != 'adam'", &["metrics.`my loss`"], "ef").await;
        check("params.opt LIKE 'SGD'", &[], "c").await;
        check("params.opt ILIKE 's%'", &[], "cb").await;
        check("params.opt LIKE 'a%b'", &[], "d").await;
        check("params.opt LIKE '[x]*?'", &[], "f").await;
        check("params.opt LIKE '____'", &[], "a").await;
        check("params.opt = 'it''s'", &[], "e").await;
        check("params.opt != 'adam'", &[], "fedcb").await;
        check("tags.`has.metric` IS NULL", &[], "c").await;
        check("tags.\"has.metric\" IS NOT NULL AND start_time < 3", &[], "ba").await;
        check("params.missing = 'x'", &[], "").await;
        check("run_name = 'a'", &[], "a").await;
        check("attributes.status = 'RUNNING' AND start_time >= 5", &[], "fe").await;
        let all = post(admin, "runs/search", json!({ "experiment_ids": [id] })).await;
        let ids: Vec<_> =
            all["runs"].as_array().unwrap().iter().map(|run| text(&run["info"]["run_id"])).collect();
        check(&format!("run_id IN ('{}', '{}')", ids[0], ids[3]), &[], "fc").await;
        check(&format!("run_id NOT IN ('{}')", ids[0]), &[], "edcba").await;
        assert_eq!(post(admin, "runs/search", json!({ "experiment_ids": ["999"] })).await, json!({}));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_experiments_are_searched_at_once() {
    with_admin(async |_, admin| {
        let (one, other) = (fill(admin).await, experiment(admin, "other").await);
        let run_id = run(admin, &other, "z", 9).await;
        log(admin, &run_id, json!({ "metrics": [{ "key": "my loss", "value": 0.6, "timestamp": 1 }] })).await;
        let mut body = json!({
            "experiment_ids": [one, other], "order_by": ["metrics.`my loss`"], "max_results": 2,
            "filter": "metrics.`my loss` > 0",
        });
        let mut found = String::new();
        loop {
            let page = post(admin, "runs/search", body.clone()).await;
            for run in page["runs"].as_array().unwrap() {
                found.push_str(run["info"]["run_name"].as_str().unwrap());
            }
            match page.get("next_page_token") {
                Some(token) => body["page_token"] = token.clone(),
                None => break,
            }
        }
        assert_eq!(found, "eazf");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_token_belongs_to_its_search() {
    with_admin(async |_, admin| {
        let id = fill(admin).await;
        let body = json!({ "experiment_ids": [id], "order_by": ["metrics.`my loss`"], "max_results": 2 });
        let token = post(admin, "runs/search", body.clone()).await["next_page_token"].clone();
        let with = |change: Value| {
            let mut body = body.clone();
            body["page_token"] = token.clone();
            for (name, value) in change.as_object().unwrap() {
                body[name] = value.clone();
            }
            body
        };
        post(admin, "runs/search", with(json!({ "max_results": 3 }))).await;
        for change in [
            json!({ "filter": "start_time > 1" }),
            json!({ "order_by": ["metrics.`my loss` DESC"] }),
            json!({ "order_by": [] }),
            json!({ "experiment_ids": ["0"] }),
            json!({ "run_view_type": "ALL" }),
            json!({ "page_token": "garbage" }),
            json!({ "page_token": "eyJvZmZzZXQiOiAxfQ==" }),
        ] {
            let answer = admin.post(&path("runs/search"), with(change)).await;
            assert!(refused(&answer, 400, "INVALID_PARAMETER_VALUE").contains("Invalid page token"));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_filters_are_refused_and_change_nothing() {
    with_admin(async |_, admin| {
        let id = fill(admin).await;
        let many = vec!["metrics.a > 1"; 10_000].join(" AND ");
        let (deep, long) = ("(".repeat(50_000), format!("params.a = '{}", "'".repeat(50_000)));
        for filter in [
            "'; DROP TABLE ml_runs; --",
            "metrics.a > 1; DROP TABLE ml_runs",
            "metrics.a > 1 UNION SELECT 1",
            "metrics.a > (SELECT 1)",
            "1 = 1",
            "metrics.a > 1 OR 1 = 1",
            "params.a = 'x' -- '",
            "run_id IN (SELECT run_id FROM ml_runs)",
            &many,
            &deep,
            &long,
        ] {
            let answer =
                admin.post(&path("runs/search"), json!({ "experiment_ids": [id], "filter": filter })).await;
            refused(&answer, 400, "INVALID_PARAMETER_VALUE");
        }
        // In quotes all of this is plain text.
        for (filter, count) in [
            ("params.`'; DROP TABLE ml_runs; --` = 'x'", 0),
            ("params.opt = '; DROP TABLE ml_runs; --'", 0),
            ("params.opt LIKE '%\\' OR 1=1 --'", 0),
            ("tags.\"a\" = 'x' AND params.opt != '$1'", 0),
            ("params.opt != '$1 ? :x @y'", 6),
            ("params.opt ILIKE '%'", 6),
        ] {
            let found = names(admin, &id, filter, &[], 100).await;
            assert_eq!(found.len(), count, "{filter}");
        }
        for order in ["start_time; DROP TABLE ml_runs", "(SELECT 1)", "metrics.a ASC, start_time", "random()"]
        {
            let body = json!({ "experiment_ids": [id], "order_by": [order] });
            refused(&admin.post(&path("runs/search"), body).await, 400, "INVALID_PARAMETER_VALUE");
        }
        let nul = json!({ "experiment_ids": [id], "filter": "params.a = '\u{0}'" });
        refused(&admin.post(&path("runs/search"), nul).await, 400, "INVALID_PARAMETER_VALUE");
        let wide: Vec<_> = (0..199).map(|at| format!("metrics.m{at} > {at}")).collect();
        assert!(names(admin, &id, &wide.join(" AND "), &[], 10).await.is_empty());
        assert_eq!(names(admin, &id, "", &[], 100).await.len(), 6);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn experiments_are_searched() {
    with_admin(async |_, admin| {
        for (name, tag) in [("apple", "red"), ("Banana", "yellow"), ("cherry", "red")] {
            let body = json!({ "name": name, "tags": [{ "key": "colour", "value": tag }] });
            post(admin, "experiments/create", body).await;
        }
        let check = async |filter: &str, order_by: &[&str], expected: &[&str]| {
            for size in [1, 2, 10] {
                let mut body = json!({ "filter": filter, "order_by": order_by, "max_results": size });
                let mut found = Vec::new();
                loop {
                    let page = post(admin, "experiments/search", body.clone()).await;
                    let list = page["experiments"].as_array().cloned().unwrap_or_default();
                    found.extend(list.iter().map(|experiment| text(&experiment["name"])));
                    match page.get("next_page_token") {
                        Some(token) => body["page_token"] = token.clone(),
                        None => break,
                    }
                }
                assert_eq!(found, expected, "{filter} {order_by:?} in pages of {size}");
            }
        };
        check("", &["name"], &["Banana", "Default", "apple", "cherry"]).await;
        check("", &["experiment_id DESC"], &["cherry", "Banana", "apple", "Default"]).await;
        check("name LIKE 'b%'", &[], &[]).await;
        check("name ILIKE 'b%'", &[], &["Banana"]).await;
        check("tags.colour = 'red'", &["name DESC"], &["cherry", "apple"]).await;
        check("tag.colour IS NULL", &[], &["Default"]).await;
        check("experiment_id IN ('0', '2')", &["name"], &["Banana", "Default"]).await;
        check("attribute.creation_time > 0 AND name != 'Default'", &["name"], &["Banana", "apple", "cherry"])
            .await;
        for body in [
            json!({ "max_results": 5, "filter": "metrics.a > 1" }),
            json!({ "max_results": 5, "filter": "experiment_id = 'x'" }),
            json!({ "max_results": 0 }),
            json!({ "max_results": 50_001 }),
            json!({}),
        ] {
            refused(&admin.post(&path("experiments/search"), body).await, 400, "INVALID_PARAMETER_VALUE");
        }
    })
    .await;
}
