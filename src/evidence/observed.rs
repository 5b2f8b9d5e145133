//! What was seen of the consoles, kept for the evidence before the review consumes it.

use std::io::{self, BufWriter, Write};

use chrono::{DateTime, Utc};
use flate2::Compression;
use flate2::write::{GzDecoder, GzEncoder};
use serde::Serialize;

use crate::model::{Collector, Depth, PartState, Snapshot, Totals};
use crate::store::snapshots_to_json;

/// The snapshots of a run as bytes, compressed, and what its statement says of each console.
#[derive(Debug, Clone)]
pub struct Observed {
    packed: Vec<u8>,
    pub(super) consoles: Vec<Console>,
}

/// A console, and how it was asked.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Console {
    name: String,
    uuid: Option<String>,
    serial: Option<String>,
    version: Option<String>,
    /// The account that asked, and what it may see.
    collector: Collector,
    depth: Depth,
    /// By the clock of the host that recert ran on.
    started: DateTime<Utc>,
    finished: DateTime<Utc>,
    /// Whether its population ties out.
    complete: bool,
    totals: Totals,
    requests: Requests,
    /// Every endpoint that belongs to the review, asked or not.
    endpoints: Vec<Endpoint>,
}

#[derive(Debug, Clone, Serialize)]
struct Requests {
    sent: u64,
    retried: u64,
    throttled: u64,
}

#[derive(Debug, Clone, Serialize)]
struct Endpoint {
    path: &'static str,
    part: &'static str,
    expected: Option<u64>,
    examined: u64,
    state: PartState,
    gaps: usize,
}

#[cfg(test)]
impl Observed {
    /// What was seen of one console with one user.
    pub(crate) fn sample() -> Self {
        use crate::model::sample::{snapshot, user};
        Self::of(&[snapshot(vec![user(1, "mia")])]).unwrap()
    }
}

impl Observed {
    /// Keeps what snapshots say.
    ///
    /// # Errors
    /// None but those of memory.
    pub fn of(snapshots: &[Snapshot]) -> io::Result<Self> {
        let mut out = BufWriter::with_capacity(1 << 16, GzEncoder::new(Vec::new(), Compression::fast()));
        snapshots_to_json(&mut out, snapshots)?;
        // As in a file of --save-snapshot: the two are equal.
        out.write_all(b"\n")?;
        Ok(Self { packed: out.into_inner()?.finish()?, consoles: snapshots.iter().map(console).collect() })
    }

    /// Writes the snapshots, as `--save-snapshot` writes them.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut decoder = GzDecoder::new(out);
        decoder.write_all(&self.packed)?;
        decoder.finish().map(drop)
    }
}

fn console(snapshot: &Snapshot) -> Console {
    let endpoints = snapshot.coverage.parts.iter().map(|part| Endpoint {
        path: part.part.endpoint(),
        part: part.part.as_str(),
        expected: part.expected,
        examined: part.examined,
        state: part.state,
        gaps: part.gaps.len(),
    });
    let identity = snapshot.console.clone();
    Console {
        name: identity.name,
        uuid: identity.uuid,
        serial: identity.serial,
        version: identity.version,
        collector: snapshot.collector.clone(),
        depth: snapshot.depth,
        started: snapshot.started,
        finished: snapshot.finished,
        complete: snapshot.coverage.ties_out(),
        totals: snapshot.totals,
        requests: Requests {
            sent: snapshot.requests.sent,
            retried: snapshot.requests.retried,
            throttled: snapshot.requests.throttled,
        },
        endpoints: endpoints.collect(),
    }
}
