use db::Tx;
use kernel::UserId;
use platform::{Level, Mail, Message, Notify, Recipients, Words};
use serde_json::{Map, Value};

use super::Identity;
use crate::{
    error::Error,
    model::{User, Visit},
};

/// Something about what protects an account, of which its owner is told.
#[derive(Debug, Clone)]
pub(super) enum Change {
    TotpEnabled,
    TotpDisabled,
    RecoveryCodesMade,
    RecoveryCodeUsed { left: u64 },
    PasskeyAdded(String),
    PasskeyRemoved(String),
    PasskeyCloned(String),
    ProviderLinked(String),
    ProviderUnlinked(String),
    SecondFactorReset,
    CodesFailed,
}

/// The kind of notice that people switch on and off; the mail goes out in any case.
pub(crate) const SECURITY_CHANGED: &str = "identity.security_changed";

impl Change {
    fn is_alarming(&self) -> bool {
        matches!(self, Self::PasskeyCloned(_) | Self::SecondFactorReset | Self::CodesFailed)
    }

    fn title(&self) -> Words {
        match self {
            Self::TotpEnabled => Words::new(
                "An authenticator app protects your account",
                "Une application d’authentification protège votre compte",
            ),
            Self::TotpDisabled => Words::new(
                "The authenticator app was removed from your account",
                "L’application d’authentification a été retirée de votre compte",
            ),
            Self::RecoveryCodesMade => {
                Words::new("New recovery codes were made", "De nouveaux codes de secours ont été créés")
            }
            Self::RecoveryCodeUsed { .. } => {
                Words::new("A recovery code was used", "Un code de secours a été utilisé")
            }
            Self::PasskeyAdded(_) => Words::new(
                "A passkey was added to your account",
                "Une clé d’accès a été ajoutée à votre compte",
            ),
            Self::PasskeyRemoved(_) => Words::new(
                "A passkey was removed from your account",
                "Une clé d’accès a été retirée de votre compte",
            ),
            Self::PasskeyCloned(_) => {
                Words::new("A passkey may have been copied", "Une clé d’accès a peut-être été copiée")
            }
            Self::ProviderLinked(name) => Words::new(
                format!("{name} can now sign you in"),
                format!("{name} peut maintenant vous connecter"),
            ),
            Self::ProviderUnlinked(name) => Words::new(
                format!("{name} can no longer sign you in"),
                format!("{name} ne peut plus vous connecter"),
            ),
            Self::SecondFactorReset => Words::new(
                "An administrator reset your second factor",
                "Un administrateur a réinitialisé votre second facteur",
            ),
            Self::CodesFailed => Words::new(
                "Somebody may know your password",
                "Quelqu’un connaît peut-être votre mot de passe",
            ),
        }
    }

    fn body(&self) -> Words {
        match self {
            Self::TotpEnabled => Words::new(
                "From now on a sign-in with your password also asks for a code.",
                "Désormais, une connexion par mot de passe demande aussi un code.",
            ),
            Self::TotpDisabled => {
                Words::new("Its codes do not count any more.", "Ses codes ne comptent plus.")
            }
            Self::RecoveryCodesMade => {
                Words::new("Those from before do not count any more.", "Les précédents ne comptent plus.")
            }
            Self::RecoveryCodeUsed { left } => Words::new(
                format!("{left} of them are left. Make new ones before you run out."),
                format!("Il en reste {left}. Créez-en de nouveaux avant d’en manquer."),
            ),
            Self::PasskeyAdded(name) | Self::PasskeyRemoved(name) => {
                Words::new(format!("Its name: {name}"), format!("Son nom : {name}"))
            }
            Self::PasskeyCloned(name) => Words::new(
                format!(
                    "“{name}” counted backwards, as a copy would. The sign-in was refused: remove it and add a new one."
                ),
                format!(
                    "« {name} » a compté à rebours, comme le ferait une copie. La connexion a été refusée : retirez-la et \
                         ajoutez-en une nouvelle."
                ),
            ),
            Self::ProviderLinked(_) | Self::ProviderUnlinked(_) => Words::default(),
            Self::SecondFactorReset => Words::new(
                "Authenticator app, recovery codes and passkeys are gone, and you were signed out everywhere.",
                "L’application d’authentification, les codes de secours et les clés d’accès ont été retirés, et vos sessions \
                 terminées.",
            ),
            Self::CodesFailed => Words::new(
                "Your password was right, but the code after it was wrong several times. If it was not you, change your password.",
                "Votre mot de passe était juste, mais le code qui suit a été faux plusieurs fois. Si ce n’était pas vous, changez \
                 votre mot de passe.",
            ),
        }
    }
}

impl Identity {
    /// Tells the owner in the application and, whatever they chose there, by mail.
    pub(super) async fn tell_owner(
        &self,
        tx: &mut Tx,
        visit: &Visit,
        user: &User,
        change: &Change,
    ) -> Result<(), Error> {
        let ctx = Self::ctx_of(visit, user.home);
        let (title, body) = (change.title(), change.body());
        // Not that of the visit: it may be a stranger's.
        let locale = user.locale.unwrap_or_else(|| self.default_locale());
        let mut params = Map::new();
        for (name, value) in [
            ("title", title.in_locale(locale).to_owned()),
            ("body", body.in_locale(locale).to_owned()),
            ("at", visit.now.strftime("%Y-%m-%d %H:%M UTC").to_string()),
            ("address", visit.address.map(|address| address.to_string()).unwrap_or_default()),
            ("device", visit.device.clone()),
            ("link_url", format!("{}/account/security", self.public_url())),
        ] {
            params.insert(name.to_owned(), Value::from(value));
        }
        let mail = Mail { to: user.email.clone(), template: "security".to_owned(), params, locale };
        self.0.jobs.enqueue(tx, &ctx, mail).await?;
        let level = if change.is_alarming() { Level::Warning } else { Level::Info };
        let notify = Notify {
            level,
            link: Some("/account/security".to_owned()),
            message: Message::Text { title, body },
            ..Notify::new(Recipients::User(user.id), SECURITY_CHANGED)
        };
        self.0.jobs.enqueue(tx, &ctx, notify).await?;
        Ok(())
    }

    /// The same for a caller who is signed in; the account is read.
    pub(super) async fn tell_of(
        &self,
        tx: &mut Tx,
        visit: &Visit,
        user: UserId,
        change: &Change,
    ) -> Result<(), Error> {
        let account = store_account(tx, user).await?;
        self.tell_owner(tx, visit, &account, change).await
    }
}

async fn store_account(tx: &mut Tx, id: UserId) -> Result<User, Error> {
    let account = crate::store::users::find_account_by_id(tx, id).await?;
    account.map(|account| account.user).ok_or(Error::UserNotFound(id))
}
