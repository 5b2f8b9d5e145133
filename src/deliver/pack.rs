//! What of a run's files fits into a mail.

use std::io::{self, Cursor, Write};

use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// A file of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: &'static str,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// A run's files, as they fit into the budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packed {
    /// Each for itself.
    Plain(Vec<Attachment>),
    /// All in one archive.
    Zipped(Attachment),
    /// None: even the archive is too large.
    Left(Vec<LeftFile>),
}

/// A file that is not in the mail: where it lies, it can be told from any other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftFile {
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 of its content, hex.
    pub sha256: String,
}

/// Packs files into at most `budget` bytes of a mail, as they are sent: base64 with its line ends.
///
/// # Errors
/// If the archive cannot be written, which memory alone could prevent.
pub fn pack(files: Vec<Attachment>, budget: u64, archive: &str) -> io::Result<Packed> {
    if files.iter().map(sent_size).sum::<u64>() <= budget {
        return Ok(Packed::Plain(files));
    }
    let zipped = Attachment { name: archive.to_owned(), media_type: "application/zip", bytes: zip(&files)? };
    if sent_size(&zipped) <= budget {
        return Ok(Packed::Zipped(zipped));
    }
    let left = |file: &Attachment| LeftFile {
        name: file.name.clone(),
        size: file.bytes.len() as u64,
        sha256: hex::encode(Sha256::digest(&file.bytes)),
    };
    Ok(Packed::Left(files.iter().map(left).collect()))
}

/// Four characters for three bytes, a line end for each 76 of them, and the part's own header.
fn sent_size(file: &Attachment) -> u64 {
    let characters = (file.bytes.len() as u64).div_ceil(3) * 4;
    characters + characters.div_ceil(76) * 2 + 400
}

fn zip(files: &[Attachment]) -> io::Result<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    // The same files give the same archive, whenever it is made.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o640);
    for file in files {
        archive.start_file(file.name.as_str(), options).map_err(io::Error::other)?;
        archive.write_all(&file.bytes)?;
    }
    Ok(archive.finish().map_err(io::Error::other)?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, bytes: Vec<u8>) -> Attachment {
        Attachment { name: name.into(), media_type: "text/csv", bytes }
    }

    #[test]
    fn files_are_sent_plain_then_zipped_then_left() {
        let compressible = vec![file("users.csv", vec![b'a'; 300_000]), file("roles.csv", vec![b'b'; 100])];
        let plain = pack(compressible.clone(), 500_000, "run.zip").unwrap();
        assert_eq!(plain, Packed::Plain(compressible.clone()));
        let Packed::Zipped(zipped) = pack(compressible.clone(), 100_000, "run.zip").unwrap() else {
            panic!()
        };
        assert_eq!(zipped.name, "run.zip");
        let mut archive = zip::ZipArchive::new(Cursor::new(&zipped.bytes)).unwrap();
        let mut content = Vec::new();
        io::copy(&mut archive.by_name("users.csv").unwrap(), &mut content).unwrap();
        assert_eq!(content, compressible[0].bytes);
        assert_eq!(
            pack(compressible, 100_000, "run.zip").unwrap(),
            Packed::Zipped(zipped),
            "the same bytes again"
        );
        let mut random = fastrand::Rng::with_seed(1);
        let noise: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(200_000).collect();
        let Packed::Left(left) = pack(vec![file("noise", noise.clone())], 100_000, "run.zip").unwrap() else {
            panic!()
        };
        assert_eq!((left[0].size, &left[0].sha256), (200_000, &hex::encode(Sha256::digest(&noise))));
    }

    #[test]
    fn the_size_is_that_of_the_encoded_part() {
        // 57 bytes are one line of 76 characters.
        assert_eq!(sent_size(&file("a", vec![0; 57])), 78 + 400);
        assert_eq!(sent_size(&file("a", vec![0; 58])), 76 + 4 + 4 + 400);
    }
}
