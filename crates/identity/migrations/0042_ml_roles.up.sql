-- Operators keep the registry of models too; users log runs, read what is registered and ask it for predictions.
UPDATE identity_roles SET description = 'Sets up cameras, answers events and keeps the registry of models', permissions =
    '["surveillance.cameras.read","surveillance.cameras.write","surveillance.events.read","surveillance.events.acknowledge","admin.tasks.read","ml.runs.read","ml.runs.write","ml.models.read","ml.models.write","ml.models.invoke"]'
    WHERE id = 'role_00000000000000000000000002';
UPDATE identity_roles SET permissions =
    '["surveillance.cameras.read","surveillance.events.read","ml.runs.read","ml.runs.write","ml.models.read","ml.models.invoke"]'
    WHERE id = 'role_00000000000000000000000003';
