ALTER TABLE surveillance_series DROP COLUMN told_at;
