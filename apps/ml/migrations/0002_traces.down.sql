DROP TABLE ml_assessments;
DROP TABLE ml_trace_links;
DROP TABLE ml_spans;
DROP TABLE ml_trace_metadata;
DROP TABLE ml_trace_tags;
DROP TABLE ml_traces;
