//! The words of summaries and evidence. The console's text stays raw here, but never long: renderers neutralise it.

use std::borrow::Cow;

use crate::graph::AccessGraph;
use crate::model::{Confidence, MatchedBy, User};

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

/// What is known of a question.
pub(super) fn yes_no(answer: Option<bool>) -> &'static str {
    match answer {
        Some(true) => "yes",
        Some(false) => "no",
        None => "unknown",
    }
}

/// When an account was last seen at work, by what, and how sure that is.
pub(super) fn sight(graph: &AccessGraph, user: &User) -> String {
    if let Some(seen) = graph.last_seen(user.id) {
        let (by, confidence) = (seen.by.as_str(), seen.by.confidence().as_str());
        return format!("{} by {by}, confidence {confidence}", seen.at.format("%F"));
    }
    logon(graph, user)
}

/// When an account last logged on, and up to when its source tells.
pub(super) fn logon(graph: &AccessGraph, user: &User) -> String {
    let (Some(idle), Some(logon)) = (graph.idle(user), &user.last_logon) else { return "unknown".to_owned() };
    let since = match (logon.at, idle.since) {
        (Some(at), _) => at.format("%F").to_string(),
        (None, Some(since)) => format!("no logon since {}", since.format("%F")),
        (None, None) => "no logon ever".to_owned(),
    };
    format!("{since}, by the {} up to {}", logon.source.as_str(), idle.until.format("%F"))
}

/// What ties an account to the roster, and how sure that is.
pub(super) fn matched(by: MatchedBy, confidence: Confidence) -> String {
    format!("by {}, confidence {}", by.as_str(), confidence.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample::{snapshot, user};
    use crate::model::{Answer, LastLogon, LogonSource, LogonSourceKind, ScanActivity};

    #[test]
    fn a_sight_says_when_by_what_and_how_sure() {
        let never = |source| Some(LastLogon { at: None, source, from: None });
        let users =
            [(1, never(LogonSourceKind::Export)), (2, never(LogonSourceKind::Log)), (3, None), (4, None)];
        let users = users.map(|(id, last_logon)| User { last_logon, ..user(id, &format!("u{id}")) });
        let mut world = snapshot(users.to_vec());
        let at = |text: &str| text.parse().unwrap();
        let source = |kind, since: Option<&str>, until| LogonSource {
            kind,
            label: "log".into(),
            since: since.map(at),
            until: at(until),
        };
        world.logon_sources = vec![
            source(LogonSourceKind::Export, None, "2026-06-30T08:00:00Z"),
            source(LogonSourceKind::Log, Some("2026-07-01T08:00:00Z"), "2026-09-21T08:00:00Z"),
        ];
        let scan = ScanActivity { started_by: "u4".into(), scans: 1, last: at("2026-08-02T08:00:00Z") };
        world.scans = Answer::Known(vec![scan]);
        let graph = AccessGraph::build(world);
        let sights: Vec<_> = graph.users().iter().map(|user| sight(&graph, user)).collect();
        let expected = [
            "no logon ever, by the export up to 2026-06-30",
            "no logon since 2026-07-01, by the log up to 2026-09-21",
            "unknown",
            "2026-08-02 by scan, confidence low",
        ];
        assert_eq!(sights, expected);
        assert_eq!([&users[0], &users[3]].map(|user| logon(&graph, user)), [expected[0], expected[2]]);
    }

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
