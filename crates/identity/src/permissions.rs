use kernel::{Permission, PermissionInfo, permission};

permission!(ReadUsers = "identity.users.read", "See the people of the workspace and their roles");
permission!(
    WriteUsers = "identity.users.write",
    "Create, invite, change and disable people, give roles, make reset links"
);
permission!(WriteRoles = "identity.roles.write", "Create, change and delete the workspace's own roles");
permission!(ReadAudit = "identity.audit.read", "Read, export and check the audit log");
permission!(WriteWorkspace = "identity.workspace.write", "Rename and delete the workspace");
permission!(
    installation WriteWorkspaces = "identity.workspaces.write",
    "Create, see, change, delete and restore the workspaces of the installation"
);
permission!(ReadQuotas = "identity.quotas.read", "See what the workspace uses and what it may use");
permission!(installation WriteQuotas = "identity.quotas.write", "Set what workspaces may use");
permission!(ReadServiceAccounts = "identity.service_accounts.read", "See the workspace's service accounts");
permission!(
    WriteServiceAccounts = "identity.service_accounts.write",
    "Create, change and delete service accounts, and make their secrets"
);
permission!(installation ReadClients = "identity.clients.read", "See the clients that people can let in");
permission!(
    installation WriteClients = "identity.clients.write",
    "Register, change and delete clients that people can let in"
);
permission!(installation ReadSigningKeys = "identity.signing_keys.read", "See the keys that sign tokens");
permission!(installation WriteSigningKeys = "identity.signing_keys.write", "Replace the keys that sign tokens");

pub(crate) const ALL: &[PermissionInfo] = &[
    ReadUsers::INFO,
    WriteUsers::INFO,
    WriteRoles::INFO,
    ReadAudit::INFO,
    WriteWorkspace::INFO,
    WriteWorkspaces::INFO,
    ReadQuotas::INFO,
    WriteQuotas::INFO,
    ReadServiceAccounts::INFO,
    WriteServiceAccounts::INFO,
    ReadClients::INFO,
    WriteClients::INFO,
    ReadSigningKeys::INFO,
    WriteSigningKeys::INFO,
];
