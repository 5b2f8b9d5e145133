//! Writing the archive of a run.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{
    Archive, ChainPlace, Facts, Observed, SIGNATURE, STATEMENT, SigningKey, Statement, trusted_comment,
};
use crate::report::{FindingState, Report, WaiverRow, WaiverState};
use crate::store::{Link, Linked, Parcel, Receipts};

/// How an outsider checks the archive, in the archive.
const GUIDE: &str = include_str!("guide.md");

/// Endings of files that are compressed already.
const COMPRESSED: [&str; 4] = ["xlsx", "parquet", "zip", "gz"];

/// A file that the run has written.
#[derive(Debug, Clone, Copy)]
pub struct Artifact<'a> {
    /// Its name in the run's directory; `/` stands between folders.
    pub name: &'a str,
    /// SHA-256 of its bytes, hex, as they were written.
    pub sha256: &'a str,
}

/// What evidence of a run is made from, beside the report and its files.
#[derive(Debug, Clone, Copy)]
pub struct Filing<'a> {
    /// What was seen of the consoles.
    pub observed: &'a Observed,
    /// What became of the mails of the job's previous run; `None` if there is none.
    pub receipts: Option<&'a Receipts>,
    /// The run's place in the chain.
    pub place: &'a ChainPlace,
    /// Who signs; `None` leaves it unsigned.
    pub key: Option<&'a SigningKey>,
}

/// Writes the archive of a run whose files lie in a folder. `directory` is the SHA-256 of the folder's manifest without
/// the archive. Gives the link that the archive is.
///
/// # Errors
/// Those of `out` and of the files, also if one is not what was written.
pub fn write_pack(
    out: &mut dyn Write,
    report: &Report,
    folder: &Path,
    artifacts: &[Artifact<'_>],
    directory: String,
    filing: &Filing<'_>,
) -> io::Result<Link> {
    let mut archive = Archive::new(out);
    let mut files = BTreeMap::new();
    let used: Vec<&WaiverRow> =
        report.waivers.iter().filter(|row| row.state == WaiverState::Active).collect();

    let guide = guide(report, filing);
    files.insert("VERIFY.md", archive.deflate("VERIFY.md", |out| out.write_all(guide.as_bytes()))?);
    for artifact in artifacts {
        let open = || File::open(folder.join(artifact.name));
        let compressed =
            artifact.name.rsplit_once('.').is_some_and(|(_, ending)| COMPRESSED.contains(&ending));
        let sha256 = if compressed {
            archive.store(artifact.name, open)?
        } else {
            archive.deflate(artifact.name, |out| io::copy(&mut open()?, out).map(drop))?
        };
        if sha256 != artifact.sha256 {
            return Err(io::Error::other(format!("{} changed after it was written", artifact.name)));
        }
        files.insert(artifact.name, sha256);
    }
    let seen = |out: &mut dyn Write| filing.observed.write(out);
    files.insert("snapshot.json", archive.deflate("snapshot.json", seen)?);
    let waivers = Exceptions::of(report, &used);
    files.insert("waivers.json", archive.deflate("waivers.json", |out| json(out, &waivers))?);
    let receipts = Posted::of(filing.receipts);
    files.insert("receipts.json", archive.deflate("receipts.json", |out| json(out, &receipts))?);

    let facts = Facts {
        files: files.into_iter().map(|(name, sha256)| (name.to_owned(), sha256)).collect(),
        consoles: &filing.observed.consoles,
        waivers: used.len(),
        chain: filing.place,
        before: archive.so_far(),
        directory,
        signer: filing.key.map(SigningKey::public),
    };
    let statement = Statement::new(report, facts).bytes()?;
    archive.store(STATEMENT, || Ok(statement.as_slice()))?;
    let sign = |key: &SigningKey| key.sign(&statement, &trusted_comment(&report.run.id, filing.place));
    let signature = filing.key.map(sign);
    if let Some(signature) = &signature {
        archive.store(SIGNATURE, || Ok(signature.as_bytes()))?;
    }
    archive.finish()?;
    let linked = Linked {
        index: filing.place.index,
        run: report.run.id.clone(),
        job: report.run.job.clone(),
        finished: report.run.finished,
        sha256: hex::encode(Sha256::digest(&statement)),
        previous: filing.place.previous.clone(),
        key: filing.key.map(|key| key.public().id()),
    };
    Ok(Link { linked, statement, signature })
}

fn json(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    out.write_all(b"\n")
}

fn guide(report: &Report, filing: &Filing<'_>) -> String {
    let place = filing.place;
    let chain = match (&place.id, &place.previous) {
        (None, _) => {
            "It stands alone: this run was not kept in a store, and no other evidence is linked to it."
                .to_owned()
        }
        (Some(id), None) => format!("It is link 1, the first, of the chain {id}."),
        (Some(id), Some(previous)) => format!(
            "It is link {} of the chain {id}. The statement before it has the SHA-256\n\n    {previous}",
            place.index
        ),
    };
    let signature = match filing.key {
        None => "**It is unsigned.** Nothing but a head that you know from elsewhere shows that it was not made anew."
            .to_owned(),
        Some(key) => format!(
            "It is signed by the key {}. Do not take the public key from here: ask whoever answers for recert.",
            key.public().id()
        ),
    };
    GUIDE
        .replace("{run}", &report.run.id)
        .replace("{version}", report.run.version)
        .replace("{chain}", &chain)
        .replace("{signature}", &signature)
}

/// `waivers.json`: the exceptions that counted, and the findings that they covered.
#[derive(Serialize)]
struct Exceptions<'a> {
    schema: &'static str,
    waivers: &'a [&'a WaiverRow],
    covered: Vec<Covered<'a>>,
}

#[derive(Serialize)]
struct Covered<'a> {
    finding: &'a str,
    console: &'a str,
    rule: &'a str,
    severity: crate::finding::Severity,
    subject: &'a str,
    waiver: Option<&'a str>,
    waiver_expires: Option<chrono::DateTime<chrono::Utc>>,
}

impl<'a> Exceptions<'a> {
    fn of(report: &'a Report, waivers: &'a [&'a WaiverRow]) -> Self {
        let waived = report.findings.iter().filter(|finding| finding.state == FindingState::Waived);
        let covered = waived.map(|finding| Covered {
            finding: &finding.id,
            console: &finding.console,
            rule: &finding.rule,
            severity: finding.severity,
            subject: &finding.subject_name,
            waiver: finding.waiver.as_deref(),
            waiver_expires: finding.waiver_expires,
        });
        Self { schema: "recert.waivers/1", waivers, covered: covered.collect() }
    }
}

/// `receipts.json`: what became of what was sent about the run before.
#[derive(Serialize)]
struct Posted<'a> {
    schema: &'static str,
    run: Option<&'a str>,
    receipts: Vec<Receipt<'a>>,
}

#[derive(Serialize)]
struct Receipt<'a> {
    parcel: &'a str,
    kind: &'static str,
    channel: &'static str,
    recipient: &'a str,
    message_id: &'a str,
    sha256: &'a str,
    size: u64,
    state: &'static str,
    attempts: u32,
    created: chrono::DateTime<chrono::Utc>,
    updated: chrono::DateTime<chrono::Utc>,
    last_reply: Option<&'a str>,
}

impl<'a> Posted<'a> {
    fn of(receipts: Option<&'a Receipts>) -> Self {
        let receipt = |parcel: &'a Parcel| Receipt {
            parcel: &parcel.id,
            kind: parcel.kind.as_str(),
            channel: parcel.channel.as_str(),
            recipient: &parcel.recipient,
            message_id: &parcel.message_id,
            sha256: &parcel.sha256,
            size: parcel.size,
            state: parcel.state.as_str(),
            attempts: parcel.attempts,
            created: parcel.created,
            updated: parcel.updated,
            last_reply: parcel.last_reply.as_deref(),
        };
        Self {
            schema: "recert.receipts/1",
            run: receipts.map(|receipts| receipts.run.as_str()),
            receipts: receipts.into_iter().flat_map(|receipts| &receipts.parcels).map(receipt).collect(),
        }
    }
}
