//! Mails: from a template and a person to a mail server that took it.

mod sender;
mod templates;

pub(crate) use sender::{Failure, Letter, Mailer};
