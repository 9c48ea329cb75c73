use std::{
    collections::{BTreeMap, HashMap},
    pin::Pin,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use db::{Db, Tx};
use kernel::Ctx;
use realtime::{Event, Events, Room};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    Change, ChangeId, Error, Item, Setting, SettingSpec, SettingType,
    store::{self, Kept},
};

/// How often a node looks whether another one has changed anything.
pub const REFRESH: Duration = Duration::from_secs(2);

/// The topic of a change. Its data tells the key, not the value: not everybody in a workspace may see settings.
pub const CHANGED: &str = "settings.changed";

type Listener = Arc<dyn Fn(&RuntimeSettings) + Send + Sync>;

/// Writes a change into the audit log, in the change's own transaction and as its last statement.
pub type Recorder = Arc<
    dyn for<'t> Fn(
            &'t mut Tx,
            &'t Ctx,
            &'t Change,
        ) -> Pin<Box<dyn Future<Output = db::Result<()>> + Send + 't>>
        + Send
        + Sync,
>;

/// The handle. Cheap to clone.
#[derive(Clone)]
pub struct RuntimeSettings(Arc<Inner>);

struct Inner {
    db: Db,
    events: Events,
    specs: BTreeMap<&'static str, &'static SettingSpec>,
    /// What `socle.toml` says instead of the declaration's default.
    defaults: RwLock<HashMap<&'static str, Value>>,
    known: RwLock<Known>,
    refreshes: AtomicU64,
    listeners: Mutex<Vec<Listener>>,
    recorder: OnceLock<Recorder>,
}

/// What is set, as of a version.
#[derive(Default)]
struct Known {
    version: i64,
    values: HashMap<String, Kept>,
    /// Which refresh read it.
    read_by: u64,
}

impl RuntimeSettings {
    /// `specs` are those of all modules.
    ///
    /// # Panics
    ///
    /// When a key is declared twice, or a default does not fit its own declaration: mistakes of the program.
    pub fn new(db: Db, events: Events, specs: impl IntoIterator<Item = &'static SettingSpec>) -> Self {
        let mut by_key = BTreeMap::new();
        for spec in specs {
            assert!(spec.kind.check(&spec.kind.default_value()).is_ok(), "the default of {} fits", spec.key);
            assert!(by_key.insert(spec.key, spec).is_none(), "{} is declared once", spec.key);
        }
        Self(Arc::new(Inner {
            db,
            events,
            specs: by_key,
            defaults: RwLock::default(),
            known: RwLock::default(),
            refreshes: AtomicU64::new(0),
            listeners: Mutex::default(),
            recorder: OnceLock::new(),
        }))
    }

    /// What holds where nobody has set it: for a setting that `socle.toml` has too. A value that does not fit changes
    /// nothing.
    pub fn set_default<T: SettingType>(&self, setting: &Setting<T>, value: impl Into<Value>) {
        if let Ok(value) = setting.spec.kind.check(&value.into()) {
            let mut defaults = self.0.defaults.write().unwrap_or_else(PoisonError::into_inner);
            defaults.insert(setting.spec.key, value);
        }
    }

    /// The value now. Takes no time: it is in memory.
    pub fn get<T: SettingType>(&self, setting: &Setting<T>) -> T {
        let spec = &setting.spec;
        {
            let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
            let kept = known.values.get(spec.key).and_then(|kept| spec.kind.check(&kept.value).ok());
            if let Some(value) = kept.as_ref().and_then(T::from_value) {
                return value;
            }
        }
        T::from_value(&self.default_of(spec))
            .or_else(|| T::from_value(&spec.kind.default_value()))
            .expect("a setting is made with a default of its own type")
    }

    /// Calls `listener` now, and again after every change of any setting, here or on another node.
    pub fn on_change(&self, listener: impl Fn(&Self) + Send + Sync + 'static) {
        listener(self);
        let mut listeners = self.0.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.push(Arc::new(listener));
    }

    /// Who writes changes into the audit log. A second call changes nothing.
    pub fn record_with(&self, recorder: Recorder) {
        drop(self.0.recorder.set(recorder));
    }

    async fn record(&self, tx: &mut Tx, ctx: &Ctx, change: &Change) -> db::Result<()> {
        match self.0.recorder.get() {
            Some(recorder) => recorder(tx, ctx, change).await,
            None => Ok(()),
        }
    }

    /// All settings by group and key.
    pub fn list(&self) -> Vec<Item> {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut items: Vec<_> =
            self.0.specs.values().map(|spec| self.item(spec, known.values.get(spec.key))).collect();
        items.sort_by_key(|item| (item.spec.group, item.spec.key));
        items
    }

    /// One setting by its key.
    pub fn find(&self, key: &str) -> Result<Item, Error> {
        let spec = self.spec(key)?;
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        Ok(self.item(spec, known.values.get(key)))
    }

    /// Sets a value; `None` goes back to the default. Setting what is set already changes nothing.
    pub async fn set(&self, ctx: &Ctx, key: &str, value: Option<Value>) -> Result<Item, Error> {
        let spec = self.spec(key)?;
        let value = self.checked(spec, value)?;
        let mut tx = self.0.db.begin().await?;
        if let Some(change) = self.change(&mut tx, ctx, spec.key, value, None).await? {
            self.record(&mut tx, ctx, &change).await?;
            tx.commit().await?;
        }
        self.refresh().await?;
        self.find(key)
    }

    /// Puts back what was before a change. A change that another one followed is only undone by `force`.
    pub async fn undo(&self, ctx: &Ctx, id: ChangeId, force: bool) -> Result<Item, Error> {
        let mut tx = self.0.db.begin().await?;
        let undone = store::find_change(&mut tx, id).await?.ok_or(Error::NoChange(id))?;
        let spec = self.spec(&undone.key)?;
        if undone.is_undone && !force {
            return Err(Error::AlreadyUndone(id));
        }
        // The value before may be one that this version does not take any more.
        let old = self.checked(spec, undone.old.clone())?;
        let now = store::find(&mut tx, &undone.key).await?.map(|kept| kept.value);
        if now != undone.new && !force {
            return Err(Error::ChangedSince { key: undone.key, change: id });
        }
        let change = self.change(&mut tx, ctx, spec.key, old, Some(id)).await?;
        store::mark_undone(&mut tx, id).await?;
        if let Some(change) = change {
            self.record(&mut tx, ctx, &change).await?;
        }
        tx.commit().await?;
        self.refresh().await?;
        self.find(spec.key)
    }

    /// The history, newest first, from before a position; one more than `limit` if there is more.
    pub async fn changes(
        &self,
        key: Option<&str>,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Change>, Error> {
        if let Some(key) = key {
            self.spec(key)?;
        }
        let limit = i64::try_from(limit).unwrap_or(i64::MAX - 1) + 1;
        let mut tx = self.0.db.read().await?;
        Ok(store::changes(&mut tx, key, before.unwrap_or(i64::MAX), limit).await?)
    }

    /// Reads everything if there is another version: a newer one, or that of a database that was restored from a copy. Must
    /// run once before the first [`get`](Self::get).
    pub async fn refresh(&self) -> db::Result<()> {
        let number = self.0.refreshes.fetch_add(1, Ordering::SeqCst) + 1;
        let mut tx = self.0.db.read().await?;
        let version = store::version(&mut tx).await?;
        if version == self.version() {
            return Ok(());
        }
        let values = store::values(&mut tx).await?;
        tx.commit().await?;
        for kept in &values {
            // A setting that another version of Socle has, or whose bounds were others, stays as it is.
            match self.0.specs.get(kept.key.as_str()) {
                None => {
                    tracing::debug!(setting = kept.key, "a setting is kept that this version does not have")
                }
                Some(spec) if spec.kind.check(&kept.value).is_err() => {
                    tracing::warn!(
                        setting = kept.key,
                        "the kept value does not fit any more; the default holds"
                    );
                }
                Some(_) => {}
            }
        }
        {
            let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
            // Two refreshes may overtake each other; versions do not tell which came later.
            if known.read_by < number {
                let values = values.into_iter().map(|kept| (kept.key.clone(), kept)).collect();
                *known = Known { version, values, read_by: number };
            }
        }
        metrics::gauge!("settings_version").set(version as f64);
        let listeners = self.0.listeners.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for listener in listeners {
            listener(self);
        }
        Ok(())
    }

    /// Follows what other nodes and the command line change, until told to stop.
    pub async fn run(self, every: Duration, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(every) => {}
            }
            if let Err(error) = self.refresh().await {
                tracing::warn!(%error, "the settings could not be read; going on with those known");
            }
        }
    }

    /// Writes value and history and tells the workspace; `None` if the value is there already.
    async fn change(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        key: &'static str,
        new: Option<Value>,
        undo_of: Option<ChangeId>,
    ) -> Result<Option<Change>, Error> {
        let position = store::next_version(tx).await?;
        let old = store::find(tx, key).await?.map(|kept| kept.value);
        if old == new {
            return Ok(None);
        }
        let by = ctx.actor.to_string();
        store::write(tx, key, new.as_ref(), ctx.now, &by).await?;
        let change = Change {
            id: ChangeId::new(ctx.now),
            position,
            key: key.to_owned(),
            old,
            new,
            by,
            at: ctx.now,
            undo_of,
            is_undone: false,
        };
        store::add_change(tx, &change).await?;
        let event = Event {
            topic: CHANGED,
            room: Room::workspace(ctx.workspace),
            workspace: ctx.workspace,
            data: json!({"key": key, "change_id": change.id}),
        };
        self.0.events.publish(tx, &event).await?;
        metrics::counter!("settings_changes_total").increment(1);
        tracing::info!(setting = key, by = change.by, "a setting was changed");
        Ok(Some(change))
    }

    fn checked(&self, spec: &'static SettingSpec, value: Option<Value>) -> Result<Option<Value>, Error> {
        value
            .map(|value| spec.kind.check(&value))
            .transpose()
            .map_err(|reason| Error::Invalid { key: spec.key, reason })
    }

    fn spec(&self, key: &str) -> Result<&'static SettingSpec, Error> {
        self.0
            .specs
            .get(key)
            .copied()
            .ok_or_else(|| Error::Unknown { key: key.chars().take(80).collect(), nearest: self.nearest(key) })
    }

    /// Up to three keys that read alike.
    fn nearest(&self, key: &str) -> Vec<&'static str> {
        let mut near: Vec<_> = self
            .0
            .specs
            .keys()
            .map(|known| {
                let last = known.rsplit('.').next().unwrap_or(known);
                (strsim::jaro_winkler(known, key).max(strsim::jaro_winkler(last, key)), *known)
            })
            .filter(|(likeness, _)| *likeness > 0.8)
            .collect();
        near.sort_by(|a, b| b.0.total_cmp(&a.0));
        near.into_iter().take(3).map(|(_, key)| key).collect()
    }

    fn item(&self, spec: &'static SettingSpec, kept: Option<&Kept>) -> Item {
        let default = self.default_of(spec);
        let fitting = kept.and_then(|kept| spec.kind.check(&kept.value).ok());
        Item {
            spec,
            is_default: fitting.is_none(),
            value: fitting.unwrap_or_else(|| default.clone()),
            default,
            updated_at: kept.map(|kept| kept.updated_at),
            updated_by: kept.map(|kept| kept.updated_by.clone()),
        }
    }

    fn default_of(&self, spec: &SettingSpec) -> Value {
        let defaults = self.0.defaults.read().unwrap_or_else(PoisonError::into_inner);
        defaults.get(spec.key).cloned().unwrap_or_else(|| spec.kind.default_value())
    }

    fn version(&self) -> i64 {
        self.0.known.read().unwrap_or_else(PoisonError::into_inner).version
    }
}
