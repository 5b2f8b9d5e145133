//! A roster from its records: checked whole, refused whole.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Entry, Field, Format, Index, Layout, Mistake, Place, Record};
use crate::model::Person;
use compact_str::CompactString;

/// The people of an organisation, in the order of the roster, with what finds them.
#[derive(Debug, Clone)]
pub struct Roster {
    pub(super) entries: Vec<Entry>,
    pub(super) index: Index,
}

impl Roster {
    /// The people.
    pub fn people(&self) -> impl Iterator<Item = &Arc<Person>> {
        self.entries.iter().map(|entry| &entry.person)
    }

    /// How many there are; never none.
    #[expect(clippy::len_without_is_empty, reason = "a roster without people is refused")]
    pub fn len(&self) -> usize {
        self.entries.len()
    }
}

/// Collects the records of a roster.
pub(super) struct Builder<'a> {
    pub(super) layout: &'a Layout,
    most: usize,
    entries: Vec<Entry>,
    ids: HashMap<CompactString, Place>,
    /// Which columns are in the roster at all.
    seen: [bool; Field::ALL.len()],
}

impl<'a> Builder<'a> {
    pub(super) fn new(layout: &'a Layout, most: usize) -> Self {
        let seen = [false; Field::ALL.len()];
        Self { layout, most, entries: Vec::new(), ids: HashMap::new(), seen }
    }

    /// Notes that a field's column is there.
    pub(super) fn saw(&mut self, field: Field) {
        self.seen[field as usize] = true;
    }

    /// Refuses a roster without a column that is needed.
    pub(super) fn check_columns(&self) -> Result<(), Mistake> {
        let columns = &self.layout.columns;
        let missing =
            Field::ALL.into_iter().find(|field| columns.is_needed(*field) && !self.seen[*field as usize]);
        let Some(field) = missing else { return Ok(()) };
        let delimiter =
            if self.layout.format == Format::Csv { ", and is the delimiter the right one?" } else { "" };
        let problem = format!(
            "is not there; name the one that holds it: roster.columns.{} = \"…\"{delimiter}",
            field.as_str()
        );
        Err(Mistake::new(Place::Whole, problem).column(columns.name(field)))
    }

    pub(super) fn push(&mut self, record: &Record<'_>) -> Result<(), Mistake> {
        if self.entries.len() == self.most {
            let problem = format!("is more than the {} people that a roster may list", self.most);
            return Err(Mistake::new(record.place, problem));
        }
        let entry = record.entry(self.layout)?;
        if let Some(first) = self.ids.insert(entry.person.id.clone(), record.place) {
            let problem = format!("is the same as in {first}; every person needs an id of its own");
            return Err(Mistake::new(record.place, problem).column(self.layout.columns.name(Field::Id)));
        }
        self.entries.push(entry);
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Roster, Mistake> {
        if self.entries.is_empty() {
            let problem = "lists nobody; an empty roster would make an orphan of every account";
            return Err(Mistake::new(Place::Whole, problem));
        }
        self.check_columns()?;
        let index = Index::build(&self.entries);
        Ok(Roster { entries: self.entries, index })
    }
}
