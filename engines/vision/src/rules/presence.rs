//! Who is in a polygon, and since when: for intrusion and loitering.

use super::zone::{Anchor, Rule, ZoneConfig};
use super::{Satisfied, Scene, Sighting, ZoneState};
use crate::geometry::{BBox, Point, polygon_contains};
use crate::track::{Track, TrackId};

/// A person who vanishes inside is taken for the one who appears near by within this time: a broken id does
/// not start the dwell anew.
const HEIR_US: i64 = 3_000_000;

/// One track in or near the polygon.
#[derive(Clone, Debug)]
struct Stay {
    /// Goes over to the heir; names the stay.
    key: u64,
    track: TrackId,
    since_us: i64,
    inside_us: i64,
    sightings: u16,
    last: BBox,
    last_us: i64,
    alive: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Presence {
    next_key: u64,
    stays: Vec<Stay>,
}

impl Presence {
    pub(super) fn step(&mut self, zone: &ZoneConfig, scene: &Scene<'_>) -> Sighting {
        let (polygon, dwell_ms, anchor) = match &zone.rule {
            Rule::Intrusion { polygon, dwell_ms, anchor } | Rule::Loitering { polygon, dwell_ms, anchor } => {
                (polygon.as_slice(), *dwell_ms, *anchor)
            }
            Rule::LineCrossing { .. } => return Sighting::default(),
        };
        let leave_us = i64::from(zone.leave_ms) * 1000;
        for stay in &mut self.stays {
            stay.alive = scene.tracks.iter().any(|t| t.id() == stay.track);
        }
        self.stays.retain(|s| scene.time_us - s.inside_us <= if s.alive { leave_us } else { HEIR_US });

        for track in scene.tracks.iter().filter(|t| ZoneState::counts(zone, t)) {
            if track.seen_now() {
                self.see(zone, scene, track, polygon, anchor);
            } else if !track.is_missing() {
                self.keep(scene, track, polygon, anchor);
            }
        }
        let dwell_us = i64::from(dwell_ms) * 1000;
        let satisfied = self
            .stays
            .iter()
            .filter(|s| s.inside_us == scene.time_us && s.sightings >= zone.enter_frames.max(1))
            .filter(|s| scene.time_us - s.since_us >= dwell_us)
            .map(|s| Satisfied {
                key: s.key,
                track: s.track,
                since_us: s.since_us,
                seen_us: s.inside_us,
                crossed: None,
            })
            .collect();
        Sighting { satisfied }
    }

    fn see(
        &mut self,
        zone: &ZoneConfig,
        scene: &Scene<'_>,
        track: &Track,
        polygon: &[Point],
        anchor: Anchor,
    ) {
        let now = scene.time_us;
        let bbox = track.bbox();
        let inside = |b: &BBox| polygon_contains(polygon, anchor.of(b, scene.width, scene.height));
        let is_inside = inside(&bbox);
        let index = self.stays.iter().position(|s| s.track == track.id());
        let Some(index) = index else {
            if is_inside {
                let stay = self.arrive(track, &bbox, now, inside);
                self.stays.push(stay);
            }
            return;
        };
        let stay = &mut self.stays[index];
        let dt = (now - stay.last_us) as f32 * 1e-6;
        let jump = stay.last.foot().distance(bbox.foot()) / bbox.h.max(1.0);
        let plausible = dt <= 0.0 || jump / dt.max(0.05) <= zone.max_speed || jump < 0.5;
        stay.last = bbox;
        stay.last_us = now;
        if is_inside && plausible {
            stay.inside_us = now;
            stay.sightings = stay.sightings.saturating_add(1);
        } else if stay.sightings < zone.enter_frames {
            // Still at the border: sightings must follow one another.
            stay.sightings = 0;
            stay.since_us = now;
        }
    }

    /// The detector did not look there in this picture: who was inside and is expected inside still is.
    fn keep(&mut self, scene: &Scene<'_>, track: &Track, polygon: &[Point], anchor: Anchor) {
        let place = anchor.of(&track.bbox(), scene.width, scene.height);
        if let Some(stay) = self.stays.iter_mut().find(|s| s.track == track.id())
            && polygon_contains(polygon, place)
        {
            stay.inside_us = scene.time_us;
        }
    }

    /// A track seen inside for the first time: since when, by its own way or that of the one whose id broke.
    fn arrive(&mut self, track: &Track, bbox: &BBox, now: i64, inside: impl Fn(&BBox) -> bool) -> Stay {
        let way_in = track.path().iter().rev().take_while(|p| inside(&p.bbox));
        let (since_us, seen) = way_in.fold((now, 0u16), |(_, n), p| (p.time_us, n.saturating_add(1)));
        self.next_key += 1;
        let mut stay = Stay {
            key: self.next_key,
            track: track.id(),
            since_us: since_us.min(now),
            inside_us: now,
            sightings: seen.max(1),
            last: *bbox,
            last_us: now,
            alive: true,
        };
        let heir = self.stays.iter().position(|old| {
            !old.alive
                && old.last.foot().distance(bbox.foot()) <= bbox.h.max(old.last.h)
                && old.last_us <= now
        });
        if let Some(old) = heir.map(|index| self.stays.swap_remove(index)) {
            stay.key = old.key;
            stay.since_us = stay.since_us.min(old.since_us);
            stay.sightings = stay.sightings.saturating_add(old.sightings);
        }
        stay
    }
}
