//! The simulated console, asked over HTTP as any client would.
#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod client;
mod estate;
mod reading;
mod records;
mod trouble;
mod writing;
