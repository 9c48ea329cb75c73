//! From a source to pictures: one ffmpeg child per camera.
//!
//! A session's life: [`Gate::admit`] checks the address (scheme, network, folder) → [`Ffmpeg::start`] starts the child,
//! its address handed over on standard input, never in the process list → [`Session::run`] reads pictures into a
//! [`Slot`] (a few buffers used in turn; the newest wins, unless every picture of a file is wanted) and the child's words
//! into [`StreamInfo`], time stamps and, at the end, an [`Ending`] in plain language. The same child copies what it
//! receives, as it is, into short segments of a [`Ring`], from which clips are cut.

mod backoff;
mod command;
mod guard;
mod messages;
mod pictures;
mod probe;
mod process;
mod rate;
mod ring;
mod session;

pub(crate) use backoff::Backoff;
pub(crate) use command::{Analysis, Recording, concat_list, join};
pub(crate) use guard::Gate;
pub(crate) use messages::{Fault, StreamInfo};
pub(crate) use pictures::{Picture, Slot};
pub(crate) use probe::{Probe, probe};
pub(crate) use process::{Ffmpeg, FfmpegError};
pub(crate) use rate::Rate;
pub(crate) use ring::{Ring, Run, Segment};
pub(crate) use session::{Ending, News, Session, SessionSettings};
