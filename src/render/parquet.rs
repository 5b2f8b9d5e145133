//! Parquet: users, grants and findings of one console and day, for whoever asks an estate's history questions.
//!
//! Each table lies in hive partitions, `parquet/users/console=hq/date=2026-11-23/<run>.parquet`, so that `DuckDB`,
//! Spark or Trino reads the files of many runs as one table with the columns `console` and `date`. A file is named after its
//! run: trees of several runs can be laid over each other. Text stands as the console wrote it.

mod table;

use std::io::{self, Write};

use parquet::file::metadata::KeyValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::finding::{Severity, digest};
use crate::model::{Confidence, MatchedBy, PrivilegeId};
use crate::report::{
    Completeness, ConsoleSummary, FindingChange, FindingRow, Grant, Report, Scopes, UserRow,
};

use table::Table as File;

/// One of the tables.
#[derive(Debug, Clone, Copy)]
pub(super) enum Table {
    Users,
    Grants,
    Findings,
}

/// The columns that every table begins with.
macro_rules! schema {
    ($columns:literal) => {
        concat!(
            "message recert {
                required binary run (STRING);
                required int64 collected (TIMESTAMP(MILLIS,true));
                required boolean complete;",
            $columns,
            "}"
        )
    };
}

const USERS: &str = schema!(
    "required int64 id;
    required binary login (STRING);
    required binary name (STRING);
    optional binary email (STRING);
    optional boolean enabled;
    optional boolean locked;
    optional binary auth_source (STRING);
    optional binary auth_type (STRING);
    optional boolean external;
    optional binary role_id (STRING);
    optional binary role_name (STRING);
    required boolean superuser;
    optional group privileges (LIST) { repeated group list { required binary element (STRING); } }
    required boolean all_sites;
    optional boolean reaches_all_sites;
    optional group sites (LIST) { repeated group list { required int64 element; } }
    required boolean all_asset_groups;
    optional boolean reaches_all_asset_groups;
    optional group asset_groups (LIST) { repeated group list { required int64 element; } }
    required binary two_factor (STRING);
    required int64 findings;
    optional binary highest_severity (STRING);
    optional binary person (STRING);
    required binary roster_match (STRING);
    optional binary matched_by (STRING);
    optional binary match_confidence (STRING);
    optional binary manager (STRING);
    optional binary department (STRING);
    optional boolean left;
    optional int64 last_seen (TIMESTAMP(MILLIS,true));
    optional binary last_seen_by (STRING);
    optional binary last_seen_confidence (STRING);"
);

const GRANTS: &str = schema!(
    "required int64 user_id;
    required binary login (STRING);
    required binary scope (STRING);
    required int64 scope_id;
    required binary scope_name (STRING);
    required binary via (STRING);"
);

const FINDINGS: &str = schema!(
    "required binary id (STRING);
    required binary rule (STRING);
    required binary title (STRING);
    required binary severity (STRING);
    required binary state (STRING);
    required binary subject_kind (STRING);
    required binary subject_id (STRING);
    required binary subject_name (STRING);
    required binary summary (STRING);
    required group evidence (LIST) { repeated group list { required binary element (STRING); } }
    required binary remediation (STRING);
    required group controls (LIST) { repeated group list { required binary element (STRING); } }
    required int64 first_seen (TIMESTAMP(MILLIS,true));
    optional binary change (STRING);
    optional binary waiver (STRING);
    optional int64 waiver_expires (TIMESTAMP(MILLIS,true));"
);

impl Table {
    pub(super) const ALL: [Self; 3] = [Self::Users, Self::Grants, Self::Findings];

    /// Where the file of a run lies. The day is the UTC day on which the collection of this console ended.
    pub(super) fn path(self, run: &str, console: &ConsoleSummary) -> String {
        let table = match self {
            Self::Users => "users",
            Self::Grants => "grants",
            Self::Findings => "findings",
        };
        let (name, day) = (component(&console.name), console.finished.format("%Y-%m-%d"));
        format!("parquet/{table}/console={name}/date={day}/{}.parquet", component(run))
    }

    pub(super) fn render(
        self,
        report: &Report,
        console: &ConsoleSummary,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let schema = match self {
            Self::Users => USERS,
            Self::Grants => GRANTS,
            Self::Findings => FINDINGS,
        };
        let mut rows = Rows { file: File::new(out, schema, notes(report))?, run: &report.run.id, console };
        match self {
            Self::Users => {
                for user in report.users.iter().filter(|user| *user.console == *console.name) {
                    rows.user(user)?;
                }
            }
            Self::Grants => {
                for grant in report.grants().filter(|grant| grant.console == console.name) {
                    rows.grant(&grant)?;
                }
            }
            Self::Findings => {
                for finding in report.findings.iter().filter(|finding| *finding.console == *console.name) {
                    rows.finding(finding)?;
                }
            }
        }
        rows.file.finish()
    }
}

/// What a redacted copy says of itself where rows have no place for it: `recert.redacted`, as in `email,name`.
fn notes(report: &Report) -> Vec<KeyValue> {
    let redacted: Vec<&str> = report.redacted.iter().map(|what| what.as_str()).collect();
    let note = || KeyValue::new("recert.redacted".to_owned(), redacted.join(","));
    (!redacted.is_empty()).then(note).into_iter().collect()
}

/// As much of a name as one part of a path holds, beside `console=`.
const LONGEST: usize = 200;

/// What a path, a shell and a reader of hive partitions take as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-').remove(b'.');

/// A name as one part of a path that readers of hive partitions decode again. One that is too long ends in its digest.
fn component(name: &str) -> String {
    let mut encoded = utf8_percent_encode(name, PLAIN).to_string();
    if encoded.len() > LONGEST {
        // No escape is cut in half.
        let mut end = LONGEST - 21;
        while encoded[..end].rfind('%').is_some_and(|at| at + 3 > end) {
            end -= 1;
        }
        encoded.truncate(end);
        encoded = format!("{encoded}-{}", digest(&[name]));
    }
    // A part of its own, and none that means another folder.
    if encoded.chars().all(|c| c == '.') { encoded.replace('.', "%2E") } else { encoded }
}

/// The rows of one file, value by value in the order of its schema.
struct Rows<'a> {
    file: File<'a>,
    run: &'a str,
    console: &'a ConsoleSummary,
}

impl Rows<'_> {
    fn begin(&mut self) {
        self.file.text(self.run);
        self.file.time(self.console.finished);
        self.file.flag(self.console.verdict == Completeness::Complete);
    }

    fn user(&mut self, user: &UserRow) -> io::Result<()> {
        self.begin();
        let file = &mut self.file;
        file.number(user.id);
        file.text(&user.login);
        file.text(&user.name);
        file.maybe(user.email.as_deref(), File::text);
        file.maybe(user.enabled, File::flag);
        file.maybe(user.locked, File::flag);
        file.maybe(user.auth_source.as_deref(), File::text);
        file.maybe(user.auth_type.as_deref(), File::text);
        file.maybe(user.external, File::flag);
        file.maybe(user.role_id.as_deref(), File::text);
        file.maybe(user.role_name.as_deref(), File::text);
        file.flag(user.superuser);
        file.texts(user.privileges.as_ref().map(|held| held.iter().map(PrivilegeId::as_str)));
        file.flag(user.all_sites);
        file.scopes(&user.sites);
        file.flag(user.all_asset_groups);
        file.scopes(&user.asset_groups);
        file.text(user.two_factor.as_str());
        file.number(user.findings.cast_signed());
        file.maybe(user.highest_severity.map(Severity::as_str), File::text);
        file.maybe(user.person.as_deref(), File::text);
        file.text(user.roster_match);
        file.maybe(user.matched_by.map(MatchedBy::as_str), File::text);
        file.maybe(user.match_confidence.map(Confidence::as_str), File::text);
        file.maybe(user.manager.as_deref(), File::text);
        file.maybe(user.department.as_deref(), File::text);
        file.maybe(user.left, File::flag);
        file.maybe(user.last_seen, File::time);
        file.maybe(user.last_seen_by, File::text);
        file.maybe(user.last_seen_confidence.map(Confidence::as_str), File::text);
        file.end_row()
    }

    fn grant(&mut self, grant: &Grant<'_>) -> io::Result<()> {
        self.begin();
        let file = &mut self.file;
        file.number(grant.user_id);
        file.text(grant.login);
        file.text(grant.scope);
        file.number(grant.scope_id);
        file.text(grant.scope_name);
        file.text(grant.via.as_str());
        file.end_row()
    }

    fn finding(&mut self, finding: &FindingRow) -> io::Result<()> {
        self.begin();
        let file = &mut self.file;
        file.text(&finding.id);
        file.text(&finding.rule);
        file.text(&finding.title);
        file.text(finding.severity.as_str());
        file.text(finding.state.as_str());
        file.text(finding.subject_kind.as_str());
        file.text(&finding.subject_id);
        file.text(&finding.subject_name);
        file.text(&finding.summary);
        file.texts(Some(finding.evidence.iter().map(ToString::to_string)));
        file.text(&finding.remediation);
        file.texts(Some(finding.controls.iter()));
        file.time(finding.first_seen);
        file.maybe(finding.change.map(FindingChange::as_str), File::text);
        file.maybe(finding.waiver.as_deref(), File::text);
        file.maybe(finding.waiver_expires, File::time);
        file.end_row()
    }
}

impl File<'_> {
    /// Whether everything is reached, and else what: both are unknown where the console did not answer.
    fn scopes(&mut self, scopes: &Scopes) {
        let (all, listed) = match scopes {
            Scopes::All => (Some(true), None),
            Scopes::Listed(ids) => (Some(false), Some(ids.iter().copied())),
            Scopes::Unknown => (None, None),
        };
        self.maybe(all, File::flag);
        self.numbers(listed);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use bytes::Bytes;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::{Field, Row};

    use super::*;

    fn bytes(table: Table, report: &Report, console: usize) -> Bytes {
        let mut out = Vec::new();
        table.render(report, &report.consoles[console], &mut out).unwrap();
        out.into()
    }

    fn rows(bytes: Bytes) -> Vec<Row> {
        let reader = SerializedFileReader::new(bytes).unwrap();
        reader.get_row_iter(None).unwrap().map(Result::unwrap).collect()
    }

    fn field<'a>(row: &'a Row, name: &str) -> &'a Field {
        row.get_column_iter().find(|(column, _)| *column == name).unwrap().1
    }

    #[test]
    fn every_table_has_its_rows_and_says_what_it_was_made_from() {
        let report = Report::sample();
        for (console, complete) in [(0, true), (1, false)] {
            let name = report.consoles[console].name.as_str();
            let expected = [
                report.users.iter().filter(|user| *user.console == *name).count(),
                report.grants().filter(|grant| grant.console == name).count(),
                report.findings.iter().filter(|finding| *finding.console == *name).count(),
            ];
            for (table, expected) in Table::ALL.into_iter().zip(expected) {
                let rows = rows(bytes(table, &report, console));
                assert_eq!(rows.len(), expected, "{table:?} of {name}");
                for row in rows {
                    assert_eq!(field(&row, "run"), &Field::Str(report.run.id.clone()));
                    assert_eq!(field(&row, "complete"), &Field::Bool(complete));
                    let collected = report.consoles[console].finished.timestamp_millis();
                    assert_eq!(field(&row, "collected"), &Field::TimestampMillis(collected));
                }
            }
        }
    }

    #[test]
    fn nothing_is_told_from_not_known() {
        let mut report = Report::sample();
        report.users.truncate(3);
        report.users[0].privileges = None;
        report.users[1].privileges = Some(Vec::new());
        report.users[2].privileges = Some(vec!["a".into(), "b".into()]);
        report.users[0].sites = Scopes::Unknown;
        report.users[1].sites = Scopes::Listed(Vec::new());
        report.users[2].sites = Scopes::All;
        report.users[0].enabled = None;
        let rows = rows(bytes(Table::Users, &report, 0));
        let shown = |name: &str| rows.iter().map(|row| field(row, name).to_string()).collect::<Vec<_>>();
        assert_eq!(shown("privileges"), ["null", "[]", r#"["a", "b"]"#]);
        assert_eq!(shown("sites"), ["null", "[]", "null"]);
        assert_eq!(shown("reaches_all_sites"), ["null", "false", "true"]);
        assert_eq!(shown("enabled"), ["null", "true", "true"]);
        assert_eq!(field(&rows[1], "login"), &Field::Str(report.users[1].login.clone()));
    }

    #[test]
    fn a_large_table_is_written_in_groups_and_the_same_twice() {
        let mut report = Report::sample();
        let user = report.users[2].clone();
        report.users =
            (0..70_000).map(|id| UserRow { id, login: format!("login {id}"), ..user.clone() }).collect();
        let bytes = bytes(Table::Users, &report, 0);
        let reader = SerializedFileReader::new(bytes.clone()).unwrap();
        assert!(reader.metadata().num_row_groups() > 2);
        assert_eq!(reader.metadata().file_metadata().created_by(), Some("recert version 0.1.0"));
        let ids: HashSet<String> =
            rows(bytes.clone()).iter().map(|row| field(row, "login").to_string()).collect();
        assert_eq!(ids.len(), 70_000);
        assert_eq!(super::tests::bytes(Table::Users, &report, 0), bytes);
    }

    #[test]
    fn a_name_is_one_part_of_a_path_and_no_two_are_one() {
        let long = "é".repeat(500);
        let other = format!("{long}x");
        let names =
            ["hq", "..", ".", "a/b", "a%2Fb", "A b=c", "%", "", "\0", "\n", long.as_str(), other.as_str()];
        let parts: HashSet<String> = names.iter().map(|name| component(name)).collect();
        assert_eq!(parts.len(), names.len());
        for part in &parts {
            assert!(part.len() <= LONGEST && part != "." && part != "..", "{part}");
            assert!(part.chars().all(|c| c.is_ascii_alphanumeric() || "_-.%".contains(c)), "{part}");
        }
        assert_eq!(component("hq-1.lab_2"), "hq-1.lab_2");
        assert_eq!(component("A b=c/é"), "A%20b%3Dc%2F%C3%A9");
        let report = Report::sample();
        let path = Table::Users.path(&report.run.id, &report.consoles[0]);
        assert_eq!(path, "parquet/users/console=hq/date=2026-09-21/5f2a9c01d3b4e6f7.parquet");
    }
}
