//! Zone rules: pure functions over tracks that put out anomalies with a life.
//!
//! One anomaly per stay of a person (or per zone, see [`Merge`]), whatever happens to track ids: who vanishes
//! inside and appears again near by goes on. An anomaly starts when a track has satisfied the rule for
//! `enter_frames` sightings, is updated when tracks join or a better picture comes along, and ends when nobody of
//! it has been seen in the zone for `leave_ms`.

mod anomaly;
mod crossing;
mod hours;
mod presence;
mod zone;

pub use anomaly::{
    Anomaly, AnomalyKind, Crossings, Event, Evidence, Moment, Phase, TRACKS_MAX, TrackEvidence,
};
pub use hours::{ActiveHours, Day, LocalTime, TimeOfDay, is_active};
pub use zone::{
    Anchor, CORNERS_MAX, Direction, Merge, Rule, Severity, ZONES_MAX, ZoneConfig, ZoneError, ZoneFault,
    validate_zones,
};

use crate::class::Class;
use crate::frame::Frame;
use crate::track::{Track, TrackId, TrackState};
use crossing::Crossing;
use presence::Presence;

/// What the rules look at in one step.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    pub time_us: i64,
    /// Picture size in pixels.
    pub width: f32,
    pub height: f32,
    pub local: LocalTime,
    pub tracks: &'a [Track],
    /// Used for the sharpness of best moments; without it size and score decide.
    pub frame: Option<&'a Frame>,
}

/// What a zone's own rule found in this step.
#[derive(Debug, Default)]
struct Sighting {
    /// Tracks that satisfy the rule now, with the time since when, and the crossing's direction for lines.
    satisfied: Vec<Satisfied>,
}

#[derive(Clone, Debug)]
struct Satisfied {
    /// Names the stay or the walker; the same after a broken id.
    key: u64,
    track: TrackId,
    since_us: i64,
    seen_us: i64,
    crossed: Option<Direction>,
}

#[derive(Clone, Debug)]
enum Watch {
    Presence(Presence),
    Crossing(Crossing),
}

impl Watch {
    fn new(zone: &ZoneConfig) -> Self {
        match zone.rule {
            Rule::LineCrossing { .. } => Self::Crossing(Crossing::default()),
            _ => Self::Presence(Presence::default()),
        }
    }
}

/// An anomaly that goes on, with the key of its stay (0 when the zone merges everything).
#[derive(Clone, Debug)]
struct Active {
    key: u64,
    anomaly: Anomaly,
}

/// One zone at work.
#[derive(Clone, Debug)]
struct ZoneState {
    config: ZoneConfig,
    watch: Watch,
    active: Vec<Active>,
    quiet_until_us: i64,
    totals: Crossings,
}

/// All zones of one camera at work. Deterministic; memory is bounded by zones × tracks.
#[derive(Clone, Debug)]
pub struct Rules {
    zones: Vec<ZoneState>,
    next_id: u64,
}

impl Rules {
    pub fn new(zones: Vec<ZoneConfig>) -> Result<Self, ZoneError> {
        validate_zones(&zones)?;
        Ok(Self { zones: zones.into_iter().map(ZoneState::new).collect(), next_id: 1 })
    }

    /// Replaces the zones while running. A zone that is the same as before goes on; anomalies of zones that are
    /// gone or were redrawn end at `time_us`. On an error nothing changes.
    pub fn set_zones(&mut self, zones: Vec<ZoneConfig>, time_us: i64) -> Result<Vec<Event>, ZoneError> {
        validate_zones(&zones)?;
        let mut old = std::mem::take(&mut self.zones);
        self.zones = zones
            .into_iter()
            .map(|zone| match old.iter().position(|o| o.config == zone) {
                Some(index) => old.swap_remove(index),
                None => {
                    let totals = old.iter().find(|o| o.config.id == zone.id).map(|o| o.totals);
                    ZoneState { totals: totals.unwrap_or_default(), ..ZoneState::new(zone) }
                }
            })
            .collect();
        let mut events: Vec<Event> = old.iter_mut().flat_map(|zone| zone.end_all(time_us)).collect();
        events.sort_by_key(|event| event.anomaly.id);
        Ok(events)
    }

    pub fn zones(&self) -> impl Iterator<Item = &ZoneConfig> {
        self.zones.iter().map(|zone| &zone.config)
    }

    /// Anomalies that have started and not ended.
    pub fn active(&self) -> impl Iterator<Item = &Anomaly> {
        self.zones.iter().flat_map(|zone| zone.active.iter().map(|active| &active.anomaly))
    }

    /// Crossings of each line since the start, by zone id.
    pub fn counts(&self) -> impl Iterator<Item = (&str, Crossings)> {
        self.zones
            .iter()
            .filter(|zone| matches!(zone.watch, Watch::Crossing(_)))
            .map(|zone| (zone.config.id.as_str(), zone.totals))
    }

    /// One step; at most one event per anomaly.
    pub fn step(&mut self, scene: &Scene<'_>) -> Vec<Event> {
        self.zones.iter_mut().flat_map(|zone| zone.step(scene, &mut self.next_id)).collect()
    }

    /// Ends whatever is active, for the end of a stream.
    pub fn finish(&mut self, time_us: i64) -> Vec<Event> {
        self.zones.iter_mut().flat_map(|zone| zone.end_all(time_us)).collect()
    }
}

impl ZoneState {
    fn new(config: ZoneConfig) -> Self {
        Self {
            watch: Watch::new(&config),
            config,
            active: Vec::new(),
            quiet_until_us: i64::MIN,
            totals: Crossings::default(),
        }
    }

    /// Whether the zone looks at this track at all.
    fn counts(config: &ZoneConfig, track: &Track) -> bool {
        (track.is_reported() || (track.state() == TrackState::Lost && !track.is_distrusted()))
            && track.has_moved()
            && track.score_mean() >= config.min_score
            && (config.classes.is_empty() || config.classes.contains(track.class()))
    }

    fn step(&mut self, scene: &Scene<'_>, next_id: &mut u64) -> Vec<Event> {
        let watching = self.config.enabled && is_active(&self.config.hours, scene.local);
        let sighting = match &mut self.watch {
            Watch::Presence(presence) => presence.step(&self.config, scene),
            Watch::Crossing(crossing) => crossing.step(&self.config, scene),
        };
        for crossed in sighting.satisfied.iter().filter_map(|s| s.crossed) {
            self.totals.add(crossed);
        }
        let mut groups = if watching { sighting.groups(self.config.merge) } else { Vec::new() };
        let mut events = Vec::new();
        for mut active in std::mem::take(&mut self.active) {
            let group =
                groups.iter().position(|(key, _)| *key == active.key).map(|i| groups.swap_remove(i).1);
            let (event, over) = active.go_on(&group.unwrap_or_default(), scene, self.config.leave_ms);
            events.extend(event);
            if over {
                events.push(self.end(active, scene.time_us));
            } else {
                self.active.push(active);
            }
        }
        groups.sort_by_key(|(key, _)| *key);
        for (key, sighting) in groups {
            if scene.time_us >= self.quiet_until_us {
                events.extend(self.begin(key, &sighting, scene, next_id));
            }
        }
        events
    }

    fn begin(
        &mut self,
        key: u64,
        sighting: &Sighting,
        scene: &Scene<'_>,
        next_id: &mut u64,
    ) -> Option<Event> {
        let best = best_moment(sighting, scene)?;
        let config = &self.config;
        let mut anomaly = Anomaly {
            id: *next_id,
            kind: config.rule.kind(),
            zone: config.id.clone(),
            severity: config.severity,
            confidence: 0.0,
            tracks: Vec::new(),
            tracks_total: 0,
            crossings: Crossings::default(),
            start_us: sighting.satisfied.iter().map(|s| s.since_us).min()?,
            last_us: scene.time_us,
            end_us: None,
            best,
            evidence: Evidence {
                rule: config.rule.clone(),
                min_score: config.min_score,
                enter_frames: config.enter_frames,
                leave_ms: config.leave_ms,
                tracks: Vec::new(),
            },
        };
        *next_id += 1;
        anomaly.take_in(sighting, scene);
        self.active.push(Active { key, anomaly: anomaly.clone() });
        Some(Event { phase: Phase::Started, best_changed: true, anomaly })
    }

    fn end(&mut self, active: Active, time_us: i64) -> Event {
        let mut anomaly = active.anomaly;
        anomaly.end_us = Some(anomaly.last_us.max(anomaly.start_us));
        let quiet_us = time_us.saturating_add(i64::from(self.config.cooldown_ms) * 1000);
        self.quiet_until_us = self.quiet_until_us.max(quiet_us);
        Event { phase: Phase::Ended, best_changed: false, anomaly }
    }

    fn end_all(&mut self, time_us: i64) -> Vec<Event> {
        let active = std::mem::take(&mut self.active);
        active.into_iter().map(|active| self.end(active, time_us)).collect()
    }
}

impl Sighting {
    /// What belongs to one anomaly together, by key.
    fn groups(self, merge: Merge) -> Vec<(u64, Sighting)> {
        let mut groups: Vec<(u64, Sighting)> = Vec::new();
        for satisfied in self.satisfied {
            let key = if merge == Merge::Zone { 0 } else { satisfied.key };
            match groups.iter().position(|(k, _)| *k == key) {
                Some(i) => groups[i].1.satisfied.push(satisfied),
                None => groups.push((key, Sighting { satisfied: vec![satisfied] })),
            }
        }
        groups
    }
}

impl Active {
    /// Takes the step's sighting in; gives an update if there is news, and whether the anomaly is over.
    fn go_on(&mut self, sighting: &Sighting, scene: &Scene<'_>, leave_ms: u32) -> (Option<Event>, bool) {
        let joined = self.anomaly.take_in(sighting, scene);
        let better = best_moment(sighting, scene).filter(|m| m.quality > self.anomaly.best.quality * 1.15);
        if let Some(moment) = better {
            self.anomaly.best = moment;
        }
        let leave_us = i64::from(leave_ms) * 1000;
        let over = sighting.satisfied.is_empty() && scene.time_us - self.anomaly.last_us >= leave_us;
        let best_changed = better.is_some();
        let event = (joined || best_changed).then(|| Event {
            phase: Phase::Updated,
            best_changed,
            anomaly: self.anomaly.clone(),
        });
        (event, over)
    }
}

impl Anomaly {
    /// Adds what was seen; whether a track joined or a line was crossed.
    fn take_in(&mut self, sighting: &Sighting, scene: &Scene<'_>) -> bool {
        let mut news = false;
        for seen in &sighting.satisfied {
            self.last_us = self.last_us.max(seen.seen_us);
            if let Some(direction) = seen.crossed {
                self.crossings.add(direction);
                news = true;
            }
            let dwell_us = if seen.crossed.is_some() { 0 } else { seen.seen_us - seen.since_us };
            let dwell_ms = u32::try_from(dwell_us / 1000).unwrap_or(0);
            let known = self.tracks.contains(&seen.track);
            if !known {
                self.tracks_total += 1;
                news = true;
            }
            let Some(track) = scene.tracks.iter().find(|t| t.id() == seen.track) else { continue };
            let evidence = TrackEvidence::of(track, dwell_ms);
            match self.evidence.tracks.iter_mut().find(|e| e.track == seen.track) {
                Some(old) => *old = evidence,
                None if !known && self.tracks.len() < TRACKS_MAX => {
                    self.tracks.push(seen.track);
                    self.evidence.tracks.push(evidence);
                }
                None => {}
            }
        }
        let scores = &self.evidence.tracks;
        if !scores.is_empty() {
            self.confidence = scores.iter().map(|t| t.score_mean).sum::<f32>() / scores.len() as f32;
        }
        news
    }

    /// Classes of the tracks that took part, each once.
    pub fn classes(&self) -> Vec<Class> {
        let mut classes: Vec<Class> = self.evidence.tracks.iter().map(|t| t.class.clone()).collect();
        classes.sort();
        classes.dedup();
        classes
    }
}

/// The best view of a satisfied track in this very picture, if any was seen.
fn best_moment(sighting: &Sighting, scene: &Scene<'_>) -> Option<Moment> {
    let seen = |s: &Satisfied| scene.tracks.iter().find(|t| t.id() == s.track);
    sighting
        .satisfied
        .iter()
        .filter_map(seen)
        .map(|track| {
            let bbox = track.bbox();
            let inside = bbox.clip(scene.width, scene.height);
            let whole = inside.area() / bbox.area().max(1.0);
            let size = (inside.area() / (scene.width * scene.height)).sqrt();
            let sharp = scene.frame.map_or(1.0, |f| 1.0 + f.sharpness(&inside).min(30.0) / 30.0);
            let now = if track.seen_now() { 1.0 } else { 0.3 };
            let quality = track.score() * size * sharp * whole * now;
            Moment { time_us: scene.time_us, track: track.id(), bbox, quality }
        })
        .max_by(|a, b| a.quality.total_cmp(&b.quality))
}

#[cfg(test)]
mod tests;
