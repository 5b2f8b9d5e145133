//! Links between a finding and the row of its user, as far as both are on the page.

use std::collections::HashMap;

use super::rules::RuleSection;
use super::{Text, USERS, users_worst_first};
use crate::finding::SubjectKind;
use crate::report::{FindingRow, Report};

/// The ids of the rows of users, by console and id.
pub(super) struct UserRows<'a>(HashMap<(&'a str, i64), String>);

impl<'a> UserRows<'a> {
    /// Those that the page shows. A console stands in an id by its number: a name may be any text.
    pub(super) fn of(report: &'a Report) -> Self {
        let numbers: HashMap<&str, usize> = report
            .consoles
            .iter()
            .enumerate()
            .map(|(number, console)| (&*console.name, number + 1))
            .collect();
        let shown = users_worst_first(report).into_iter().take(USERS);
        let anchor = |console: &str, id| format!("user-{}-{id}", numbers.get(console).copied().unwrap_or(0));
        Self(shown.map(|user| ((&*user.console, user.id), anchor(&user.console, user.id))).collect())
    }

    /// The id of a user's row; `None` where it is not shown.
    pub(super) fn get<'b>(&'b self, console: &'b str, id: i64) -> Option<&'b str> {
        self.0.get(&(console, id)).map(String::as_str)
    }

    /// The id of the row of a finding's user, where the subject is one.
    pub(super) fn of_subject(&self, finding: &FindingRow) -> Option<String> {
        let id = finding.subject_id.parse().ok().filter(|_| finding.subject_kind == SubjectKind::User)?;
        self.get(&finding.console, id).map(str::to_owned)
    }
}

/// The first finding that is shown of each row of a user, by the row's id: the worst rule comes first.
pub(super) fn first_findings(rules: &[RuleSection]) -> HashMap<&str, &Text> {
    let mut first = HashMap::new();
    let open = rules.iter().flat_map(|rule| &rule.findings.rows).filter(|finding| !finding.waived);
    for finding in open {
        if let Some(user) = &finding.user {
            first.entry(user.as_str()).or_insert(&finding.id);
        }
    }
    first
}
