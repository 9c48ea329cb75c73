DROP TABLE ml_labels;
