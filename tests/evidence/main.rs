//! Evidence: what was changed, removed, moved, repeated or made anew is found, offline, by who was not there.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod commands;
mod flips;
mod folders;
mod garbage;
mod kept;
mod minisign;
#[path = "../artifacts/programs.rs"]
mod programs;
mod tampering;
