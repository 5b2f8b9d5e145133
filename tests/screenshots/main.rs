//! Pictures of what people see, to be looked at: `cargo test --test screenshots` writes them to `target/screenshots`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod mail;
#[path = "../artifacts/programs.rs"]
mod programs;
