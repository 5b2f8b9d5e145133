//! The statement: what a run was and the hash of every file, in the shape of an in-toto statement, version 1.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ChainPlace, Console, PREDICATE, PublicKey, STATEMENT_TYPE};
use crate::report::{Completeness, Counts, Report, RuleVersion, Run};

/// A statement, as it is written.
#[derive(Debug, Serialize)]
pub(super) struct Statement<'a> {
    #[serde(rename = "_type")]
    kind: &'static str,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: &'static str,
    predicate: Predicate<'a>,
}

/// A file and its hash.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Subject {
    pub(super) name: String,
    pub(super) digest: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
struct Predicate<'a> {
    run: &'a Run,
    tool: Tool,
    rules: Vec<RuleVersion>,
    consoles: &'a [Console],
    counts: Counts,
    completeness: Seen,
    waivers: usize,
    chain: &'a ChainPlace,
    archive: Before,
    directory: Digest,
    signed_by: Option<Signer>,
}

#[derive(Debug, Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Debug, Serialize)]
struct Seen {
    verdict: Completeness,
    gaps: usize,
}

/// The bytes of the archive before the statement.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Before {
    pub(super) size: u64,
    pub(super) sha256: String,
}

/// The manifest of the run's directory, with size 0 and a hash of zeros in the archive's own line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Digest {
    pub(super) sha256: String,
}

/// Who signs the statement.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Signer {
    pub(super) key: String,
    pub(super) public_key: String,
}

/// What a statement says beside its report.
pub(super) struct Facts<'a> {
    /// Each file of the archive with its SHA-256, hex.
    pub(super) files: BTreeMap<String, String>,
    pub(super) consoles: &'a [Console],
    pub(super) waivers: usize,
    pub(super) chain: &'a ChainPlace,
    pub(super) before: (u64, String),
    pub(super) directory: String,
    pub(super) signer: Option<PublicKey>,
}

impl<'a> Statement<'a> {
    pub(super) fn new(report: &'a Report, facts: Facts<'a>) -> Self {
        let subject = |(name, sha256)| Subject { name, digest: [("sha256".to_owned(), sha256)].into() };
        let (size, sha256) = facts.before;
        Self {
            kind: STATEMENT_TYPE,
            subject: facts.files.into_iter().map(subject).collect(),
            predicate_type: PREDICATE,
            predicate: Predicate {
                run: &report.run,
                tool: Tool { name: env!("CARGO_PKG_NAME"), version: report.run.version },
                rules: report.rule_versions(),
                consoles: facts.consoles,
                counts: report.counts(),
                completeness: Seen { verdict: report.run.verdict, gaps: report.gaps.len() },
                waivers: facts.waivers,
                chain: facts.chain,
                archive: Before { size, sha256 },
                directory: Digest { sha256: facts.directory },
                signed_by: facts.signer.map(|key| Signer { key: key.id(), public_key: key.to_string() }),
            },
        }
    }

    /// The bytes that are hashed and signed.
    pub(super) fn bytes(&self) -> serde_json::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// What a check needs of a statement that somebody hands in.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    /// Each file with its SHA-256.
    pub(super) files: BTreeMap<String, String>,
    pub(super) run: ClaimedRun,
    pub(super) chain: ChainPlace,
    pub(super) before: Before,
    pub(super) directory: String,
    pub(super) signer: Option<PublicKey>,
}

/// The run that a statement is about.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ClaimedRun {
    pub(super) id: String,
    pub(super) job: Option<String>,
    pub(super) finished: chrono::DateTime<chrono::Utc>,
}

#[derive(Deserialize)]
struct Read {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: ReadPredicate,
}

#[derive(Deserialize)]
struct ReadPredicate {
    run: ClaimedRun,
    chain: ChainPlace,
    archive: Before,
    directory: Digest,
    signed_by: Option<Signer>,
}

/// What something is that is no statement.
fn alien(bytes: &[u8], error: &serde_json::Error) -> String {
    #[derive(Deserialize)]
    struct Other {
        schema: String,
    }
    match serde_json::from_slice::<Other>(bytes) {
        Ok(other) if other.schema.starts_with("recert.manifest/") => {
            "is the manifest of a run's directory, not a statement: give the directory".to_owned()
        }
        Ok(other) => format!("is no statement but a file of the kind {}", other.schema),
        Err(_) => format!("is no statement: {error}"),
    }
}

impl Claim {
    /// Whether a path is one of a file that it names, or of a folder of such a file.
    pub(super) fn names_below(&self, path: &str) -> bool {
        let is_below = |name: &String| {
            name.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.files.keys().any(is_below)
    }

    /// Reads a statement, or says why it is none.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let read: Read = serde_json::from_slice(bytes).map_err(|error| alien(bytes, &error))?;
        if read.kind != STATEMENT_TYPE || read.predicate_type != PREDICATE {
            return Err(format!("is a statement of another kind than {PREDICATE}"));
        }
        let mut files = BTreeMap::new();
        for Subject { name, mut digest } in read.subject {
            let sha256 = digest.remove("sha256").ok_or_else(|| format!("gives no SHA-256 of {name}"))?;
            if files.insert(name.clone(), sha256).is_some() {
                return Err(format!("names {name} twice"));
            }
        }
        let chain = read.predicate.chain;
        if (chain.index == 1) != chain.previous.is_none() || chain.index == 0 {
            return Err("gives no possible place in a chain".to_owned());
        }
        let signer = read.predicate.signed_by.map(|signer| {
            let key = PublicKey::parse(&signer.public_key).ok();
            key.filter(|key| key.id() == signer.key).ok_or("names a key that is none")
        });
        Ok(Self {
            files,
            run: read.predicate.run,
            chain,
            before: read.predicate.archive,
            directory: read.predicate.directory.sha256,
            signer: signer.transpose()?,
        })
    }
}
