DROP TABLE jobs_paused_queues;
DROP TABLE jobs_workers;
DROP TABLE jobs_tasks;
