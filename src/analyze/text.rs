//! The words of summaries and evidence. The console's text stays raw here, but never long: renderers neutralise it.

use std::borrow::Cow;

use crate::model::User;

/// The longest name in a summary or in evidence.
const LONGEST: usize = 120;

/// The most names in one list.
const MOST: usize = 20;

/// The most names in a sentence.
const FEW: usize = 3;

/// A text of at most [`LONGEST`] characters; the end of a longer one is an ellipsis.
pub(super) fn cut(text: &str) -> Cow<'_, str> {
    if text.chars().nth(LONGEST).is_none() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().take(LONGEST - 1).chain(['…']).collect())
}

/// The first [`MOST`] items, each cut, and how many more there are.
pub(super) fn list<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    let mut items = items.into_iter();
    let shown: Vec<String> = items.by_ref().take(MOST).map(|item| cut(item.as_ref()).into_owned()).collect();
    match items.count() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The logins of some accounts, in their order.
pub(super) fn logins(users: &[&User]) -> String {
    list(users.iter().map(|user| &user.login))
}

/// The first logins in a sentence: `ana, bo and 3 more`. At least one account.
pub(super) fn first_logins(users: &[&User]) -> String {
    enumerate(&users.iter().map(|user| cut(&user.login)).collect::<Vec<_>>(), users.len())
}

/// The first few of `count` names in a sentence: `ana`, `ana and bo`, `ana, bo, cy and 3 more`. No more than `count` of
/// them are given.
pub(super) fn enumerate<T: AsRef<str>>(names: &[T], count: usize) -> String {
    let shown = names.len().min(FEW);
    match count.saturating_sub(shown) {
        0 => conjoin(&names[..shown]),
        more if shown == 0 => more.to_string(),
        more => {
            let names: Vec<&str> = names[..shown].iter().map(AsRef::as_ref).collect();
            format!("{} and {more} more", names.join(", "))
        }
    }
}

/// All names in a sentence: `ana`, `ana and bo`, `ana, bo and cy`.
pub(super) fn conjoin<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// A count with its noun, in the plural where it should be.
pub(super) fn amount(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// What is known of a question.
pub(super) fn yes_no(answer: Option<bool>) -> &'static str {
    match answer {
        Some(true) => "yes",
        Some(false) => "no",
        None => "unknown",
    }
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
        let items = |count| (0..count).map(|item: i32| item.to_string()).collect::<Vec<_>>();
        assert!(list(items(20)).ends_with("18, 19"));
        assert!(list(items(23)).ends_with("18, 19 and 3 more"));
        assert_eq!(list(items(0)), "");
    }

    #[test]
    fn a_sentence_names_the_first_few() {
        assert_eq!(enumerate(&["ana"], 1), "ana");
        assert_eq!(enumerate(&["ana", "bo", "cy"], 3), "ana, bo and cy");
        assert_eq!(enumerate(&["ana", "bo", "cy", "di"], 4), "ana, bo, cy and 1 more");
        assert_eq!(enumerate(&["ana"], 900), "ana and 899 more");
        assert_eq!((enumerate::<&str>(&[], 0), enumerate::<&str>(&[], 4)), (String::new(), "4".to_owned()));
    }
}
