//! Lists, filters and figures over events that are written into the tables as the analysis writes them.

use kernel::{Id, Timestamp, id_kind};
use serde_json::{Value, json};
use testkit::{App, Client};

use crate::{path, switched_off, text, with_admin};

id_kind! { EventTag = "evt" => EventId }
id_kind! { SeriesTag = "ser" => SeriesId }
id_kind! { ZoneTag = "zone" => ZoneId }

const HOUR_US: i64 = 3_600_000_000;

struct Seeded {
    cameras: [String; 2],
    zone: String,
    start: Timestamp,
}

fn at(us: i64) -> Timestamp {
    Timestamp::from_microsecond(us).unwrap()
}

/// Thirty events, one an hour: of two cameras in turn, every third a line crossing.
async fn seed(app: &App, admin: &Client) -> Seeded {
    let mut cameras = Vec::new();
    for name in ["Back door", "Yard"] {
        let made = admin.post(&path("cameras"), switched_off(name)).await.expect(201).json();
        cameras.push(text(&made["id"]));
    }
    let me = admin.get("/api/v1/auth/me").await.expect(200).json();
    let workspace = text(&me["workspace"]["id"]);
    let start = at(kernel::Clock::now(&*app.clock).as_microsecond() / HOUR_US * HOUR_US - 40 * HOUR_US);
    let zone = ZoneId::new(start).to_string();
    let mut tx = app.platform.db.begin().await.unwrap();
    let mut series = Vec::new();
    for (index, (kind, severity)) in [("intrusion", "high"), ("line_crossing", "low")].into_iter().enumerate()
    {
        for (camera, name) in cameras.iter().zip(["Back door", "Yard"]) {
            let id: SeriesId = Id::new(start);
            tx.query(
                "INSERT INTO surveillance_series (id, workspace_id, camera_id, camera_name, zone_id, zone_name, kind, severity, class, events)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'person', 1)",
            )
            .bind(id).bind(&workspace).bind(camera).bind(name).bind(&zone).bind("Porch").bind(kind).bind(severity)
            .execute().await.unwrap();
            series.push((index, camera.clone(), id));
        }
    }
    for number in 0..30_i64 {
        let (_, camera, id) = series
            .iter()
            .find(|(index, camera, _)| {
                *index == usize::from(number % 3 == 0) && *camera == cameras[(number % 2) as usize]
            })
            .unwrap();
        let started = at(start.as_microsecond() + number * HOUR_US);
        tx.query(
            "INSERT INTO surveillance_events (id, workspace_id, series_id, camera_id, confidence, state, started_at, last_seen_at,
             ended_at, track_ids, clip_state, evidence) VALUES ($1, $2, $3, $4, 0.5, 'ended', $5, $5, $5, '[1]', 'none', $6)",
        )
        .bind(EventId::new(started)).bind(&workspace).bind(*id).bind(camera).bind(started)
        .bind(r#"{"rule":{},"polyline":[],"box":null,"scores":[],"model":null,"key_frame_at":null}"#)
        .execute().await.unwrap();
        for (grain, seconds) in [("span", 32 * 86_400), ("day", 86_400), ("hour", 3_600)] {
            tx.query(
                "INSERT INTO surveillance_counts (workspace_id, grain, bucket, series_id, events, acknowledged) VALUES ($1, $2, $3, $4, 1, 0)
                 ON CONFLICT (workspace_id, grain, bucket, series_id) DO UPDATE SET events = surveillance_counts.events + 1",
            )
            .bind(&workspace).bind(grain).bind(started.as_second().div_euclid(seconds) * seconds).bind(*id)
            .execute().await.unwrap();
        }
        for (grain, seconds) in [("day", 86_400), ("hour", 3_600)] {
            tx.query(
                "INSERT INTO surveillance_totals (workspace_id, grain, bucket, events) VALUES ($1, $2, $3, 1)
                 ON CONFLICT (workspace_id, grain, bucket) DO UPDATE SET events = surveillance_totals.events + 1",
            )
            .bind(&workspace)
            .bind(grain)
            .bind(started.as_second().div_euclid(seconds) * seconds)
            .execute()
            .await
            .unwrap();
        }
    }
    tx.commit().await.unwrap();
    let cameras = cameras.try_into().unwrap();
    Seeded { cameras, zone, start }
}

/// All pages of a list, walked by the cursor.
async fn walk(client: &Client, filter: &str, limit: u32) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    let mut cursor = String::new();
    loop {
        let page =
            client.get(&path(&format!("events?limit={limit}&{filter}{cursor}"))).await.expect(200).json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= limit as usize);
        found.extend(items.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_each_event_once_whatever_the_filter() {
    with_admin(async |app, admin| {
        let seeded = seed(app, admin).await;
        let check = async |filter: &str, expected: usize| {
            let whole = walk(admin, filter, 100).await;
            let pieces = walk(admin, filter, 4).await;
            assert_eq!(whole.len(), expected, "{filter}");
            assert_eq!(whole, pieces, "{filter}");
            assert!(
                whole.is_sorted_by_key(|event| std::cmp::Reverse(text(&event["started_at"]))),
                "{filter}"
            );
        };
        check("", 30).await;
        check(&format!("camera_id={}", seeded.cameras[0]), 15).await;
        check("kind=line_crossing", 10).await;
        check("severity=high", 20).await;
        check(&format!("zone_id={}", seeded.zone), 30).await;
        check("text=back", 15).await;
        check("text=porch", 30).await;
        check("text=nothing", 0).await;
        check(&format!("camera_id={}&kind=line_crossing", seeded.cameras[1]), 5).await;
        check("acknowledged=false", 30).await;
        check("acknowledged=true", 0).await;
        let from = at(seeded.start.as_microsecond() + 10 * HOUR_US);
        check(&format!("from={from}"), 20).await;
        check(&format!("to={from}&kind=intrusion"), 6).await;
        for wrong in [
            "limit=0",
            "limit=101",
            "kind=party",
            "camera=x",
            "cursor=abc",
            "from=yesterday",
            "camera_id=evt_1",
        ] {
            admin.get(&path(&format!("events?{wrong}"))).await.expect(400);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_acknowledged_once() {
    with_admin(async |app, admin| {
        seed(app, admin).await;
        let all = walk(admin, "", 100).await;
        let id = text(&all[0]["id"]);
        let one = path(&format!("events/{id}"));
        let unacknowledged = async || {
            let stats = admin.get(&path("stats")).await.expect(200).json();
            stats["events"]["unacknowledged"].as_u64().unwrap()
        };
        assert_eq!(unacknowledged().await, 30);
        let done = admin
            .post(&format!("{one}/acknowledge"), json!({ "comment": "the postman" }))
            .await
            .expect(200)
            .json();
        assert_eq!(done["acknowledged"]["comment"], "the postman");
        assert_eq!(unacknowledged().await, 29, "statistics are kept, and forgotten when they change");
        let again = admin
            .post(&format!("{one}/acknowledge"), json!({ "comment": "the cat" }))
            .await
            .expect(200)
            .json();
        assert_eq!(again["acknowledged"], done["acknowledged"], "the first one stays");
        assert_eq!(
            walk(admin, "acknowledged=true&text=door", 10).await.len()
                + walk(admin, "acknowledged=true&text=yard", 10).await.len(),
            1
        );

        let ids: Vec<&Value> = all.iter().take(5).map(|event| &event["id"]).collect();
        let many = admin.post(&path("events/acknowledge"), json!({ "ids": ids })).await.expect(200).json();
        assert_eq!(many["acknowledged"], 4);
        let stats = admin.get(&path("stats")).await.expect(200).json();
        assert_eq!(stats["events"], json!({ "total": 30, "unacknowledged": 25, "active": 0 }));

        let long = "x".repeat(2_001);
        admin.post(&format!("{one}/acknowledge"), json!({ "comment": long })).await.expect(422);
        let other = app.admin_elsewhere().await;
        other.get(&one).await.expect(404);
        other.post(&format!("{one}/acknowledge"), json!({})).await.expect(404);
        let foreign =
            other.post(&path("events/acknowledge"), json!({ "ids": [id] })).await.expect(200).json();
        assert_eq!(foreign["acknowledged"], 0);
        assert!(walk(&other, "", 10).await.is_empty());
        for media in ["snapshot.jpg", "clip.mp4"] {
            other.get(&format!("{one}/{media}")).await.expect(404);
            admin.get(&format!("{one}/{media}")).await.expect(404);
        }
        app.member("user").await.post(&format!("{one}/acknowledge"), json!({})).await.expect(403);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_add_up() {
    with_admin(async |app, admin| {
        let seeded = seed(app, admin).await;
        let stats = admin.get(&path("stats")).await.expect(200).json();
        assert_eq!(stats["by_kind"], json!({ "intrusion": 20, "line_crossing": 10 }));
        assert_eq!(stats["cameras"], json!({ "total": 2, "online": 0 }));
        assert_eq!(stats["by_hour"].as_array().unwrap().len(), 30);
        let sum = |name: &str| {
            stats[name].as_array().unwrap().iter().map(|row| row["count"].as_u64().unwrap()).sum::<u64>()
        };
        assert_eq!((sum("by_hour"), sum("by_day"), sum("by_camera")), (30, 30, 30));
        let from = at(seeded.start.as_microsecond() + 5 * HOUR_US);
        let to = at(seeded.start.as_microsecond() + 28 * HOUR_US);
        let some = admin.get(&path(&format!("stats?from={from}&to={to}"))).await.expect(200).json();
        assert_eq!(some["events"]["total"], 23);
        let far = admin.get(&path("stats?from=2020-01-01T00:00:00Z")).await.expect(200).json();
        assert_eq!((&far["events"]["total"], &far["by_hour"]), (&json!(30), &json!([])));
        let none = admin.get(&path(&format!("stats?from={to}&to={from}"))).await.expect(200).json();
        assert_eq!(none["events"]["total"], 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_holds_every_event_and_no_formula() {
    with_admin(async |app, admin| {
        let seeded = seed(app, admin).await;
        let one = path(&format!("cameras/{}", seeded.cameras[1]));
        admin.patch(&one, json!({ "name": "=cmd(), \"x\"" })).await.expect(200);
        let csv = admin.get(&path("events.csv?kind=intrusion")).await.expect(200);
        assert!(csv.header("content-type").starts_with("text/csv"));
        let csv = csv.text();
        let lines: Vec<&str> = csv.split("\r\n").collect();
        assert_eq!((lines.len(), lines[21]), (22, ""), "a header, twenty rows, a line feed at the end");
        assert!(lines[0].starts_with("id,started_at,"));
        assert!(csv.contains(",\"'=cmd(), \"\"x\"\"\","), "{csv}");
        assert!(!csv.contains(",=cmd"));
        let other = app.admin_elsewhere().await;
        assert_eq!(other.get(&path("events.csv")).await.expect(200).text().lines().count(), 1);
    })
    .await;
}
