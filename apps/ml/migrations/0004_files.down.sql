ALTER TABLE ml_workspaces DROP COLUMN file_bytes;
DROP TABLE ml_files;
