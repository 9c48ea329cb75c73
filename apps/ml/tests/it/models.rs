use serde_json::{Value, json};

use crate::{experiment, get, path, post, refused, run, text, with_admin};

#[tokio::test(flavor = "multi_thread")]
async fn logged_models_live() {
    with_admin(async |_, admin| {
        let id = experiment(admin, "iris").await;
        let run_id = run(admin, &id, "one", 1).await;
        let make = async |name: &str| {
            let body = json!({
                "experiment_id": id, "name": name, "model_type": "t", "source_run_id": run_id,
                "params": [{ "key": "p", "value": name }], "tags": [{ "key": "k", "value": "v" }],
            });
            post(admin, "logged-models", body).await["model"].clone()
        };
        let one = make("one").await;
        let model_id = text(&one["info"]["model_id"]);
        assert_eq!(one["info"]["status"], "LOGGED_MODEL_PENDING");
        assert_eq!(
            one["info"]["artifact_uri"],
            json!(format!("mlflow-artifacts:/{id}/models/{model_id}/artifacts"))
        );
        let place = path(&format!("logged-models/{model_id}"));
        let ready = admin.patch(&place, json!({ "model_id": model_id, "status": 2 })).await;
        assert_eq!(ready.expect(200).json()["model"]["info"]["status"], "LOGGED_MODEL_READY");
        let two = text(&make("two").await["info"]["model_id"]);
        for (model, value) in [(&model_id, 0.5), (&two, 0.9)] {
            let metric = json!({
                "run_id": run_id, "key": "acc", "value": value, "timestamp": 3, "model_id": model,
                "dataset_name": "iris", "dataset_digest": "d",
            });
            post(admin, "runs/log-metric", metric).await;
        }
        let found = get(admin, &format!("logged-models/{model_id}")).await["model"].clone();
        assert_eq!(found["data"]["metrics"][0]["value"], 0.5);
        assert_eq!(found["data"]["metrics"][0]["run_id"], json!(run_id));
        let tags = json!({ "tags": [{ "key": "k", "value": "w" }] });
        admin.patch(&path(&format!("logged-models/{model_id}/tags")), tags).await.expect(200);
        admin.delete(&path(&format!("logged-models/{two}/tags/k"))).await.expect(200);
        refused(
            &admin.delete(&path(&format!("logged-models/{two}/tags/k"))).await,
            404,
            "RESOURCE_DOES_NOT_EXIST",
        );
        let check = async |change: Value, expected: &[&str]| {
            for size in [1, 5] {
                let mut body = json!({ "experiment_ids": [id], "max_results": size });
                for (name, value) in change.as_object().unwrap() {
                    body[name] = value.clone();
                }
                let mut names = Vec::new();
                loop {
                    let page = post(admin, "logged-models/search", body.clone()).await;
                    let list = page["models"].as_array().cloned().unwrap_or_default();
                    names.extend(list.iter().map(|model| text(&model["info"]["name"])));
                    match page.get("next_page_token") {
                        Some(token) => body["page_token"] = token.clone(),
                        None => break,
                    }
                }
                assert_eq!(names, expected, "{change}");
            }
        };
        check(json!({ "filter": "metrics.acc > 0.6" }), &["two"]).await;
        check(json!({ "filter": "params.p = 'one' AND tags.k = 'w'" }), &["one"]).await;
        check(
            json!({ "filter": "name IN ('one', 'two')", "order_by": [{ "field_name": "name" }] }),
            &["one", "two"],
        )
        .await;
        check(json!({ "order_by": [{ "field_name": "metrics.acc", "ascending": false }] }), &["two", "one"])
            .await;
        check(
            json!({ "datasets": [{ "dataset_name": "iris" }], "order_by": [{ "field_name": "name" }] }),
            &["one", "two"],
        )
        .await;
        check(json!({ "datasets": [{ "dataset_name": "other" }] }), &[]).await;
        check(json!({ "filter": "status = 'READY'" }), &["one"]).await;
        check(json!({ "order_by": [{ "field_name": "status", "ascending": false }] }), &["one", "two"]).await;
        let bare = post(admin, "logged-models", json!({ "experiment_id": id, "name": "bare" })).await;
        check(json!({ "filter": "model_type != 't' AND source_run_id = ''" }), &["bare"]).await;
        let default =
            post(admin, "logged-models/search", json!({ "experiment_ids": [id], "max_results": 0 })).await;
        assert_eq!(default["models"].as_array().unwrap().len(), 3);
        let bare = format!("logged-models/{}", text(&bare["model"]["info"]["model_id"]));
        admin.delete(&path(&bare)).await.expect(200);
        admin.delete(&path(&format!("logged-models/{two}"))).await.expect(200);
        refused(&admin.get(&path(&format!("logged-models/{two}"))).await, 404, "RESOURCE_DOES_NOT_EXIST");
        get(admin, &format!("logged-models/{two}?allow_deleted=true")).await;
        check(json!({}), &["one"]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_registered_promoted_and_deleted() {
    with_admin(async |_, admin| {
        let id = experiment(admin, "iris").await;
        let run_id = run(admin, &id, "one", 1).await;
        let name = json!({ "name": "m", "tags": [{ "key": "a", "value": "b" }] });
        post(admin, "registered-models/create", name.clone()).await;
        let again = admin.post(&path("registered-models/create"), name).await;
        refused(&again, 400, "RESOURCE_ALREADY_EXISTS");
        let source = format!("runs:/{run_id}/model");
        for number in ["1", "2", "3"] {
            let body = json!({ "name": "m", "source": source, "run_id": run_id });
            let made = post(admin, "model-versions/create", body).await["model_version"].clone();
            assert_eq!((&made["version"], &made["status"]), (&json!(number), &json!("READY")));
        }
        for source in ["runs:/none", "runs:/none/model", "models:/m-none"] {
            let body = json!({ "name": "m", "source": source });
            let message = refused(
                &admin.post(&path("model-versions/create"), body).await,
                400,
                "INVALID_PARAMETER_VALUE",
            );
            assert!(message.contains("not found"), "{message}");
        }
        let uri = get(admin, "model-versions/get-download-uri?name=m&version=1").await;
        assert_eq!(uri["artifact_uri"], json!(format!("mlflow-artifacts:/{id}/{run_id}/artifacts/model")));
        post(admin, "registered-models/alias", json!({ "name": "m", "alias": "champion", "version": "2" }))
            .await;
        post(admin, "registered-models/alias", json!({ "name": "m", "alias": "champion", "version": "3" }))
            .await;
        let by_alias =
            get(admin, "registered-models/alias?name=m&alias=champion").await["model_version"].clone();
        assert_eq!((&by_alias["version"], &by_alias["aliases"]), (&json!("3"), &json!(["champion"])));
        for alias in ["latest", "v7", "a b"] {
            let body = json!({ "name": "m", "alias": alias, "version": "2" });
            refused(
                &admin.post(&path("registered-models/alias"), body).await,
                400,
                "INVALID_PARAMETER_VALUE",
            );
        }
        let stage = async |version: &str, stage: &str| {
            let body =
                json!({ "name": "m", "version": version, "stage": stage, "archive_existing_versions": true });
            post(admin, "model-versions/transition-stage", body).await
        };
        stage("1", "production").await;
        stage("2", "Production").await;
        let latest = post(admin, "registered-models/get-latest-versions", json!({ "name": "m" })).await;
        let shown: Vec<_> = latest["model_versions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|version| (text(&version["version"]), text(&version["current_stage"])))
            .collect();
        let pair = |version: &str, stage: &str| (version.to_owned(), stage.to_owned());
        assert_eq!(shown, [pair("1", "Archived"), pair("2", "Production"), pair("3", "None")]);

        let gone = json!({ "name": "m", "version": "3" });
        admin.send(reqwest::Method::DELETE, &path("model-versions/delete"), Some(gone)).await.expect(200);
        let lost = admin.get(&path("registered-models/alias?name=m&alias=champion")).await;
        refused(&lost, 400, "INVALID_PARAMETER_VALUE");
        let body = json!({ "name": "m", "source": source, "run_id": run_id });
        let made = post(admin, "model-versions/create", body).await["model_version"].clone();
        assert_eq!(made["version"], "4", "numbers are not used again");
        post(
            admin,
            "model-versions/set-tag",
            json!({ "name": "m", "version": "4", "key": "q", "value": "x" }),
        )
        .await;
        admin
            .patch(&path("model-versions/update"), json!({ "name": "m", "version": "4", "description": "d" }))
            .await
            .expect(200);
        let found = get(admin, "model-versions/search?filter=name%3D'm'%20AND%20tags.q%3D'x'").await;
        assert_eq!(found["model_versions"][0]["description"], "d");
        let order = "model-versions/search?order_by=version_number%20ASC&max_results=2";
        let first = get(admin, order).await;
        let second = get(admin, &format!("{order}&page_token={}", text(&first["next_page_token"]))).await;
        let numbers: Vec<_> = [first, second]
            .iter()
            .flat_map(|page| page["model_versions"].as_array().unwrap().clone())
            .map(|version| text(&version["version"]))
            .collect();
        assert_eq!(numbers, ["1", "2", "4"]);

        post(admin, "registered-models/rename", json!({ "name": "m", "new_name": "n" })).await;
        get(admin, "model-versions/get?name=n&version=4").await;
        admin
            .send(reqwest::Method::DELETE, &path("registered-models/delete"), Some(json!({ "name": "n" })))
            .await
            .expect(200);
        refused(&admin.get(&path("registered-models/get?name=n")).await, 404, "RESOURCE_DOES_NOT_EXIST");
        assert_eq!(get(admin, "model-versions/search").await, json!({}));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_hide_from_lists_of_models() {
    with_admin(async |_, admin| {
        post(admin, "registered-models/create", json!({ "name": "model" })).await;
        let tags = json!([{ "key": "mlflow.prompt.is_prompt", "value": "true" }]);
        post(admin, "registered-models/create", json!({ "name": "prompt", "tags": tags })).await;
        let body = json!({ "name": "prompt", "source": "dummy-source", "tags": tags });
        post(admin, "model-versions/create", body).await;
        let names = async |filter: &str| {
            let found = get(admin, &format!("registered-models/search?filter={filter}")).await;
            let list = found["registered_models"].as_array().cloned().unwrap_or_default();
            list.iter().map(|model| text(&model["name"])).collect::<Vec<_>>()
        };
        assert_eq!(names("").await, ["model"]);
        assert_eq!(names("tags.`mlflow.prompt.is_prompt`%3D'true'").await, ["prompt"]);
        assert_eq!(names("tags.`mlflow.prompt.is_prompt`!%3D'true'").await, ["model"]);
        assert_eq!(get(admin, "model-versions/search").await, json!({}));
        let local = json!({ "name": "model", "source": "/etc/passwd" });
        refused(&admin.post(&path("model-versions/create"), local).await, 400, "INVALID_PARAMETER_VALUE");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_registry_tells_what_happens() {
    with_admin(async |app, admin| {
        post(admin, "registered-models/create", json!({ "name": "m" })).await;
        let version =
            json!({ "name": "m", "source": "s3://bucket/m", "tags": [{ "key": "a", "value": "b" }] });
        post(admin, "model-versions/create", version).await;
        let one = |more: Value| {
            let mut body = json!({ "name": "m", "version": "1" });
            for (key, value) in more.as_object().unwrap() {
                body[key] = value.clone();
            }
            body
        };
        post(admin, "model-versions/set-tag", one(json!({ "key": "k", "value": "v" }))).await;
        let tag = json!({ "name": "m", "version": "1", "key": "k" });
        for _ in 0..2 {
            admin
                .send(reqwest::Method::DELETE, &path("model-versions/delete-tag"), Some(tag.clone()))
                .await
                .expect(200);
        }
        post(admin, "model-versions/transition-stage", one(json!({ "stage": "Staging" }))).await;
        post(admin, "registered-models/alias", one(json!({ "alias": "champion" }))).await;
        let alias = json!({ "name": "m", "alias": "champion" });
        admin.send(reqwest::Method::DELETE, &path("registered-models/alias"), Some(alias)).await.expect(200);
        // What is refused is not told.
        let late = one(json!({ "stage": "Nowhere" }));
        refused(
            &admin.post(&path("model-versions/transition-stage"), late).await,
            400,
            "INVALID_PARAMETER_VALUE",
        );
        let mut tx = app.platform.db.read().await.unwrap();
        let rows = tx
            .query("SELECT topic, data FROM realtime_outbox WHERE topic LIKE 'ml.%' ORDER BY position")
            .rows()
            .await
            .unwrap();
        let told: Vec<(String, Value)> = rows
            .iter()
            .map(|row| {
                let data: String = row.get("data").unwrap();
                (row.get("topic").unwrap(), serde_json::from_str(&data).unwrap())
            })
            .collect();
        let topics: Vec<_> = told.iter().map(|(topic, _)| topic.strip_prefix("ml.").unwrap()).collect();
        assert_eq!(
            topics,
            [
                "registered_model_created",
                "model_version_created",
                "model_version_tag_set",
                "model_version_tag_deleted",
                "model_version_moved",
                "model_version_alias_set",
                "model_version_alias_deleted",
            ]
        );
        assert_eq!((&told[1].1["version"], &told[1].1["tags"]), (&json!("1"), &json!({ "a": "b" })));
        assert_eq!(told[4].1["to_stage"], "Staging");
    })
    .await;
}
