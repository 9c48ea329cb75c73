//! Rooms over WebSocket and Socket.IO, fed by an outbox in the database.
//!
//! A service publishes inside its transaction: [`Events::publish`] writes a row of `realtime_outbox`. If the transaction
//! commits, the dispatcher of every node reads the row and hands it to the clients in the room; if it does not, nobody
//! hears of it. The row's position is the *offset* that a client gives when it comes back: what it missed is read from
//! the table, also after a restart and on another node. [`Events::broadcast`] is for what is stale in a second (a
//! camera's boxes): never stored, dropped for a client that cannot keep up.
//!
//! An event's life: `publish` → commit → dispatcher of this node (some milliseconds later) → hub → each connection's queue
//! → socket. The dispatcher tells the other nodes over Redis to look at once; without Redis they look every 50 ms. A client
//! whose queue is full of events is disconnected with code 4008 and comes back by offset: events are never dropped.

mod acks;
mod bus;
mod close;
mod config;
mod connection;
mod delivery;
mod events;
mod http;
mod hub;
mod member;
mod older;
mod outbox;
mod pace;
mod permissions;
mod presence;
mod protocol;
mod room;
mod seats;
mod socketio;
mod tickets;
mod upgrade;

pub use config::Config;
pub use events::{Event, Events};
pub use http::{Socket, routes};
pub use permissions::ReadEvents;
pub use room::{Room, RoomGuard};
pub use socketio::{LONG_POLLS, socket_io_routes};

/// The WebSocket beneath, for a program that tests it against a suite (`examples/echo.rs`).
pub mod websocket {
    pub use crate::{
        close::{End, close},
        upgrade::{Stream, Upgrade},
    };
}

/// Tables of the outbox, of presence, tickets and acknowledgements.
pub const MIGRATIONS: db::Migrations = db::migrations!("migrations");
