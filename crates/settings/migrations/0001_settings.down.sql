DROP TABLE settings_version;
DROP TABLE settings_changes;
DROP TABLE settings_values;
