DROP TABLE ml_scorer_versions;
DROP TABLE ml_scorers;
DROP TABLE ml_evaluation_records;
DROP TABLE ml_evaluation_experiments;
DROP TABLE ml_evaluation_tags;
DROP TABLE ml_evaluation_sets;
