use kernel::{FieldError, Problem, ToProblem};

use crate::model::{DeliveryId, ItemId, WebhookId};

/// What can go wrong with telling.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("notification {0} does not exist")]
    ItemNotFound(ItemId),
    #[error("webhook {0} does not exist")]
    WebhookNotFound(WebhookId),
    #[error("delivery {0} does not exist")]
    DeliveryNotFound(DeliveryId),
    #[error("only a person has notifications")]
    NotAPerson,
    #[error("{pointer}: {reason}")]
    Invalid { pointer: String, reason: String },
    #[error("the workspace has {0} webhooks already")]
    TooManyWebhooks(u32),
    #[error("the webhook is switched off")]
    WebhookDisabled,
    #[error("there is no topic {0:?}")]
    UnknownTopic(String),
    #[error("the words of {topic} could not be filled in")]
    Words {
        topic: String,
        #[source]
        source: minijinja::Error,
    },
    #[error("a notification needs a title")]
    NoTitle,
    #[error("a link must be a path of this server, such as /surveillance")]
    Link,
    #[error("this link does not work: it was changed, or never was one")]
    UnsubscribeLink,
    #[error("no mail server is set: mail.url in the settings")]
    MailNotConfigured,
    #[error("the tasks failed")]
    Jobs(#[from] jobs::Error),
    #[error("the database failed")]
    Db(#[from] db::Error),
}

impl Error {
    pub(crate) fn invalid(pointer: &str, reason: &str) -> Self {
        Self::Invalid { pointer: pointer.to_owned(), reason: reason.to_owned() }
    }
}

impl ToProblem for Error {
    fn problem(&self) -> Problem {
        match self {
            Self::ItemNotFound(_) | Self::WebhookNotFound(_) | Self::DeliveryNotFound(_) => {
                Problem::not_found("notifications.not-found", self)
            }
            Self::NotAPerson => Problem::forbidden("notifications.not-a-person", self),
            Self::Invalid { pointer, reason } => Problem::unprocessable("notifications.invalid", self)
                .with_errors(vec![FieldError::new(pointer, reason)]),
            Self::TooManyWebhooks(_) => Problem::conflict("notifications.too-many-webhooks", self),
            Self::WebhookDisabled => Problem::conflict("notifications.webhook-disabled", self),
            Self::UnknownTopic(_) | Self::Words { .. } | Self::NoTitle | Self::Link => {
                Problem::unprocessable("notifications.message", self)
            }
            Self::UnsubscribeLink => Problem::not_found("notifications.unsubscribe-link", self),
            Self::MailNotConfigured => Problem::conflict("notifications.mail-not-configured", self),
            Self::Jobs(error) => error.problem(),
            Self::Db(error) => error.problem(),
        }
    }
}
