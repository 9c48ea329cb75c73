//! The real model on real clips, against finished results. The data is not part of the project: without it (or
//! without ffmpeg) the tests say so and pass.

mod clips;
mod parity;
mod scores;
