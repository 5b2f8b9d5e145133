//! How a roster is written: its format, the names of its columns, and what its words mean.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What a roster may say of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Field {
    /// The roster's own id; the only one that must be there.
    Id,
    /// The mail address.
    Email,
    /// The login.
    Login,
    /// Other logins.
    Aliases,
    /// The full name.
    Name,
    /// The manager.
    Manager,
    /// The department.
    Department,
    /// Whether the person is still there, in a word.
    Status,
    /// The first day.
    Start,
    /// The last day.
    End,
    /// What kind of person, in a word.
    Type,
}

impl Field {
    /// All of them, in the order of a record.
    pub const ALL: [Self; 11] = [
        Self::Id,
        Self::Email,
        Self::Login,
        Self::Aliases,
        Self::Name,
        Self::Manager,
        Self::Department,
        Self::Status,
        Self::Start,
        Self::End,
        Self::Type,
    ];

    /// The key in the configuration, and the column's name where none is configured.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Email => "email",
            Self::Login => "login",
            Self::Aliases => "aliases",
            Self::Name => "name",
            Self::Manager => "manager",
            Self::Department => "department",
            Self::Status => "status",
            Self::Start => "start",
            Self::End => "end",
            Self::Type => "type",
        }
    }
}

/// The names of the columns (CSV) or keys (JSON). A column that is named must be there; the others may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Columns(pub BTreeMap<Field, String>);

impl Columns {
    /// The name of a field's column.
    pub fn name(&self, field: Field) -> &str {
        self.0.get(&field).map_or(field.as_str(), String::as_str)
    }

    /// Whether the roster is refused without this column.
    pub fn is_needed(&self, field: Field) -> bool {
        field == Field::Id || self.0.contains_key(&field)
    }

    /// Whether a header or key is the name of a field's column; case and space around it do not count.
    pub(super) fn is(&self, field: Field, header: &str) -> bool {
        header.trim().eq_ignore_ascii_case(self.name(field).trim())
    }
}

/// The format of a roster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Comma-separated values with a header.
    Csv,
    /// An array of objects, or an object with one such array.
    Json,
}

impl Format {
    /// The format that the end of a file's name tells.
    pub fn of_ending(name: &str) -> Option<Self> {
        let (_, ending) = name.rsplit_once('.')?;
        match ending.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// What the words of a roster mean; compared without regard to case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// Of `status`: the person is gone.
    pub left: Vec<String>,
    /// Of `status`: the person is there.
    pub employed: Vec<String>,
    /// Of `type`: the person stays for a time only.
    pub temporary: Vec<String>,
}

impl Default for Words {
    fn default() -> Self {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Self {
            left: words(&["left", "terminated", "leaver", "inactive", "departed"]),
            employed: words(&["active", "employed", "current"]),
            temporary: words(&["contractor", "temporary", "external", "intern", "consultant"]),
        }
    }
}

/// How to read a roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Its format.
    pub format: Format,
    /// What stands between two fields of CSV; one ASCII character.
    pub delimiter: u8,
    /// The names of its columns.
    pub columns: Columns,
    /// What its words mean.
    pub words: Words,
}

impl Layout {
    /// A layout with every default.
    pub fn new(format: Format) -> Self {
        Self { format, delimiter: b',', columns: Columns::default(), words: Words::default() }
    }
}
