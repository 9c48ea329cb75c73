use std::{fmt, future::Future, pin::Pin, sync::Arc};

use kernel::{Ctx, Problem, UserId, WorkspaceId};

/// Where clients gather: `workspace:ws_…`, `user:usr_…`, `camera:cam_…`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Room(Arc<str>);

impl Room {
    /// All members of a workspace.
    pub fn workspace(id: WorkspaceId) -> Self {
        Self(format!("workspace:{id}").into())
    }

    /// All devices of one person.
    pub fn user(id: UserId) -> Self {
        Self(format!("user:{id}").into())
    }

    /// A room of a module: `Room::named("camera", camera.id)`.
    pub fn named(prefix: &str, id: impl fmt::Display) -> Self {
        Self(format!("{prefix}:{id}").into())
    }

    /// From a client: `prefix:rest`, at most 128 characters.
    pub fn parse(text: &str) -> Option<Self> {
        let (prefix, rest) = text.split_once(':')?;
        (!prefix.is_empty() && !rest.is_empty() && text.len() <= 128).then(|| Self(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the colon and the part after it.
    pub fn split(&self) -> (&str, &str) {
        self.0.split_once(':').unwrap_or((&self.0, ""))
    }
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

type Checked = Pin<Box<dyn Future<Output = Result<(), Problem>> + Send>>;

/// Who may join the rooms of one prefix. A prefix without a guard has no rooms.
#[derive(Clone)]
pub struct RoomGuard {
    pub prefix: &'static str,
    check: Arc<dyn Fn(Ctx, String) -> Checked + Send + Sync>,
}

impl RoomGuard {
    /// `check` gets the caller and the part of the room's name after the colon.
    pub fn new<F>(prefix: &'static str, check: impl Fn(Ctx, String) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), Problem>> + Send + 'static,
    {
        Self { prefix, check: Arc::new(move |ctx, id| Box::pin(check(ctx, id))) }
    }

    pub(crate) async fn check(&self, ctx: &Ctx, id: &str) -> Result<(), Problem> {
        (self.check)(ctx.clone(), id.to_owned()).await
    }

    /// The rooms that need no module: one's own workspace and oneself.
    pub fn built_in() -> [Self; 2] {
        let not_yours = || Problem::forbidden("realtime.room-denied", "this room is not for this caller");
        [
            Self::new("workspace", move |ctx, id| async move {
                if ctx.workspace.to_string() == id { Ok(()) } else { Err(not_yours()) }
            }),
            Self::new("user", move |ctx, id| async move {
                if ctx.actor.user().is_some_and(|user| user.to_string() == id) {
                    Ok(())
                } else {
                    Err(not_yours())
                }
            }),
        ]
    }
}
