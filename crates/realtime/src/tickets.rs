use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use kernel::{Ctx, Timestamp};
use rand::{Rng, distr::Alphanumeric};

/// One-time passes for clients that can set neither a cookie nor a header on a WebSocket. Short-lived and known to this
/// node only: a client asks for one and connects at once.
#[derive(Default)]
pub(crate) struct Tickets(Mutex<HashMap<String, (Ctx, Timestamp)>>);

pub(crate) const LIFE: Duration = Duration::from_secs(30);
/// More open tickets than this are a mistake or an attack; the oldest rule (expiry) then frees room.
const OPEN_MAX: usize = 10_000;

impl Tickets {
    /// `None` when too many are open.
    pub(crate) fn issue(&self, ctx: Ctx, now: Timestamp) -> Option<String> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, (_, expires)| *expires > now);
        if open.len() >= OPEN_MAX {
            return None;
        }
        let ticket: String = rand::rng().sample_iter(Alphanumeric).take(43).map(char::from).collect();
        open.insert(ticket.clone(), (ctx, now + LIFE));
        Some(ticket)
    }

    pub(crate) fn redeem(&self, ticket: &str, now: Timestamp) -> Option<Ctx> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.remove(ticket).filter(|(_, expires)| *expires > now).map(|(ctx, _)| ctx)
    }
}
