//! The table of the roster: where the people are, and how their columns are called.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use url::Url;

use super::consoles::url;
use super::{Problem, TlsTable};
use crate::people::{Columns, Field, Format, Layout, Limits, Origin, Source, Words, check_url};
use crate::secret::SecretSource;
use crate::trust::Trust;

/// `[roster]`: the organisation's people, whom every account is joined with.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RosterTable {
    /// The file; or else `url`.
    pub file: Option<PathBuf>,
    /// The address of an export; or else `file`.
    #[serde(default, deserialize_with = "some_url")]
    pub url: Option<Url>,
    /// Where the bearer token for `url` is.
    pub token: Option<SecretSource>,
    /// What certificate to trust; without it, the system's authorities.
    pub tls: Option<TlsTable>,
    /// The format; by the end of the file's name if left out.
    pub format: Option<Format>,
    /// `[roster.columns]`: the names of the columns. Each that is named must be there.
    #[serde(default)]
    pub columns: Columns,
    /// What stands between two fields of CSV.
    #[serde(default = "RosterTable::default_delimiter")]
    pub delimiter: char,
    /// Words of the column `status` that mean gone.
    #[serde(default = "RosterTable::default_left")]
    pub left: Vec<String>,
    /// Words of the column `status` that mean there.
    #[serde(default = "RosterTable::default_employed")]
    pub employed: Vec<String>,
    /// Words of the column `type` that mean for a time only.
    #[serde(default = "RosterTable::default_temporary")]
    pub temporary: Vec<String>,
    /// Days since the file's last change after which it is refused; any age if left out.
    pub max_age_days: Option<u32>,
}

fn some_url<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Url>, D::Error> {
    url(from).map(Some)
}

impl fmt::Debug for RosterTable {
    /// Without the URL's path and query, which can hold a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RosterTable").field("source", &self.source()).finish_non_exhaustive()
    }
}

impl RosterTable {
    const fn default_delimiter() -> char {
        ','
    }

    fn default_left() -> Vec<String> {
        Words::default().left
    }

    fn default_employed() -> Vec<String> {
        Words::default().employed
    }

    fn default_temporary() -> Vec<String> {
        Words::default().temporary
    }

    /// What the reader needs; `None` if the table is not one that [`Self::check`] passes.
    pub fn source(&self) -> Option<Source> {
        let origin = match (&self.file, &self.url) {
            (Some(path), None) => Origin::File { path: path.clone(), max_age_days: self.max_age_days },
            (None, Some(url)) => Origin::Url {
                url: url.clone(),
                token: self.token.clone(),
                trust: self.tls.as_ref().map_or(Trust::System, TlsTable::trust),
            },
            (None, None) | (Some(_), Some(_)) => return None,
        };
        let layout = Layout {
            format: self.format()?,
            delimiter: u8::try_from(self.delimiter).ok()?,
            columns: self.columns.clone(),
            words: Words {
                left: self.left.clone(),
                employed: self.employed.clone(),
                temporary: self.temporary.clone(),
            },
        };
        Some(Source { origin, layout, limits: Limits::default() })
    }

    fn format(&self) -> Option<Format> {
        let of_file = || self.file.as_ref().and_then(|path| Format::of_ending(path.to_str()?));
        let of_url = || self.url.as_ref().and_then(|url| Format::of_ending(url.path()));
        self.format.or_else(of_file).or_else(of_url)
    }

    pub(super) fn check(&self) -> Result<(), Problem> {
        let wrong = |key: &'static str, problem: &str| Err((key, problem.to_owned()));
        match (&self.file, &self.url) {
            (None, None) => return wrong("file", "is needed: file = \"PATH\", or url = \"https://…\""),
            (Some(_), Some(_)) => return wrong("file", "cannot stand beside url; leave one of the two"),
            (Some(path), None) if !path.is_absolute() => return wrong("file", "must be an absolute path"),
            (Some(_), None) if self.token.is_some() => return wrong("token", "is for url; take it out"),
            (Some(_), None) if self.tls.is_some() => return wrong("tls", "is for url; take it out"),
            (None, Some(_)) if self.max_age_days.is_some() => {
                return wrong("max_age_days", "is for file: a server does not say how old an export is");
            }
            (Some(_), None) => {}
            (None, Some(url)) => check_url(url).map_err(|problem| ("url", problem.to_owned()))?,
        }
        let Some(format) = self.format() else {
            return wrong(
                "format",
                "is needed where the name does not end in .csv or .json: \"csv\" or \"json\"",
            );
        };
        if format == Format::Csv && !is_delimiter(self.delimiter) {
            return wrong(
                "delimiter",
                "must be one ASCII character that no word holds, such as \";\" or \"\\t\"",
            );
        }
        if self.max_age_days == Some(0) {
            return wrong("max_age_days", "must be at least 1");
        }
        for field in Field::ALL {
            if self.columns.name(field).trim().is_empty() {
                let problem = format!("{} is empty; name the column, or leave the key out", field.as_str());
                return Err(("columns", problem));
            }
        }
        for (key, words) in
            [("left", &self.left), ("employed", &self.employed), ("temporary", &self.temporary)]
        {
            if words.iter().any(|word| word.trim().is_empty()) {
                return wrong(key, "holds an empty word; take it out");
            }
        }
        let same = |word: &&String| {
            self.employed.iter().any(|other| other.trim().to_lowercase() == word.trim().to_lowercase())
        };
        match self.left.iter().find(same) {
            Some(word) => Err(("left", format!("{word:?} is in employed as well; a word has one meaning"))),
            None => self.tls.as_ref().map_or(Ok(()), TlsTable::check),
        }
    }
}

fn is_delimiter(c: char) -> bool {
    c == '\t'
        || (c.is_ascii() && !c.is_ascii_control() && !c.is_ascii_alphanumeric() && !"\"@.-_+ ".contains(c))
}
