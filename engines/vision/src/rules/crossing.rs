//! Who crosses a line, and which way.

use super::zone::{Direction, Rule, ZoneConfig};
use super::{Satisfied, Scene, Sighting, ZoneState};
use crate::geometry::{Point, cross, segment_distance, segments_meet};
use crate::track::{Track, TrackId};

/// Where a track was last clearly on one side.
#[derive(Clone, Debug)]
struct Walker {
    track: TrackId,
    /// Positive: the right hand side, looking along the line.
    side: f32,
    at: Point,
    at_us: i64,
    /// Sightings on the other side since, and when the first of them was.
    beyond: u16,
    beyond_us: i64,
    met: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Crossing {
    walkers: Vec<Walker>,
}

impl Crossing {
    pub(super) fn step(&mut self, zone: &ZoneConfig, scene: &Scene<'_>) -> Sighting {
        let Rule::LineCrossing { line, direction, .. } = &zone.rule else { return Sighting::default() };
        self.walkers.retain(|w| scene.tracks.iter().any(|t| t.id() == w.track));
        let mut satisfied = Vec::new();
        for track in scene.tracks.iter().filter(|t| t.seen_now() && ZoneState::counts(zone, t)) {
            if let Some((since_us, way)) = self.see(zone, scene, track, line)
                && (*direction == Direction::Both || *direction == way)
            {
                satisfied.push(Satisfied {
                    key: track.id().0,
                    track: track.id(),
                    since_us,
                    seen_us: scene.time_us,
                    crossed: Some(way),
                });
            }
        }
        Sighting { satisfied }
    }

    /// Follows one track; a crossing gives its time and direction.
    fn see(
        &mut self,
        zone: &ZoneConfig,
        scene: &Scene<'_>,
        track: &Track,
        line: &[Point; 2],
    ) -> Option<(i64, Direction)> {
        let Rule::LineCrossing { anchor, .. } = zone.rule else { return None };
        // In pixels, so that distances mean the same both ways.
        let pixel = |p: Point| Point::new(p.x * scene.width, p.y * scene.height);
        let (a, b) = (pixel(line[0]), pixel(line[1]));
        let place = |bbox| pixel(anchor.of(bbox, scene.width, scene.height));
        let index = match self.walkers.iter().position(|w| w.track == track.id()) {
            Some(index) => index,
            None => {
                // Tracks are believed only after some sightings: their way so far counts too.
                let first = track.path().first()?;
                let at = place(&first.bbox);
                self.walkers.push(Walker {
                    track: track.id(),
                    side: cross(a, b, at).signum(),
                    at,
                    at_us: first.time_us,
                    beyond: 0,
                    beyond_us: 0,
                    met: false,
                });
                self.walkers.len() - 1
            }
        };
        let walker = &mut self.walkers[index];
        let bbox = track.bbox();
        let at = place(&bbox);
        let side = cross(a, b, at).signum();
        if side == walker.side {
            walker.at = at;
            walker.at_us = scene.time_us;
            walker.beyond = 0;
            walker.met = false;
            return None;
        }
        if walker.beyond == 0 {
            walker.beyond_us = scene.time_us;
        }
        let dt = (scene.time_us - walker.at_us) as f32 * 1e-6;
        let jump = walker.at.distance(at) / bbox.h.max(1.0);
        let plausible = jump / dt.max(0.05) <= zone.max_speed || jump < 0.5;
        walker.met |= plausible && segments_meet(a, b, walker.at, at);
        walker.beyond = walker.beyond.saturating_add(1);
        // Standing on the line is not crossing it.
        let clear = segment_distance(a, b, at) >= 0.05 * bbox.h;
        if walker.beyond < zone.enter_frames.max(1) || !clear {
            return None;
        }
        let crossed = walker.met;
        let since_us = walker.beyond_us;
        walker.side = side;
        walker.at = at;
        walker.at_us = scene.time_us;
        walker.beyond = 0;
        walker.met = false;
        crossed.then_some((since_us, if side > 0.0 { Direction::Forward } else { Direction::Backward }))
    }
}
