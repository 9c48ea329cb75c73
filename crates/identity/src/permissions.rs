use kernel::{Permission, PermissionInfo, permission};

permission!(ReadUsers = "identity.users.read", "See the people of the workspace and their roles");
permission!(
    WriteUsers = "identity.users.write",
    "Create, change and disable people, give roles, make reset links"
);
permission!(ReadAudit = "identity.audit.read", "Read the audit log");
permission!(WriteWorkspaces = "identity.workspaces.write", "Create workspaces");

pub(crate) const ALL: &[PermissionInfo] =
    &[ReadUsers::INFO, WriteUsers::INFO, ReadAudit::INFO, WriteWorkspaces::INFO];
