use kernel::Ctx;
use web::Feed;

use super::{Notifications, person};
use crate::{
    error::Error,
    events,
    model::{Item, ItemId},
    store,
};

impl Notifications {
    /// The caller's own in the present workspace, newest first.
    pub(crate) async fn list_items(
        &self,
        ctx: &Ctx,
        unread: bool,
        before: Option<ItemId>,
        limit: usize,
    ) -> Result<Feed<Item>, Error> {
        let user = person(ctx)?;
        let mut tx = self.db.read().await?;
        let rows = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        let items = store::items::list(&mut tx, ctx.workspace, user, unread, before, rows).await?;
        Ok(Feed::new(items, limit, |item| item.id))
    }

    pub(crate) async fn unread_count(&self, ctx: &Ctx) -> Result<u64, Error> {
        let mut tx = self.db.read().await?;
        Ok(store::items::count_unread(&mut tx, ctx.workspace, person(ctx)?).await?)
    }

    /// Reading twice changes nothing.
    pub(crate) async fn read_item(&self, ctx: &Ctx, id: ItemId) -> Result<Item, Error> {
        let user = person(ctx)?;
        let mut tx = self.db.begin().await?;
        let is_news = store::items::mark_read(&mut tx, ctx.workspace, user, id, ctx.now).await?;
        let found = store::items::find(&mut tx, ctx.workspace, user, id).await?;
        let item = found.ok_or(Error::ItemNotFound(id))?;
        if is_news {
            let unread = store::items::count_unread(&mut tx, ctx.workspace, user).await?;
            self.events.publish(&mut tx, &events::read(ctx.workspace, user, Some(id), unread)).await?;
            tx.commit().await?;
        }
        Ok(item)
    }

    pub(crate) async fn read_all(&self, ctx: &Ctx) -> Result<(), Error> {
        let user = person(ctx)?;
        let mut tx = self.db.begin().await?;
        if store::items::mark_all_read(&mut tx, ctx.workspace, user, ctx.now).await? > 0 {
            self.events.publish(&mut tx, &events::read(ctx.workspace, user, None, 0)).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    pub(crate) async fn delete_item(&self, ctx: &Ctx, id: ItemId) -> Result<(), Error> {
        let user = person(ctx)?;
        let mut tx = self.db.begin().await?;
        if !store::items::delete(&mut tx, ctx.workspace, user, id).await? {
            return Err(Error::ItemNotFound(id));
        }
        let unread = store::items::count_unread(&mut tx, ctx.workspace, user).await?;
        self.events.publish(&mut tx, &events::read(ctx.workspace, user, Some(id), unread)).await?;
        tx.commit().await?;
        Ok(())
    }
}
