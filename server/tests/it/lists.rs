//! No list costs more statements when it has more rows: what belongs to its items is read for all of them at once.

use std::collections::{BTreeMap, BTreeSet};

use db::{Db, FromRow, Row, Tx, Value};
use serde_json::json;
use testkit::{App, Client, Modules, STATEMENTS, TestEngine};

use crate::fill::{self, Column};

fn modules() -> Modules {
    Modules {
        manifests: &[&surveillance::MANIFEST],
        build: |platform| {
            let config = surveillance::Config::default();
            vec![surveillance::build(platform, config).expect("the defaults are sound")]
        },
        aliases: surveillance::ALIASES,
    }
}

/// Lists that do not grow here, and why. A new list either gets rows in [`something`], or a line here.
const FIXED: &[(&str, &str)] = &[
    ("/api/v1/audit", "has more than a page of rows from the start"),
    ("/api/v1/auth/passkeys", "twenty at most, read in one statement"),
    ("/api/v1/cache", "namespaces are declared by modules"),
    ("/api/v1/limits", "rules are settings"),
    ("/api/v1/permissions", "permissions are declared by modules"),
    ("/api/v1/quotas", "resources are declared by modules"),
    ("/api/v1/queues", "queues are declared by jobs"),
    ("/api/v1/roles", "few, and read whole"),
    ("/api/v1/schedules", "schedules are declared by modules"),
    ("/api/v1/settings", "settings are declared by modules"),
    ("/api/v1/signing-keys", "keys follow each other; the past ones are deleted"),
    ("/api/v1/topics", "topics are declared by modules"),
    ("/api/v1/workspaces/{id}/quotas", "resources are declared by modules"),
    (
        "/api/v1/users/{id}/sessions",
        "the user asked about is a copy with one session; the statements are those of /auth/sessions",
    ),
];

/// A cell of a row.
fn read(row: &Row, column: &Column) -> Value {
    match column.kind.as_str() {
        "TEXT" => Value::Text(row.get(&column.name).unwrap()),
        "BIGINT" | "INTEGER" => Value::Int(row.get(&column.name).unwrap()),
        "DOUBLE PRECISION" => Value::Float(row.get(&column.name).unwrap()),
        "BOOLEAN" => Value::Bool(row.get(&column.name).unwrap()),
        _ => Value::Bytes(row.get(&column.name).unwrap()),
    }
}

fn is_id(text: &str) -> bool {
    text.rsplit_once('_')
        .is_some_and(|(_, id)| id.len() == 26 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Another id of the same kind: the end of one is random.
fn other_id(id: &str, copy: usize) -> String {
    format!("{}{copy:04}", &id[..id.len() - 4])
}

struct Name(String);

impl FromRow for Name {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self(row.get("value")?))
    }
}

/// The columns of each unique rule of a table.
async fn unique(tx: &mut Tx, table: &str) -> Vec<Vec<String>> {
    let rules: Vec<Name> = tx
        .query("SELECT name AS value FROM pragma_index_list($1) WHERE \"unique\"")
        .bind(table)
        .all()
        .await
        .unwrap();
    let mut all = Vec::new();
    for rule in rules {
        let columns: Vec<Name> = tx
            .query("SELECT name AS value FROM pragma_index_info($1) WHERE name IS NOT NULL")
            .bind(&rule.0)
            .all()
            .await
            .unwrap();
        all.push(columns.into_iter().map(|column| column.0).collect());
    }
    all
}

/// Copies every row so many times, with ids of their own; rows keep to the workspace, and to the people in `keep`.
async fn multiply(db: &Db, copies: std::ops::Range<usize>, keep: &[&str]) {
    let mut tx = db.begin().await.unwrap();
    tx.script("PRAGMA defer_foreign_keys = ON".to_owned()).await.unwrap();
    let tables = fill::columns(&mut tx).await;
    let mut owned = BTreeSet::new();
    for (table, columns) in &tables {
        if keep.contains(&table.as_str()) || !columns.iter().any(|column| column.name == "id") {
            continue;
        }
        let ids: Vec<Name> = tx.query_built(format!("SELECT id AS value FROM {table}")).all().await.unwrap();
        owned.extend(ids.into_iter().map(|id| id.0).filter(|id| is_id(id)));
    }
    for (table, columns) in &tables {
        if keep.contains(&table.as_str()) {
            continue;
        }
        let unique = unique(&mut tx, table).await;
        let list: Vec<_> = columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
        let places: Vec<_> = (1..=columns.len()).map(|place| format!("${place}")).collect();
        let insert =
            format!("INSERT OR IGNORE INTO {table} ({}) VALUES ({})", list.join(", "), places.join(", "));
        let rows =
            tx.query_built(format!("SELECT {} FROM {table} LIMIT 10", list.join(", "))).rows().await.unwrap();
        for row in &rows {
            let is_owned = |name: &String| {
                let column = columns.iter().find(|column| column.name == *name).unwrap();
                matches!(read(row, column), Value::Text(Some(text)) if owned.contains(&text))
            };
            let is_number = |name: &&String| {
                columns.iter().any(|column| column.name == **name && column.kind == "BIGINT")
            };
            // What is unique by an id that is another for each copy may stay as it is; so may the rest of what is
            // unique by a number.
            let changing: BTreeSet<&String> = unique
                .iter()
                .filter(|rule| !rule.iter().any(is_owned))
                .flat_map(|rule| match rule.iter().find(is_number) {
                    Some(number) => vec![number],
                    None => rule.iter().collect(),
                })
                .collect();
            for copy in copies.clone() {
                let cells = columns.iter().map(|column| match read(row, column) {
                    Value::Text(Some(text)) if owned.contains(&text) => Value::from(other_id(&text, copy)),
                    Value::Text(Some(text)) if changing.contains(&column.name) && !is_id(&text) => {
                        Value::from(format!("{text}{copy}"))
                    }
                    Value::Bytes(Some(bytes)) if changing.contains(&column.name) => {
                        Value::from([&bytes[..], &copy.to_be_bytes()[..]].concat())
                    }
                    // SQLite numbers the row itself.
                    Value::Int(Some(_)) if column.kind == "INTEGER" => Value::Int(None),
                    Value::Int(Some(number)) if changing.contains(&column.name) => {
                        Value::from(number + 1_000 * i64::try_from(copy).unwrap())
                    }
                    other => other,
                });
                tx.query_built(insert.clone()).bind_all(cells.collect::<Vec<_>>()).execute().await.unwrap();
            }
        }
    }
    tx.commit().await.unwrap();
}

/// Something of everything, through the API where that is possible.
async fn something(app: &App, admin: &Client) {
    app.member("operator").await;
    let camera = json!({"name": "Door", "enabled": false, "source": {"kind": "rtsp", "url": "rtsp://a:b@10.9.8.7/live"}});
    let camera = admin.post("/api/v1/surveillance/cameras", camera).await.expect(201).json();
    let invitation = json!({"email": "joan@example.org", "role": "user"});
    admin.post("/api/v1/invitations", invitation).await.expect(201);
    admin.post("/api/v1/auth/api-keys", json!({"name": "export"})).await.expect(201);
    let client =
        json!({"name": "Reports", "kind": "public", "redirect_uris": ["https://example.org/callback"]});
    let client = admin.post("/api/v1/oauth/clients", client).await.expect(201).json();
    admin.post("/api/v1/service-accounts", json!({"name": "export", "role": "user"})).await.expect(201);
    let workspace = admin.get("/api/v1/workspaces").await.expect(200).json()["items"][0]["id"].clone();
    let (camera, workspace) = (camera["id"].as_str().unwrap(), workspace.as_str().unwrap());
    let mut tx = app.platform.db.begin().await.unwrap();
    let series = "INSERT INTO surveillance_series (id, workspace_id, camera_id, camera_name, zone_id, zone_name, kind, severity, class, events)
         VALUES ('ser_00000000000000000000000001', $1, $2, 'Door', '', '', 'intrusion', 'high', 'person', 1)";
    tx.query(series).bind(workspace).bind(camera).execute().await.unwrap();
    let event = "INSERT INTO surveillance_events (id, workspace_id, series_id, camera_id, confidence, state, started_at, last_seen_at,
            ended_at, track_ids, clip_state, evidence)
         VALUES ('evt_00000000000000000000000001', $1, 'ser_00000000000000000000000001', $2, 0.9, 'ended', 1, 2, 2, '[]', 'none', $3)";
    let evidence =
        json!({"rule": {}, "polyline": [], "box": null, "scores": [], "model": null, "key_frame_at": null});
    tx.query(event).bind(workspace).bind(camera).bind(evidence.to_string()).execute().await.unwrap();
    let model = "INSERT INTO surveillance_models (id, workspace_id, name, sha256, size_bytes, family, input_width, input_height, classes,
            source, active, created_at)
         VALUES ('mdl_00000000000000000000000001', $1, 'm', '00', 1, 'yolox', 320, 320, '[\"person\"]', 'upload', $2, 1)";
    tx.query(model).bind(workspace).bind(false).execute().await.unwrap();
    let task = "INSERT INTO jobs_tasks (id, workspace_id, kind, queue, priority, state, args, run_at, max_attempts, timeout_ms, actor,
            request_id, locale, created_at, finished_at)
         VALUES ('task_00000000000000000000000001', $1, 'test.nothing', 'default', 1, 'SUCCEEDED', '{}', 1, 1, 1000, 'system:test', 'req', 'en', 1, 2)";
    tx.query(task).bind(workspace).execute().await.unwrap();
    let told = "INSERT INTO realtime_outbox (room, topic, workspace_id, data, at)
         VALUES ($1, 'surveillance.camera_health', $2, '{}', 1)";
    tx.query(told).bind(format!("workspace:{workspace}")).bind(workspace).execute().await.unwrap();
    let me = admin.get("/auth/me").await.expect(200).json();
    let consent = "INSERT INTO identity_oauth_consents (user_id, client_id, scopes, created_at, updated_at) VALUES ($1, $2, '[]', 1, 1)";
    let (user, client) = (me["id"].as_str().unwrap(), client["id"].as_str().unwrap());
    tx.query(consent).bind(user).bind(client).execute().await.unwrap();
    let notice =
        "INSERT INTO notifications_items (id, workspace_id, user_id, topic, level, title, body, created_at)
         VALUES ('ntf_00000000000000000000000001', $1, $2, 'surveillance.anomaly', 'info', $3, $3, 1)";
    let texts = json!({"en": "A test", "fr": "Un essai"}).to_string();
    tx.query(notice).bind(workspace).bind(me["id"].as_str().unwrap()).bind(texts).execute().await.unwrap();
    let webhook = "INSERT INTO notifications_webhooks (id, workspace_id, url, description, topics, secret, is_enabled, after_position, created_at)
         VALUES ('wh_00000000000000000000000001', $1, 'https://example.org/', '', '[\"*\"]', 'whsec_', $2, 0, 1)";
    tx.query(webhook).bind(workspace).bind(false).execute().await.unwrap();
    let delivery = "INSERT INTO notifications_deliveries (id, workspace_id, webhook_id, message_id, topic, payload, status, attempts, created_at)
         VALUES ('dlv_00000000000000000000000001', $1, 'wh_00000000000000000000000001', 'msg_00000000000000000000000001', 'settings.changed', '{}', 'failed', 1, 1)";
    tx.query(delivery).bind(workspace).execute().await.unwrap();
    tx.commit().await.unwrap();
    admin.put("/api/v1/settings/installation.name", json!({"value": "House"})).await.expect(200);
    let schedules = admin.get("/api/v1/schedules").await.expect(200).json();
    let first = schedules["items"][0]["name"].as_str().unwrap();
    admin.post(&format!("/api/v1/schedules/{first}/run"), json!({})).await.expect(202);
}

/// Every list: its path with names filled in, how many statements it took, and how many items it gave.
async fn lists(app: &App, client: &Client) -> BTreeMap<String, (u64, usize)> {
    let mut found = BTreeMap::new();
    let mut items = BTreeMap::new();
    // What an answer costs when nothing is kept.
    app.platform.cache.clear().await;
    for (path, operations) in app.openapi["paths"].as_object().unwrap() {
        let schema = &operations["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"];
        let Some(name) = schema.as_str().and_then(|name| name.rsplit('/').next()) else { continue };
        if !app.openapi["components"]["schemas"][name]["properties"]["items"].is_object() {
            continue;
        }
        let mut place = path.clone();
        if let Some((parent, rest)) = path.split_once("/{") {
            // A list under a list: of the first item there.
            let first = items.get(parent).map_or("none", String::as_str);
            place = format!("{parent}/{first}{}", rest.split_once('}').unwrap().1);
        }
        let answer = client.get(&place).await;
        if answer.status == 404 && place.contains("/none") {
            found.insert(path.clone(), (0, 0));
            continue;
        }
        let answer = answer.expect(200);
        let list = answer.json();
        let count = list["items"].as_array().unwrap().len();
        let first = &list["items"][0];
        if let Some(id) = first["id"].as_str().or(first["name"].as_str()) {
            items.insert(path.clone(), id.to_owned());
        }
        found.insert(path.clone(), (answer.header(STATEMENTS).parse().unwrap(), count));
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_cost_the_same_however_many_rows_there_are() {
    // How many statements a request gives is up to the code, not to the engine.
    let app = App::start(&TestEngine::Sqlite, modules()).await;
    let admin = app.admin().await;
    something(&app, &admin).await;
    // Once before, so that what is kept in memory is there both times.
    lists(&app, &admin).await;
    let few = lists(&app, &admin).await;
    assert!(few.len() >= 9, "{few:?}");
    multiply(&app.platform.db, 1..16, &["identity_workspaces", "identity_roles", "notifications_webhooks"])
        .await;
    multiply(&app.platform.db, 101..116, &["identity_workspaces", "identity_roles", "identity_users"]).await;
    for number in 0..12 {
        admin.post("/api/v1/workspaces", json!({"name": format!("Workspace {number}")})).await.expect(201);
    }
    lists(&app, &admin).await;
    let many = lists(&app, &admin).await;
    let mut faults = Vec::new();
    for (path, (statements, count)) in &many {
        let (before, count_before) = few[path];
        let line = format!("{path}: {before} statements for {count_before} items, {statements} for {count}");
        eprintln!("{line}");
        let is_fixed = FIXED.iter().any(|(fixed, _)| fixed == path);
        if *statements > before {
            faults.push(line);
        } else if !is_fixed && *count < count_before + 10 {
            faults.push(format!("{path} did not grow: give it rows in `something`, or say why not in FIXED"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    app.stop().await;
}
