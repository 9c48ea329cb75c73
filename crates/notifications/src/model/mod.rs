//! Rules without I/O.

mod address;
mod item;
mod preferences;
mod signature;
mod webhook;

pub(crate) use address::{MailServer, MailTls, Mailbox};
pub(crate) use item::{Item, ItemId, PendingMail, PendingMailId, Told, render_words};
pub(crate) use preferences::{Channels, Digest, Minute, Preferences, TopicChoice, When};
pub(crate) use signature::{SigningSecret, sign};
pub(crate) use webhook::{
    Delivery, DeliveryId, MessageId, Status, TopicPattern, Webhook, WebhookId, WebhookUrl, next_attempt,
};
