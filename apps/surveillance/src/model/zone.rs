use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use vision::{ActiveHours, Anchor, Class, Day, Point, Rule, TimeOfDay, ZoneConfig, ZoneFault};

use super::{Faults, Severity, ZoneId};

/// What a zone watches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ZoneKind {
    Intrusion,
    Loitering,
    LineCrossing,
}

/// Which crossings of a line from its first point A to its second point B count: looking from A to B, `a_to_b` goes from
/// the left hand side to the right hand side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Direction {
    #[default]
    Both,
    AToB,
    BToA,
}

/// A weekly window. Later `from` than `to` runs over midnight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hours {
    /// 1 is Monday, 7 is Sunday; empty: every day.
    #[serde(default)]
    pub(crate) days: Vec<u8>,
    /// `HH:MM`, the camera's local time.
    pub(crate) from: String,
    /// `HH:MM`; `24:00` is the end of the day.
    pub(crate) to: String,
}

/// A zone as people write it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ZoneInput)]
pub(crate) struct ZoneDraft {
    /// Keep it to keep the zone's history; a zone without one is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) id: Option<ZoneId>,
    pub(crate) name: String,
    pub(crate) kind: ZoneKind,
    /// Corners of a polygon, or the two ends of a line, each in 0..1 of the picture's width and height.
    pub(crate) points: Vec<[f64; 2]>,
    /// Classes that count; empty: all. Default `["person"]`.
    #[serde(default = "person")]
    pub(crate) classes: Vec<String>,
    /// Intrusion: time inside before it counts, in milliseconds. Default 0.
    #[serde(default)]
    pub(crate) dwell_ms: u32,
    /// Loitering: time inside before it counts, in milliseconds. Default 30000.
    #[serde(default = "loiter_ms")]
    pub(crate) loiter_ms: u32,
    #[serde(default)]
    pub(crate) direction: Direction,
    /// No new event within this time after one ended, in milliseconds. Default 0.
    #[serde(default)]
    pub(crate) cooldown_ms: u32,
    /// Lowest mean score of what counts, 0..1. Default 0.3.
    #[serde(default = "min_score")]
    pub(crate) min_score: f64,
    #[serde(default)]
    pub(crate) severity: Severity,
    #[serde(default = "yes")]
    pub(crate) enabled: bool,
    /// When the zone watches; empty: always.
    #[serde(default)]
    pub(crate) hours: Vec<Hours>,
}

fn person() -> Vec<String> {
    vec!["person".to_owned()]
}
fn loiter_ms() -> u32 {
    30_000
}
fn min_score() -> f64 {
    0.3
}
fn yes() -> bool {
    true
}

/// A zone of a camera: a draft that was checked, with its id. Stored as JSON in the camera's row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Zone {
    pub(crate) id: ZoneId,
    #[serde(flatten)]
    pub(crate) body: ZoneBody,
}

/// A zone without its id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ZoneBody {
    pub(crate) name: String,
    pub(crate) kind: ZoneKind,
    pub(crate) points: Vec<[f64; 2]>,
    pub(crate) classes: Vec<String>,
    pub(crate) dwell_ms: u32,
    pub(crate) loiter_ms: u32,
    pub(crate) direction: Direction,
    pub(crate) cooldown_ms: u32,
    pub(crate) min_score: f64,
    pub(crate) severity: Severity,
    pub(crate) enabled: bool,
    pub(crate) hours: Vec<Hours>,
}

/// Names, classes and windows per zone at most.
const LIST_MAX: usize = 100;
/// A day, for times that people set.
const TIME_MAX_MS: u32 = 86_400_000;

impl Zone {
    /// Checks a camera's zones; the geometry by the engine that will use it. Pointers begin with the zone's index.
    pub(crate) fn parse_all(drafts: Vec<ZoneDraft>, now: Timestamp) -> Result<Vec<Zone>, Faults> {
        let mut faults = Faults::default();
        faults.check(
            drafts.len() <= vision::ZONES_MAX,
            "",
            &format!("a camera has at most {} zones", vision::ZONES_MAX),
        );
        let mut zones: Vec<Zone> = Vec::with_capacity(drafts.len());
        for (index, draft) in drafts.into_iter().enumerate() {
            let mut found = Faults::default();
            let zone = Zone::parse(draft, now, &mut found);
            found.check(
                zones.iter().all(|other| other.id != zone.id),
                "/id",
                "another zone of this camera has the same id",
            );
            faults.under(&format!("/{index}"), found);
            zones.push(zone);
        }
        faults.done(zones)
    }

    fn parse(draft: ZoneDraft, now: Timestamp, faults: &mut Faults) -> Zone {
        let name = draft.name.trim().to_owned();
        faults.check((1..=100).contains(&name.chars().count()), "/name", "must be 1 to 100 characters");
        faults.check(draft.classes.len() <= LIST_MAX, "/classes", "are too many");
        faults.check(
            draft.classes.iter().all(|class| (1..=60).contains(&class.len())),
            "/classes",
            "must be 1 to 60 characters each",
        );
        faults.check(draft.hours.len() <= LIST_MAX, "/hours", "are too many");
        for (field, value) in [
            ("/dwell_ms", draft.dwell_ms),
            ("/loiter_ms", draft.loiter_ms),
            ("/cooldown_ms", draft.cooldown_ms),
        ] {
            faults.check(value <= TIME_MAX_MS, field, "must be at most 86400000 (one day)");
        }
        for (index, hours) in draft.hours.iter().enumerate() {
            faults.check(
                hours.to_engine().is_some(),
                &format!("/hours/{index}"),
                "needs days from 1 (Monday) to 7 and times as HH:MM",
            );
        }
        let zone = Zone {
            id: draft.id.unwrap_or_else(|| ZoneId::new(now)),
            body: ZoneBody {
                name,
                kind: draft.kind,
                points: draft.points,
                classes: draft.classes,
                dwell_ms: draft.dwell_ms,
                loiter_ms: draft.loiter_ms,
                direction: draft.direction,
                cooldown_ms: draft.cooldown_ms,
                min_score: draft.min_score,
                severity: draft.severity,
                enabled: draft.enabled,
                hours: draft.hours,
            },
        };
        match zone.to_engine(Looks::Model) {
            None => faults.check(false, "/points", "a line needs exactly two points"),
            Some(engine) => {
                if let Err(error) = engine.validate() {
                    let field = match error.fault {
                        ZoneFault::Score(_) => "/min_score",
                        _ => "/points",
                    };
                    faults.check(false, field, &error.fault.to_string());
                }
            }
        }
        zone
    }

    pub(crate) fn into_draft(self) -> ZoneDraft {
        let body = self.body;
        ZoneDraft {
            id: Some(self.id),
            name: body.name,
            kind: body.kind,
            points: body.points,
            classes: body.classes,
            dwell_ms: body.dwell_ms,
            loiter_ms: body.loiter_ms,
            direction: body.direction,
            cooldown_ms: body.cooldown_ms,
            min_score: body.min_score,
            severity: body.severity,
            enabled: body.enabled,
            hours: body.hours,
        }
    }

    /// The engine's form; `None` when a line has not two points.
    pub(crate) fn to_engine(&self, looks: Looks) -> Option<ZoneConfig> {
        let body = &self.body;
        let points: Vec<Point> = body.points.iter().map(|[x, y]| Point::new(*x as f32, *y as f32)).collect();
        let anchor = Anchor::Foot;
        let rule = match body.kind {
            ZoneKind::Intrusion => Rule::Intrusion { polygon: points, dwell_ms: body.dwell_ms, anchor },
            ZoneKind::Loitering => Rule::Loitering { polygon: points, dwell_ms: body.loiter_ms, anchor },
            ZoneKind::LineCrossing => {
                let direction = match body.direction {
                    Direction::Both => vision::Direction::Both,
                    Direction::AToB => vision::Direction::Forward,
                    Direction::BToA => vision::Direction::Backward,
                };
                Rule::LineCrossing { line: points.try_into().ok()?, direction, anchor }
            }
        };
        let mut zone = ZoneConfig::new(self.id.to_string(), rule);
        zone.name.clone_from(&body.name);
        zone.enabled = body.enabled;
        zone.severity = body.severity.to_engine();
        zone.cooldown_ms = body.cooldown_ms;
        zone.hours = body.hours.iter().filter_map(Hours::to_engine).collect();
        match looks {
            Looks::Model => {
                zone.classes = body.classes.iter().map(|class| Class::from(class.as_str())).collect();
                zone.min_score = body.min_score as f32;
            }
            // Motion knows neither classes nor scores that mean anything: whatever moves counts.
            Looks::Motion => zone.min_score = 0.0,
        }
        Some(zone)
    }
}

/// What looks at the pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Looks {
    Model,
    Motion,
}

impl Hours {
    fn to_engine(&self) -> Option<ActiveHours> {
        let days: Option<Vec<Day>> = self
            .days
            .iter()
            .map(|day| (1..=7).contains(day).then(|| Day::from_monday_zero(usize::from(*day) - 1)))
            .collect();
        Some(ActiveHours {
            days: days?,
            from: TimeOfDay::parse(&self.from)?,
            to: TimeOfDay::parse(&self.to)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(kind: ZoneKind, points: &[[f64; 2]]) -> ZoneDraft {
        let text = serde_json::json!({ "name": "Door", "kind": kind, "points": points });
        serde_json::from_value(text).unwrap()
    }

    fn faults(drafts: Vec<ZoneDraft>) -> Vec<String> {
        let now = Timestamp::UNIX_EPOCH;
        Zone::parse_all(drafts, now)
            .err()
            .map_or(vec![], |faults| faults.0.into_iter().map(|f| f.pointer).collect())
    }

    const SQUARE: [[f64; 2]; 4] = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]];

    #[test]
    fn geometry_is_refused_at_its_place() {
        let good = draft(ZoneKind::Intrusion, &SQUARE);
        assert_eq!(faults(vec![good.clone()]), Vec::<String>::new());
        assert_eq!(faults(vec![draft(ZoneKind::Intrusion, &SQUARE[..2])]), ["/0/points"]);
        let crossing = [SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3]];
        assert_eq!(faults(vec![good.clone(), draft(ZoneKind::Loitering, &crossing)]), ["/1/points"]);
        assert_eq!(
            faults(vec![draft(ZoneKind::Intrusion, &[[0.0, 0.0], [1.2, 0.0], [0.0, 1.0]])]),
            ["/0/points"]
        );
        assert_eq!(faults(vec![draft(ZoneKind::LineCrossing, &SQUARE[..3])]), ["/0/points"]);
        assert_eq!(faults(vec![draft(ZoneKind::LineCrossing, &SQUARE[..2])]), Vec::<String>::new());
    }

    #[test]
    fn other_fields_are_checked_too() {
        let mut bad = draft(ZoneKind::Intrusion, &SQUARE);
        bad.name = " ".into();
        bad.min_score = 7.0;
        bad.hours = vec![Hours { days: vec![8], from: "22:00".into(), to: "06:00".into() }];
        assert_eq!(faults(vec![bad]), ["/0/name", "/0/hours/0", "/0/min_score"]);
        let mut twice = draft(ZoneKind::Intrusion, &SQUARE);
        twice.id = Some(ZoneId::new(Timestamp::UNIX_EPOCH));
        assert_eq!(faults(vec![twice.clone(), twice]), ["/1/id"]);
    }

    #[test]
    fn a_zone_survives_its_json() {
        let zones =
            Zone::parse_all(vec![draft(ZoneKind::Intrusion, &SQUARE)], Timestamp::UNIX_EPOCH).unwrap();
        let text = serde_json::to_string(&zones).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Zone>>(&text).unwrap(), zones);
    }

    #[test]
    fn without_a_model_whatever_moves_counts() {
        let zones =
            Zone::parse_all(vec![draft(ZoneKind::Intrusion, &SQUARE)], Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(zones[0].to_engine(Looks::Model).unwrap().classes, [Class::from("person")]);
        assert!(zones[0].to_engine(Looks::Motion).unwrap().classes.is_empty());
    }
}
