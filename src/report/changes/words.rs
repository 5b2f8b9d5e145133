//! The words of changes. The console's text stays raw here, but never long: renderers neutralise it.

use std::borrow::Cow;

use crate::amount::amount;

/// The longest name in a summary.
const LONGEST: usize = 120;

/// The most names in one list.
const MOST: usize = 8;

/// A text of at most [`LONGEST`] characters; the end of a longer one is an ellipsis.
pub(super) fn cut(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LONGEST - 1) {
        Some((end, last)) if text.len() > end + last.len_utf8() => Cow::Owned(format!("{}…", &text[..end])),
        _ => Cow::Borrowed(text),
    }
}

/// The first [`MOST`] names, each cut, and how many more there are.
pub(super) fn list<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    let mut names = names.into_iter();
    let shown: Vec<String> = names.by_ref().take(MOST).map(|name| cut(name.as_ref()).into_owned()).collect();
    match names.count() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// What came and what went, each with its count, or nothing: `gains 2 sites: A, B; loses 1 site: C`.
pub(super) fn gained_and_lost<T: AsRef<str>>(gained: &[T], lost: &[T], noun: &str) -> Option<Balance> {
    let part = |verb: &str, names: &[T]| {
        (!names.is_empty()).then(|| format!("{verb} {}: {}", amount(names.len(), noun), list(names)))
    };
    let change = match (gained.is_empty(), lost.is_empty()) {
        (true, true) => return None,
        (false, true) => "gained",
        (true, false) => "lost",
        (false, false) => "changed",
    };
    let parts: Vec<String> = [part("gains", gained), part("loses", lost)].into_iter().flatten().collect();
    Some(Balance { change, says: parts.join("; ") })
}

/// What came and what went, in a word and in a sentence.
pub(super) struct Balance {
    /// `gained`, `lost` or `changed`.
    pub(super) change: &'static str,
    /// The sentence without its subject.
    pub(super) says: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_end_in_an_ellipsis() {
        assert_eq!(cut(&"é".repeat(120)), "é".repeat(120));
        let cut = cut(&"é".repeat(121)).into_owned();
        assert_eq!((cut.chars().count(), cut.chars().last()), (120, Some('…')));
    }

    #[test]
    fn long_lists_say_how_many_more() {
        let names: Vec<String> = (0..11).map(|name| name.to_string()).collect();
        assert_eq!(list(&names[..8]), "0, 1, 2, 3, 4, 5, 6, 7");
        assert_eq!(list(&names), "0, 1, 2, 3, 4, 5, 6, 7 and 3 more");
    }

    #[test]
    fn what_came_and_what_went_is_counted() {
        let says = |gained: &[&str], lost: &[&str]| {
            gained_and_lost(gained, lost, "site").map(|balance| (balance.change, balance.says))
        };
        assert_eq!(says(&[], &[]), None);
        assert_eq!(says(&["A", "B"], &[]), Some(("gained", "gains 2 sites: A, B".to_owned())));
        assert_eq!(says(&["A"], &["B"]), Some(("changed", "gains 1 site: A; loses 1 site: B".to_owned())));
    }
}
