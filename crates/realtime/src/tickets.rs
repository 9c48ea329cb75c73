//! One-time passes for clients that can set neither a cookie nor a header on a WebSocket. They stand in the database, so
//! that a ticket of one node opens any other, once: whoever deletes the row has used it.

use std::{net::IpAddr, sync::Arc, time::Duration};

use db::{Json, Result, Tx};
use kernel::{Actor, Ctx, Grants, Locale, RequestId, Timestamp, UserId, WorkspaceId};
use rand::{Rng as _, distr::Alphanumeric};
use serde::{Deserialize, Serialize};

pub(crate) const LIFE: Duration = Duration::from_secs(30);
/// More open tickets than this are a mistake or an attack; they expire soon.
const OPEN_MAX: i64 = 10_000;

#[derive(Serialize, Deserialize)]
struct Caller {
    user: UserId,
    workspace: WorkspaceId,
    locale: String,
    address: Option<IpAddr>,
    grants: Grants,
}

/// Only the hash is kept: a copy of the database opens no connection.
fn hash(ticket: &str) -> String {
    blake3::hash(ticket.as_bytes()).to_hex().to_string()
}

/// `None` when too many are open, or when no person asks.
pub(crate) async fn issue(tx: &mut Tx, ctx: &Ctx) -> Result<Option<String>> {
    let Some(user) = ctx.actor.user() else { return Ok(None) };
    tx.query("DELETE FROM realtime_tickets WHERE expires_at <= $1").bind(ctx.now).execute().await?;
    let open: i64 = tx.query("SELECT COUNT(*) AS value FROM realtime_tickets").one().await?;
    if open >= OPEN_MAX {
        return Ok(None);
    }
    let ticket: String = rand::rng().sample_iter(Alphanumeric).take(43).map(char::from).collect();
    let caller = Caller {
        user,
        workspace: ctx.workspace,
        locale: ctx.locale.tag().to_owned(),
        address: ctx.address,
        grants: Grants::clone(&ctx.grants),
    };
    tx.query("INSERT INTO realtime_tickets (hash, caller, expires_at) VALUES ($1, $2, $3)")
        .bind(hash(&ticket))
        .bind(Json(caller))
        .bind(ctx.now + LIFE)
        .execute()
        .await?;
    Ok(Some(ticket))
}

/// Whom the ticket was given to, if it is open still.
pub(crate) async fn redeem(tx: &mut Tx, ticket: &str, id: RequestId, now: Timestamp) -> Result<Option<Ctx>> {
    struct Open(Caller, Timestamp);
    impl db::FromRow for Open {
        fn from_row(row: &db::Row) -> Result<Self> {
            Ok(Self(row.get::<Json<Caller>>("caller")?.0, row.get("expires_at")?))
        }
    }
    let open: Option<Open> = tx
        .query("DELETE FROM realtime_tickets WHERE hash = $1 RETURNING caller, expires_at")
        .bind(hash(ticket))
        .optional()
        .await?;
    Ok(open.filter(|Open(_, expires_at)| *expires_at > now).map(|Open(caller, _)| Ctx {
        actor: Actor::User(caller.user),
        session: None,
        api_key: None,
        workspace: caller.workspace,
        request_id: id,
        now,
        locale: Locale::parse(&caller.locale).unwrap_or_default(),
        address: caller.address,
        grants: Arc::new(caller.grants),
        trace_parent: None,
    }))
}
