//! A roster from its records: checked whole, refused whole.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{Entry, Field, Format, Index, Layout, Mistake, Place, Record};
use crate::model::{Person, Unexplained};
use crate::untrusted::shortened;
use compact_str::CompactString;

/// So many words for people's states are kept: more are not states.
const MOST_WORDS: usize = 20;
/// The longest of such words; the end of a longer one is an ellipsis.
const LONGEST_WORD: usize = 40;

/// The people of an organisation, in the order of the roster, with what finds them.
#[derive(Debug, Clone)]
pub struct Roster {
    pub(super) entries: Vec<Entry>,
    pub(super) index: Index,
    unexplained: Unexplained,
}

impl Roster {
    /// The people.
    pub fn people(&self) -> impl Iterator<Item = &Arc<Person>> {
        self.entries.iter().map(|entry| &entry.person)
    }

    /// What it says of people's state in words that the layout does not explain.
    pub fn unexplained(&self) -> &Unexplained {
        &self.unexplained
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
    words: BTreeMap<CompactString, u64>,
    other_words: u64,
}

impl<'a> Builder<'a> {
    pub(super) fn new(layout: &'a Layout, most: usize) -> Self {
        let seen = [false; Field::ALL.len()];
        let (entries, ids, words) = (Vec::new(), HashMap::new(), BTreeMap::new());
        Self { layout, most, entries, ids, seen, words, other_words: 0 }
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
        let mut entry = record.entry(self.layout)?;
        self.count(entry.unexplained.take());
        if let Some(first) = self.ids.insert(entry.person.id.clone(), record.place) {
            let problem = format!("is the same as in {first}; every person needs an id of its own");
            return Err(Mistake::new(record.place, problem).column(self.layout.columns.name(Field::Id)));
        }
        self.entries.push(entry);
        Ok(())
    }

    fn count(&mut self, word: Option<CompactString>) {
        let Some(word) = word else { return };
        let word = CompactString::from(shortened(&word, LONGEST_WORD));
        if let Some(people) = self.words.get_mut(&word) {
            *people += 1;
        } else if self.words.len() < MOST_WORDS {
            self.words.insert(word, 1);
        } else {
            self.other_words += 1;
        }
    }

    pub(super) fn finish(self) -> Result<Roster, Mistake> {
        if self.entries.is_empty() {
            let problem = "lists nobody; an empty roster would make an orphan of every account";
            return Err(Mistake::new(Place::Whole, problem));
        }
        self.check_columns()?;
        let index = Index::build(&self.entries);
        let mut words: Vec<_> = self.words.into_iter().collect();
        words.sort_by_key(|(_, people)| std::cmp::Reverse(*people));
        let unexplained = Unexplained { words, others: self.other_words };
        Ok(Roster { entries: self.entries, index, unexplained })
    }
}
