//! Evaluation datasets and scorers.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::Client;

use crate::{experiment, refused, text, with_admin};

fn v3(rest: &str) -> String {
    format!("/api/3.0/mlflow/{rest}")
}

async fn post(client: &Client, rest: &str, body: Value) -> Value {
    client.post(&v3(rest), body).await.expect(200).json()
}

async fn get(client: &Client, rest: &str) -> Value {
    client.get(&v3(rest)).await.expect(200).json()
}

async fn create(client: &Client, name: &str, experiments: &[&str], tags: Value) -> String {
    let body = json!({ "name": name, "experiment_ids": experiments, "tags": tags.to_string() });
    text(&post(client, "datasets/create", body).await["dataset"]["dataset_id"])
}

fn records(page: &Value) -> Vec<Value> {
    serde_json::from_str(page["records"].as_str().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn datasets_hold_records_by_their_inputs() {
    with_admin(async |app, admin| {
        let number = experiment(admin, "judged").await;
        let id = create(admin, "questions", &[&number], json!({ "team": "red", "mlflow.user": "ada" })).await;
        let place = format!("datasets/{id}");
        let made = get(admin, &place).await["dataset"].clone();
        assert_eq!((&made["name"], &made["created_by"], &made["experiment_ids"]), (&json!("questions"), &json!("ada"), &json!([number])));
        assert_eq!(made.get("profile"), None);
        let put = async |records: Value| {
            post(admin, &format!("{place}/records"), json!({ "records": records.to_string() })).await
        };
        let told = put(json!([
            { "inputs": { "q": "one", "n": 1 }, "expectations": { "a": "1" }, "source": { "source_type": "TRACE", "source_data": { "trace_id": "tr-1" } } },
            { "inputs": { "n": 2.5, "q": "two" }, "outputs": { "text": "2" } },
            { "inputs": { "q": "one", "n": 1 }, "expectations": { "b": true } },
        ]))
        .await;
        assert_eq!(told, json!({ "inserted_count": 2, "updated_count": 1 }));
        let told = put(json!([{ "inputs": { "n": 1, "q": "one" }, "tags": { "t": "x" } }, { "inputs": { "q": "three" } }])).await;
        assert_eq!(told, json!({ "inserted_count": 1, "updated_count": 1 }));
        let (mut found, mut token) = (Vec::new(), String::new());
        loop {
            let page = get(admin, &format!("{place}/records?max_results=2&page_token={token}")).await;
            found.extend(records(&page));
            match page.get("next_page_token") {
                Some(next) => token = text(next),
                None => break,
            }
        }
        assert_eq!(found.len(), 3);
        assert_eq!(found[0]["expectations"], json!({ "a": "1", "b": true }));
        assert_eq!((&found[0]["tags"], &found[0]["source_id"]), (&json!({ "t": "x" }), &json!("tr-1")));
        assert_eq!((&found[1]["outputs"], &found[2]["inputs"]), (&json!({ "text": "2" }), &json!({ "q": "three" })));
        let whole = get(admin, &place).await["dataset"].clone();
        let schema: Value = serde_json::from_str(whole["schema"].as_str().unwrap()).unwrap();
        assert_eq!(schema["inputs"], json!({ "q": "string", "n": "integer" }));
        assert_eq!(whole["profile"], "{\"num_records\":3}");
        assert_ne!(whole["digest"], Value::Null);

        let ids = json!({ "dataset_record_ids": [found[1]["dataset_record_id"], "dr-none"] });
        let told = admin.send(Method::DELETE, &v3(&format!("{place}/records")), Some(ids)).await.expect(200).json();
        assert_eq!(told, json!({ "deleted_count": 1 }));
        assert_eq!(get(admin, &place).await["dataset"]["profile"], "{\"num_records\":2}");

        let tags = json!({ "tags": json!({ "team": "blue", "none": null, "n": 5 }).to_string() });
        admin.send(Method::PATCH, &v3(&format!("{place}/tags")), Some(tags)).await.expect(200);
        admin.delete(&v3(&format!("{place}/tags/n"))).await.expect(200);
        admin.delete(&v3(&format!("{place}/tags/n"))).await.expect(200);
        let tags: Value = serde_json::from_str(get(admin, &place).await["dataset"]["tags"].as_str().unwrap()).unwrap();
        assert_eq!(tags, json!({ "team": "blue", "mlflow.user": "ada" }));
        let other = experiment(admin, "other").await;
        let told = post(admin, &format!("{place}/add-experiments"), json!({ "experiment_ids": [other] })).await;
        assert_eq!(told["dataset"]["experiment_ids"], json!([number, other]));
        post(admin, &format!("{place}/remove-experiments"), json!({ "experiment_ids": [number] })).await;
        assert_eq!(get(admin, &format!("{place}/experiment-ids")).await, json!({ "experiment_ids": [other] }));

        let stranger = app.admin_elsewhere().await;
        refused(&stranger.get(&v3(&place)).await, 404, "RESOURCE_DOES_NOT_EXIST");
        stranger.delete(&v3(&place)).await.expect(200);
        for (rest, body) in [
            ("datasets/create".to_owned(), json!({})),
            ("datasets/create".to_owned(), json!({ "name": "n", "tags": "x" })),
            ("datasets/create".to_owned(), json!({ "name": "n", "tags": "{\"\": \"x\"}" })),
            (format!("{place}/records"), json!({})),
            (format!("{place}/records"), json!({ "records": "x" })),
            (format!("{place}/records"), json!({ "records": "[5]" })),
            (format!("{place}/records"), json!({ "records": "[{\"inputs\": 5}]" })),
        ] {
            refused(&admin.post(&v3(&rest), body).await, 400, "INVALID_PARAMETER_VALUE");
        }
        let unknown = json!({ "name": "n", "experiment_ids": ["999"] });
        refused(&admin.post(&v3("datasets/create"), unknown).await, 404, "RESOURCE_DOES_NOT_EXIST");
        refused(&admin.get(&v3(&format!("{place}/records?page_token=x"))).await, 400, "INVALID_PARAMETER_VALUE");
        admin.delete(&v3(&place)).await.expect(200);
        refused(&admin.get(&v3(&place)).await, 404, "RESOURCE_DOES_NOT_EXIST");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn datasets_are_searched() {
    with_admin(async |app, admin| {
        let number = experiment(admin, "judged").await;
        for (name, tag) in [("apple", "red"), ("Banana", "yellow"), ("cherry", "red")] {
            let of = if name == "Banana" { vec![] } else { vec![number.as_str()] };
            create(admin, name, &of, json!({ "colour": tag, "mlflow.user": name })).await;
            app.clock.advance(std::time::Duration::from_millis(5));
        }
        let check = async |filter: &str, order: &[&str], experiments: &[&str], expected: &str| {
            let mut body = json!({ "filter_string": filter, "order_by": order, "experiment_ids": experiments, "max_results": 2 });
            let mut found = Vec::new();
            loop {
                let page = post(admin, "datasets/search", body.clone()).await;
                found.extend(page["datasets"].as_array().into_iter().flatten().map(|one| text(&one["name"])));
                match page.get("next_page_token") {
                    Some(token) => body["page_token"] = token.clone(),
                    None => break,
                }
            }
            assert_eq!(found.join(" "), expected, "{filter} {order:?}");
        };
        check("", &[], &[], "cherry Banana apple").await;
        check("", &["name"], &[], "Banana apple cherry").await;
        check("", &["created_time ASC"], &[&number], "apple cherry").await;
        check("name LIKE 'b%'", &[], &[], "").await;
        check("name ILIKE 'b%'", &[], &[], "Banana").await;
        check("name IN ('apple', 'cherry')", &["name DESC"], &[], "cherry apple").await;
        check("tags.colour = 'red' AND created_time > 0", &["last_update_time"], &[], "apple cherry").await;
        check("created_by = 'apple'", &[], &[], "apple").await;
        check("", &[], &["999"], "").await;
        for wrong in [
            json!({ "filter_string": "size > 1" }),
            json!({ "filter_string": "name = x" }),
            json!({ "filter_string": "tags.a > 'b'" }),
            json!({ "order_by": ["created_by"] }),
            json!({ "max_results": -1 }),
            json!({ "page_token": "x" }),
        ] {
            refused(&admin.post(&v3("datasets/search"), wrong).await, 400, "INVALID_PARAMETER_VALUE");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scorers_have_versions() {
    with_admin(async |app, admin| {
        let number = experiment(admin, "judged").await;
        let register = async |name: &str, content: &str| {
            let body = json!({ "experiment_id": number, "name": name, "serialized_scorer": content });
            admin.post(&v3("scorers/register"), body).await
        };
        let first = register("same", "{\"a\": 1}").await.expect(200).json();
        let second = register("same", "{\"a\": 2}").await.expect(200).json();
        assert_eq!((&first["version"], &second["version"]), (&json!(1), &json!(2)));
        assert_eq!(first["scorer_id"], second["scorer_id"]);
        register("another", "{}").await.expect(200);
        let listed = get(admin, &format!("scorers/list?experiment_id={number}")).await["scorers"].clone();
        assert_eq!((&listed[0]["scorer_name"], &listed[1]["scorer_version"]), (&json!("another"), &json!(2)));
        let of = format!("experiment_id={number}&name=same");
        let all = get(admin, &format!("scorers/versions?{of}")).await["scorers"].clone();
        assert_eq!(all.as_array().unwrap().len(), 2);
        let one = get(admin, &format!("scorers/get?{of}&version=1")).await["scorer"].clone();
        assert_eq!(one["serialized_scorer"], "{\"a\": 1}");
        assert_eq!(get(admin, &format!("scorers/get?{of}")).await["scorer"]["scorer_version"], 2);
        let delete = async |version: Value| {
            let body = json!({ "experiment_id": number, "name": "same", "version": version });
            admin.send(Method::DELETE, &v3("scorers/delete"), Some(body)).await
        };
        refused(&delete(json!(7)).await, 404, "RESOURCE_DOES_NOT_EXIST");
        delete(json!(2)).await.expect(200);
        assert_eq!(get(admin, &format!("scorers/get?{of}")).await["scorer"]["scorer_version"], 1);
        delete(Value::Null).await.expect(200);
        refused(&delete(Value::Null).await, 404, "RESOURCE_DOES_NOT_EXIST");
        refused(&admin.get(&v3(&format!("scorers/versions?{of}"))).await, 404, "RESOURCE_DOES_NOT_EXIST");
        for (name, content) in [("", "{}"), ("  ", "{}"), ("n", "x"), ("n", "[1]"), ("n", "")] {
            refused(&register(name, content).await, 400, "INVALID_PARAMETER_VALUE");
        }
        let other = app.admin_elsewhere().await;
        refused(
            &other.get(&v3(&format!("scorers/list?experiment_id={number}"))).await,
            404,
            "RESOURCE_DOES_NOT_EXIST",
        );
    })
    .await;
}
