//! Keys in minisign's format: the secret one that signs, read from what `minisign -G -W` writes, and the public one that
//! an auditor is given.
//!
//! The format is written here, on ring's Ed25519, because the crate for it salts its signatures: the same run would give
//! other bytes each time.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use blake2::{Blake2b512, Digest};
use ring::signature::{Ed25519KeyPair, KeyPair};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{Signature, shown_id};

/// Why a text is no key. Never holds any part of it.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum KeyError {
    /// Something else.
    #[error(
        "is no {0} key in minisign's format; `minisign -G -W -p evidence.pub -s evidence.key` makes a pair"
    )]
    Format(&'static str),
    /// A secret key with a password.
    #[error(
        "is protected by a password, which a daemon could only read from the next file; make a key without one \
         (`minisign -G -W`), and let systemd encrypt it (LoadCredentialEncrypted)"
    )]
    Password,
    /// The two halves of a secret key.
    #[error("is damaged: its public half does not belong to its secret half")]
    Damaged,
}

/// A public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey {
    pub(super) id: [u8; 8],
    pub(super) key: [u8; 32],
}

impl PublicKey {
    /// Reads the file that minisign writes, or its one line that counts.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let wrong = KeyError::Format("public");
        let bytes =
            decoded(text).filter(|bytes| bytes.len() == 42 && bytes.starts_with(b"Ed")).ok_or(wrong)?;
        let mut public = Self { id: [0; 8], key: [0; 32] };
        public.id.copy_from_slice(&bytes[2..10]);
        public.key.copy_from_slice(&bytes[10..]);
        Ok(public)
    }

    /// The id as minisign shows it: `E221A1854B7A0A12`.
    pub fn id(&self) -> String {
        shown_id(self.id)
    }
}

/// The line that `minisign -P` takes.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode([&b"Ed"[..], &self.id, &self.key].concat()))
    }
}

/// A secret key.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.public.id()).finish()
    }
}

impl SigningKey {
    /// Reads the file that `minisign -G -W` writes, or its one line that counts.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let wrong = KeyError::Format("secret");
        let bytes = Zeroizing::new(decoded(text).unwrap_or_default());
        // Algorithm, key derivation, checksum; salt and limits of the derivation; id, secret key, checksum.
        let (Some(kind), Some(body)) = (bytes.get(..6), bytes.get(54..158)) else { return Err(wrong) };
        if bytes.len() != 158 || !kind.starts_with(b"Ed") {
            return Err(wrong);
        }
        match &kind[2..4] {
            [0, 0] => {}
            b"Sc" => return Err(KeyError::Password),
            _ => return Err(wrong),
        }
        let (id, seed, key) = (&body[..8], &body[8..40], &body[40..72]);
        let pair = Ed25519KeyPair::from_seed_and_public_key(seed, key).map_err(|_| KeyError::Damaged)?;
        let mut public = PublicKey { id: [0; 8], key: [0; 32] };
        public.id.copy_from_slice(id);
        public.key.copy_from_slice(pair.public_key().as_ref());
        Ok(Self { pair, public })
    }

    /// The key that checks what this one signs.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// The file that minisign looks for beside what it checks. The same bytes and comment give the same signature.
    pub(super) fn sign(&self, bytes: &[u8], trusted_comment: &str) -> String {
        let signature = |bytes: &[u8]| {
            let (signature, mut fixed) = (self.pair.sign(bytes), [0; 64]);
            fixed.copy_from_slice(signature.as_ref());
            fixed
        };
        let of_bytes = signature(&Blake2b512::digest(bytes));
        let of_comment = signature(&[&of_bytes, trusted_comment.as_bytes()].concat());
        Signature { id: self.public.id, of_bytes, comment: trusted_comment.to_owned(), of_comment }
            .to_string()
    }
}

/// The line of a key's file that is not a comment.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut lines =
        text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("untrusted comment:"));
    let line = lines.next()?;
    if lines.next().is_some() { None } else { STANDARD.decode(line.trim()).ok() }
}

#[cfg(test)]
mod tests {
    use super::super::trusted_comment;
    use super::*;
    use crate::evidence::ChainPlace;

    /// Made by `minisign -G -W` for this test.
    const SECRET: &str = "untrusted comment: minisign encrypted secret key\n\
        RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEgp6S4WhIeJr1c4N3QhRyu4gfDtpfbVMkA7uBonYiZvSwYoLn+X2pZ+iy2rhM5ZKV8XQOOtNFe+eYyC38wuiUWlVbtgHNAfHAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
    const PUBLIC: &str = "RWQSCnpLhaEh4p+iy2rhM5ZKV8XQOOtNFe+eYyC38wuiUWlVbtgHNAfH";

    #[test]
    fn reads_the_keys_that_minisign_writes() {
        let key = SigningKey::parse(SECRET).unwrap();
        assert_eq!(key.public().to_string(), PUBLIC);
        assert_eq!(key.public().id(), "E221A1854B7A0A12");
        let file = format!("untrusted comment: minisign public key E221A1854B7A0A12\n{PUBLIC}\n");
        assert_eq!(PublicKey::parse(&file).unwrap(), key.public());
        assert_eq!(PublicKey::parse(PUBLIC).unwrap(), key.public());
        assert!(!format!("{key:?}").contains("a9XO"), "no part of the secret is shown");
    }

    #[test]
    fn refuses_what_is_no_key_and_quotes_nothing_of_it() {
        let with = |at: usize, byte: u8| {
            let mut bytes = decoded(SECRET).unwrap();
            bytes[at] = byte;
            SigningKey::parse(&STANDARD.encode(bytes)).unwrap_err()
        };
        assert_eq!(with(2, b'S'), KeyError::Format("secret"));
        assert_eq!(with(70, 0xff), KeyError::Damaged);
        let mut protected = decoded(SECRET).unwrap();
        protected[2..4].copy_from_slice(b"Sc");
        assert_eq!(SigningKey::parse(&STANDARD.encode(protected)).unwrap_err(), KeyError::Password);
        for text in ["", "canary", PUBLIC, "RWQ=", &format!("{PUBLIC}\n{PUBLIC}")] {
            let error = SigningKey::parse(text).unwrap_err().to_string();
            assert!(!error.contains("canary") && !error.contains("RWQ"), "{error}");
        }
        assert!(PublicKey::parse(SECRET).is_err());
    }

    #[test]
    fn a_signature_counts_for_its_bytes_its_comment_and_its_key_alone() {
        let key = SigningKey::parse(SECRET).unwrap();
        let comment = trusted_comment("abc", &ChainPlace::alone());
        let text = key.sign(b"statement", &comment);
        assert_eq!(text, key.sign(b"statement", &comment), "nothing in it is drawn");
        let read = Signature::parse(&text).unwrap();
        assert_eq!(read.comment, comment);
        assert!(read.is_by(&key.public(), b"statement"));
        assert!(!read.is_by(&key.public(), b"statements"));
        let other = Signature::parse(&text.replace("link 1", "link 2")).unwrap();
        assert!(!other.is_by(&key.public(), b"statement"), "the comment is signed as well");
        let mut impostor = key.public();
        impostor.key[0] ^= 1;
        assert!(!read.is_by(&impostor, b"statement"));
        for text in ["", "untrusted comment: x", &text.replace("trusted comment: recert", "comment: recert")]
        {
            assert!(Signature::parse(text).is_none(), "{text}");
        }
    }
}
