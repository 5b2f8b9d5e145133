//! Where on their sheets users and findings stand, so that one can lead to the other before either is written.

use std::collections::HashMap;

use super::{HEAD_ROWS, part_name, users_worst_first};
use crate::finding::SubjectKind;
use crate::report::{FindingRow, Report, UserRow};

/// The places of the rows of two sheets.
pub(super) struct Places<'a> {
    users: HashMap<(&'a str, i64), usize>,
    /// The first of the findings about a user or a role, by its id.
    findings: HashMap<(&'a str, bool, &'a str), usize>,
    rows_of_a_sheet: usize,
}

impl<'a> Places<'a> {
    pub(super) fn new(report: &'a Report, rows: u32) -> Self {
        let users = users_worst_first(report).into_iter().enumerate();
        let mut findings = HashMap::new();
        for (index, finding) in report.findings.iter().enumerate().filter(|(_, finding)| finding.is_open()) {
            if matches!(finding.subject_kind, SubjectKind::User | SubjectKind::Role) {
                let is_user = finding.subject_kind == SubjectKind::User;
                findings.entry((&*finding.console, is_user, &*finding.subject_id)).or_insert(index);
            }
        }
        Self {
            users: users.map(|(index, user)| ((&*user.console, user.id), index)).collect(),
            findings,
            rows_of_a_sheet: (rows - HEAD_ROWS) as usize,
        }
    }

    /// The row of the user that a finding is about.
    pub(super) fn user_of(&self, finding: &FindingRow) -> Option<String> {
        let id = finding.subject_id.parse().ok().filter(|_| finding.subject_kind == SubjectKind::User)?;
        self.users.get(&(&*finding.console, id)).map(|index| self.place("Users", *index))
    }

    /// The row of the worst open finding about a user, or about its role.
    pub(super) fn finding_of(&self, user: &UserRow) -> Option<String> {
        let id = user.id.to_string();
        let own = self.findings.get(&(&*user.console, true, id.as_str()));
        let role = user.role_id.as_deref().and_then(|role| self.findings.get(&(&*user.console, false, role)));
        own.into_iter().chain(role).min().map(|index| self.finding(*index))
    }

    /// The row of a finding, by its number in the report.
    pub(super) fn finding(&self, index: usize) -> String {
        self.place("Findings", index)
    }

    fn place(&self, sheet: &str, index: usize) -> String {
        let sheet = part_name(sheet, index / self.rows_of_a_sheet + 1);
        format!("'{sheet}'!A{}", index % self.rows_of_a_sheet + HEAD_ROWS as usize + 1)
    }
}
