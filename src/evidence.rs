//! Evidence: everything about a run in one archive that an outsider can check, and the chain that links the runs.
//!
//! An archive has one canonical form: what stands before its statement is hashed in the statement, and what stands
//! behind is derived from it. The statement (`manifest.json`) has the shape of an in-toto statement: the hash of every
//! file, what the run was, and the hash of the statement before it. It is signed in minisign's format where there is a
//! key. So a change of any byte shows, and a statement that somebody outside remembers fixes all statements before it.
//! That something was deleted can be shown by such a memory, never prevented.

mod archive;
mod beside;
mod chain;
mod check;
mod key;
mod observed;
mod opened;
mod packing;
mod places;
mod signature;
mod statement;

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub use chain::{Anchors, BadLink, ChainReport, Span, Verified, verify};
pub use check::{Broken, Checked, SignatureState, check_pack, check_statement};
pub use key::{KeyError, PublicKey, SigningKey};
pub use observed::Observed;
pub use packing::{Artifact, Filing, write_pack};
pub use places::{Place, Unseen, Unusable, places, places_of};

use archive::{Archive, Entry, Method, PREFIX_END, ending, is_name};
use beside::{beside, is_file_of, unpacked};
use check::{check_file, check_run, check_statement_file, check_unpacked};
use observed::Console;
use opened::Opened;
use signature::{Signature, shown_id};
use statement::{Claim, Facts, Statement};

/// The archive in a run's directory.
pub const PACK: &str = "evidence.zip";
/// The statement in an archive.
pub const STATEMENT: &str = "manifest.json";
/// Its signature.
pub const SIGNATURE: &str = "manifest.json.minisig";
/// The manifest of a run's directory, which the statement vouches for.
const DIRECTORY: &str = "manifest.json";
/// The type of a statement's outer shape.
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// The in-toto type of what a statement says; its number changes with the shape.
const PREDICATE: &str = "urn:recert:evidence:1";
/// A larger statement is none: it has some lines for each file, console, part and rule.
const LARGEST_STATEMENT: u64 = 64 << 20;
/// A signature has four lines.
const LARGEST_SIGNATURE: u64 = 16 << 10;

/// A run's place in a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainPlace {
    /// The chain: the id of the installation whose store keeps it. `None` for a run that stands alone.
    pub id: Option<String>,
    /// Its number, from 1.
    pub index: u64,
    /// SHA-256 of the statement before it, hex; `None` for the first.
    pub previous: Option<String>,
}

impl ChainPlace {
    /// The place of a run that belongs to no chain.
    pub fn alone() -> Self {
        Self { id: None, index: 1, previous: None }
    }
}

/// What is wrong with a piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The file within the archive or the directory; `None` where it is the archive itself.
    pub file: Option<String>,
    /// What is wrong.
    pub problem: String,
}

impl Fault {
    fn of(file: &str, problem: impl Into<String>) -> Self {
        Self { file: Some(file.to_owned()), problem: problem.into() }
    }

    fn new(problem: impl Into<String>) -> Self {
        Self { file: None, problem: problem.into() }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::new(format!("cannot be read: {error}"))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "{file}: {}", self.problem),
            None => f.write_str(&self.problem),
        }
    }
}

/// Opens a plain file. Whoever hands evidence in could have put a pipe there, which never ends.
fn plain(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_file() { File::open(path) } else { Err(io::Error::other("is no plain file")) }
}

/// What a signature's trusted comment says: nobody can put the signature beside another run.
fn trusted_comment(run: &str, place: &ChainPlace) -> String {
    format!("recert evidence of run {run}, link {}", place.index)
}
