DROP INDEX ml_experiments_deleted;
DROP INDEX ml_logged_models_deleted;
DROP TABLE ml_purges;
