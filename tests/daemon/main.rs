//! The daemon as it runs for months: killed, stopped, reloaded, with clocks that jump and relays that die.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod commands;
mod crash;
#[path = "../relay/mod.rs"]
mod relay;
mod reload;
mod service;
mod signals;
