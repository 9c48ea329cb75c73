//! Questions that people answer about traces.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Client};

use crate::{experiment, refused, text, with_admin};

fn place(rest: &str) -> String {
    format!("/api/3.0/mlflow/label-schemas/{rest}")
}

async fn create(client: &Client, experiment: &str, name: &str, input: Value) -> Answer {
    let body = json!({ "experiment_id": experiment, "name": name, "type": "FEEDBACK", "input": input });
    client.post(&place("create"), body).await
}

async fn make(client: &Client, experiment: &str, name: &str, input: Value) -> Value {
    create(client, experiment, name, input).await.expect(200).json()["label_schema"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_are_made_changed_and_deleted() {
    with_admin(async |app, admin| {
        let id = experiment(admin, "asked").await;
        let yes_no = json!({ "pass_fail": { "positive_label": "yes", "negative_label": "no" } });
        let made = make(admin, &id, "Is it right?", yes_no.clone()).await;
        assert_eq!((&made["type"], &made["input"], &made["enable_comment"]), (&json!("FEEDBACK"), &yes_no, &json!(false)));
        assert!(made.get("instruction").is_none() && made["experiment_id"] == json!(id), "{made}");
        let schema_id = text(&made["schema_id"]);
        let one = place(&format!("get?schema_id={schema_id}"));
        assert_eq!(admin.get(&one).await.expect(200).json()["label_schema"], made);
        let named = place(&format!("get-by-name?experiment_id={id}&name=Is+it+right%3F"));
        assert_eq!(admin.get(&named).await.expect(200).json()["label_schema"], made);
        refused(&create(admin, &id, "Is it right?", yes_no).await, 400, "RESOURCE_ALREADY_EXISTS");
        make(admin, &id, "number", json!({ "numeric": { "min_value": 0, "max_value": 1.5 } })).await;
        let choice = json!({ "categorical": { "options": ["a", "b"], "multi_select": true } });
        assert_eq!(make(admin, &id, "choice", choice.clone()).await["input"], choice);
        assert_eq!(
            make(admin, &id, "text", json!({ "text": { "max_length": "7" } })).await["input"]["text"]["max_length"],
            7
        );

        let update = async |body: Value| admin.patch(&place("update"), body).await;
        let changed = update(json!({ "schema_id": schema_id, "name": "Right?", "instruction": "", "enable_comment": true }));
        let changed = changed.await.expect(200).json()["label_schema"].clone();
        assert_eq!((&changed["name"], &changed["instruction"]), (&json!("Right?"), &json!("")));
        assert_eq!((&changed["enable_comment"], &changed["input"]), (&json!(true), &made["input"]));
        let wrong = json!({ "schema_id": schema_id, "name": "number" });
        refused(&update(wrong).await, 400, "RESOURCE_ALREADY_EXISTS");
        for (name, value) in [("name", json!(" FEEDBACK")), ("input", json!({ "text": {} })), ("input", json!({}))] {
            let mut wrong = json!({ "schema_id": schema_id });
            wrong[name] = value;
            refused(&update(wrong).await, 400, "INVALID_PARAMETER_VALUE");
        }
        refused(&update(json!({ "schema_id": "ls-none" })).await, 404, "RESOURCE_DOES_NOT_EXIST");

        let other = app.admin_elsewhere().await;
        refused(&other.get(&one).await, 404, "RESOURCE_DOES_NOT_EXIST");
        let delete = place("delete");
        other.send(Method::DELETE, &delete, Some(json!({ "schema_id": schema_id }))).await.expect(200);
        admin.get(&one).await.expect(200);
        for _ in 0..2 {
            admin.send(Method::DELETE, &delete, Some(json!({ "schema_id": schema_id }))).await.expect(200);
        }
        refused(&admin.get(&one).await, 404, "RESOURCE_DOES_NOT_EXIST");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_experiment_has_one_question_that_stays() {
    with_admin(async |_, admin| {
        let id = experiment(admin, "asked").await;
        for name in ["a", "b", "c"] {
            make(admin, &id, name, json!({ "text": {} })).await;
        }
        let list = async |more: &str| admin.get(&place(&format!("list?experiment_id={id}{more}"))).await;
        let (mut found, mut token) = (Vec::new(), String::new());
        loop {
            let page = list(&format!("&max_results=3&page_token={token}")).await.expect(200).json();
            found.extend(page["label_schemas"].as_array().unwrap().iter().cloned());
            token = text(&page["next_page_token"]);
            if token.is_empty() {
                break;
            }
        }
        let mut names: Vec<_> = found.iter().map(|label| text(&label["name"])).collect();
        names.sort_unstable();
        assert_eq!(names, ["Feedback", "a", "b", "c"]);
        let default = found.iter().find(|label| label["is_default"] == true).unwrap();
        assert_eq!(default["instruction"], "Share any feedback on this trace.");
        let it = json!({ "schema_id": default["schema_id"], "name": "x" });
        refused(&admin.patch(&place("update"), it.clone()).await, 400, "INVALID_PARAMETER_VALUE");
        refused(
            &admin.send(Method::DELETE, &place("delete"), Some(it)).await,
            400,
            "INVALID_PARAMETER_VALUE",
        );
        for wrong in ["&max_results=0", "&page_token=!", "&page_token=e30="] {
            refused(&list(wrong).await, 400, "INVALID_PARAMETER_VALUE");
        }
        for wrong in [json!({}), json!({ "text": {}, "numeric": {} }), json!({ "text": { "max_length": 0 } })]
        {
            refused(&create(admin, &id, "d", wrong).await, 400, "INVALID_PARAMETER_VALUE");
        }
        refused(&create(admin, "999", "d", json!({ "text": {} })).await, 404, "RESOURCE_DOES_NOT_EXIST");
        refused(&create(admin, &id, "Feedback", json!({ "text": {} })).await, 400, "INVALID_PARAMETER_VALUE");
    })
    .await;
}
