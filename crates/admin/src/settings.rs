//! What administrators set for the installation as a whole, and for the work that this module shows.

use std::sync::Arc;

use ::settings::{Setting, SettingSpec};
use platform::{
    Audit, Platform,
    installation::{DEFAULT_LANGUAGE, NAME, SIGN_IN_NOTICE},
};
use serde_json::json;

pub(crate) const KEEP_H: Setting<i64> = Setting::integer("jobs.keep_h", 1..=87_600, 168)
    .group("jobs")
    .unit("h")
    .title("Keep finished work", "Conserver les tâches terminées")
    .description(
        "How long succeeded and cancelled tasks and their results are kept, counted from their end.",
        "Durée de conservation des tâches réussies ou annulées et de leurs résultats, à partir de leur fin.",
    );

pub(crate) const KEEP_FAILED_H: Setting<i64> = Setting::integer("jobs.keep_failed_h", 1..=87_600, 720)
    .group("jobs")
    .unit("h")
    .title("Keep failed work", "Conserver les tâches échouées")
    .description(
        "How long failed tasks are kept, counted from their end.",
        "Durée de conservation des tâches échouées, à partir de leur fin.",
    );

pub(crate) const SETTINGS: &[SettingSpec] =
    &[NAME.spec, SIGN_IN_NOTICE.spec, DEFAULT_LANGUAGE.spec, KEEP_H.spec, KEEP_FAILED_H.spec];

/// What `socle.toml` says holds until somebody sets it; every change reaches the work at once.
pub(crate) fn connect(platform: &Platform) {
    let directory = platform.directory.clone();
    platform.settings.record_with(Arc::new(move |tx, ctx, change| {
        let directory = directory.clone();
        let audit = Audit {
            action: "admin.setting-changed",
            target: Some(change.key.clone()),
            detail: json!({"change_id": change.id, "old": change.old, "new": change.new, "undo_of": change.undo_of}),
        };
        Box::pin(async move { directory.record(tx, ctx, audit).await })
    }));
    let (keep_h, keep_failed_h) = platform.jobs.keep();
    platform.settings.set_default(&KEEP_H, keep_h);
    platform.settings.set_default(&KEEP_FAILED_H, keep_failed_h);
    let jobs = platform.jobs.clone();
    platform.settings.on_change(move |settings| {
        let hours = |setting| u64::try_from(settings.get::<i64>(setting)).unwrap_or(0);
        jobs.set_keep(hours(&KEEP_H), hours(&KEEP_FAILED_H));
    });
}
