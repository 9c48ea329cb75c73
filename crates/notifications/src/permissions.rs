use kernel::{Permission as _, PermissionInfo, permission};

permission!(ReadWebhooks = "notifications.webhooks.read", "See webhooks and what was delivered to them");
permission!(WriteWebhooks = "notifications.webhooks.write", "Create, change, test and delete webhooks");
permission!(installation ReadMail = "notifications.mail.read", "See whether mail can be sent");
permission!(installation WriteMail = "notifications.mail.write", "Send test mails");

pub(crate) const ALL: &[PermissionInfo] =
    &[ReadWebhooks::INFO, WriteWebhooks::INFO, ReadMail::INFO, WriteMail::INFO];
