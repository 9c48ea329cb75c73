use kernel::{Ctx, Timestamp};
use serde_json::json;

use super::super::{Identity, SignedIn, notices::Change, sessions::user};
use crate::{
    error::Error,
    model::{NewEntry, Visit},
    store,
};

/// An account elsewhere that signs the caller in here.
pub(crate) struct LinkedProvider {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) email: Option<String>,
    pub(crate) linked_at: Timestamp,
}

impl Identity {
    pub(crate) async fn list_linked_providers(&self, ctx: &Ctx) -> Result<Vec<LinkedProvider>, Error> {
        let mut tx = self.0.db.read().await?;
        let links = store::providers::list(&mut tx, user(ctx)?).await?;
        let linked = |link: store::providers::Link| LinkedProvider {
            name: self.0.providers.name(&link.provider),
            id: link.provider,
            email: link.email,
            linked_at: link.linked_at,
        };
        Ok(links.into_iter().map(linked).collect())
    }

    pub(crate) async fn unlink_provider(
        &self,
        ctx: &Ctx,
        visit: &Visit,
        signed_in: &SignedIn,
        id: &str,
    ) -> Result<(), Error> {
        self.require_recent(signed_in, ctx.now)?;
        let owner = user(ctx)?;
        let mut tx = self.0.db.begin().await?;
        if !store::providers::list(&mut tx, owner).await?.iter().any(|link| link.provider == id) {
            return Err(Error::ProviderNotFound(id.chars().take(50).collect()));
        }
        self.keep_a_door(&mut tx, owner).await?;
        store::providers::delete(&mut tx, owner, id).await?;
        self.tell_of(&mut tx, visit, owner, &Change::ProviderUnlinked(self.0.providers.name(id))).await?;
        let entry = NewEntry::by(ctx, "identity.provider-unlinked").target(owner);
        self.write_down(&mut tx, entry.detail(json!({ "provider": id }))).await?;
        tx.commit().await?;
        Ok(())
    }
}
