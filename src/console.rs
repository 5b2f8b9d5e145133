//! A typed client of the Security Console's REST API v3.

mod error;
mod types;

pub use error::{Error, ErrorKind};
pub use types::*;
