//! What administrators set while cameras run.

use ::settings::{Setting, SettingSpec};
use platform::Platform;

use crate::config::Config;

pub(crate) const LIVE_QUALITY: Setting<i64> = Setting::integer("surveillance.live_quality", 1..=100, 75)
    .group("surveillance")
    .title("Quality of live pictures", "Qualité des images en direct")
    .description(
        "JPEG quality of live pictures: less needs less bandwidth.",
        "Qualité JPEG des images en direct : moins élevée, moins de débit.",
    );

pub(crate) const SNAPSHOT_QUALITY: Setting<i64> =
    Setting::integer("surveillance.snapshot_quality", 1..=100, 88)
        .group("surveillance")
        .title("Quality of snapshots", "Qualité des captures")
        .description(
            "JPEG quality of the pictures that events keep.",
            "Qualité JPEG des images que les événements conservent.",
        );

pub(crate) const SETTINGS: &[SettingSpec] = &[LIVE_QUALITY.spec, SNAPSHOT_QUALITY.spec];

/// What `socle.toml` says holds until somebody sets it.
pub(crate) fn connect(platform: &Platform, config: &Config) {
    platform.settings.set_default(&LIVE_QUALITY, config.live_quality);
    platform.settings.set_default(&SNAPSHOT_QUALITY, config.snapshot_quality);
}
