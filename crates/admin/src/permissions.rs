use kernel::{Permission as _, PermissionInfo, permission};

permission!(ReadTasks = "admin.tasks.read", "See long work and its progress");
permission!(WriteTasks = "admin.tasks.write", "Cancel and retry long work");
permission!(
    ReadSchedules = "admin.schedules.read",
    "See schedules, their history, and the work of the installation"
);
permission!(WriteSchedules = "admin.schedules.write", "Change, pause and run schedules");
permission!(ReadCache = "admin.cache.read", "See what the cache holds");
permission!(WriteCache = "admin.cache.write", "Empty the cache");
permission!(ReadLimits = "admin.limits.read", "See the rate limits");
permission!(ReadSystem = "admin.system.read", "See the health of the installation");
permission!(ReadSettings = "admin.settings.read", "See the settings of the installation and their history");
permission!(WriteSettings = "admin.settings.write", "Change the settings of the installation");

pub(crate) const ALL: &[PermissionInfo] = &[
    ReadTasks::INFO,
    WriteTasks::INFO,
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
