//! Pictures of what a review writes, to look at: `cargo test --test screenshots` leaves them in `target/screenshots`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod page;
#[path = "../artifacts/programs.rs"]
mod programs;
