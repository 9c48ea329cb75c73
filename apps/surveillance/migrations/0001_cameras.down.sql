DROP TABLE surveillance_models;
DROP TABLE surveillance_cameras;
