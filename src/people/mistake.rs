//! What is wrong with a roster: where, and how to mend it; never a value of it, which may be personal.

use std::borrow::Cow;
use std::fmt;

/// Where in a roster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The roster as a whole.
    Whole,
    /// A line of CSV, counted from 1.
    Line(u64),
    /// An object of JSON, counted from 0 as in a path.
    Index(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("it"),
            Self::Line(line) => write!(f, "line {line}"),
            Self::Index(index) => write!(f, "index {index}"),
        }
    }
}

/// Why a roster is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where.
    pub place: Place,
    /// The column or key, as the configuration names it.
    pub column: Option<String>,
    /// What is wrong and how to mend it.
    pub problem: Cow<'static, str>,
}

impl Mistake {
    pub(super) fn new(place: Place, problem: impl Into<Cow<'static, str>>) -> Self {
        Self { place, column: None, problem: problem.into() }
    }

    pub(super) fn column(mut self, column: &str) -> Self {
        self.column = Some(column.to_owned());
        self
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.column, self.place) {
            (None, place) => write!(f, "{place} {}", self.problem),
            (Some(column), Place::Whole) => write!(f, "column \"{column}\" {}", self.problem),
            (Some(column), place @ Place::Line(_)) => {
                write!(f, "{place}, column \"{column}\" {}", self.problem)
            }
            (Some(column), place @ Place::Index(_)) => {
                write!(f, "{place}, key \"{column}\" {}", self.problem)
            }
        }
    }
}

impl std::error::Error for Mistake {}
