DROP INDEX identity_audit_at;
DROP TABLE identity_audit_anchors;
ALTER TABLE identity_audit_heads DROP COLUMN mac;
