DROP TABLE identity_provider_links;
