//! What people draw and set: zones and lines with their rule and parameters, and the check before use.

use serde::{Deserialize, Serialize};

use super::hours::ActiveHours;
use crate::class::Class;
use crate::geometry::{BBox, Point, polygon_area, polygon_crosses_itself};

/// The most corners of a polygon, and the most zones of one camera.
pub const CORNERS_MAX: usize = 64;
pub const ZONES_MAX: usize = 64;

/// The part of a box that must be in the zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    /// Middle of the lower edge: where somebody stands. Right for zones drawn on the ground.
    #[default]
    Foot,
    Center,
}

impl Anchor {
    /// The anchor of `bbox` in normalised coordinates.
    pub fn of(self, bbox: &BBox, width: f32, height: f32) -> Point {
        let p = match self {
            Anchor::Foot => bbox.foot(),
            Anchor::Center => bbox.center(),
        };
        // A foot below the picture's edge stands on the edge.
        Point::new((p.x / width).clamp(0.0, 1.0), (p.y / height).clamp(0.0, 0.999_99))
    }
}

/// Which crossings of a line count. Looking from the line's first point to its second, `forward` goes from the
/// left hand to the right hand side as seen on the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Forward,
    Backward,
    #[default]
    Both,
}

/// The rule of a zone with its geometry in normalised coordinates (0.0..=1.0 of width and height).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Rule {
    /// Somebody is in the polygon for at least `dwell_ms`.
    Intrusion {
        polygon: Vec<Point>,
        #[serde(default)]
        dwell_ms: u32,
        #[serde(default)]
        anchor: Anchor,
    },
    /// The same person stays in the polygon for at least `dwell_ms` (30 s unless told).
    Loitering {
        polygon: Vec<Point>,
        #[serde(default = "loitering_ms")]
        dwell_ms: u32,
        #[serde(default)]
        anchor: Anchor,
    },
    /// Somebody crosses the line.
    LineCrossing {
        line: [Point; 2],
        #[serde(default)]
        direction: Direction,
        #[serde(default)]
        anchor: Anchor,
    },
}

fn loitering_ms() -> u32 {
    30_000
}

/// What becomes one anomaly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Merge {
    /// One anomaly for each person's stay, however often the track's id breaks inside.
    #[default]
    Stay,
    /// One anomaly for the zone, as long as anybody is in it.
    Zone,
}

/// How grave an anomaly is. The zone says; nothing here raises it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Low,
    #[default]
    Medium,
    High,
    Critical,
}

/// One zone or line of a camera.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoneConfig {
    /// Unique on the camera; anomalies name it.
    pub id: String,
    /// For people. Empty: the id is shown.
    #[serde(default)]
    pub name: String,
    #[serde(default = "yes")]
    pub enabled: bool,
    pub rule: Rule,
    /// Classes that count; empty: all.
    #[serde(default)]
    pub classes: Vec<Class>,
    /// Lowest mean detection score of a track that counts, 0.0..=1.0.
    #[serde(default = "min_score")]
    pub min_score: f32,
    /// When the zone watches; empty: always.
    #[serde(default)]
    pub hours: Vec<ActiveHours>,
    #[serde(default)]
    pub severity: Severity,
    #[serde(default)]
    pub merge: Merge,
    /// No new anomaly within this time after one ended.
    #[serde(default)]
    pub cooldown_ms: u32,
    /// Consecutive sightings inside (or beyond the line) before they count: a box that flickers over the
    /// border does not.
    #[serde(default = "enter_frames")]
    pub enter_frames: u16,
    /// How long a zone must be empty before its anomaly ends. Longer than the entry on purpose (hysteresis);
    /// gaps shorter than this, and broken track ids, stay one anomaly.
    #[serde(default = "leave_ms")]
    pub leave_ms: u32,
    /// Fastest plausible motion in box heights per second; a box that jumps faster is not believed.
    #[serde(default = "max_speed")]
    pub max_speed: f32,
}

fn yes() -> bool {
    true
}
fn min_score() -> f32 {
    0.3
}
fn enter_frames() -> u16 {
    3
}
fn leave_ms() -> u32 {
    2_000
}
fn max_speed() -> f32 {
    6.0
}

/// What is wrong with a zone, and which one.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("zone {zone:?}: {fault}")]
pub struct ZoneError {
    pub zone: String,
    pub fault: ZoneFault,
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ZoneFault {
    #[error("the id is empty")]
    EmptyId,
    #[error("another zone has the same id")]
    DuplicateId,
    #[error("there are more than {ZONES_MAX} zones")]
    TooManyZones,
    #[error("a polygon needs 3 distinct points, this one has {0}")]
    TooFewPoints(usize),
    #[error("a polygon may have {CORNERS_MAX} points, this one has {0}")]
    TooManyPoints(usize),
    #[error("point {index} ({x}, {y}) is outside 0..1")]
    OutsidePicture { index: usize, x: f32, y: f32 },
    #[error("the outline crosses itself")]
    CrossesItself,
    #[error("the polygon has no area")]
    NoArea,
    #[error("a line needs two distinct points")]
    PointLine,
    #[error("min_score {0} is outside 0..1")]
    Score(f32),
    #[error("max_speed {0} is not above 0")]
    Speed(f32),
}

impl ZoneConfig {
    /// A zone with the default parameters.
    pub fn new(id: impl Into<String>, rule: Rule) -> Self {
        Self {
            id: id.into(),
            name: String::new(),
            enabled: true,
            rule,
            classes: Vec::new(),
            min_score: min_score(),
            hours: Vec::new(),
            severity: Severity::default(),
            merge: Merge::default(),
            cooldown_ms: 0,
            enter_frames: enter_frames(),
            leave_ms: leave_ms(),
            max_speed: max_speed(),
        }
    }

    /// Checks geometry and ranges; the first fault is returned.
    pub fn validate(&self) -> Result<(), ZoneError> {
        self.fault().map_or(Ok(()), |fault| Err(ZoneError { zone: self.id.clone(), fault }))
    }

    fn fault(&self) -> Option<ZoneFault> {
        if self.id.trim().is_empty() {
            return Some(ZoneFault::EmptyId);
        }
        if !(0.0..=1.0).contains(&self.min_score) {
            return Some(ZoneFault::Score(self.min_score));
        }
        if !(self.max_speed.is_finite() && self.max_speed > 0.0) {
            return Some(ZoneFault::Speed(self.max_speed));
        }
        match &self.rule {
            Rule::Intrusion { polygon, .. } | Rule::Loitering { polygon, .. } => polygon_fault(polygon),
            Rule::LineCrossing { line, .. } => {
                outside(line).or_else(|| (line[0].distance(line[1]) < 1e-4).then_some(ZoneFault::PointLine))
            }
        }
    }
}

fn outside(points: &[Point]) -> Option<ZoneFault> {
    let index = points.iter().position(|p| !p.is_normalised())?;
    Some(ZoneFault::OutsidePicture { index, x: points[index].x, y: points[index].y })
}

fn polygon_fault(polygon: &[Point]) -> Option<ZoneFault> {
    if polygon.len() > CORNERS_MAX {
        return Some(ZoneFault::TooManyPoints(polygon.len()));
    }
    let distinct = polygon.iter().enumerate().filter(|(i, p)| !polygon[..*i].contains(p)).count();
    if distinct < 3 {
        return Some(ZoneFault::TooFewPoints(distinct));
    }
    if let Some(fault) = outside(polygon) {
        return Some(fault);
    }
    if distinct < polygon.len() || polygon_crosses_itself(polygon) {
        return Some(ZoneFault::CrossesItself);
    }
    (polygon_area(polygon) < 1e-6).then_some(ZoneFault::NoArea)
}

/// Checks every zone and that their ids differ.
pub fn validate_zones(zones: &[ZoneConfig]) -> Result<(), ZoneError> {
    let fail = |zone: &ZoneConfig, fault| Err(ZoneError { zone: zone.id.clone(), fault });
    for (i, zone) in zones.iter().enumerate() {
        if i >= ZONES_MAX {
            return fail(zone, ZoneFault::TooManyZones);
        }
        zone.validate()?;
        if zones[..i].iter().any(|other| other.id == zone.id) {
            return fail(zone, ZoneFault::DuplicateId);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polygon(points: &[(f32, f32)]) -> Rule {
        Rule::Intrusion {
            polygon: points.iter().map(|&(x, y)| Point::new(x, y)).collect(),
            dwell_ms: 0,
            anchor: Anchor::Foot,
        }
    }

    fn fault(rule: Rule) -> Option<ZoneFault> {
        ZoneConfig::new("door", rule).validate().err().map(|e| e.fault)
    }

    #[test]
    fn faults_say_what_is_wrong() {
        assert_eq!(fault(polygon(&[(0.0, 0.0), (1.0, 0.0), (0.5, 1.0)])), None);
        assert_eq!(fault(polygon(&[(0.0, 0.0), (1.0, 0.0)])), Some(ZoneFault::TooFewPoints(2)));
        assert_eq!(
            fault(polygon(&[(0.0, 0.0), (1.0, 0.0), (1.0, 0.0), (0.0, 0.0)])),
            Some(ZoneFault::TooFewPoints(2))
        );
        assert_eq!(
            fault(polygon(&[(0.0, 0.0), (1.5, 0.0), (0.5, 1.0)])),
            Some(ZoneFault::OutsidePicture { index: 1, x: 1.5, y: 0.0 })
        );
        assert!(matches!(
            fault(polygon(&[(0.0, 0.0), (f32::NAN, 0.0), (0.5, 1.0)])),
            Some(ZoneFault::OutsidePicture { index: 1, .. })
        ));
        assert_eq!(
            fault(polygon(&[(0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0)])),
            Some(ZoneFault::CrossesItself)
        );
        assert_eq!(fault(polygon(&[(0.1, 0.1), (0.2, 0.2), (0.3, 0.3)])), Some(ZoneFault::CrossesItself));
        let line = [Point::new(0.5, 0.5); 2];
        assert_eq!(
            fault(Rule::LineCrossing { line, direction: Direction::Both, anchor: Anchor::Foot }),
            Some(ZoneFault::PointLine)
        );
    }

    #[test]
    fn errors_name_the_zone() {
        let zone = ZoneConfig::new("door", polygon(&[(0.0, 0.0), (1.0, 0.0)]));
        assert_eq!(
            zone.validate().unwrap_err().to_string(),
            "zone \"door\": a polygon needs 3 distinct points, this one has 2"
        );
        let good = ZoneConfig::new("door", polygon(&[(0.0, 0.0), (1.0, 0.0), (0.5, 1.0)]));
        assert_eq!(validate_zones(&[good.clone(), good]).unwrap_err().fault, ZoneFault::DuplicateId);
    }

    #[test]
    fn zones_read_with_defaults_and_refuse_unknown_names() {
        let text =
            r#"{"id":"gate","rule":{"kind":"line_crossing","line":[{"x":0,"y":0.5},{"x":1,"y":0.5}]}}"#;
        let zone: ZoneConfig = serde_json::from_str(text).unwrap();
        assert_eq!(zone, ZoneConfig::new("gate", zone.rule.clone()));
        assert!(serde_json::from_str::<ZoneConfig>(&text.replace("\"id\"", "\"colour\":1,\"id\"")).is_err());
    }
}
