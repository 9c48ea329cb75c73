//! Rooms over WebSocket, fed by an outbox in the database.
//!
//! A service publishes inside its transaction: [`Events::publish`] writes a row of `realtime_outbox`. If the transaction
//! commits, the dispatcher of every node reads the row and hands it to the clients in the room; if it does not, nobody
//! hears of it. The row's position is the *offset* that a client gives when it comes back: what it missed is read from
//! the table, also after a restart. [`Events::broadcast`] is for what is stale in a second (a camera's boxes): never
//! stored, dropped for a client that cannot keep up.
//!
//! An event's life: `publish` → commit → dispatcher (at most 50 ms later) → hub → each connection's queue → socket. A
//! client whose queue is full of events is disconnected with code 4008 and comes back by offset: events are never dropped.

mod connection;
mod events;
mod http;
mod hub;
mod outbox;
mod protocol;
mod room;
mod tickets;

pub use events::{Config, Event, Events};
pub use http::{Socket, routes};
pub use room::{Room, RoomGuard};

/// Tables of the outbox.
pub const MIGRATIONS: db::Migrations = db::migrations!("migrations");
