//! What every metric of this binary means: the `HELP` lines of `/metrics`, and the table in `docs/observability.md`. A test
//! compares both with what the server gives.

use telemetry::{Kind, Meaning};

const fn counter(name: &'static str, help: &'static str) -> Meaning {
    Meaning { kind: Kind::Counter, name, help }
}

const fn gauge(name: &'static str, help: &'static str) -> Meaning {
    Meaning { kind: Kind::Gauge, name, help }
}

const fn histogram(name: &'static str, help: &'static str) -> Meaning {
    Meaning { kind: Kind::Histogram, name, help }
}

pub(crate) const ALL: &[Meaning] = &[
    // HTTP
    counter(
        "http_requests_total",
        "Requests answered, by method (`OTHER` for what HTTP does not know), route and status",
    ),
    histogram(
        "http_request_duration_seconds",
        "Time to the head of the answer, by method and route, without long polls",
    ),
    counter("http_panics_total", "Handlers that panicked"),
    gauge("http_connections", "Connections that are open, WebSockets among them"),
    counter(
        "uploads_total",
        "Uploads by kind and outcome: ok, refused (the file was not fit), error (our fault)",
    ),
    // Jobs, which other systems call pipelines
    counter("jobs_enqueued_total", "Tasks made, by kind"),
    counter("jobs_started_total", "Attempts begun, by kind"),
    counter("jobs_finished_total", "Attempts that ended, by kind and outcome"),
    counter("jobs_fenced_total", "Attempts whose end did not count, since another worker had the task"),
    counter("jobs_rescued_total", "Tasks taken back from workers that died"),
    gauge("jobs_running", "Tasks that this process runs"),
    gauge(
        "jobs_longest_running_seconds",
        "Age of the attempt that has run for longest in this process, by kind",
    ),
    histogram("jobs_duration_seconds", "Time that attempts took, by kind"),
    histogram("jobs_start_delay_seconds", "Time from when a task was due to its start, by queue"),
    gauge("jobs_queue_depth", "Tasks of a queue, by state"),
    gauge("jobs_queue_paused", "1 while a queue is paused"),
    gauge("jobs_oldest_waiting_seconds", "How long the oldest due task of a queue has waited"),
    counter("schedules_fired_total", "Schedules that fired, by reason"),
    counter("schedules_failed_total", "Schedules that could not fire in time, and were tried again"),
    histogram("schedules_late_seconds", "How late schedules fired"),
    // Database
    gauge("db_pool_connections", "Connections to the database, by state: open, idle"),
    gauge("db_pool_waiting", "Callers that wait for a connection"),
    gauge("db_writers_waiting", "Writers that wait for their turn"),
    histogram("db_query_duration_seconds", "Time that statements took, by engine and kind"),
    histogram("db_wait_duration_seconds", "Time that callers waited for a connection, by engine"),
    counter("db_errors_total", "Statements that failed, by engine and reason"),
    // Redis, cache, limits
    gauge("redis_up", "1 while Redis answers; absent where none is configured"),
    counter("redis_errors_total", "Commands that Redis did not do, by kind"),
    counter("redis_subscriptions_lost_total", "Subscriptions that broke and were made again"),
    counter("cache_hits_total", "Values found in the cache, by namespace"),
    counter("cache_misses_total", "Values not found in the cache, by namespace"),
    counter("cache_negative_hits_total", "Absences found in the cache, by namespace"),
    counter("cache_errors_total", "Values that could not be read from or written to the cache, by namespace"),
    counter("cache_loads_total", "Values computed for the cache, by namespace"),
    counter("cache_load_errors_total", "Values that could not be computed, by namespace"),
    histogram("cache_load_seconds", "Time that computing a value took, by namespace"),
    counter("limits_checked_total", "Calls that a rate limit looked at, by rule"),
    counter("limits_refused_total", "Calls that a rate limit refused, by rule"),
    counter("limits_local_total", "Checks that Redis should have done and could not"),
    // Realtime
    gauge("realtime_connections", "Clients that are connected"),
    counter("realtime_events_total", "Events read from the outbox"),
    counter("realtime_frames_total", "Frames (loss allowed) sent"),
    counter("realtime_frames_dropped_total", "Frames that slow clients did not get"),
    counter("realtime_slow_consumers_total", "Clients that were disconnected for being slow"),
    counter("realtime_bus_dropped_total", "Messages between nodes that were lost"),
    counter("realtime_joins_total", "Rooms joined"),
    counter("realtime_refused_total", "Connections and messages refused, by reason"),
    histogram("realtime_fanout_seconds", "Time from an event's commit to its delivery"),
    // Storage
    counter(
        "storage_operations_total",
        "Operations on files, by op and outcome: ok, not_found, refused, error",
    ),
    histogram("storage_duration_seconds", "Time that operations on files took, by op"),
    // Calls to others
    counter("outbound_requests_total", "Attempts to call others, by upstream and outcome"),
    counter("outbound_retries_total", "Attempts after the first, by upstream"),
    histogram("outbound_duration_seconds", "Time that attempts took, by upstream"),
    gauge(
        "outbound_breaker_state",
        "Breaker of an upstream: 0 closed, 1 half-open, 2 open; the worst of its hosts",
    ),
    gauge("outbound_breakers_open", "Breakers of an upstream that are not closed"),
    // People
    counter("identity_login_total", "Log-ins by outcome: ok, refused, throttled"),
    gauge("identity_audit_broken_chains", "Audit logs that the last daily check found changed"),
    gauge(
        "identity_audit_verified_timestamp_seconds",
        "When the audit logs were last checked by this process",
    ),
    counter("notifications_sent_total", "Notifications by channel and outcome"),
    counter("webhooks_deliveries_total", "Attempts to deliver to webhooks, by outcome"),
    counter(
        "webhooks_events_lost_total",
        "Events that no webhook will hear of, since their tasks could not be made",
    ),
    counter("mail_sent_total", "Mails by outcome"),
    counter("settings_changes_total", "Changes of settings at run time"),
    gauge("settings_version", "Number of the last change of settings that this process knows"),
    // Sentinel
    gauge("surveillance_cameras", "Cameras of this process, by state"),
    counter("surveillance_capture_restarts_total", "Camera streams opened again after a failure"),
    counter("surveillance_frames_total", "Frames taken from cameras"),
    counter("surveillance_frames_analysed_total", "Frames on which a model looked"),
    histogram("surveillance_detect_seconds", "Time that the model took for a frame"),
    counter("surveillance_events_total", "Events raised, by kind"),
    counter(
        "ml_invocations_total",
        "Calls for predictions, by outcome: ok, refused, not_found, not_servable, failed, busy, timeout, error",
    ),
    histogram(
        "ml_invocation_seconds",
        "Time of calls for predictions, by phase: queue, load (reading a model), run",
    ),
    gauge("ml_loaded_models", "Models that are kept ready for predictions"),
    gauge("ml_loaded_models_bytes", "About how much memory they take"),
    // Process and machine
    gauge(
        "process_memory_limit_bytes",
        "Memory that the process may use: of its control groups or of the machine",
    ),
    gauge("process_cpu_limit_cores", "Cores that the process may use"),
    gauge("disk_free_bytes", "Room left on the disk of the data folder"),
    gauge("disk_size_bytes", "Size of the disk of the data folder"),
    gauge("socle_build_info", "1, with the version as a label"),
];
