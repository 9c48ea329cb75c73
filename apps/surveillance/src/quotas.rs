//! What workspaces may use only so much of.

use platform::{Per, QuotaSpec, STORAGE, STORAGE_LABEL};

use crate::store::quotas::{CAMERAS_USED, STORAGE_USED};

pub(crate) const CAMERAS: &str = "cameras";

pub(crate) const ALL: &[QuotaSpec] = &[
    QuotaSpec {
        resource: CAMERAS,
        label: ["Cameras", "Caméras"],
        unit: "",
        per: Per::Standing,
        used: CAMERAS_USED,
    },
    QuotaSpec {
        resource: STORAGE,
        label: STORAGE_LABEL,
        unit: "bytes",
        per: Per::Standing,
        used: STORAGE_USED,
    },
];
