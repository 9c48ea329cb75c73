use cache::{Entry, Stats};
use kernel::Allow;
use limits::Overview;

use super::Admin;
use crate::{
    error::Error,
    permissions::{ReadCache, ReadLimits, WriteCache},
};

impl Admin {
    pub(crate) async fn cache_stats(&self, _: &Allow<ReadCache>) -> Stats {
        self.0.platform.cache.stats().await
    }

    /// Of all workspaces: what is needed again is computed again. How many entries there were.
    pub(crate) async fn clear_cache(&self, _: &Allow<WriteCache>) -> u64 {
        self.0.platform.cache.clear().await
    }

    pub(crate) async fn clear_cache_namespace(
        &self,
        _: &Allow<WriteCache>,
        namespace: String,
    ) -> Result<u64, Error> {
        let cache = &self.0.platform.cache;
        match cache.clear_namespace(&namespace).await {
            0 if !cache.knows(&namespace) => Err(Error::NoNamespace(namespace)),
            removed => Ok(removed),
        }
    }

    /// The caller's workspace's, else the installation's; never another workspace's.
    pub(crate) async fn cached(
        &self,
        allow: &Allow<ReadCache>,
        namespace: String,
        key: String,
    ) -> Result<Entry, Error> {
        for workspace in [Some(allow.workspace), None] {
            if let Some(entry) = self.0.platform.cache.find(&namespace, workspace, &key).await {
                return Ok(entry);
            }
        }
        Err(Error::NotCached { namespace, key })
    }

    pub(crate) async fn forget_cached(
        &self,
        allow: &Allow<WriteCache>,
        namespace: String,
        key: String,
    ) -> Result<(), Error> {
        for workspace in [Some(allow.workspace), None] {
            if self.0.platform.cache.delete(&namespace, workspace, &key).await {
                return Ok(());
            }
        }
        Err(Error::NotCached { namespace, key })
    }

    pub(crate) fn limits(&self, _: &Allow<ReadLimits>) -> Overview {
        self.0.platform.limits.overview()
    }
}
