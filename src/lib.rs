//! recert recertifies access on Rapid7 `InsightVM` / Nexpose Security Consoles.
//!
//! Values move one way through the stages, and only `review` knows their order:
//!
//! ```text
//! console ─collect─▶ Snapshot ─build─▶ AccessGraph ─analyze─▶ Findings ─assemble─▶ Report ─render─▶ Artifacts
//! ```

pub mod analyze;
pub mod console;
pub mod finding;
pub mod graph;
pub mod model;
pub mod render;
pub mod report;
pub mod untrusted;
