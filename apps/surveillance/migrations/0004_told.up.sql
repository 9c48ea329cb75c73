-- When people were last told of an event of the series.
ALTER TABLE surveillance_series ADD COLUMN told_at BIGINT;
