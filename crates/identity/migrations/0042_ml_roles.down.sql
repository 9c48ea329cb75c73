UPDATE identity_roles SET description = 'Sets up cameras and answers events', permissions =
    '["surveillance.cameras.read","surveillance.cameras.write","surveillance.events.read","surveillance.events.acknowledge","admin.tasks.read"]'
    WHERE id = 'role_00000000000000000000000002';
UPDATE identity_roles SET permissions = '["surveillance.cameras.read","surveillance.events.read"]'
    WHERE id = 'role_00000000000000000000000003';
