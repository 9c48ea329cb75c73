use std::{fmt::Display, marker::PhantomData, time::Duration};

use kernel::WorkspaceId;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Cache, Namespace};

/// A cached function: what it gives for a key in a workspace, kept for a time.
///
/// ```ignore
/// let models: Cached<PageKey, Vec<Model>> = cache.cached("surveillance.models", Duration::from_secs(60));
/// models.get(workspace, &key, || read(key)).await?;
/// models.clear(workspace).await; // after a change
/// ```
pub struct Cached<K, V> {
    namespace: Namespace,
    ttl: Duration,
    types: PhantomData<fn(&K) -> V>,
}

impl Cache {
    /// `namespace` as in [`Cache::namespace`].
    pub fn cached<K, V>(&self, namespace: &str, ttl: Duration) -> Cached<K, V> {
        Cached { namespace: self.namespace(namespace), ttl, types: PhantomData }
    }
}

impl<K: Display, V: Serialize + DeserializeOwned> Cached<K, V> {
    pub async fn get<E, F>(
        &self,
        workspace: WorkspaceId,
        key: &K,
        compute: impl FnOnce() -> F,
    ) -> Result<V, E>
    where
        F: Future<Output = Result<V, E>>,
    {
        self.namespace.of(workspace).get_or_compute(&key.to_string(), self.ttl, compute).await
    }

    /// Of one key.
    pub async fn forget(&self, workspace: WorkspaceId, key: &K) {
        self.namespace.of(workspace).delete(&key.to_string()).await;
    }

    /// Of all keys of the workspace.
    pub async fn clear(&self, workspace: WorkspaceId) {
        self.namespace.of(workspace).delete_pattern("*").await;
    }
}

impl<K, V> Clone for Cached<K, V> {
    fn clone(&self) -> Self {
        Self { namespace: self.namespace.clone(), ttl: self.ttl, types: PhantomData }
    }
}
