use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Client};

use crate::{experiment, path, refused, run, text, with_admin};

pub(crate) fn v3(rest: &str) -> String {
    format!("/api/3.0/mlflow/{rest}")
}

/// A span by OTLP's JSON. `number` makes its id and its trace's.
pub(crate) fn span(trace: u8, number: u8, parent: Option<u8>, name: &str, more: Value) -> Value {
    let mut span = json!({
        "traceId": format!("{trace:032x}"),
        "spanId": format!("{number:016x}"),
        "name": name,
        "startTimeUnixNano": (u64::from(number) * 1_000_000_000).to_string(),
        "endTimeUnixNano": (u64::from(number) * 1_000_000_000 + 500_000_000).to_string(),
        "status": { "code": 1 },
    });
    if let Some(parent) = parent {
        span["parentSpanId"] = json!(format!("{parent:016x}"));
    }
    for (key, value) in more.as_object().unwrap() {
        span[key] = value.clone();
    }
    span
}

pub(crate) async fn send(client: &Client, experiment: &str, spans: &[Value]) -> Answer {
    let body = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": spans }] }] });
    let request =
        client.request(Method::POST, "/v1/traces").header("x-mlflow-experiment-id", experiment).json(&body);
    client.finish("/v1/traces", request).await
}

pub(crate) fn id(trace: u8) -> String {
    format!("tr-{trace:032x}")
}

pub(crate) async fn tell(client: &Client, experiment: &str, trace: u8, more: Value) -> Value {
    let mut info = json!({
        "trace_id": id(trace),
        "trace_location": { "type": "MLFLOW_EXPERIMENT", "mlflow_experiment": { "experiment_id": experiment } },
        "request_time": format!("2026-01-01T00:00:0{trace}.250Z"),
        "execution_duration": "1.5s",
        "state": "OK",
    });
    for (key, value) in more.as_object().unwrap() {
        info[key] = value.clone();
    }
    let body = json!({ "trace": { "trace_info": info } });
    client.post(&v3("traces"), body).await.expect(200).json()["trace"]["trace_info"].clone()
}

pub(crate) async fn found(client: &Client, experiment: &str, more: Value) -> String {
    let location =
        json!({ "type": "MLFLOW_EXPERIMENT", "mlflow_experiment": { "experiment_id": experiment } });
    let mut body = json!({ "locations": [location], "max_results": 2 });
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    let mut found = String::new();
    loop {
        let page = client.post(&v3("traces/search"), body.clone()).await.expect(200).json();
        let traces = page["traces"].as_array().cloned().unwrap_or_default();
        assert!(traces.len() <= 2);
        for trace in traces {
            found.push(text(&trace["trace_id"]).pop().unwrap());
        }
        match page.get("next_page_token") {
            Some(token) => body["page_token"] = token.clone(),
            None => return found,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_make_a_trace_and_its_program_tells_the_rest() {
    with_admin(async |app, admin| {
        let number = experiment(admin, "traced").await;
        let inner = span(
            1,
            3,
            Some(2),
            "inner",
            json!({ "attributes": [
            { "key": "mlflow.spanType", "value": { "stringValue": "RETRIEVER" } },
            { "key": "k", "value": { "stringValue": "v" } },
        ] }),
        );
        send(admin, &number, std::slice::from_ref(&inner)).await.expect(200);
        let get = async || {
            admin.get(&v3(&format!("traces/get?trace_id={}", id(1)))).await.expect(200).json()["trace"]
                .clone()
        };
        let early = get().await;
        assert_eq!(early["trace_info"]["state"], "IN_PROGRESS");
        let root = span(
            1,
            2,
            None,
            "outer",
            json!({ "endTimeUnixNano": "4000000000", "attributes": [
            { "key": "mlflow.spanInputs", "value": { "stringValue": "{\"x\": 1}" } },
        ] }),
        );
        send(admin, &number, &[root.clone(), root]).await.expect(200);
        let late = get().await;
        assert_eq!(late["trace_info"]["state"], "OK");
        assert_eq!(late["trace_info"]["request_time"], "1970-01-01T00:00:02.000Z");
        assert_eq!(late["trace_info"]["execution_duration"], "2.000s");
        assert_eq!(late["trace_info"]["request_preview"], "{\"x\": 1}");
        assert_eq!(late["trace_info"]["tags"]["mlflow.traceName"], "outer");
        let names: Vec<_> =
            late["spans"].as_array().unwrap().iter().map(|span| text(&span["name"])).collect();
        assert_eq!(names, ["outer", "inner"]);
        assert_eq!(
            late["spans"][1]["attributes"][1],
            json!({ "key": "k", "value": { "string_value": "v" } })
        );

        let told = tell(
            admin,
            &number,
            1,
            json!({ "tags": { "mlflow.traceName": "named", "team": "red" },
            "trace_metadata": { "m": "1" }, "state": "ERROR" }),
        )
        .await;
        assert_eq!((&told["state"], &told["execution_duration"]), (&json!("ERROR"), &json!("1.500s")));
        assert_eq!(told["tags"]["mlflow.trace.spansLocation"], "TRACKING_STORE");
        assert_eq!(
            told["tags"]["mlflow.artifactLocation"],
            json!(format!("mlflow-artifacts:/{number}/traces/{}/artifacts", id(1)))
        );
        assert_eq!(told["trace_metadata"]["m"], "1");
        assert_eq!(told["request_preview"], "{\"x\": 1}");
        // Spans that come late change nothing of what was told.
        send(admin, &number, &[span(1, 9, Some(2), "late", json!({}))]).await.expect(200);
        let last = get().await;
        assert_eq!(
            (&last["trace_info"]["state"], &last["trace_info"]["tags"]["mlflow.traceName"]),
            (&json!("ERROR"), &json!("named"))
        );
        assert_eq!(last["spans"].as_array().unwrap().len(), 3);

        let batch = admin
            .get(&v3(&format!("traces/batchGet?trace_ids={}&trace_ids=tr-none", id(1))))
            .await
            .expect(200)
            .json();
        assert_eq!(batch["traces"].as_array().unwrap().len(), 1);
        let infos =
            admin.post(&v3("traces/batchGetInfos"), json!({ "trace_ids": [id(1)] })).await.expect(200).json();
        assert_eq!(infos["trace_infos"][0]["trace_id"], json!(id(1)));

        let other = app.admin_elsewhere().await;
        for place in [v3(&format!("traces/{}", id(1))), v3(&format!("traces/get?trace_id={}", id(1)))] {
            refused(&other.get(&place).await, 404, "RESOURCE_DOES_NOT_EXIST");
        }
        refused(
            &send(&other, &number, &[span(1, 4, None, "x", json!({}))]).await,
            404,
            "RESOURCE_DOES_NOT_EXIST",
        );
        // The same id is free there.
        send(&other, "0", &[span(1, 4, None, "theirs", json!({}))]).await.expect(200);
        assert_eq!(get().await["spans"].as_array().unwrap().len(), 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_are_searched() {
    with_admin(async |_, admin| {
        let number = experiment(admin, "traced").await;
        let run_id = run(admin, &number, "one", 1).await;
        for (trace, state, name, duration) in [(1, "OK", "ask", "0.1s"), (2, "ERROR", "ask", "3s"), (3, "OK", "Plan", "0.2s"), (4, "IN_PROGRESS", "b", "9s")] {
            send(admin, &number, &[span(trace, trace, None, &format!("span-{trace}"), json!({ "attributes": [
                { "key": "mlflow.spanType", "value": { "stringValue": if trace % 2 == 0 { "TOOL" } else { "LLM" } } },
                { "key": "model", "value": { "stringValue": format!("m{trace}") } },
                { "key": "mlflow.spanOutputs", "value": { "stringValue": format!("needle {trace}") } },
            ] }))]).await.expect(200);
            let metadata = if trace == 3 { json!({ "mlflow.sourceRun": run_id, "a": "b" }) } else { json!({ "a": "c" }) };
            tell(admin, &number, trace, json!({ "state": state, "execution_duration": duration,
                "tags": { "mlflow.traceName": name, "n": trace.to_string() }, "trace_metadata": metadata })).await;
        }
        admin.post(&path("traces/link-to-run"), json!({ "trace_ids": [id(1), "tr-none"], "run_id": run_id })).await.expect(200);
        let lacking = admin.post(&path("traces/link-to-run"), json!({ "run_id": run_id })).await;
        refused(&lacking, 400, "INVALID_PARAMETER_VALUE");
        admin.post(&path("traces/link-to-run"), json!({ "trace_ids": [], "run_id": run_id })).await.expect(200);
        let prompts = json!({ "trace_id": id(2), "prompt_versions": [{ "name": "hello", "version": "1" }] });
        admin.post(&path("traces/link-prompts"), prompts).await.expect(200);
        for (trace, value) in [(1, json!(true)), (2, json!(0.5)), (3, json!("yes"))] {
            let assessment = json!({ "assessment_name": "good", "feedback": { "value": value } });
            admin.post(&v3(&format!("traces/{}/assessments", id(trace))), json!({ "assessment": assessment })).await.expect(200);
        }
        let check = async |filter: &str, order: &[&str], expected: &str| {
            let query = json!({ "filter": filter, "order_by": order });
            assert_eq!(found(admin, &number, query).await, expected, "{filter} {order:?}");
        };
        check("", &[], "4321").await;
        check("", &["timestamp_ms ASC"], "1234").await;
        check("", &["execution_time DESC"], "4231").await;
        check("", &["name", "timestamp ASC"], "3124").await;
        check("", &["status DESC", "request_id"], "1342").await;
        check("status = 'OK'", &[], "31").await;
        check("trace.status IN ('ERROR', 'IN_PROGRESS')", &[], "42").await;
        check("attributes.name ILIKE 'p%'", &[], "3").await;
        check("", &["tags.n DESC"], "4321").await;
        check("", &["metadata.a", "tags.n"], "3124").await;
        check("", &["tags.none", "experiment_id", "timestamp"], "1234").await;
        check("name = 'ask' AND execution_time_ms > 1000", &[], "2").await;
        check("timestamp_ms > 0 AND tags.n != '1'", &[], "432").await;
        check("tags.none IS NULL AND metadata.a = 'c'", &[], "421").await;
        check("request_metadata.a IS NOT NULL", &["timestamp ASC"], "1234").await;
        check(&format!("run_id = '{run_id}'"), &[], "31").await;
        check("prompt = 'hello/1'", &[], "2").await;
        check("span.name = 'span-2'", &[], "2").await;
        check("span.type = 'TOOL' AND span.status = 'OK'", &[], "42").await;
        check("span.attributes.model IN ('m1', 'm4')", &[], "41").await;
        check("span.attributes.model LIKE 'm_' AND span.name != 'span-1'", &[], "432").await;
        check("trace.text LIKE '%needle 3%'", &[], "3").await;
        check("trace.text LIKE '%string_value%'", &[], "").await;
        check("span.type = 'TOOL' AND span.attributes.model = 'm1'", &[], "").await;
        check("feedback.good = 'true'", &[], "1").await;
        check("feedback.good = 'yes'", &[], "3").await;
        check("feedback.good > 0.4", &[], "2").await;
        check("feedback.good = 0.5", &[], "2").await;
        check("feedback.good IS NULL", &[], "4").await;
        check("expectation.good IS NOT NULL", &[], "").await;
        check("tags.n RLIKE '^[1-2]$'", &[], "21").await;
        check("name RLIKE '^[a-z]' AND span.name rlike '-(2|4)$'", &[], "42").await;
        check("metadata.a RLIKE 'B'", &[], "").await;
        check("trace.status RLIKE 'OK|IN'", &["timestamp ASC"], "134").await;
        check("client_request_id RLIKE '.'", &[], "").await;
        check("span.attributes.model RLIKE '^m[34]$'", &[], "43").await;
        check("feedback.good RLIKE 'tru|yes'", &[], "31").await;
        check(&format!("request_id = '{}'", id(4)), &[], "4").await;
        let location = json!({ "type": "MLFLOW_EXPERIMENT", "mlflow_experiment": { "experiment_id": number } });
        for wrong in [
            json!({ "locations": [] }),
            json!({ "locations": [location], "max_results": 501 }),
            json!({ "locations": [location], "filter": "metrics.a > 1" }),
            json!({ "locations": [location], "filter": "tags.a RLIKE '('" }),
            json!({ "locations": [location], "filter": "tags.a RLIKE '(?=a)'" }),
            json!({ "locations": [location], "filter": format!("tags.a RLIKE '{}'", "a?".repeat(600)) }),
            json!({ "locations": [location], "filter": "span.x = 'y'" }),
            json!({ "locations": [location], "filter": "span.attributes. = 'y'" }),
            json!({ "locations": [location], "filter": "trace.text = 'y'" }),
            json!({ "locations": [location], "filter": "timestamp_ms > 'y'" }),
            json!({ "locations": [location], "filter": "x'; DROP TABLE ml_traces; --" }),
            json!({ "locations": [location], "order_by": ["span.name"] }),
            json!({ "locations": [location], "filter": "prompt LIKE 'hello/%'" }),
            json!({ "locations": [location], "filter": "prompt = 'hello'" }),
            json!({ "locations": [location], "filter": "prompt = 'hello/1/2'" }),
            json!({ "locations": [location], "order_by": ["text"] }),
            json!({ "locations": [location], "page_token": "x" }),
        ] {
            refused(&admin.post(&v3("traces/search"), wrong).await, 400, "INVALID_PARAMETER_VALUE");
        }
        let gone = json!({ "experiment_id": number, "request_ids": [id(4), "tr-none"] });
        assert_eq!(admin.post(&path("traces/delete-traces"), gone).await.expect(200).json()["traces_deleted"], 1);
        let oldest = json!({ "experiment_id": number, "max_timestamp_millis": 4_000_000_000_000_i64, "max_traces": 1 });
        assert_eq!(admin.post(&v3("traces/delete-traces"), oldest).await.expect(200).json()["traces_deleted"], 1);
        check("", &[], "32").await;
        let both = json!({ "experiment_id": number, "max_timestamp_millis": 1, "request_ids": ["tr-1"] });
        refused(&admin.post(&path("traces/delete-traces"), both).await, 400, "INVALID_PARAMETER_VALUE");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_and_assessments_come_and_go() {
    with_admin(async |_, admin| {
        let number = experiment(admin, "traced").await;
        tell(admin, &number, 1, json!({ "assessments": [{ "assessment_name": "early", "feedback": { "value": 1 } }] })).await;
        let place = |rest: &str| v3(&format!("traces/{}/{rest}", id(1)));
        let info = async || admin.get(&v3(&format!("traces/{}", id(1)))).await.expect(200).json()["trace"]["trace_info"].clone();
        let tag = async |method: Method, body: Value| admin.send(method, &place("tags"), Some(body)).await;
        tag(Method::PATCH, json!({ "key": "a", "value": "b" })).await.expect(200);
        assert_eq!(info().await["tags"]["a"], "b");
        tag(Method::DELETE, json!({ "key": "a" })).await.expect(200);
        refused(&tag(Method::DELETE, json!({ "key": "a" })).await, 404, "RESOURCE_DOES_NOT_EXIST");
        let climbing = json!({ "key": "../a", "value": "x" });
        refused(&tag(Method::PATCH, climbing).await, 400, "INVALID_PARAMETER_VALUE");
        let fixed = json!({ "key": "mlflow.trace.spansLocation", "value": "x" });
        refused(&tag(Method::PATCH, fixed).await, 400, "INVALID_PARAMETER_VALUE");

        let make = async |assessment: Value| {
            let answer = admin.post(&place("assessments"), json!({ "assessment": assessment })).await;
            answer.expect(200).json()["assessment"].clone()
        };
        let source = json!({ "source_type": "HUMAN", "source_id": "me" });
        let first = make(json!({ "assessment_name": "good", "feedback": { "value": true }, "source": source, "rationale": "r" })).await;
        let first_id = text(&first["assessment_id"]);
        assert_eq!((&first["valid"], &first["source"]), (&json!(true), &source));
        let one = place(&format!("assessments/{first_id}"));
        let change = json!({
            "assessment": { "assessment_name": "fine", "feedback": { "value": false }, "rationale": "unnamed" },
            "update_mask": "assessmentName,feedback",
        });
        let changed = admin.send(Method::PATCH, &one, Some(change)).await.expect(200).json()["assessment"].clone();
        assert_eq!((&changed["feedback"]["value"], &changed["rationale"], &changed["assessment_name"]), (&json!(false), &json!("r"), &json!("fine")));
        let second = make(json!({ "assessment_name": "fine", "feedback": { "value": "x" }, "overrides": first_id })).await;
        assert_eq!(admin.get(&one).await.expect(200).json()["assessment"]["valid"], false);
        assert_eq!(info().await["assessments"].as_array().unwrap().len(), 3);
        let two = place(&format!("assessments/{}", text(&second["assessment_id"])));
        admin.send(Method::DELETE, &two, None).await.expect(200);
        assert_eq!(admin.get(&one).await.expect(200).json()["assessment"]["valid"], true, "it counts again");
        refused(&admin.get(&two).await, 404, "RESOURCE_DOES_NOT_EXIST");
        for wrong in [
            json!({}),
            json!({ "assessment_name": "x" }),
            json!({ "assessment_name": "", "feedback": { "value": 1 } }),
            json!({ "assessment_name": "x", "feedback": { "value": "\u{0}" } }),
            json!({ "assessment_name": "x", "expectation": { "value": null } }),
        ] {
            let answer = admin.post(&place("assessments"), json!({ "assessment": wrong })).await;
            refused(&answer, 400, "INVALID_PARAMETER_VALUE");
        }
        let lost = json!({ "assessment_name": "x", "feedback": { "value": 1 }, "overrides": "a-none" });
        refused(&admin.post(&place("assessments"), json!({ "assessment": lost })).await, 404, "RESOURCE_DOES_NOT_EXIST");
        let noted = |metadata: Value| json!({ "assessment": { "metadata": metadata }, "update_mask": "metadata" });
        admin.send(Method::PATCH, &one, Some(noted(json!({ "a": "1", "b": "2" })))).await.expect(200);
        let noted = admin.send(Method::PATCH, &one, Some(noted(json!({ "b": "3" })))).await.expect(200).json();
        assert_eq!(noted["assessment"]["metadata"], json!({ "a": "1", "b": "3" }), "what is said more joins it");
        let other = json!({ "assessment": { "expectation": { "value": 1 } }, "update_mask": "expectation" });
        refused(&admin.send(Method::PATCH, &one, Some(other)).await, 400, "INVALID_PARAMETER_VALUE");
        let list = make(json!({ "assessment_name": "list", "expectation": { "value": [1, "a"] } })).await;
        let packed = json!({ "serialization_format": "JSON_FORMAT", "value": "[1,\"a\"]" });
        assert_eq!(list["expectation"], json!({ "serialized_value": packed }));
        let mask = json!({ "assessment": {}, "update_mask": "trace_id" });
        refused(&admin.send(Method::PATCH, &one, Some(mask)).await, 400, "INVALID_PARAMETER_VALUE");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_trace_is_refused() {
    with_admin(async |_, admin| {
        let number = experiment(admin, "traced").await;
        let fine = span(1, 1, None, "x", json!({}));
        refused(&send(admin, "none", std::slice::from_ref(&fine)).await, 400, "INVALID_PARAMETER_VALUE");
        refused(&send(admin, "999", std::slice::from_ref(&fine)).await, 404, "RESOURCE_DOES_NOT_EXIST");
        refused(&send(admin, &number, &[]).await, 400, "INVALID_PARAMETER_VALUE");
        for (wrong, status) in [
            (json!({ "traceId": "xyz" }), 400),
            (json!({ "spanId": "" }), 422),
            (json!({ "traceId": "00".repeat(17) }), 422),
            (json!({ "startTimeUnixNano": u64::MAX.to_string() }), 400),
        ] {
            refused(
                &send(admin, &number, &[span(1, 1, None, "x", wrong)]).await,
                status,
                "INVALID_PARAMETER_VALUE",
            );
        }
        refused(&admin.post("/v1/traces", json!({})).await, 422, "INVALID_PARAMETER_VALUE");
        let raw = async |kind: &str, body: &'static [u8]| {
            let request = admin
                .request(Method::POST, "/v1/traces")
                .header("x-mlflow-experiment-id", &number)
                .header("content-type", kind);
            admin.finish("/v1/traces", request.body(body)).await
        };
        refused(&raw("text/plain", b"x").await, 400, "INVALID_PARAMETER_VALUE");
        refused(&raw("application/x-protobuf", b"\xff\xff").await, 400, "INVALID_PARAMETER_VALUE");
        let nul = span(
            1,
            1,
            None,
            "a\u{0}b",
            json!({ "attributes": [{ "key": "k\u{0}", "value": { "stringValue": "\u{0}v" } }] }),
        );
        send(admin, &number, &[nul]).await.expect(200);
        assert_eq!(
            found(admin, &number, json!({ "filter": "span.name = 'ab' AND span.attributes.k = 'v'" })).await,
            "1"
        );
        let location =
            json!({ "type": "MLFLOW_EXPERIMENT", "mlflow_experiment": { "experiment_id": number } });
        let info =
            json!({ "trace_id": "tr-5", "trace_location": location, "request_time": "2026-01-01T00:00:00Z" });
        for (name, value) in [
            ("trace_id", json!("")),
            ("trace_id", json!("a/b")),
            ("trace_id", json!("x".repeat(51))),
            ("request_time", json!("now")),
            ("execution_duration", json!("long")),
            ("state", json!("GOOD")),
            ("trace_location", json!({})),
            ("tags", json!({ "": "x" })),
            ("tags", json!({ "a": "\u{0}" })),
            ("tags", json!([1])),
        ] {
            let mut info = info.clone();
            info[name] = value;
            let answer = admin.post(&v3("traces"), json!({ "trace": { "trace_info": info } })).await;
            refused(&answer, 400, "INVALID_PARAMETER_VALUE");
        }
        admin.post(&v3("traces"), json!({ "trace": { "trace_info": info } })).await.expect(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn older_clients_begin_and_end_traces() {
    with_admin(async |_, admin| {
        let number = experiment(admin, "traced").await;
        let pairs = json!([{ "key": "a", "value": "b" }]);
        let body = json!({ "experiment_id": number, "timestamp_ms": 1_000, "request_metadata": pairs, "tags": pairs });
        let begun = admin.post(&path("traces"), body).await.expect(200).json()["trace_info"].clone();
        let trace_id = text(&begun["request_id"]);
        assert_eq!((&begun["status"], &begun["request_metadata"]), (&json!("IN_PROGRESS"), &pairs));
        let body = json!({ "request_id": trace_id, "timestamp_ms": 1_250, "status": "OK", "tags": [{ "key": "c", "value": "d" }] });
        admin.send(Method::PATCH, &path(&format!("traces/{trace_id}")), Some(body)).await.expect(200);
        let info = admin.get(&path(&format!("traces/{trace_id}/info"))).await.expect(200).json()["trace_info"].clone();
        assert_eq!((&info["status"], &info["execution_time_ms"]), (&json!("OK"), &json!(250)));
        assert!(info["tags"].as_array().unwrap().contains(&json!({ "key": "c", "value": "d" })), "{info}");
        let listed = admin.get(&path(&format!("traces?experiment_ids={number}&filter=status%3D'OK'"))).await.expect(200).json();
        assert_eq!(listed["traces"].as_array().unwrap().len(), 1);
    })
    .await;
}
