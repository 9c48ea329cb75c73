//! A Kalman filter over one box that takes time stamps.
//!
//! State: centre x, centre y, width and height, each with its rate: four independent constant-velocity filters
//! with white acceleration noise, so that a step of any length has the right growth of uncertainty. Noise
//! scales with the box height, as in SORT (Bewley et al. 2016) and ByteTrack (Zhang et al. 2022), but per
//! second rather than per frame.

use crate::geometry::BBox;

/// Noise as fractions of the box height.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noise {
    /// Standard deviation of a measurement of centre and size.
    pub measure: f32,
    /// Standard deviation of the acceleration of the centre, heights/s².
    pub acceleration: f32,
    /// The same for width and height.
    pub growth: f32,
}

/// One constant-velocity filter: value and rate with their covariance.
#[derive(Clone, Copy, Debug)]
struct Axis {
    value: f32,
    rate: f32,
    p00: f32,
    p01: f32,
    p11: f32,
}

impl Axis {
    fn new(value: f32, value_sd: f32, rate_sd: f32) -> Self {
        Self { value, rate: 0.0, p00: value_sd * value_sd, p01: 0.0, p11: rate_sd * rate_sd }
    }

    /// Covariance after `dt` seconds under acceleration noise of standard deviation `accel`.
    fn predict(&mut self, dt: f32, accel: f32) {
        let q = accel * accel;
        self.value += self.rate * dt;
        self.p00 += dt * (2.0 * self.p01 + dt * self.p11) + q * dt.powi(4) * 0.25;
        self.p01 += dt * self.p11 + q * dt.powi(3) * 0.5;
        self.p11 += q * dt * dt;
    }

    fn update(&mut self, measured: f32, sd: f32) {
        let s = self.p00 + sd * sd;
        let (k0, k1) = (self.p00 / s, self.p01 / s);
        let innovation = measured - self.value;
        self.value += k0 * innovation;
        self.rate += k1 * innovation;
        self.p11 -= k1 * self.p01;
        self.p01 *= 1.0 - k0;
        self.p00 *= 1.0 - k0;
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct BoxFilter {
    cx: Axis,
    cy: Axis,
    w: Axis,
    h: Axis,
}

impl BoxFilter {
    pub(super) fn new(bbox: &BBox, noise: &Noise) -> Self {
        let scale = bbox.h.max(1.0);
        let sd = noise.measure * scale;
        let c = bbox.center();
        Self {
            cx: Axis::new(c.x, sd, scale),
            cy: Axis::new(c.y, sd, scale * 0.5),
            w: Axis::new(bbox.w, sd, scale * 0.2),
            h: Axis::new(bbox.h, sd, scale * 0.2),
        }
    }

    /// Forward by `dt` seconds (0 or more).
    pub(super) fn predict(&mut self, dt: f32, noise: &Noise) {
        let scale = self.h.value.max(1.0);
        self.cx.predict(dt, noise.acceleration * scale);
        self.cy.predict(dt, noise.acceleration * scale);
        self.w.predict(dt, noise.growth * scale);
        self.h.predict(dt, noise.growth * scale);
        self.w.value = self.w.value.max(1.0);
        self.h.value = self.h.value.max(1.0);
    }

    /// Takes a measured box in. Weak detections are trusted less: their noise grows as the score falls.
    pub(super) fn update(&mut self, bbox: &BBox, score: f32, noise: &Noise) {
        let sd = noise.measure * self.h.value.max(1.0) * (1.6 - score.clamp(0.0, 1.0));
        let c = bbox.center();
        self.cx.update(c.x, sd);
        self.cy.update(c.y, sd);
        self.w.update(bbox.w, sd);
        self.h.update(bbox.h, sd);
    }

    /// Damps the rates: used while nothing is measured, so that a lost track does not sail away.
    pub(super) fn damp(&mut self, keep: f32) {
        for axis in [&mut self.cx, &mut self.cy] {
            axis.rate *= keep;
        }
        self.w.rate = 0.0;
        self.h.rate = 0.0;
    }

    pub(super) fn bbox(&self) -> BBox {
        let (w, h) = (self.w.value.max(1.0), self.h.value.max(1.0));
        BBox::new(self.cx.value - w * 0.5, self.cy.value - h * 0.5, w, h)
    }

    /// Velocity of the centre in pixels per second.
    pub(super) fn velocity(&self) -> (f32, f32) {
        (self.cx.rate, self.cy.rate)
    }

    /// Squared Mahalanobis distance of a centre from the predicted one, 2 degrees of freedom.
    pub(super) fn distance2(&self, bbox: &BBox, noise: &Noise) -> f32 {
        let sd = noise.measure * self.h.value.max(1.0);
        let c = bbox.center();
        let part = |axis: &Axis, measured: f32| (measured - axis.value).powi(2) / (axis.p00 + sd * sd);
        part(&self.cx, c.x) + part(&self.cy, c.y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOISE: Noise = Noise { measure: 0.05, acceleration: 1.0, growth: 0.2 };

    #[test]
    fn the_speed_of_a_steady_walker_is_found_at_uneven_steps() {
        let at = |t: f32| BBox::new(100.0 + 50.0 * t, 40.0, 30.0, 80.0);
        let mut filter = BoxFilter::new(&at(0.0), &NOISE);
        let mut t = 0.0;
        for i in 0..40 {
            let dt = if i % 3 == 0 { 0.2 } else { 0.07 };
            t += dt;
            filter.predict(dt, &NOISE);
            filter.update(&at(t), 0.9, &NOISE);
        }
        let (vx, vy) = filter.velocity();
        assert!((vx - 50.0).abs() < 2.0 && vy.abs() < 1.0, "{vx} {vy}");
        filter.predict(0.5, &NOISE);
        assert!((filter.bbox().x - at(t + 0.5).x).abs() < 3.0);
    }

    #[test]
    fn the_gate_widens_with_time() {
        let start = BBox::new(100.0, 40.0, 30.0, 80.0);
        let far = BBox::new(140.0, 40.0, 30.0, 80.0);
        let distance = |dt: f32| {
            let mut filter = BoxFilter::new(&start, &NOISE);
            filter.predict(0.1, &NOISE);
            filter.update(&start, 0.9, &NOISE);
            filter.predict(dt, &NOISE);
            filter.distance2(&far, &NOISE)
        };
        assert!(distance(1.0) < distance(0.2) && distance(0.2) < distance(0.04));
    }
}
