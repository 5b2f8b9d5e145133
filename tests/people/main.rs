//! The roster: what is refused and where, how it is fetched, and how well it finds the people behind accounts.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod files;
mod malformed;
mod population;
mod server;
mod well_formed;
