use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use kernel::{Locale, Timestamp};
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{
        Mailbox as LettreMailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{
        PoolConfig,
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
    },
};
use serde_json::{Map, Value};
use tokio::{sync::Mutex, time::Instant};

use super::templates::Templates;
use crate::{
    config::MailConfig,
    model::{MailServer, MailTls, Mailbox},
};

/// One mail, before it has its words.
pub(crate) struct Letter<'l> {
    /// Unique: the same for every attempt, so that a mail server or reader may know a repeat.
    pub(crate) id: String,
    pub(crate) to: &'l Mailbox,
    pub(crate) template: &'l str,
    pub(crate) params: &'l Map<String, Value>,
    pub(crate) locale: Locale,
    pub(crate) at: Timestamp,
    /// The page that switches such mails off (RFC 8058).
    pub(crate) unsubscribe_url: Option<String>,
}

/// Why a mail did not go out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("no mail server is set")]
    NotConfigured,
    /// Trying again would change nothing.
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Later(String),
}

/// Sends mails, or says that it cannot. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Mailer(Arc<Inner>);

struct Inner {
    templates: Templates,
    server: Option<Server>,
    public_url: String,
}

struct Server {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    reply_to: Option<Mailbox>,
    /// For a whole mail: a server may be slow in each of its steps.
    patience: Duration,
    interval: Duration,
    next: Mutex<Option<Instant>>,
}

const PRODUCT: &str = "Socle";

impl Mailer {
    pub(crate) fn new(config: &MailConfig, public_url: &str) -> anyhow::Result<Self> {
        let server = if config.is_configured() { Some(Server::new(config)?) } else { None };
        Ok(Self(Arc::new(Inner {
            templates: Templates::load(&config.templates)?,
            server,
            public_url: public_url.trim_end_matches('/').to_owned(),
        })))
    }

    pub(crate) fn is_configured(&self) -> bool {
        self.0.server.is_some()
    }

    /// Who mails come from.
    pub(crate) fn from(&self) -> Option<String> {
        self.0.server.as_ref().map(|server| server.from.to_string())
    }

    /// Writes the mail and hands it to the server.
    pub(crate) async fn send(&self, letter: &Letter<'_>) -> Result<(), Failure> {
        let outcome = self.try_send(letter).await;
        let name = match &outcome {
            Ok(()) => "sent",
            Err(Failure::NotConfigured) => "skipped",
            Err(Failure::Refused(_)) => "refused",
            Err(Failure::Later(_)) => "deferred",
        };
        metrics::counter!("mail_sent_total", "outcome" => name).increment(1);
        // Neither words nor parameters: they may hold links that are credentials.
        match &outcome {
            Ok(()) => {
                tracing::info!(mail.template = letter.template, mail.domain = letter.to.domain(), "mail sent")
            }
            Err(failure) => tracing::warn!(
                mail.template = letter.template, mail.domain = letter.to.domain(), outcome = name, reason = %failure,
                "mail not sent"
            ),
        }
        outcome
    }

    async fn try_send(&self, letter: &Letter<'_>) -> Result<(), Failure> {
        // Also without a server: a fault in a template is better found early.
        let common = minijinja::context! {
            product => PRODUCT,
            public_url => self.0.public_url.clone(),
            unsubscribe_url => letter.unsubscribe_url.clone().unwrap_or_default(),
        };
        let filled = (self.0.templates.fill(letter.template, letter.locale, letter.params, common))
            .map_err(|error| Failure::Refused(chain(&error)))?;
        let server = self.0.server.as_ref().ok_or(Failure::NotConfigured)?;
        let message =
            server.message(letter, filled).map_err(|error| Failure::Refused(format!("{error:#}")))?;
        server.turn().await;
        match tokio::time::timeout(server.patience, server.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if error.is_permanent() || error.is_client() => {
                Err(Failure::Refused(chain(&error)))
            }
            Ok(Err(error)) => Err(Failure::Later(chain(&error))),
            Err(_) => Err(Failure::Later("the mail server did not take the mail in time".to_owned())),
        }
    }
}

impl Server {
    fn new(config: &MailConfig) -> anyhow::Result<Self> {
        let server = MailServer::parse(config.url.expose()).context("mail.url")?;
        let reply_to = match config.reply_to.as_str() {
            "" => None,
            text => Some(Mailbox::parse(text).context("mail.reply_to")?),
        };
        let parameters = || {
            let mut builder = TlsParameters::builder(server.host.clone());
            if !config.ca_file.as_os_str().is_empty() {
                let pem = std::fs::read(&config.ca_file)
                    .with_context(|| format!("mail.ca_file: {} cannot be read", config.ca_file.display()))?;
                let certificate = Certificate::from_pem(&pem).context("mail.ca_file holds no certificate")?;
                builder = builder.add_root_certificate(certificate);
            }
            builder.build().context("mail.url: TLS cannot be set up")
        };
        let tls = match server.tls {
            MailTls::StartTls => Tls::Required(parameters()?),
            MailTls::Required => Tls::Wrapper(parameters()?),
            MailTls::None => Tls::None,
        };
        let timeout = Duration::from_millis(config.timeout_ms);
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(server.host)
            .port(server.port)
            .tls(tls)
            .timeout(Some(timeout))
            .pool_config(PoolConfig::new().max_size(config.connections_max));
        if let Some((user, password)) = server.credentials {
            transport = transport.credentials(Credentials::new(user, password.expose().clone()));
        }
        Ok(Self {
            transport: transport.build(),
            from: Mailbox::parse(&config.from).context("mail.from")?,
            reply_to,
            patience: timeout * 4,
            interval: Duration::from_secs(60) / config.rate_per_minute,
            next: Mutex::default(),
        })
    }

    /// Waits until one more mail may go out. Few wait at a time: the slots of the queue.
    async fn turn(&self) {
        let slot = {
            let mut next = self.next.lock().await;
            let slot = next.unwrap_or_else(Instant::now).max(Instant::now());
            *next = Some(slot + self.interval);
            slot
        };
        tokio::time::sleep_until(slot).await;
    }

    fn message(&self, letter: &Letter<'_>, filled: super::templates::Filled) -> anyhow::Result<Message> {
        let mut builder = Message::builder()
            .from(mailbox(&self.from)?)
            .to(mailbox(letter.to)?)
            .subject(filled.subject)
            .message_id(Some(format!("<{}@{}>", letter.id, self.from.domain())))
            .date(letter.at.into())
            .raw_header(header("Auto-Submitted", "auto-generated"));
        if let Some(reply_to) = &self.reply_to {
            builder = builder.reply_to(mailbox(reply_to)?);
        }
        if let Some(url) = &letter.unsubscribe_url {
            builder = builder
                .raw_header(header("List-Unsubscribe", &format!("<{url}>")))
                .raw_header(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"));
        }
        Ok(builder.multipart(MultiPart::alternative_plain_html(filled.text, filled.html))?)
    }
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    // Never folded: readers look for these as they are, and no value here is long.
    HeaderValue::dangerous_new_pre_encoded(
        HeaderName::new_from_ascii_str(name),
        value.to_owned(),
        value.to_owned(),
    )
}

fn mailbox(mailbox: &Mailbox) -> anyhow::Result<LettreMailbox> {
    let (user, domain) = mailbox.address.rsplit_once('@').context("an address lacks its @")?;
    let address = Address::new(user, domain).with_context(|| format!("{} is refused", mailbox.address))?;
    Ok(LettreMailbox::new(mailbox.name.clone(), address))
}

/// An error and its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
