//! One record of a roster becomes one person, or a mistake with its place.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::NaiveDate;
use compact_str::CompactString;

use super::{Field, Layout, Mistake, Place};
use crate::model::Person;

/// Characters of one value; more is no name and no address.
const LONGEST: usize = 1_000;
/// Characters of all aliases of a person.
const LONGEST_ALIASES: usize = 10_000;

/// One value as a format gives it.
#[derive(Debug, Clone)]
pub(super) enum Cell<'a> {
    /// There is none.
    Empty,
    /// A text.
    Text(Cow<'a, str>),
    /// Several texts, of JSON.
    List(Vec<String>),
    /// Something that is no text, and what.
    Odd(&'static str),
}

/// A record: a cell for each field, in the order of [`Field::ALL`], and its place.
pub(super) struct Record<'a> {
    pub(super) place: Place,
    pub(super) cells: [Cell<'a>; Field::ALL.len()],
}

/// A person with the logins that the roster knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) person: Arc<Person>,
    pub(super) login: Option<String>,
    pub(super) aliases: Vec<String>,
    /// The word for the person's state, if it is not known.
    pub(super) unexplained: Option<CompactString>,
}

impl Record<'_> {
    pub(super) fn entry(&self, layout: &Layout) -> Result<Entry, Mistake> {
        let id = self.text(Field::Id, layout)?;
        let id = id.ok_or_else(|| {
            self.mistake(Field::Id, layout, "is empty; every person needs an id that stays the same")
        })?;
        let status = self.text(Field::Status, layout)?;
        let kind = self.text(Field::Type, layout)?;
        let among = |words: &[String], word: &str| {
            words.iter().any(|known| known.trim().to_lowercase() == word.to_lowercase())
        };
        let words = &layout.words;
        let employed = status.and_then(|status| match status {
            left if among(&words.left, left) => Some(false),
            there if among(&words.employed, there) => Some(true),
            _ => None,
        });
        let own = |text: Option<&str>| text.map(CompactString::from);
        let unexplained = own(status.filter(|_| employed.is_none()));
        let person = Person {
            id: id.into(),
            name: own(self.text(Field::Name, layout)?),
            email: own(self.text(Field::Email, layout)?),
            manager: own(self.text(Field::Manager, layout)?),
            department: own(self.text(Field::Department, layout)?),
            employed,
            temporary: kind.map(|kind| among(&words.temporary, kind)),
            kind: own(kind),
            start: self.date(Field::Start, layout)?,
            end: self.date(Field::End, layout)?,
        };
        let login = self.text(Field::Login, layout)?.map(str::to_owned);
        Ok(Entry { person: Arc::new(person), login, aliases: self.aliases(layout)?, unexplained })
    }

    fn mistake(&self, field: Field, layout: &Layout, problem: impl Into<Cow<'static, str>>) -> Mistake {
        Mistake::new(self.place, problem).column(layout.columns.name(field))
    }

    /// A value without space around it; `None` if nothing is left.
    fn text(&self, field: Field, layout: &Layout) -> Result<Option<&str>, Mistake> {
        let text = match &self.cells[field as usize] {
            Cell::Empty => return Ok(None),
            Cell::Text(text) => text.trim(),
            Cell::List(_) => {
                return Err(self.mistake(field, layout, "is an array; give one text, or leave it out"));
            }
            Cell::Odd(what) => {
                let problem = format!("is {what}; give one text, or leave it out");
                return Err(self.mistake(field, layout, problem));
            }
        };
        let longest = if field == Field::Aliases { LONGEST_ALIASES } else { LONGEST };
        if text.len() > longest && text.chars().count() > longest {
            let problem = format!("is longer than {longest} characters; is it the right column?");
            return Err(self.mistake(field, layout, problem));
        }
        Ok((!text.is_empty()).then_some(text))
    }

    fn date(&self, field: Field, layout: &Layout) -> Result<Option<NaiveDate>, Mistake> {
        let Some(text) = self.text(field, layout)? else { return Ok(None) };
        let mend = "is not a date that exists; write it as YYYY-MM-DD, or leave it empty";
        day(text).map(Some).ok_or_else(|| self.mistake(field, layout, mend))
    }

    fn aliases(&self, layout: &Layout) -> Result<Vec<String>, Mistake> {
        let own = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        if let Cell::List(list) = &self.cells[Field::Aliases as usize] {
            if list.iter().map(String::len).sum::<usize>() > LONGEST_ALIASES {
                let problem = format!("has more than {LONGEST_ALIASES} characters; is it the right key?");
                return Err(self.mistake(Field::Aliases, layout, problem));
            }
            return Ok(list.iter().filter_map(|text| own(text)).collect());
        }
        let text = self.text(Field::Aliases, layout)?.unwrap_or_default();
        Ok(text.split(|c: char| c == ';' || c.is_whitespace()).filter_map(own).collect())
    }
}

/// `2026-11-25`, alone or before a time; the time and its zone do not count.
fn day(text: &str) -> Option<NaiveDate> {
    let (day, time) = text.split_at_checked(10)?;
    let shaped = day.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    (shaped && (time.is_empty() || is_time(time))).then(|| day.parse().ok())?
}

fn is_time(text: &str) -> bool {
    let Some(time) = text.strip_prefix(['T', 't', ' ']) else { return false };
    let clock = time.get(..5).is_some_and(|clock| chrono::NaiveTime::parse_from_str(clock, "%H:%M").is_ok());
    clock && time[5..].chars().all(|c| c.is_ascii_digit() || ":.,+-Zz ".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_iso_alone_or_before_a_time() {
        let expected = NaiveDate::from_ymd_opt(2026, 11, 25);
        for text in [
            "2026-11-25",
            "2026-11-25T23:59:59Z",
            "2026-11-25 08:00",
            "2026-11-25T23:59:59.123+02:00",
            "2026-11-25t00:00:00-0800",
        ] {
            assert_eq!(day(text), expected, "{text}");
        }
        for text in [
            "25.11.2026",
            "11/25/2026",
            "2026-11-31",
            "2026-13-01",
            "2026-1-5",
            "20261125",
            "2026-11-25T",
            "2026-11-25Tnoon",
            "2026-11-25T25:00",
            "2026-11-250",
            "2026-11-25 (planned)",
            "0000-00-00",
            "２０２６-11-25",
            "never",
        ] {
            assert_eq!(day(text), None, "{text}");
        }
    }
}
