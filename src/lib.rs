//! recert recertifies access on Rapid7 `InsightVM` / Nexpose Security Consoles.
//!
//! Values move one way through the stages, and only `review` knows their order:
//!
//! ```text
//! console ─collect─▶ Snapshot ─build─▶ AccessGraph ─analyze─▶ Findings ─assemble─▶ Report ─render─▶ Artifacts
//! ```

pub mod model;
pub mod console;
pub mod identity;
pub mod people;
pub mod collect;
pub mod logon;
pub mod graph;
pub mod expression;
pub mod finding;
pub mod history;
pub mod waiver;
pub mod analyze;
pub mod report;
pub mod render;
pub mod store;
pub mod evidence;
pub mod deliver;
pub mod review;
pub mod schedule;
pub mod secret;
pub mod trust;
pub mod config;
pub mod job;
pub mod daemon;
pub mod simulator;
pub mod untrusted;
pub mod pattern;
pub mod day;
pub mod amount;
pub mod crash;
pub mod cli;
