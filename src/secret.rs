//! Where a secret comes from. A secret is never a value of the configuration, of an argument or of a log line.

use std::path::{Path, PathBuf};
use std::{env, fmt, fs, io};

use secrecy::SecretString;
use serde::de::{self, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use thiserror::Error;
use zeroize::Zeroizing;

/// Larger files are not secrets but mistakes.
const MAX_BYTES: u64 = 64 * 1024;

/// A reference to a secret: `{ credential = "hq" }`, `{ file = "/etc/recert/hq" }` or `{ env = "RECERT_HQ" }`.
///
/// Its errors never quote what stands there: that may be the secret itself, written where it must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// A systemd credential (`LoadCredential=`), read from `$CREDENTIALS_DIRECTORY`.
    Credential(String),
    /// A file that nobody but its owner can read.
    File(PathBuf),
    /// An environment variable; the weakest, because child processes and `/proc` can show it.
    Env(String),
}

/// Why a secret could not be read. Never holds any part of it.
#[derive(Debug, Error)]
pub enum SecretError {
    /// No credential directory.
    #[error(
        "credential {name:?}: this process was not given credentials; start it through systemd with LoadCredential={name}:PATH, or use {{ file = \"…\" }}"
    )]
    NoCredentials {
        /// The credential's name.
        name: String,
    },
    /// Not a file name.
    #[error("credential {name:?}: a credential's name is a plain file name")]
    Name {
        /// The credential's name.
        name: String,
    },
    /// Not readable.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Readable by too many.
    #[error("{}: mode {mode:04o} lets others read it; run: chmod 600 {}", path.display(), path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not a plausible secret.
    #[error("{place}: {problem}")]
    Content {
        /// The file or variable.
        place: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl<'de> Deserialize<'de> for SecretSource {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(SourceVisitor)
    }
}

struct SourceVisitor;

impl<'de> Visitor<'de> for SourceVisitor {
    type Value = SecretSource;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{ credential = \"NAME\" }, { file = \"PATH\" } or { env = \"NAME\" }")
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Self::Value, E> {
        let mend = "a secret is never a value of the configuration; use { credential = \"NAME\" }, { file = \"PATH\" } or \
                    { env = \"NAME\" }";
        Err(E::custom(mend))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let unknown = || A::Error::custom("a secret needs exactly one of the keys credential, file and env");
        let source = match map.next_key::<String>()?.as_deref() {
            Some("credential") => SecretSource::Credential(map.next_value()?),
            Some("file") => SecretSource::File(map.next_value()?),
            Some("env") => SecretSource::Env(map.next_value()?),
            _ => return Err(unknown()),
        };
        if map.next_key::<String>()?.is_some() { Err(unknown()) } else { Ok(source) }
    }
}

impl SecretSource {
    /// Reads the secret. One line end at its end is not part of it.
    pub fn read(&self) -> Result<SecretString, SecretError> {
        self.read_as(one_line)
    }

    /// Reads a secret that stands on several lines, as a key does.
    pub fn read_lines(&self) -> Result<SecretString, SecretError> {
        self.read_as(lines)
    }

    fn read_as(&self, clean: Clean) -> Result<SecretString, SecretError> {
        match self {
            Self::Credential(name) => {
                if name.is_empty() || name.contains('/') || name.starts_with('.') {
                    return Err(SecretError::Name { name: name.clone() });
                }
                let directory = env::var_os("CREDENTIALS_DIRECTORY")
                    .ok_or_else(|| SecretError::NoCredentials { name: name.clone() })?;
                // systemd owns that directory and its modes; they are not ours to judge.
                from_file(&Path::new(&directory).join(name), false, clean)
            }
            Self::File(path) => from_file(path, true, clean),
            Self::Env(name) => {
                let place = format!("environment variable {name}");
                match env::var(name) {
                    Ok(text) => clean(&Zeroizing::new(text), place),
                    Err(env::VarError::NotPresent) => {
                        Err(SecretError::Content { place, problem: "it is not set" })
                    }
                    Err(env::VarError::NotUnicode(_)) => {
                        Err(SecretError::Content { place, problem: "it is not UTF-8" })
                    }
                }
            }
        }
    }
}

/// Takes what is not part of a secret away, or says why it is none.
type Clean = fn(&str, String) -> Result<SecretString, SecretError>;

fn from_file(path: &Path, check_mode: bool, clean: Clean) -> Result<SecretString, SecretError> {
    let unreadable = |source| SecretError::Unreadable { path: path.to_owned(), source };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    let mode = mode(&metadata);
    if check_mode && mode & 0o077 != 0 {
        return Err(SecretError::Exposed { path: path.to_owned(), mode });
    }
    let place = path.display().to_string();
    if !metadata.is_file() {
        return Err(SecretError::Content { place, problem: "it is not a file" });
    }
    if metadata.len() > MAX_BYTES {
        return Err(SecretError::Content { place, problem: "it is over 64 KiB, which no secret is" });
    }
    let bytes = Zeroizing::new(fs::read(path).map_err(unreadable)?);
    match std::str::from_utf8(&bytes) {
        Ok(text) => clean(text, place),
        Err(_) => Err(SecretError::Content { place, problem: "it is not UTF-8" }),
    }
}

fn mode(metadata: &fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o7777
}

fn lines(text: &str, place: String) -> Result<SecretString, SecretError> {
    if text.trim().is_empty() {
        return Err(SecretError::Content { place, problem: "it is empty" });
    }
    Ok(SecretString::from(text))
}

fn one_line(text: &str, place: String) -> Result<SecretString, SecretError> {
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err(SecretError::Content { place, problem: "it is empty" });
    }
    if line.chars().any(char::is_control) {
        return Err(SecretError::Content {
            place,
            problem: "it holds a line end or another control character inside; a secret is one line",
        });
    }
    Ok(SecretString::from(line))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use secrecy::ExposeSecret;

    use super::*;

    fn file(content: &str, mode: u32) -> (tempfile::TempDir, SecretSource) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (directory, SecretSource::File(path))
    }

    #[test]
    fn one_line_end_is_not_part_of_the_secret() {
        for content in ["s3cret", "s3cret\n", "s3cret\r\n"] {
            let (_directory, source) = file(content, 0o600);
            assert_eq!(source.read().unwrap().expose_secret(), "s3cret");
        }
    }

    #[test]
    fn refuses_a_file_that_others_can_read() {
        for mode in [0o640, 0o604, 0o644, 0o620] {
            let (_directory, source) = file("canary", mode);
            let error = source.read().unwrap_err().to_string();
            assert!(error.contains(&format!("{mode:04o}")) && error.contains("chmod 600"), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn refuses_what_is_no_secret() {
        for content in ["", "\n", "two\nlines", "tab\there"] {
            let (_directory, source) = file(content, 0o600);
            assert!(matches!(source.read(), Err(SecretError::Content { .. })), "{content:?}");
        }
        let missing = SecretSource::File("/nonexistent/secret".into()).read();
        assert!(matches!(missing, Err(SecretError::Unreadable { .. })));
        for name in ["", "../etc/shadow", ".hidden"] {
            let credential = SecretSource::Credential(name.into()).read();
            assert!(matches!(credential, Err(SecretError::Name { .. })), "{name:?}");
        }
    }
}
