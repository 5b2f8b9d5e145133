//! The daemon as it runs for months: killed, stopped, reloaded, with clocks that jump and relays that die.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod clock;
mod commands;
mod crash;
mod faked;
#[path = "../artifacts/programs.rs"]
mod programs;
#[path = "../relay/mod.rs"]
mod relay;
mod redacted;
mod reload;
mod service;
mod sign_off;
mod soak;
mod signals;
