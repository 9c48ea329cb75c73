//! The cameras at work.
//!
//! A picture's life: [`capture`](crate::capture) puts it in the slot → a camera's [`Worker`] takes it, waits for one of the
//! analysis places (as many as there are cores) and looks at it on a blocking thread ([`Eyes`]) → anomalies become
//! events in the [`Book`], which writes them → objects go to the camera's room, JPEGs to whoever watches.
//!
//! [`Fleet`] holds one worker per enabled camera and compares itself with the database, when it is told to and every few
//! seconds.

mod book;
mod eyes;
mod fleet;
mod live;
mod outage;
mod pace;
mod watched;
mod worker;

pub(crate) use fleet::{Fleet, run};
pub(crate) use live::{Jpeg, Shot};
pub(crate) use outage::OutageNews;
