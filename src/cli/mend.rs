//! What to do about a console that gives no answer: one sentence for each kind of failure.

use crate::console::{Error, ErrorKind};

/// What to do about it.
pub(super) fn mend(error: &Error) -> String {
    match &error.kind {
        ErrorKind::Unauthorized => {
            "log in by hand once: is the password right, the account unlocked, and free of two-factor login?"
                .to_owned()
        }
        ErrorKind::Untrusted { sha256, .. } => format!(
            "if this is the console's own certificate (compare it by another way), add one of:\n      {}\n      tls = {{ \
             ca_file = \"/etc/recert/ca.pem\" }}   # the authority that signed it",
            pin_line(sha256)
        ),
        ErrorKind::Forbidden { .. } | ErrorKind::NotFound => {
            "the account lacks the right to read this; it needs the role Global Administrator".to_owned()
        }
        ErrorKind::Malformed { .. } => {
            "is the url that of the Security Console itself (https://HOST:3780), not of a proxy or the cloud?"
                .to_owned()
        }
        ErrorKind::Unavailable { .. } | ErrorKind::TimedOut { .. } => {
            "is the host name right, the port (usually 3780) open, and the console out of maintenance?"
                .to_owned()
        }
        ErrorKind::Throttled { .. } | ErrorKind::Rejected { .. } => "try again later".to_owned(),
    }
}

/// The line of the configuration that trusts a certificate.
pub(super) fn pin_line(sha256: &str) -> String {
    format!("tls = {{ pin_sha256 = [\"{sha256}\"] }}")
}
