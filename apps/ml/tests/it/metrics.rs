use serde_json::{Value, json};

use crate::{experiment, get, log, path, post, refused, run, text, with_admin};

fn values(history: &Value) -> Vec<Value> {
    history["metrics"].as_array().into_iter().flatten().map(|metric| metric["value"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_point_is_kept_once_and_the_greatest_is_the_latest() {
    with_admin(async |_, admin| {
        let id = experiment(admin, "iris").await;
        let run_id = run(admin, &id, "one", 1).await;
        let one = async |value: Value, timestamp: i64, step: i64| {
            let body =
                json!({ "run_id": run_id, "key": "loss", "value": value, "timestamp": timestamp, "step": step });
            post(admin, "runs/log-metric", body).await;
        };
        one(json!(1.0), 10, 2).await;
        one(json!(2.0), 20, 1).await;
        one(json!(1.0), 10, 2).await;
        let latest = async || get(admin, &format!("runs/get?run_id={run_id}")).await["run"]["data"]["metrics"].clone();
        assert_eq!(latest().await, json!([{ "key": "loss", "value": 1.0, "timestamp": 10, "step": 2 }]));
        one(json!(3.0), 10, 2).await;
        assert_eq!(latest().await[0]["value"], 3.0, "the greater value of the same step and time");
        let history = async |key: &str| get(admin, &format!("metrics/get-history?run_id={run_id}&metric_key={key}")).await;
        assert_eq!(values(&history("loss").await), [json!(1.0), json!(3.0), json!(2.0)], "by time");
        assert_eq!(history("none").await, json!({}));

        one(json!("NaN"), 30, 3).await;
        assert_eq!(latest().await[0]["value"], "NaN");
        let batch = json!([
            { "key": "far", "value": "Infinity", "timestamp": 1, "step": 9_223_372_036_854_775_807_i64 },
            { "key": "near", "value": "-Infinity", "timestamp": 9_223_372_036_854_775_807_i64, "step": -5 },
            { "key": "exact", "value": 0.300_000_000_000_000_04, "timestamp": "7", "step": "3" },
        ]);
        log(admin, &run_id, json!({ "metrics": batch })).await;
        let found = latest().await;
        let by_key = |key: &str| {
            found.as_array().unwrap().iter().find(|metric| metric["key"] == key).cloned().unwrap()
        };
        assert_eq!((by_key("far")["value"].as_f64(), by_key("near")["value"].as_f64()), (Some(f64::MAX), Some(f64::MIN)));
        assert_eq!(by_key("far")["step"], i64::MAX);
        assert_eq!((&by_key("exact")["value"], &by_key("exact")["step"]), (&json!(0.1 + 0.2), &json!(3)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn histories_are_paged_and_sampled() {
    with_admin(async |_, admin| {
        let id = experiment(admin, "iris").await;
        let run_id = run(admin, &id, "one", 1).await;
        for begin in [0, 1_000] {
            let metrics: Vec<_> = (begin..begin + 1_000)
                .map(|step| json!({ "key": "loss", "value": step, "timestamp": 5_000 - step, "step": step }))
                .collect();
            log(admin, &run_id, json!({ "metrics": metrics })).await;
        }
        let base = format!("metrics/get-history?run_id={run_id}&metric_key=loss&max_results=700");
        let (mut found, mut token) = (Vec::new(), String::new());
        loop {
            let page = get(admin, &format!("{base}&page_token={token}")).await;
            found.extend(values(&page));
            match page.get("next_page_token") {
                Some(next) => token = text(next),
                None => break,
            }
        }
        assert_eq!((found.len(), &found[0], &found[1_999]), (2_000, &json!(1999.0), &json!(0.0)));
        for wrong in ["&page_token=!!", "&page_token=e30="] {
            refused(&admin.get(&path(&format!("{base}{wrong}"))).await, 400, "INVALID_PARAMETER_VALUE");
        }
        let zero = admin.get(&path(&base.replace("700", "0"))).await;
        refused(&zero, 400, "INVALID_PARAMETER_VALUE");

        let other = run(admin, &id, "two", 2).await;
        log(admin, &other, json!({ "metrics": [{ "key": "loss", "value": 7, "timestamp": 1 }] })).await;
        let interval = "metrics/get-history-bulk-interval";
        let sampled = get(
            admin,
            &format!("{interval}?run_ids={run_id}&run_ids={other}&metric_key=loss&max_results=10"),
        )
        .await;
        let points = sampled["metrics"].as_array().unwrap();
        let steps: Vec<_> = points.iter().map(|point| point["step"].as_i64().unwrap()).collect();
        assert_eq!(steps, [0, 200, 400, 600, 800, 1_000, 1_200, 1_400, 1_600, 1_999, 0]);
        assert_eq!(points[10]["run_id"], json!(other));
        let part =
            get(admin, &format!("{interval}?run_ids={run_id}&metric_key=loss&start_step=5&end_step=7")).await;
        assert_eq!(values(&part).len(), 3);
        let none = "0".repeat(32);
        assert_eq!(
            get(admin, &format!("metrics/get-history?run_id={none}&metric_key=loss")).await,
            json!({})
        );
        let one = get(admin, &format!("{interval}?run_ids={none}&run_ids={other}&metric_key=loss")).await;
        assert_eq!(values(&one), [json!(7.0)], "a run that is not there has no points");
        for wrong in [
            format!("metrics/get-history?run_id={run_id}&metric_key=%00"),
            format!("{interval}?run_ids=%00&metric_key=a"),
        ] {
            refused(&admin.get(&path(&wrong)).await, 400, "INVALID_PARAMETER_VALUE");
        }
        let half =
            admin.get(&path(&format!("{interval}?run_ids={run_id}&metric_key=loss&start_step=5"))).await;
        refused(&half, 400, "INVALID_PARAMETER_VALUE");
        let bulk = format!(
            "/ajax-api/2.0/mlflow/metrics/get-history-bulk?run_id={run_id}&metric_key=loss&max_results=5"
        );
        assert_eq!(values(&admin.get(&bulk).await.expect(200).json()).len(), 5);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn points_that_came_one_by_one_are_all_there_before_and_after_the_end() {
    with_admin(async |_, admin| {
        let id = experiment(admin, "iris").await;
        let run_id = run(admin, &id, "one", 1).await;
        let point =
            |key: &str, step: i64| json!({ "key": key, "value": step, "timestamp": step, "step": step });
        // Enough of them that they are most likely sorted on the way, more than once.
        for step in 0..400 {
            let mut metrics: Vec<_> = (0..3).map(|at| point(&format!("narrow-{at}"), step)).collect();
            if step % 40 == 0 {
                metrics.extend((0..300).map(|at| point(&format!("wide-{at}"), step)));
                metrics.extend((0..30).map(|at| point("long", step + at)));
            }
            log(admin, &run_id, json!({ "metrics": metrics })).await;
        }
        let all_are_there = async |more: i64| {
            let expected =
                |steps: Vec<i64>| steps.into_iter().map(|step| json!(step as f64)).collect::<Vec<_>>();
            let long = (0..400).filter(|step| step % 40 < 30).collect();
            for (key, steps) in [
                ("narrow-0", (0..400 + more).collect()),
                ("narrow-2", (0..400).collect()),
                ("wide-0", (0..400).step_by(40).collect()),
                ("wide-299", (0..400).step_by(40).collect()),
                ("long", long),
                ("wide", Vec::new()),
            ] {
                let history =
                    get(admin, &format!("metrics/get-history?run_id={run_id}&metric_key={key}")).await;
                assert_eq!(values(&history), expected(steps), "{key}");
            }
        };
        all_are_there(0).await;
        let end = json!({ "run_id": run_id, "status": "FINISHED", "end_time": 9 });
        post(admin, "runs/update", end.clone()).await;
        all_are_there(0).await;
        log(admin, &run_id, json!({ "metrics": [point("narrow-0", 400)] })).await;
        all_are_there(1).await;
        post(admin, "runs/update", end).await;
        all_are_there(1).await;
    })
    .await;
}
