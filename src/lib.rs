//! recert recertifies access on Rapid7 `InsightVM` / Nexpose Security Consoles.
//!
//! Values move one way through the stages, and only `review` knows their order:
//!
//! ```text
//! console ─collect─▶ Snapshot ─build─▶ AccessGraph ─analyze─▶ Findings ─assemble─▶ Report ─render─▶ Artifacts
//! ```

pub mod model;
pub mod console;
pub mod collect;
pub mod graph;
pub mod finding;
pub mod analyze;
pub mod report;
pub mod render;
pub mod deliver;
pub mod store;
pub mod schedule;
pub mod review;
pub mod secret;
pub mod config;
pub mod daemon;
pub mod simulator;
pub mod untrusted;
pub mod cli;
