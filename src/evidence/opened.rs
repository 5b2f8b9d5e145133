//! An archive that somebody hands in: believed in nothing, and accepted in its canonical form alone.

use std::collections::BTreeSet;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};

use crc32fast::Hasher;
use flate2::bufread::DeflateDecoder;
use sha2::{Digest, Sha256};

use super::{Entry, Fault, Method, PREFIX_END, ending, is_name};

/// A run has some tens of files; of a large history in parts, some hundreds.
const MOST_ENTRIES: u16 = 20_000;
/// Bytes of the directory at the end, and of all files together.
const LARGEST_DIRECTORY: u64 = 32 << 20;
const LARGEST_CONTENT: u64 = 64 << 30;

/// An archive whose every header is what its directory implies, without a byte between the parts.
#[derive(Debug)]
pub(super) struct Opened<R> {
    file: R,
    pub(super) entries: Vec<Entry>,
}

impl<R: Read + Seek> Opened<R> {
    /// Reads the directory and holds every header against it.
    pub(super) fn open(mut file: R) -> Result<Self, Fault> {
        let entries = directory(&mut file)?;
        let mut opened = Self { file, entries };
        opened.headers()?;
        Ok(opened)
    }

    /// The headers before the files and the sizes behind them.
    fn headers(&mut self) -> Result<(), Fault> {
        for entry in &self.entries {
            let changed = || Fault::of(&entry.name, "its header in the archive was changed");
            for (expected, at) in [(entry.header(), entry.offset.into()), (entry.trailer(), end(entry))] {
                let mut found = vec![0; expected.len()];
                self.file.seek(SeekFrom::Start(at))?;
                self.file.read_exact(&mut found).map_err(|_| changed())?;
                if found != expected {
                    return Err(changed());
                }
            }
        }
        Ok(())
    }

    /// SHA-256 of everything before an entry, hex.
    pub(super) fn hash_before(&mut self, entry: &Entry) -> Result<String, Fault> {
        self.file.seek(SeekFrom::Start(0))?;
        let mut hash = Sha256::new();
        let copied = io::copy(&mut (&mut self.file).take(entry.offset.into()), &mut Sink(&mut hash))?;
        if copied != u64::from(entry.offset) {
            return Err(Fault::new("the archive is cut off"));
        }
        Ok(hex::encode(hash.finalize()))
    }

    /// SHA-256 of a file, hex. Whatever the archive says, no more is unpacked than the file's size.
    pub(super) fn hash_of(&mut self, entry: &Entry) -> Result<String, Fault> {
        let mut hash = Sha256::new();
        self.unpack(entry, &mut Sink(&mut hash))?;
        Ok(hex::encode(hash.finalize()))
    }

    /// A small file that is stored as it is.
    pub(super) fn read(&mut self, entry: &Entry, largest: u64) -> Result<Vec<u8>, Fault> {
        if entry.method != Method::Stored || u64::from(entry.size) > largest {
            return Err(Fault::of(&entry.name, "is not stored as recert stores it"));
        }
        let mut bytes = Vec::new();
        self.unpack(entry, &mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn unpack(&mut self, entry: &Entry, out: &mut dyn Write) -> Result<(), Fault> {
        let changed = |_| Fault::of(&entry.name, "its bytes in the archive were changed");
        self.file.seek(SeekFrom::Start(end(entry) - u64::from(entry.packed)))?;
        let packed = BufReader::new((&mut self.file).take(entry.packed.into()));
        let mut content: Box<dyn Read + '_> = match entry.method {
            Method::Stored => Box::new(packed),
            Method::Deflated => Box::new(DeflateDecoder::new(packed)),
        };
        let (mut crc, mut size, mut block) = (Hasher::new(), 0_u64, vec![0; 1 << 15]);
        loop {
            let read = content.read(&mut block).map_err(changed)?;
            if read == 0 {
                break;
            }
            size += read as u64;
            if size > entry.size.into() {
                return Err(Fault::of(&entry.name, "unpacks to more than its size"));
            }
            crc.update(&block[..read]);
            out.write_all(&block[..read])?;
        }
        if size != u64::from(entry.size) || crc.finalize() != entry.crc {
            return Err(Fault::of(&entry.name, "its content was changed"));
        }
        Ok(())
    }
}

struct Sink<'a>(&'a mut Sha256);

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where the bytes of a file end.
fn end(entry: &Entry) -> u64 {
    u64::from(entry.offset) + entry.header().len() as u64 + u64::from(entry.packed)
}

/// The files, in the order in which they stand. Each begins where the one before it ends.
fn directory(file: &mut (impl Read + Seek)) -> Result<Vec<Entry>, Fault> {
    let alien = || Fault::new("is no evidence, or its end was changed or cut off");
    let length = file.seek(SeekFrom::End(0))?;
    let start = length.checked_sub(PREFIX_END as u64).ok_or_else(alien)?;
    file.seek(SeekFrom::Start(start))?;
    let mut last = [0; PREFIX_END];
    file.read_exact(&mut last)?;
    let [count, _] = [8, 10].map(|at| u16::from_le_bytes([last[at], last[at + 1]]));
    let number = |at: usize| u32::from_le_bytes([last[at], last[at + 1], last[at + 2], last[at + 3]]);
    let (size, offset) = (number(12), number(16));
    let fits = u64::from(offset) + u64::from(size) == start && u64::from(size) <= LARGEST_DIRECTORY;
    if ending(count, size, offset) != last || !fits || count > MOST_ENTRIES {
        return Err(alien());
    }
    file.seek(SeekFrom::Start(offset.into()))?;
    let mut bytes = vec![0; size as usize];
    file.read_exact(&mut bytes)?;

    let (mut entries, mut names, mut rest) = (Vec::new(), BTreeSet::new(), bytes.as_slice());
    let (mut next, mut content) = (0_u64, 0_u64);
    for _ in 0..count {
        let entry = line(rest).ok_or_else(alien)?;
        let expected = entry.line();
        let known = rest.get(..expected.len()) == Some(&expected) && is_name(&entry.name);
        if !known || u64::from(entry.offset) != next || !names.insert(entry.name.clone()) {
            return Err(Fault::of(&entry.name, "its line in the archive's directory was changed"));
        }
        if entry.method == Method::Stored && entry.packed != entry.size {
            return Err(Fault::of(&entry.name, "its sizes in the archive were changed"));
        }
        next = end(&entry) + entry.trailer().len() as u64;
        content += u64::from(entry.size);
        rest = &rest[expected.len()..];
        entries.push(entry);
    }
    if !rest.is_empty() || next != u64::from(offset) {
        return Err(Fault::new("the archive holds bytes that belong to no file"));
    }
    if content > LARGEST_CONTENT {
        return Err(Fault::new("the archive claims to hold more than 64 GiB"));
    }
    Ok(entries)
}

/// What a line of the directory says; the caller holds its bytes against what that implies.
fn line(bytes: &[u8]) -> Option<Entry> {
    let short = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let long = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let name = bytes.get(46..46 + usize::from(short(28)?))?;
    Some(Entry {
        name: std::str::from_utf8(name).ok()?.to_owned(),
        method: if short(10)? == 0 { Method::Stored } else { Method::Deflated },
        crc: long(16)?,
        packed: long(20)?,
        size: long(24)?,
        offset: long(42)?,
    })
}
