use kernel::PermissionInfo;

pub const ALL: &[PermissionInfo] = &[];
