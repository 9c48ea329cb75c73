use kernel::permission;

permission!(ReadEvents = "admin.events.read", "See what the workspace's clients were told lately");
