DROP TABLE surveillance_totals;
DROP TABLE surveillance_counts;
DROP TABLE surveillance_events;
DROP TABLE surveillance_series;
