//! Pictures of what people look at, taken by other people's programs into `target/screenshots`:
//! `cargo test --test screenshots`. Whoever changes a look takes them, and looks at them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "../artifacts/demo.rs"]
mod demo;
mod mail;
mod page;
mod picture;
#[path = "../artifacts/programs.rs"]
mod programs;
#[path = "../artifacts/simulated.rs"]
mod simulated;
mod workbook;
