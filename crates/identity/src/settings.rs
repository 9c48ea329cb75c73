//! What administrators set while the server runs.

use ::settings::{Setting, SettingSpec};

use crate::policy::{CLIENT_REGISTRATION, SECOND_FACTOR};

pub(crate) const REGISTRATION: Setting<String> =
    Setting::choice("identity.registration", &["closed", "open"], "closed")
        .group("identity")
        .title("Registration", "Inscription")
        .description(
            "Open: anybody may make an account in the first workspace, with an address that they confirm by mail.",
            "Open : chacun peut créer un compte dans le premier espace de travail, avec une adresse confirmée par courriel.",
        );

/// What [`REGISTRATION`] says when anybody may.
pub(crate) const OPEN: &str = "open";

pub(crate) const REGISTRATION_ROLE: Setting<String> = Setting::text("identity.registration_role", 50, "user")
    .group("identity")
    .title("Role of who registers", "Rôle à l’inscription")
    .description(
        "The role that self-made accounts get; one that does not exist or holds everything counts as user.",
        "Le rôle des comptes créés par leurs titulaires ; un rôle inconnu ou qui peut tout vaut user.",
    );

pub(crate) const DELETED_KEEP_DAYS: Setting<i64> = Setting::integer(
    "identity.deleted_keep_days",
    0..=3_650,
    30,
)
.group("identity")
.unit("d")
.title("Keep deleted accounts", "Conserver les comptes supprimés")
.description(
    "How long a deleted account can be restored. Until then its address cannot be used again.",
    "Durée pendant laquelle un compte supprimé peut être restauré. Son adresse reste réservée jusque-là.",
);

pub(crate) const SETTINGS: &[SettingSpec] = &[
    REGISTRATION.spec,
    REGISTRATION_ROLE.spec,
    DELETED_KEEP_DAYS.spec,
    SECOND_FACTOR.spec,
    CLIENT_REGISTRATION.spec,
];
