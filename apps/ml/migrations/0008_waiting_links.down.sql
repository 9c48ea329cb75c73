DROP TABLE ml_waiting_links;
