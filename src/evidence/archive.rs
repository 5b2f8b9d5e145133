//! An archive in ZIP's format and in one canonical form: the same files give the same bytes, and every byte of it is
//! either hashed or derived.
//!
//! Every tool opens it. No comment, no extra field, no time but ZIP's first, no byte between the parts. What is deflated
//! has its sizes behind it, as it is written in one go; what is stored has them before it. ZIP64 is not used: 4 GiB is
//! the limit of a file and of the whole.

use std::io::{self, Read, Write};

use crc32fast::Hasher;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use sha2::{Digest, Sha256};

/// How the bytes of a file stand in the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// As they are.
    Stored,
    /// Compressed.
    Deflated,
}

/// A file in the archive, as its headers tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) method: Method,
    pub(super) crc: u32,
    /// Bytes in the archive.
    pub(super) packed: u32,
    /// Bytes of the file.
    pub(super) size: u32,
    /// Where its header begins.
    pub(super) offset: u32,
}

/// The length of the record that ends an archive.
pub(super) const PREFIX_END: usize = 22;

const VERSION: u16 = 20;
/// Made by: Unix, so that the modes count.
const MADE_BY: u16 = 3 << 8 | VERSION;
const UTF8: u16 = 1 << 11;
const SIZES_BEHIND: u16 = 1 << 3;
/// The first of January 1980, as ZIP writes it.
const DATE: u16 = 1 << 5 | 1;
/// A plain file that its owner may write and its group may read.
const MODE: u32 = 0o100_640 << 16;

impl Entry {
    /// The header that stands before the bytes.
    pub(super) fn header(&self) -> Vec<u8> {
        let mut bytes = 0x0403_4b50_u32.to_le_bytes().to_vec();
        bytes.extend(VERSION.to_le_bytes());
        self.shared(&mut bytes, self.method == Method::Stored);
        bytes.extend([0; 2]);
        bytes.extend(self.name.as_bytes());
        bytes
    }

    /// What stands behind the bytes.
    pub(super) fn trailer(&self) -> Vec<u8> {
        if self.method == Method::Stored {
            return Vec::new();
        }
        let mut bytes = 0x0807_4b50_u32.to_le_bytes().to_vec();
        self.sizes(&mut bytes);
        bytes
    }

    /// Its line in the directory at the end.
    pub(super) fn line(&self) -> Vec<u8> {
        let mut bytes = 0x0201_4b50_u32.to_le_bytes().to_vec();
        bytes.extend(MADE_BY.to_le_bytes());
        bytes.extend(VERSION.to_le_bytes());
        self.shared(&mut bytes, true);
        // No extra field, no comment, the first disk, nothing about its content.
        bytes.extend([0; 8]);
        bytes.extend(MODE.to_le_bytes());
        bytes.extend(self.offset.to_le_bytes());
        bytes.extend(self.name.as_bytes());
        bytes
    }

    fn shared(&self, bytes: &mut Vec<u8>, has_sizes: bool) {
        let (flags, method) = match self.method {
            Method::Stored => (UTF8, 0_u16),
            Method::Deflated => (UTF8 | SIZES_BEHIND, 8),
        };
        for number in [flags, method, 0, DATE] {
            bytes.extend(number.to_le_bytes());
        }
        if has_sizes {
            self.sizes(bytes);
        } else {
            bytes.extend([0; 12]);
        }
        // Names are checked to be shorter.
        bytes.extend(u16::try_from(self.name.len()).unwrap_or(u16::MAX).to_le_bytes());
    }

    fn sizes(&self, bytes: &mut Vec<u8>) {
        for number in [self.crc, self.packed, self.size] {
            bytes.extend(number.to_le_bytes());
        }
    }
}

/// The record that ends an archive.
pub(super) fn ending(entries: u16, directory: u32, offset: u32) -> Vec<u8> {
    let mut bytes = 0x0605_4b50_u32.to_le_bytes().to_vec();
    bytes.extend([0; 4]);
    bytes.extend(entries.to_le_bytes());
    bytes.extend(entries.to_le_bytes());
    bytes.extend(directory.to_le_bytes());
    bytes.extend(offset.to_le_bytes());
    bytes.extend([0; 2]);
    bytes
}

/// An archive that is being written.
pub(super) struct Archive<'a> {
    out: Hashed<'a>,
    entries: Vec<Entry>,
}

/// Counts and hashes what is written.
struct Hashed<'a> {
    out: &'a mut dyn Write,
    hash: Sha256,
    size: u64,
}

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A file's bytes on their way into the archive.
struct Deflated<'a, 'b> {
    out: DeflateEncoder<&'b mut Hashed<'a>>,
    crc: Hasher,
    hash: Sha256,
    size: u64,
}

impl Write for Deflated<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.crc.update(&bytes[..written]);
        self.hash.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl<'a> Archive<'a> {
    pub(super) fn new(out: &'a mut dyn Write) -> Self {
        Self { out: Hashed { out, hash: Sha256::new(), size: 0 }, entries: Vec::new() }
    }

    /// Adds a file that is written in one go, compressed. Gives its SHA-256, hex.
    pub(super) fn deflate(
        &mut self,
        name: &str,
        content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<String> {
        let mut entry = self.begin(name, Method::Deflated)?;
        self.out.write_all(&entry.header())?;
        let start = self.out.size;
        let (crc, hash, size) = {
            let out = DeflateEncoder::new(&mut self.out, Compression::fast());
            let mut file = Deflated { out, crc: Hasher::new(), hash: Sha256::new(), size: 0 };
            content(&mut file)?;
            file.out.try_finish()?;
            (file.crc, file.hash, file.size)
        };
        (entry.crc, entry.packed, entry.size) = (crc.finalize(), small(self.out.size - start)?, small(size)?);
        self.out.write_all(&entry.trailer())?;
        self.entries.push(entry);
        Ok(hex::encode(hash.finalize()))
    }

    /// Adds a file as it is: one that is compressed already, or one that must be found without a decompressor. It is
    /// read twice, as its checksum stands before it. Gives its SHA-256, hex.
    pub(super) fn store<R: Read>(
        &mut self,
        name: &str,
        open: impl Fn() -> io::Result<R>,
    ) -> io::Result<String> {
        let mut entry = self.begin(name, Method::Stored)?;
        let (mut crc, mut size) = (Hasher::new(), 0);
        each_block(open()?, |block| {
            crc.update(block);
            size += block.len() as u64;
            Ok(())
        })?;
        (entry.crc, entry.packed, entry.size) = (crc.finalize(), small(size)?, small(size)?);
        self.out.write_all(&entry.header())?;
        let (mut hash, start) = (Sha256::new(), self.out.size);
        each_block(open()?, |block| {
            hash.update(block);
            self.out.write_all(block)
        })?;
        if self.out.size - start != size {
            return Err(io::Error::other(format!("{name} changed while it was read")));
        }
        self.entries.push(entry);
        Ok(hex::encode(hash.finalize()))
    }

    /// How many bytes are written, and their SHA-256, hex.
    pub(super) fn so_far(&self) -> (u64, String) {
        (self.out.size, hex::encode(self.out.hash.clone().finalize()))
    }

    /// Writes the directory and the end.
    pub(super) fn finish(mut self) -> io::Result<()> {
        let offset = small(self.out.size)?;
        for entry in &self.entries {
            self.out.write_all(&entry.line())?;
        }
        let directory = small(self.out.size - u64::from(offset))?;
        let entries = u16::try_from(self.entries.len()).map_err(|_| too_large())?;
        self.out.write_all(&ending(entries, directory, offset))?;
        self.out.flush()
    }

    fn begin(&self, name: &str, method: Method) -> io::Result<Entry> {
        if !is_name(name) || self.entries.iter().any(|entry| entry.name == name) {
            return Err(io::Error::other(format!("{name:?} cannot be the name of a file of evidence")));
        }
        let offset = small(self.out.size)?;
        Ok(Entry { name: name.to_owned(), method, crc: 0, packed: 0, size: 0, offset })
    }
}

/// Whether a name leads into the folder that an archive is unpacked to, on every system.
pub(super) fn is_name(name: &str) -> bool {
    let is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    let is_odd = |c: char| c.is_control() || matches!(c, '\\' | ':');
    name.len() <= 1000 && name.split('/').all(is_plain) && !name.chars().any(is_odd)
}

fn each_block(mut from: impl Read, mut with: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut block = vec![0; 1 << 16];
    loop {
        match from.read(&mut block)? {
            0 => return Ok(()),
            read => with(&block[..read])?,
        }
    }
}

fn small(size: u64) -> io::Result<u32> {
    u32::try_from(size).map_err(|_| too_large())
}

fn too_large() -> io::Error {
    io::Error::other(
        "evidence.zip holds at most 4 GiB; review fewer consoles in one job, or write fewer formats",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive() -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut archive = Archive::new(&mut bytes);
        archive.deflate("users.csv", |out| out.write_all(&b"id,login\n".repeat(500))).unwrap();
        archive.store("parquet/users.parquet", || Ok(&b"PAR1"[..])).unwrap();
        archive.finish().unwrap();
        bytes
    }

    #[test]
    fn any_tool_reads_it_and_it_is_the_same_each_time() {
        assert_eq!(archive(), archive());
        let mut read = zip::ZipArchive::new(io::Cursor::new(archive())).unwrap();
        let mut content = String::new();
        read.by_name("users.csv").unwrap().read_to_string(&mut content).unwrap();
        assert_eq!(content, "id,login\n".repeat(500));
        assert_eq!(read.by_name("parquet/users.parquet").unwrap().size(), 4);
        assert!(archive().len() < 500, "compressed");
    }

    #[test]
    fn a_name_leads_nowhere_else() {
        for name in ["", "/etc/passwd", "../x", "a/../b", "a//b", "a\\b", "c:x", "a\nb", "."] {
            assert!(!is_name(name), "{name:?}");
            assert!(Archive::new(&mut Vec::new()).deflate(name, |_| Ok(())).is_err());
        }
        assert!(is_name("parquet/users/console=hq/date=2026-01-31/part.parquet"));
        let mut bytes = Vec::new();
        let mut archive = Archive::new(&mut bytes);
        archive.deflate("a", |_| Ok(())).unwrap();
        assert!(archive.deflate("a", |_| Ok(())).is_err(), "one name is one file");
    }
}
