DROP TABLE jobs_schedule_runs;
DROP TABLE jobs_schedules;
DROP INDEX jobs_tasks_failed;
DROP INDEX jobs_tasks_turn;
ALTER TABLE jobs_tasks DROP COLUMN trace_parent;
