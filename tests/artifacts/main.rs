//! What the files of a review are, seen from outside: by readers of their formats, a browser, an office suite and
//! another language, after a console has filled every text of its own with hostile strings.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod corpus;
mod demo;
mod document;
mod mail;
mod markdown;
mod ocsf;
mod page;
mod parquet;
mod programs;
mod review;
mod same_bytes;
mod sarif;
mod script;
mod simulated;
mod tables;
mod terminal;
mod workbook;
