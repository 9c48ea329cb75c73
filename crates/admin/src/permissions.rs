use kernel::{Permission as _, PermissionInfo, permission};

permission!(ReadTasks = "admin.tasks.read", "See long work and its progress");
permission!(WriteTasks = "admin.tasks.write", "Cancel and retry long work");
permission!(installation ReadQueues = "admin.queues.read", "See the queues of the installation");
permission!(installation WriteQueues = "admin.queues.write", "Pause and resume the queues of the installation");
permission!(
    installation ReadSchedules = "admin.schedules.read",
    "See schedules, their history, and the work of the installation"
);
permission!(installation WriteSchedules = "admin.schedules.write", "Change, pause and run schedules");
permission!(installation ReadCache = "admin.cache.read", "See what the cache holds");
permission!(installation WriteCache = "admin.cache.write", "Empty the cache");
permission!(installation ReadLimits = "admin.limits.read", "See the rate limits");
permission!(installation ReadSystem = "admin.system.read", "See the health of the installation");
permission!(installation ReadSettings = "admin.settings.read", "See the settings of the installation and their history");
permission!(installation WriteSettings = "admin.settings.write", "Change the settings of the installation");

pub(crate) const ALL: &[PermissionInfo] = &[
    ReadTasks::INFO,
    WriteTasks::INFO,
    ReadQueues::INFO,
    WriteQueues::INFO,
    ReadSchedules::INFO,
    WriteSchedules::INFO,
    ReadSystem::INFO,
    ReadSettings::INFO,
    WriteSettings::INFO,
    realtime::ReadEvents::INFO,
    ReadCache::INFO,
    WriteCache::INFO,
    ReadLimits::INFO,
];
