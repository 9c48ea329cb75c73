use kernel::{Permission as _, PermissionInfo, permission};

permission!(ReadTasks = "admin.tasks.read", "See long work and its progress");
permission!(WriteTasks = "admin.tasks.write", "Cancel and retry long work");
permission!(ReadSystem = "admin.system.read", "See the health of the installation");

pub(crate) const ALL: &[PermissionInfo] =
    &[ReadTasks::INFO, WriteTasks::INFO, ReadSystem::INFO, realtime::ReadEvents::INFO];
