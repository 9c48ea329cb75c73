use serde_json::{Value, json};
use testkit::{Client, Modules, on_each_engine};

use crate::{experiment, log, modules, path, post, refused, run, with_admin};

async fn filled(admin: &Client) -> String {
    let experiment = experiment(admin, "wide").await;
    for (at, keys) in [["loss", "val/Loss_50"], ["loss", "acc"]].iter().enumerate() {
        let run = run(admin, &experiment, &format!("r{at}"), 1 + at as i64).await;
        let metrics: Vec<_> =
            keys.iter().map(|key| json!({ "key": key, "value": at, "timestamp": 1, "step": 1 })).collect();
        let batch = json!({
            "metrics": metrics,
            "params": [{ "key": "lr", "value": "0.1" }, { "key": format!("only.{at}"), "value": "x" }],
            "tags": [{ "key": "team", "value": "a" }],
        });
        log(admin, &run, batch).await;
        let dataset = json!({ "name": "d", "digest": "1", "source_type": "local", "source": "{}" });
        let inputs = json!({ "run_id": run, "datasets": [{ "dataset": dataset }] });
        post(admin, "runs/log-inputs", inputs).await;
    }
    experiment
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_gives_the_columns_that_it_is_asked_for() {
    with_admin(async |_, admin| {
        let experiment = filled(admin).await;
        let search = async |columns: Value, token: Option<Value>| {
            let mut body = json!({ "experiment_ids": [experiment], "max_results": 1, "columns": columns });
            if let Some(token) = token {
                body["page_token"] = token;
            }
            post(admin, "runs/search", body).await
        };
        let keys = |run: &Value, kind: &str| {
            let pairs = run["data"][kind].as_array().cloned().unwrap_or_default();
            pairs.iter().map(|pair| pair["key"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };

        let first = search(json!(["metrics.val/Loss_50", "metrics.loss", "params.only.1"]), None).await;
        let newest = &first["runs"][0];
        assert_eq!(newest["info"]["run_name"], "r1");
        assert_eq!(keys(newest, "metrics"), ["loss"]);
        assert_eq!(keys(newest, "params"), ["only.1"]);
        assert!(keys(newest, "tags").is_empty());
        assert!(newest.get("inputs").is_none_or(|inputs| inputs.get("dataset_inputs").is_none()), "{newest}");
        // What is shown does not change the list: the token holds whatever the columns.
        let second = search(json!(["tags.team"]), Some(first["next_page_token"].clone())).await;
        assert_eq!(second["runs"][0]["info"]["run_name"], "r0");
        assert_eq!(keys(&second["runs"][0], "tags"), ["team"]);
        assert!(keys(&second["runs"][0], "metrics").is_empty());

        assert!(keys(&search(json!([]), None).await["runs"][0], "metrics").is_empty());
        let everything = search(Value::Null, None).await;
        assert_eq!(keys(&everything["runs"][0], "metrics"), ["acc", "loss"]);

        for wrong in [json!(["loss"]), json!(["attributes.status"]), json!("metrics.loss"), json!([1])] {
            let body = json!({ "experiment_ids": [experiment], "columns": wrong });
            refused(&admin.post(&path("runs/search"), body).await, 400, "INVALID_PARAMETER_VALUE");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_columns_of_an_experiment_are_listed() {
    with_admin(async |_, admin| {
        let experiment = filled(admin).await;
        let list = async |query: &str| {
            let place = format!("/api/v1/ml/experiments/{experiment}/columns?{query}");
            let answer = admin.get(&place).await.expect(200).json();
            let names: Vec<_> = answer["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| format!("{}s.{}", item["kind"].as_str().unwrap(), item["key"].as_str().unwrap()))
                .collect();
            (names, answer["next_cursor"].as_str().map(str::to_owned))
        };
        let all = [
            "metrics.acc",
            "metrics.loss",
            "metrics.val/Loss_50",
            "params.lr",
            "params.only.0",
            "params.only.1",
            "tags.mlflow.runName",
            "tags.team",
        ];
        assert_eq!(list("").await, (all.map(str::to_owned).to_vec(), None));

        let mut walked = Vec::new();
        let mut query = "limit=2".to_owned();
        loop {
            let (names, cursor) = list(&query).await;
            walked.extend(names);
            let Some(cursor) = cursor else { break };
            query = format!("limit=2&cursor={cursor}");
        }
        assert_eq!(walked, all);

        assert_eq!(list("kind=param&limit=1").await.0, ["params.lr"]);
        assert_eq!(list("text=LOSS").await.0, ["metrics.loss", "metrics.val/Loss_50"]);
        assert_eq!(list("text=s_5").await.0, ["metrics.val/Loss_50"]);
        assert!(list("text=l_s").await.0.is_empty());
        assert!(list("text=%25").await.0.is_empty());

        for wrong in ["limit=0", "limit=1001", "kind=attribute", "cursor=x", "nothing=1"] {
            let place = format!("/api/v1/ml/experiments/{experiment}/columns?{wrong}");
            admin.get(&place).await.expect(400);
        }
        admin.get("/api/v1/ml/experiments/4711/columns").await.expect(404);
        admin.get("/api/v1/ml/experiments/x/columns").await.expect(404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_very_wide_runs_ends_early() {
    let narrow = Modules {
        build: |platform| {
            let config = ml::Config { page_cells_max: 1_000, ..ml::Config::default() };
            vec![ml::build(platform, config).expect("the settings are sound")]
        },
        ..modules()
    };
    on_each_engine(narrow, async |app| {
        let admin = &app.admin().await;
        let experiment = experiment(admin, "very wide").await;
        let mut ids = Vec::new();
        for at in 0..130 {
            let id = run(admin, &experiment, &format!("r{at}"), 130 - at).await;
            let metric = |key| json!({ "key": format!("m{key}"), "value": 1, "timestamp": 1, "step": 1 });
            log(admin, &id, json!({ "metrics": (0..20).map(metric).collect::<Vec<_>>() })).await;
            ids.push(id);
        }
        let mut walked = Vec::new();
        let mut body = json!({ "experiment_ids": [experiment], "max_results": 130 });
        let mut pages = 0;
        loop {
            let page = post(admin, "runs/search", body.clone()).await;
            let found = page["runs"].as_array().unwrap();
            walked.extend(found.iter().map(|run| run["info"]["run_id"].as_str().unwrap().to_owned()));
            pages += 1;
            let Some(token) = page.get("next_page_token") else { break };
            body["page_token"] = token.clone();
        }
        assert_eq!((pages, walked), (3, ids));

        body["page_token"] = Value::Null;
        body["columns"] = json!(["metrics.m19"]);
        assert_eq!(post(admin, "runs/search", body).await["runs"].as_array().unwrap().len(), 130);
    })
    .await;
}
