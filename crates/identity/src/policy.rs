//! What administrators say of sign-in while the server runs.

use settings::{RuntimeSettings, Setting};

use crate::model::Membership;

/// Who must have a second factor.
pub(crate) const SECOND_FACTOR: Setting<String> =
    Setting::choice("identity.second_factor", &["optional", "administrators", "everyone"], "optional")
        .group("identity")
        .title("Second factor", "Second facteur")
        .description(
            "Who must have an authenticator app or a passkey. Whoever must and has none can only set one up after signing in.",
            "Qui doit avoir une application d’authentification ou une clé d’accès. Qui le doit et n’en a pas ne peut, une fois \
             connecté, qu’en configurer une.",
        );

/// May programs register as clients of the OAuth provider by themselves (RFC 7591)? MCP clients do.
pub(crate) const CLIENT_REGISTRATION: Setting<String> =
    Setting::choice("identity.client_registration", &["open", "closed"], "open")
        .group("identity")
        .title("Clients that register by themselves", "Clients qui s’enregistrent eux-mêmes")
        .description(
            "Whether applications may register with the OAuth provider on their own, as MCP clients do. Users are told that \
             nobody vouches for them.",
            "Si les applications peuvent s’enregistrer seules auprès du fournisseur OAuth, comme le font les clients MCP. Les \
             utilisateurs sont avertis que personne ne se porte garant d’elles.",
        );

/// Does the policy ask a user with these memberships for a second factor? Administrators are those who manage people.
pub(crate) fn asks_second_factor(settings: &RuntimeSettings, memberships: &[Membership]) -> bool {
    match settings.get(&SECOND_FACTOR).as_str() {
        "everyone" => true,
        "administrators" => {
            memberships.iter().any(|membership| membership.grants.has("identity.users.write"))
        }
        _ => false,
    }
}
