//! Rules without I/O.

mod address;

pub(crate) use address::{MailServer, Mailbox};
