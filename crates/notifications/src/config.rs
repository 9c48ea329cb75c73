use std::path::PathBuf;

use kernel::Secret;
use serde::{Deserialize, Serialize};

use crate::model::{MailServer, Mailbox};

/// Section `[mail]`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailConfig {
    /// The mail server: `smtp://user:password@host:587?tls=starttls`; `tls` is `starttls` (the default), `required` (TLS
    /// from the first byte, port 465) or `none`. Empty (the default): mails are skipped, and the log says so.
    pub url: Secret<String>,
    /// Who mails come from: `Socle <socle@example.org>`. Needed with `mail.url`; empty (the default) without.
    pub from: String,
    /// Where answers go. Default: to `mail.from`.
    pub reply_to: String,
    /// A PEM file of certificates that the mail server's may be signed by, besides the public ones. Default none.
    pub ca_file: PathBuf,
    /// A folder of templates that replace the built-in ones of the same file name. Default none.
    pub templates: PathBuf,
    /// How long the mail server may take for one step, in milliseconds. Default 15000.
    pub timeout_ms: u64,
    /// Mails that this process sends in a minute at most. Default 120.
    pub rate_per_minute: u32,
    /// Connections to the mail server held at a time. Default 2.
    pub connections_max: u32,
}

impl Default for MailConfig {
    fn default() -> Self {
        Self {
            url: Secret::default(),
            from: String::new(),
            reply_to: String::new(),
            ca_file: PathBuf::new(),
            templates: PathBuf::new(),
            timeout_ms: 15_000,
            rate_per_minute: 120,
            connections_max: 2,
        }
    }
}

impl MailConfig {
    pub fn is_configured(&self) -> bool {
        !self.url.expose().is_empty()
    }

    /// Every fault at once, as `key: reason`. Never shows the address of the server, which may hold a password.
    pub fn validate(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.is_configured() {
            if let Err(error) = MailServer::parse(self.url.expose()) {
                faults.push(format!("url: {error}"));
            }
            if self.from.is_empty() {
                faults.push("from: is needed with mail.url, such as Socle <socle@example.org>".to_owned());
            }
        }
        for (key, text) in [("from", &self.from), ("reply_to", &self.reply_to)] {
            if !text.is_empty()
                && let Err(error) = Mailbox::parse(text)
            {
                faults.push(format!("{key}: {error}"));
            }
        }
        let mut check = |fine: bool, fault: &str| {
            if !fine {
                faults.push(fault.to_owned());
            }
        };
        check((100..=300_000).contains(&self.timeout_ms), "timeout_ms: must be from 100 to 300000");
        check((1..=100_000).contains(&self.rate_per_minute), "rate_per_minute: must be from 1 to 100000");
        check((1..=64).contains(&self.connections_max), "connections_max: must be from 1 to 64");
        faults
    }
}

/// Section `[notifications]`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How long notifications are kept, in days. Default 90.
    pub keep_days: u32,
    /// How long deliveries to webhooks are kept, in days. Default 30.
    pub delivery_keep_days: u32,
    /// A webhook that has not taken anything for this many days is switched off. Default 5.
    pub webhook_disable_days: u32,
    /// How long a webhook may take to answer, in milliseconds. Default 15000.
    pub webhook_timeout_ms: u64,
    /// Whether webhooks may be called by plain `http://`. Default false.
    pub webhook_plain_http: bool,
    /// How long both secrets of a webhook sign after a change, in hours. Default 24.
    pub webhook_overlap_h: u32,
    /// Webhooks of one workspace. Default 50.
    pub webhooks_max: u32,
    /// How often the outbox is looked at for webhooks, in milliseconds. Default 250.
    pub webhook_poll_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            keep_days: 90,
            delivery_keep_days: 30,
            webhook_disable_days: 5,
            webhook_timeout_ms: 15_000,
            webhook_plain_http: false,
            webhook_overlap_h: 24,
            webhooks_max: 50,
            webhook_poll_ms: 250,
        }
    }
}

impl Config {
    /// Every fault at once, as `key: reason`.
    pub fn validate(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |fine: bool, fault: &str| {
            if !fine {
                faults.push(fault.to_owned());
            }
        };
        let days = 1..=3_650;
        check(days.contains(&self.keep_days), "keep_days: must be from 1 to 3650");
        check(days.contains(&self.delivery_keep_days), "delivery_keep_days: must be from 1 to 3650");
        check((1..=365).contains(&self.webhook_disable_days), "webhook_disable_days: must be from 1 to 365");
        check(
            (100..=60_000).contains(&self.webhook_timeout_ms),
            "webhook_timeout_ms: must be from 100 to 60000",
        );
        check(self.webhook_overlap_h <= 720, "webhook_overlap_h: must be at most 720");
        check((1..=1_000).contains(&self.webhooks_max), "webhooks_max: must be from 1 to 1000");
        check((10..=10_000).contains(&self.webhook_poll_ms), "webhook_poll_ms: must be from 10 to 10000");
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_all_at_once_and_without_secrets() {
        assert_eq!(MailConfig::default().validate(), [""; 0]);
        assert_eq!(Config::default().validate(), [""; 0]);
        let bad = MailConfig {
            url: Secret::new("smtp://me:hunter2@mail.example.org?tls=none".to_owned()),
            reply_to: "nobody".to_owned(),
            timeout_ms: 1,
            ..MailConfig::default()
        };
        let faults = bad.validate();
        assert_eq!(faults.len(), 4, "{faults:?}");
        assert!(!format!("{faults:?} {bad:?}").contains("hunter2"));
        let bad = Config { keep_days: 0, webhook_timeout_ms: 1, webhooks_max: 0, ..Config::default() };
        assert_eq!(bad.validate().len(), 3);
    }
}
