//! The service: what it tells about itself, to whom, and how it closes itself off.

mod hardening;
mod http;
mod metrics;
mod notify;
mod vitals;

pub use hardening::{HardeningError, harden, survive_file_size_limit};
pub use http::{Http, HttpError, Listen, ListenError};
pub use metrics::{MailResult, Metrics};
pub use notify::Notify;
pub use vitals::{Beat, JobVitals, OutboxVitals, RunResult, Vitals};
