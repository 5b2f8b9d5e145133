//! An account's mailbox, and whether several accounts could be one person's.

use std::collections::BTreeSet;

use crate::finding::digest;
use crate::identity::{Mailbox, name_words};
use crate::model::User;

/// What tells findings about mailboxes apart: a digest, so that no address is kept where the finding's aspect is.
pub(super) fn mailbox_aspect(mailbox: &Mailbox) -> String {
    digest(&["mailbox", &mailbox.local, &mailbox.domain])
}

/// Whether accounts could be one person's: the words of the shortest full name occur in all the others, so that
/// "Silva, Ana" and "Ana Silva (local)" are one. An account without a full name contradicts nobody.
pub(super) fn is_one_person(users: &[&User]) -> bool {
    let names: Vec<BTreeSet<String>> =
        users.iter().map(|user| name_words(&user.name)).filter(|words| !words.is_empty()).collect();
    names
        .iter()
        .min_by_key(|name| name.len())
        .is_none_or(|core| names.iter().all(|name| core.is_subset(name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample::user;

    #[test]
    fn names_of_one_person_contain_each_other() {
        let named = |name: &str| User { name: name.into(), ..user(1, "x") };
        let one = |names: &[&str]| {
            let users: Vec<User> = names.iter().map(|name| named(name)).collect();
            is_one_person(&users.iter().collect::<Vec<_>>())
        };
        assert!(one(&["Ana Silva", "Silva, Ana", "ana silva (local)", ""]));
        assert!(!one(&["Ana Silva", "Bo Silva"]));
    }
}
