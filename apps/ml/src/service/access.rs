//! Who calls, and in which workspace.

use std::time::Duration;

use kernel::{Actor, Ctx, Grants, Problem, Secret, WorkspaceId};
use serde_json::json;

use super::Ml;
use crate::{error::Error, permissions};

/// How long an access token serves who shows a password: less than it lives itself.
pub(super) const TOKEN_LIFE: Duration = Duration::from_secs(600);

/// Who calls without credentials, as logs and the audit log name it: after the setting that allows it.
const NOBODY: &str = "ml.auth_disabled";

/// E-mail address and password, as HTTP Basic shows them.
pub(crate) struct Shown {
    pub(crate) email: String,
    pub(crate) password: Secret<String>,
}

impl Ml {
    /// The token that this address and password gave a short while ago.
    pub(crate) fn kept_token(&self, shown: &Shown) -> Option<Secret<String>> {
        self.tokens.get(&self.token_place(shown))
    }

    pub(crate) fn keep_token(&self, shown: &Shown, token: Secret<String>) {
        self.tokens.insert(self.token_place(shown), token);
    }

    pub(crate) fn forget_token(&self, shown: &Shown) {
        self.tokens.invalidate(&self.token_place(shown));
    }

    /// The password itself is kept nowhere.
    fn token_place(&self, shown: &Shown) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.tokens_key);
        hasher.update(&(shown.email.len() as u64).to_le_bytes());
        hasher.update(shown.email.as_bytes());
        hasher.update(shown.password.expose().as_bytes());
        *hasher.finalize().as_bytes()
    }

    /// Who calls without any credentials, where that is allowed: the system, in the first workspace, with nothing but this
    /// module's permissions.
    pub(crate) async fn nobody(&self, request: &web::Request) -> Result<Option<Ctx>, Error> {
        if !self.config.auth_disabled {
            return Ok(None);
        }
        let Some(workspace) = self.open_workspace().await? else { return Ok(None) };
        let grants = Grants::of(permissions::ALL.iter().map(|permission| permission.name.to_owned()));
        let ctx = Ctx::system(NOBODY, workspace, request.now);
        Ok(Some(Ctx {
            request_id: request.id.clone(),
            address: request.address,
            locale: request.locale,
            grants: grants.into(),
            ..ctx
        }))
    }

    /// The first workspace, also before anybody has an account.
    async fn open_workspace(&self) -> Result<Option<WorkspaceId>, Error> {
        let mut tx = self.db.read().await?;
        if let Some(first) = self.directory.find_workspace(&mut tx, None).await? {
            return Ok(Some(first));
        }
        drop(tx);
        let mut tx = self.db.begin().await?;
        let made = self.directory.first_workspace(&mut tx, NOBODY).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// The caller in another workspace, by slug or id. One that they are no member of does not exist for them.
    pub(crate) async fn enter(&self, ctx: Ctx, name: &str) -> Result<Ctx, Error> {
        // MLflow's name for where everything is that is in no other.
        if name == "default" {
            return Ok(ctx);
        }
        let mut tx = self.db.read().await?;
        let unknown = || Error::not_found(format!("Workspace {} not found", json!(name)));
        let workspace = self.directory.find_workspace(&mut tx, Some(name)).await?.ok_or_else(unknown)?;
        if workspace == ctx.workspace {
            return Ok(ctx);
        }
        // An API key belongs to the workspace that it was made in.
        let Actor::User(user) = ctx.actor else { return Err(unknown()) };
        if ctx.api_key.is_some() {
            return Err(unknown());
        }
        let member = self.directory.member(&mut tx, workspace, user).await?.ok_or_else(unknown)?;
        let grants = (*member.grants).clone().narrowed_as(&ctx.grants);
        Ok(Ctx { workspace, grants: grants.into(), ..ctx })
    }
}

/// What is said to who showed nothing.
pub(crate) fn unauthenticated() -> Error {
    Error::Refused(Problem::unauthorized(
        "unauthenticated",
        "You are not authenticated. Set MLFLOW_TRACKING_TOKEN to an API key or an access token, or \
         MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD to your e-mail address and password.",
    ))
}
