use std::{
    collections::BTreeMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use metrics::{Counter, counter};

/// A count that is told twice: to Prometheus and to `/api/v1/cache`.
pub(crate) struct Count {
    value: AtomicU64,
    metric: Counter,
}

impl Count {
    fn new(metric: Counter) -> Self {
        Self { value: AtomicU64::new(0), metric }
    }

    pub(crate) fn add(&self) {
        self.value.fetch_add(1, Ordering::Relaxed);
        self.metric.increment(1);
    }

    fn get(&self) -> u64 {
        self.value.load(Ordering::Relaxed)
    }
}

/// What became of one namespace's questions in this process.
pub(crate) struct Counts {
    pub(crate) hits: Count,
    pub(crate) misses: Count,
    pub(crate) loads: Count,
    pub(crate) load_errors: Count,
    pub(crate) negative_hits: Count,
    /// Values that could not be read or written, and Redis being away.
    pub(crate) errors: Count,
}

impl Counts {
    fn new(namespace: &str) -> Self {
        let count = |name: &'static str| Count::new(counter!(name, "namespace" => namespace.to_owned()));
        Self {
            hits: count("cache_hits_total"),
            misses: count("cache_misses_total"),
            loads: count("cache_loads_total"),
            load_errors: count("cache_load_errors_total"),
            negative_hits: count("cache_negative_hits_total"),
            errors: count("cache_errors_total"),
        }
    }
}

/// The namespaces that this process has used.
#[derive(Default)]
pub(crate) struct Registry(RwLock<BTreeMap<Arc<str>, Arc<Counts>>>);

impl Registry {
    pub(crate) fn counts(&self, namespace: &Arc<str>) -> Arc<Counts> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(counts) = known.get(namespace) {
            return counts.clone();
        }
        drop(known);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.entry(namespace.clone()).or_insert_with(|| Arc::new(Counts::new(namespace))).clone()
    }

    pub(crate) fn knows(&self, namespace: &str) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains_key(namespace)
    }

    pub(crate) fn all(&self) -> BTreeMap<String, NamespaceStats> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let of = |name: &Arc<str>, counts: &Arc<Counts>| NamespaceStats {
            name: name.to_string(),
            entries: 0,
            hits: counts.hits.get(),
            misses: counts.misses.get(),
            loads: counts.loads.get(),
            load_errors: counts.load_errors.get(),
            negative_hits: counts.negative_hits.get(),
        };
        known.iter().map(|(name, counts)| (name.to_string(), of(name, counts))).collect()
    }
}

/// What there is, and how it went in this process since its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// `memory` or `redis`.
    pub engine: &'static str,
    /// `false`: Redis is away, everything is computed.
    pub is_up: bool,
    pub entries: u64,
    pub memory_bytes: u64,
    /// By name.
    pub namespaces: Vec<NamespaceStats>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamespaceStats {
    pub name: String,
    pub entries: u64,
    pub hits: u64,
    pub misses: u64,
    /// Values computed.
    pub loads: u64,
    /// Of these, how many failed.
    pub load_errors: u64,
    /// It was known that there is nothing.
    pub negative_hits: u64,
}

impl NamespaceStats {
    /// Of all questions, how many were answered from the cache; `None` before the first.
    pub fn hit_ratio(&self) -> Option<f64> {
        let hits = self.hits + self.negative_hits;
        let all = hits + self.misses;
        (all > 0).then(|| hits as f64 / all as f64)
    }
}
