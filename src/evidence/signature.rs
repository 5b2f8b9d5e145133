//! A signature in minisign's format, as it stands beside a statement.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use blake2::{Blake2b512, Digest};
use ring::signature::{ED25519, UnparsedPublicKey};

use super::PublicKey;

/// What a file of minisign says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signature {
    pub(super) id: [u8; 8],
    pub(super) of_bytes: [u8; 64],
    /// What the signature vouches for beside the bytes.
    pub(super) comment: String,
    pub(super) of_comment: [u8; 64],
}

/// The file as recert writes it: what no signature vouches for follows from the rest.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = [&b"ED"[..], &self.id, &self.of_bytes].concat();
        writeln!(f, "untrusted comment: signature of recert, key {}", shown_id(self.id))?;
        writeln!(f, "{}", STANDARD.encode(line))?;
        writeln!(f, "trusted comment: {}", self.comment)?;
        writeln!(f, "{}", STANDARD.encode(self.of_comment))
    }
}

/// The id of a key as minisign shows it: `E221A1854B7A0A12`.
pub(super) fn shown_id(id: [u8; 8]) -> String {
    format!("{:016X}", u64::from_le_bytes(id))
}

impl Signature {
    /// Reads the four lines. A signature of the bytes themselves, which minisign made long ago, is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        lines.next()?.strip_prefix("untrusted comment: ")?;
        let first = STANDARD.decode(lines.next()?).ok()?;
        let comment = lines.next()?.strip_prefix("trusted comment: ")?.to_owned();
        let of_comment = STANDARD.decode(lines.next()?).ok()?.try_into().ok()?;
        let rest = first.strip_prefix(b"ED")?;
        if lines.next().is_some() || rest.len() != 72 {
            return None;
        }
        let (id, of_bytes) = rest.split_at(8);
        Some(Self { id: id.try_into().ok()?, of_bytes: of_bytes.try_into().ok()?, comment, of_comment })
    }

    /// Whether a key signed these bytes with this comment.
    pub(super) fn is_by(&self, key: &PublicKey, bytes: &[u8]) -> bool {
        let ed25519 = UnparsedPublicKey::new(&ED25519, key.key);
        let whole = [&self.of_bytes, self.comment.as_bytes()].concat();
        self.id == key.id
            && ed25519.verify(&Blake2b512::digest(bytes), &self.of_bytes).is_ok()
            && ed25519.verify(&whole, &self.of_comment).is_ok()
    }
}
