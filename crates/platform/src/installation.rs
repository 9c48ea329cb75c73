//! What administrators say of the installation as a whole, for every module to read; the module `admin` shows it.

use std::sync::Arc;

use kernel::Locale;
use settings::{RuntimeSettings, Setting};

pub const NAME: Setting<String> =
    Setting::text("installation.name", 80, "Socle").group("installation").title("Name", "Nom").description(
        "What the sign-in page and the console call this installation.",
        "Le nom de cette installation sur la page de connexion et dans la console.",
    );

pub const SIGN_IN_NOTICE: Setting<String> = Setting::text("installation.sign_in_notice", 2_000, "")
    .group("installation")
    .title("Notice at sign-in", "Message à la connexion")
    .description(
        "Shown above the sign-in form: terms of use, planned maintenance, whom to ask for an account.",
        "Affiché au-dessus du formulaire de connexion : conditions d’utilisation, maintenance prévue, contact.",
    );

pub const DEFAULT_LANGUAGE: Setting<String> =
    Setting::choice("installation.default_language", &["en", "fr"], "en")
        .group("installation")
        .title("Default language", "Langue par défaut")
        .description(
            "The language of answers to callers that do not say which they read.",
            "La langue des réponses aux clients qui n’indiquent pas la leur.",
        );

/// Read at every request that does not say its language.
pub(crate) fn default_locale(settings: RuntimeSettings) -> Arc<dyn Fn() -> Locale + Send + Sync> {
    Arc::new(move || Locale::parse(&settings.get(&DEFAULT_LANGUAGE)).unwrap_or_default())
}
