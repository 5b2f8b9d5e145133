//! Checking one link by itself: every byte of its archive, its signature, and the files beside it.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{
    ChainPlace, Claim, Entry, Fault, LARGEST_SIGNATURE, LARGEST_STATEMENT, Opened, PACK, PublicKey,
    SIGNATURE, STATEMENT, Signature, beside, is_file_of, plain, trusted_comment, unpacked,
};

/// A link that is whole by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Its place in its chain.
    pub chain: ChainPlace,
    /// The run.
    pub run: String,
    /// Its job.
    pub job: Option<String>,
    /// When its collection ended.
    pub finished: DateTime<Utc>,
    /// SHA-256 of its statement, hex.
    pub sha256: String,
    /// Whether it is signed, and by whom.
    pub signature: SignatureState,
    /// How many files were checked; `None` of a statement whose archive is gone.
    pub files: Option<usize>,
    /// Whether its archive was unpacked: the files were checked, the bytes of the archive were not there.
    pub unpacked: bool,
}

/// What a link's signature came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "key")]
pub enum SignatureState {
    /// There is none, and the statement says so.
    Unsigned,
    /// It is good by the key of this id, which the statement names; nobody said whether that key is to be trusted.
    Unconfirmed(String),
    /// It is good by a key that the checker was given.
    Good(String),
}

/// A link that is not whole: which one it is, as far as it could be told, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Its number, as it says itself.
    pub index: Option<u64>,
    /// Its chain, as it says itself; `None` also of a run that stands alone.
    pub chain: Option<String>,
    /// Its run, as it says itself.
    pub run: Option<String>,
    /// What is wrong.
    pub fault: Fault,
}

impl From<Fault> for Broken {
    fn from(fault: Fault) -> Self {
        Self { index: None, chain: None, run: None, fault }
    }
}

impl Broken {
    fn of(claim: &Claim) -> impl Fn(Fault) -> Self + use<> {
        let (index, chain, run) = (claim.chain.index, claim.chain.id.clone(), claim.run.id.clone());
        move |fault| Self { index: Some(index), chain: chain.clone(), run: Some(run.clone()), fault }
    }
}

/// Checks an archive. `keys` are those that are trusted; without any, a signature is only held against the key that the
/// statement names.
pub fn check_pack(file: impl Read + Seek, keys: &[PublicKey]) -> Result<Checked, Broken> {
    pack(file, keys).map(|(checked, _)| checked)
}

fn pack(file: impl Read + Seek, keys: &[PublicKey]) -> Result<(Checked, Claim), Broken> {
    let mut opened = Opened::open(file)?;
    let mut entries = opened.entries.clone();
    let signature = entries.pop_if(|entry| entry.name == SIGNATURE);
    let statement = entries.pop_if(|entry| entry.name == STATEMENT);
    let statement = statement.ok_or_else(|| Fault::of(STATEMENT, "is not the last file of the archive"))?;
    let bytes = opened.read(&statement, LARGEST_STATEMENT)?;
    let claim = Claim::read(&bytes).map_err(|problem| Fault::of(STATEMENT, problem))?;
    let broken = Broken::of(&claim);
    let signature =
        signature.map(|entry| opened.read(&entry, LARGEST_SIGNATURE)).transpose().map_err(&broken)?;
    let signature = signed(&claim, &bytes, signature.as_deref(), keys).map_err(&broken)?;
    files(&mut opened, &entries, &claim).map_err(&broken)?;
    let before = &claim.before;
    if before.size != u64::from(statement.offset)
        || before.sha256 != opened.hash_before(&statement).map_err(&broken)?
    {
        return Err(broken(Fault::new(
            "the archive was changed: its compressed bytes are not those of the statement",
        )));
    }
    Ok((checked(&claim, &bytes, signature, Some(entries.len())), claim))
}

/// Checks a statement whose archive is gone.
pub fn check_statement(
    bytes: &[u8],
    signature: Option<&[u8]>,
    keys: &[PublicKey],
) -> Result<Checked, Broken> {
    statement(bytes, signature, keys).map(|(checked, _)| checked)
}

fn statement(bytes: &[u8], signature: Option<&[u8]>, keys: &[PublicKey]) -> Result<(Checked, Claim), Broken> {
    let claim = Claim::read(bytes).map_err(Fault::new)?;
    let signature = signed(&claim, bytes, signature, keys).map_err(Broken::of(&claim))?;
    Ok((checked(&claim, bytes, signature, None), claim))
}

/// Checks the archive in a run's directory, and that the files beside it are those of the archive.
pub(super) fn check_run(folder: &Path, keys: &[PublicKey]) -> Result<Checked, Vec<Broken>> {
    let path = folder.join(PACK);
    let is_link = fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink());
    let opened = if is_link { Err(Fault::of(PACK, "is a link")) } else { open(&path) };
    let opened = opened.map_err(|fault| vec![fault.into()])?;
    let (checked, claim) = pack(BufReader::new(opened), keys).map_err(|broken| vec![broken])?;
    if is_file_of(&folder.join(STATEMENT), &checked.sha256) {
        // Unpacked where it lies.
        return check_unpacked(folder, keys).map(|_| checked);
    }
    let faults: Vec<Broken> = beside(folder, &claim).into_iter().map(Broken::of(&claim)).collect();
    if faults.is_empty() { Ok(checked) } else { Err(faults) }
}

fn open(path: &Path) -> Result<File, Fault> {
    plain(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Fault::of(PACK, "is missing"),
        _ => Fault::of(PACK, format!("cannot be read: {error}")),
    })
}

/// Every file against its hash in the statement, and none that the statement does not name.
fn files(opened: &mut Opened<impl Read + Seek>, entries: &[Entry], claim: &Claim) -> Result<(), Fault> {
    for entry in entries {
        let expected = claim.files.get(&entry.name);
        let expected = expected.ok_or_else(|| Fault::of(&entry.name, "is not in the statement"))?;
        if opened.hash_of(entry)? != *expected {
            return Err(Fault::of(&entry.name, "is not the file of the statement: it was changed"));
        }
    }
    let missing = claim.files.keys().find(|name| entries.iter().all(|entry| entry.name != **name));
    missing.map_or(Ok(()), |name| Err(Fault::of(name, "is missing")))
}

fn signed(
    claim: &Claim,
    bytes: &[u8],
    signature: Option<&[u8]>,
    keys: &[PublicKey],
) -> Result<SignatureState, Fault> {
    let wrong = |problem: &str| Err(Fault::of(SIGNATURE, problem));
    let (signer, signature) = match (claim.signer, signature) {
        (None, None) => return Ok(SignatureState::Unsigned),
        (None, Some(_)) => return wrong("is there, and the statement says that it is unsigned"),
        (Some(_), None) => return wrong("is missing, and the statement says that it is signed"),
        (Some(signer), Some(signature)) => (signer, signature),
    };
    let parsed = std::str::from_utf8(signature).ok().and_then(Signature::parse);
    let Some(parsed) = parsed else { return wrong("is no signature in minisign's format") };
    if parsed.comment != trusted_comment(&claim.run.id, &claim.chain) {
        return wrong("is the signature of another run");
    }
    if !parsed.is_by(&signer, bytes) {
        return wrong("is not a signature of this statement by the key that it names");
    }
    if parsed.to_string().as_bytes() != signature {
        return wrong(
            "is not written as recert writes it: bytes were changed that the signature does not cover",
        );
    }
    if keys.is_empty() {
        Ok(SignatureState::Unconfirmed(signer.id()))
    } else if keys.contains(&signer) {
        Ok(SignatureState::Good(signer.id()))
    } else {
        wrong(&format!("is by the key {}, which is none of those that were given", signer.id()))
    }
}

fn checked(claim: &Claim, bytes: &[u8], signature: SignatureState, files: Option<usize>) -> Checked {
    Checked {
        chain: claim.chain.clone(),
        run: claim.run.id.clone(),
        job: claim.run.job.clone(),
        finished: claim.run.finished,
        sha256: hex::encode(Sha256::digest(bytes)),
        signature,
        files,
        unpacked: false,
    }
}

/// Checks a file that holds an archive.
pub(super) fn check_file(path: &Path, keys: &[PublicKey]) -> Result<Checked, Broken> {
    let file = plain(path).map_err(Fault::from)?;
    check_pack(BufReader::new(file), keys)
}

/// Checks a file that holds a statement, with the signature beside it.
pub(super) fn check_statement_file(path: &Path, keys: &[PublicKey]) -> Result<Checked, Broken> {
    statement_file(path, keys).map(|(checked, _)| checked)
}

fn statement_file(path: &Path, keys: &[PublicKey]) -> Result<(Checked, Claim), Broken> {
    let read = |path: &Path, largest: u64| -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        plain(path)?.take(largest).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let beside = path.with_added_extension("minisig");
    let signature = fs::exists(&beside).map_err(Fault::from)?.then(|| read(&beside, LARGEST_SIGNATURE));
    let signature = signature.transpose().map_err(Fault::from)?;
    statement(&read(path, LARGEST_STATEMENT).map_err(Fault::from)?, signature.as_deref(), keys)
}

/// Checks the folder that an archive was unpacked into: every file, but not how they stood in the archive.
pub(super) fn check_unpacked(folder: &Path, keys: &[PublicKey]) -> Result<Checked, Vec<Broken>> {
    let (checked, claim) = statement_file(&folder.join(STATEMENT), keys).map_err(|broken| vec![broken])?;
    let faults: Vec<Broken> = unpacked(folder, &claim).into_iter().map(Broken::of(&claim)).collect();
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(Checked { files: Some(claim.files.len()), unpacked: true, ..checked })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::super::{Archive, Filing, Observed, write_pack};
    use super::*;
    use crate::report::Report;

    /// The evidence of a run without files, and its statement as text.
    fn evidence() -> (Vec<u8>, String) {
        let observed = Observed::sample();
        let filing = Filing { observed: &observed, receipts: None, place: &ChainPlace::alone(), key: None };
        let mut bytes = Vec::new();
        let folder = Path::new("/nonexistent");
        let link = write_pack(&mut bytes, &Report::sample(), folder, &[], String::new(), &filing).unwrap();
        (bytes, String::from_utf8(link.statement).unwrap())
    }

    /// Forges an archive: the same files, some left out, under another statement that knows their bytes.
    fn forged(pack: &[u8], but: &str, statement: &str) -> Vec<u8> {
        let mut opened = Opened::open(Cursor::new(pack)).unwrap();
        let (mut bytes, mut before) = (Vec::new(), None);
        let mut archive = Archive::new(&mut bytes);
        for entry in
            opened.entries.clone().iter().filter(|entry| entry.name != but && entry.name != STATEMENT)
        {
            let mut content = Vec::new();
            opened.unpack(entry, &mut content).unwrap();
            archive.deflate(&entry.name, |out| out.write_all(&content)).unwrap();
            before = Some(archive.so_far());
        }
        let (size, sha256) = before.unwrap();
        let mut value: serde_json::Value = serde_json::from_str(statement).unwrap();
        value["predicate"]["archive"] = serde_json::json!({ "size": size, "sha256": sha256 });
        let statement = value.to_string();
        archive.store(STATEMENT, || Ok(statement.as_bytes())).unwrap();
        archive.finish().unwrap();
        bytes
    }

    #[test]
    fn files_are_those_of_the_statement_and_no_others() {
        let (pack, statement) = evidence();
        let check = |but: &str, statement: &str| check_pack(Cursor::new(forged(&pack, but, statement)), &[]);
        let whole = check("", &statement).unwrap();
        assert_eq!((whole.files, whole.signature), (Some(4), SignatureState::Unsigned));
        let value: serde_json::Value = serde_json::from_str(&statement).unwrap();
        let sha256 = value["subject"][1]["digest"]["sha256"].as_str().unwrap();
        let name = value["subject"][1]["name"].as_str().unwrap();
        for (but, statement, file) in [
            ("", statement.replace(sha256, &"0".repeat(64)), name),
            ("", statement.replace("waivers.json", "wavers.json"), "waivers.json"),
            ("waivers.json", statement.clone(), "waivers.json"),
        ] {
            let broken = check(but, &statement).unwrap_err();
            assert_eq!(broken.fault.file.as_deref(), Some(file), "{broken:?}");
            assert_eq!((broken.index, broken.chain.as_ref()), (Some(1), whole.chain.id.as_ref()));
            assert_eq!(broken.run.as_deref(), Some(whole.run.as_str()));
        }
        let other = statement.replace("urn:recert:evidence:1", "urn:recert:evidence:2");
        assert!(check("", &other).unwrap_err().fault.problem.contains("another kind"));
    }

    #[test]
    fn the_same_run_gives_the_same_bytes() {
        assert_eq!(evidence(), evidence());
    }
}
