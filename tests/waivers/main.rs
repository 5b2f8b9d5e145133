//! Waivers as people write them: what is refused, what a review makes of them, and `recert waive`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod bench;
mod malformed;
mod review;
#[path = "../artifacts/simulated.rs"]
mod simulated;
mod waive;
