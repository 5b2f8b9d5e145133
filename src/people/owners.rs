//! Whom the configuration's words for owners fit, in one pass over the roster.

use std::collections::HashMap;
use std::sync::Arc;

use super::Roster;
use crate::identity::{Mailbox, name_form};
use crate::model::{DeclaredOwner, Person};

/// People of one name who are told apart by nothing else; more add nothing.
const MOST_NAMESAKES: usize = 100;

/// Owners by what people are compared in, each by its number. Two may have one mailbox, or one name.
#[derive(Default)]
struct Wanted {
    ids: HashMap<String, Vec<usize>>,
    mailboxes: HashMap<Mailbox, Vec<usize>>,
    names: HashMap<String, Vec<usize>>,
}

/// Whom one owner fits: by id, by mail address, by name.
type Found = [Vec<Arc<Person>>; 3];

impl Roster {
    /// Whom some words for owners fit: by id, else by mail address, else by name.
    pub(super) fn owners<'a>(&self, owners: impl IntoIterator<Item = &'a String>) -> Vec<DeclaredOwner> {
        let forms: Vec<String> = owners.into_iter().map(|owner| DeclaredOwner::form(owner)).collect();
        let wanted = Wanted::of(&forms);
        let mut found: Vec<Found> = vec![Found::default(); forms.len()];
        for person in self.people() {
            for (by, owners) in wanted.by(person).into_iter().enumerate() {
                for owner in owners {
                    let people = &mut found[*owner][by];
                    if people.len() < MOST_NAMESAKES {
                        people.push(person.clone());
                    }
                }
            }
        }
        let told = |(owner, found): (String, Found)| {
            let people = found.into_iter().find(|people| !people.is_empty()).unwrap_or_default();
            DeclaredOwner { owner, people }
        };
        forms.into_iter().zip(found).map(told).collect()
    }
}

impl Wanted {
    fn of(forms: &[String]) -> Self {
        let mut wanted = Self::default();
        for (owner, form) in forms.iter().enumerate() {
            wanted.ids.entry(form.clone()).or_default().push(owner);
            if let Some(mailbox) = Mailbox::parse(form).map(Mailbox::untagged) {
                wanted.mailboxes.entry(mailbox).or_default().push(owner);
            }
            let name = name_form(form);
            if !name.is_empty() {
                wanted.names.entry(name).or_default().push(owner);
            }
        }
        wanted
    }

    /// The owners whom a person is by id, by mail address and by name. What nobody asks for is not parsed.
    fn by(&self, person: &Person) -> [&[usize]; 3] {
        let mailbox = || person.email.as_deref().and_then(Mailbox::parse).map(Mailbox::untagged);
        let name = || person.name.as_deref().map(name_form);
        [
            self.ids.get(&DeclaredOwner::form(&person.id)),
            Some(&self.mailboxes).filter(|some| !some.is_empty()).and_then(|some| some.get(&mailbox()?)),
            Some(&self.names).filter(|some| !some.is_empty()).and_then(|some| some.get(&name()?)),
        ]
        .map(|owners| owners.map_or(&[][..], Vec::as_slice))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Format, Layout, parse};
    use super::*;

    #[test]
    fn an_owner_is_found_by_id_else_by_mail_address_else_by_name() {
        let csv = "id,email,name\n\
                   E7,ana+hr@corp.example,Ana Silva\n\
                   E8,bo@corp.example,Bo Berg\n\
                   E9,cy@corp.example,Berg Bo\n\
                   Bo Berg,,E7\n\
                   E10,n/a,\n";
        let roster = parse(csv.as_bytes(), &Layout::new(Format::Csv), 1_000).unwrap();
        let owners =
            [" e7", "ana@CORP.example", "ana+x@corp.example", "berg, bo", "bo berg", "-", "n/a", "zoe"];
        let found = roster.owners(&owners.map(str::to_owned));
        let ids =
            |owner: &DeclaredOwner| owner.people.iter().map(|one| one.id.to_string()).collect::<Vec<_>>();
        let found: Vec<Vec<String>> = found.iter().map(ids).collect();
        let expected: [&[&str]; 8] = [&["E7"], &["E7"], &["E7"], &["E8", "E9"], &["Bo Berg"], &[], &[], &[]];
        assert_eq!(found, expected);
        assert_eq!(roster.owners(&[]), []);
    }

    #[test]
    fn namesakes_beyond_a_bound_add_nothing() {
        use std::fmt::Write;
        let mut csv = "id,name\n".to_owned();
        for person in 0..150 {
            writeln!(csv, "E{person},Ana Silva").unwrap();
        }
        let roster = parse(csv.as_bytes(), &Layout::new(Format::Csv), 1_000).unwrap();
        assert_eq!(roster.owners(&["Ana Silva".to_owned()])[0].people.len(), MOST_NAMESAKES);
    }
}
