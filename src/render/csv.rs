//! The CSV files: one table each, UTF-8 without a byte order mark, CRLF line ends, a header row always.
//!
//! Whoever reads them back undoes two things, in this order. A control character that spreadsheets or parsers stumble
//! over stands as its Unicode picture (`␀` for NUL, `␛` for escape); tab, line feed and carriage return stand as they
//! are, quoted. And one `'` is to be stripped where one of [`TRIGGERS`] follows it at the beginning of a field, or one of
//! [`MARKS`] behind a `;`, a tab or a line end, with or without a `"` between the two: to a reader that parts fields at
//! semicolons or tabs, as spreadsheets do in many countries, a cell begins there.
//!
//! In `users.csv` the lists (privileges, sites, asset groups) tell "nothing" from "not known": a list without an entry
//! is an empty field, and one that the console did not answer for is the word [`UNKNOWN`]. Everywhere else an empty
//! field is a value that the console did not give.

use std::borrow::Cow;
use std::fmt::{Display, Write as _};
use std::io::{self, Write};

use chrono::{DateTime, SecondsFormat, Utc};
use csv::{Terminator, Writer, WriterBuilder};

use super::{gaps_by_part, picture};
use crate::finding::Severity;
use crate::model::{Confidence, MatchedBy};
use crate::report::{CoverageRow, FindingRow, GapRow, Report, RoleRow, Scopes, UserRow};

/// A spreadsheet may take a cell that begins with one of these for a formula or lose the character; the apostrophe is
/// among them so that stripping is unambiguous.
const TRIGGERS: [char; 13] = ['=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝', '＋', '－', '＠', '\''];

/// Those of them that can begin a formula where a cell begins inside a field, and the apostrophe, likewise.
const MARKS: [char; 9] = ['=', '+', '-', '@', '＝', '＋', '－', '＠', '\''];

/// Stands for a list that nobody has seen, so that it cannot be read as "no access".
const UNKNOWN: &str = "unknown";

#[rustfmt::skip]
const USERS: &[&str] = &[
    "console", "id", "login", "name", "email", "enabled", "locked", "auth_source", "auth_type", "external", "role_id",
    "role_name", "superuser", "privileges", "all_sites", "sites", "all_asset_groups", "asset_groups", "two_factor",
    "findings", "highest_severity", "person", "roster_match", "matched_by", "match_confidence", "manager", "department",
    "left", "last_seen", "last_seen_by", "last_seen_confidence",
];

const GRANTS: &[&str] = &["console", "user_id", "login", "scope", "scope_id", "scope_name", "via"];

#[rustfmt::skip]
const FINDINGS: &[&str] = &[
    "id", "console", "rule", "title", "severity", "state", "subject_kind", "subject_id", "subject_name", "summary",
    "evidence", "remediation", "controls", "first_seen", "waiver", "waiver_expires",
];

const ROLES: &[&str] = &["console", "role_id", "role_name", "description", "privileges", "users", "builtin"];

#[rustfmt::skip]
const COVERAGE: &[&str] = &[
    "console", "part", "expected", "examined", "state", "endpoint", "id", "reason", "attempts", "last_status",
];

pub(super) fn users(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new(out, USERS)?;
    for user in &report.users {
        user_row(&mut table, user)?;
    }
    table.finish()
}

fn user_row(table: &mut Table<'_>, user: &UserRow) -> io::Result<()> {
    table.text(&user.console)?;
    table.number(user.id)?;
    table.text(&user.login)?;
    table.text(&user.name)?;
    table.text(user.email.as_deref().unwrap_or_default())?;
    table.flag(user.enabled)?;
    table.flag(user.locked)?;
    table.text(user.auth_source.as_deref().unwrap_or_default())?;
    table.text(user.auth_type.as_deref().unwrap_or_default())?;
    table.flag(user.external)?;
    table.text(user.role_id.as_deref().unwrap_or_default())?;
    table.text(user.role_name.as_deref().unwrap_or_default())?;
    table.flag(Some(user.superuser))?;
    match &user.privileges {
        Some(held) => table.joined(";", held)?,
        None => table.text(UNKNOWN)?,
    }
    table.flag(Some(user.all_sites))?;
    table.scopes(&user.sites)?;
    table.flag(Some(user.all_asset_groups))?;
    table.scopes(&user.asset_groups)?;
    table.text(user.two_factor.as_str())?;
    table.number(user.findings)?;
    table.text(user.highest_severity.map_or("", Severity::as_str))?;
    table.text(user.person.as_deref().unwrap_or_default())?;
    table.text(user.roster_match)?;
    table.text(user.matched_by.map_or("", MatchedBy::as_str))?;
    table.text(user.match_confidence.map_or("", Confidence::as_str))?;
    table.text(user.manager.as_deref().unwrap_or_default())?;
    table.text(user.department.as_deref().unwrap_or_default())?;
    table.flag(user.left)?;
    table.time(user.last_seen)?;
    table.text(user.last_seen_by.unwrap_or_default())?;
    table.text(user.last_seen_confidence.map_or("", Confidence::as_str))?;
    table.end_row()
}

pub(super) fn grants(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new(out, GRANTS)?;
    for grant in report.grants() {
        table.text(grant.console)?;
        table.number(grant.user_id)?;
        table.text(grant.login)?;
        table.text(grant.scope)?;
        table.number(grant.scope_id)?;
        table.text(grant.scope_name)?;
        table.text(grant.via.as_str())?;
        table.end_row()?;
    }
    table.finish()
}

pub(super) fn findings(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new(out, FINDINGS)?;
    for finding in &report.findings {
        finding_row(&mut table, finding)?;
    }
    table.finish()
}

fn finding_row(table: &mut Table<'_>, finding: &FindingRow) -> io::Result<()> {
    table.text(&finding.id)?;
    table.text(&finding.console)?;
    table.text(&finding.rule)?;
    table.text(&finding.title)?;
    table.text(finding.severity.as_str())?;
    table.text(finding.state.as_str())?;
    table.text(finding.subject_kind.as_str())?;
    table.text(&finding.subject_id)?;
    table.text(&finding.subject_name)?;
    table.text(&finding.summary)?;
    table.joined("; ", &finding.evidence)?;
    table.text(&finding.remediation)?;
    table.joined("; ", finding.controls.iter())?;
    table.time(Some(finding.first_seen))?;
    table.text(finding.waiver.as_deref().unwrap_or_default())?;
    table.time(finding.waiver_expires)?;
    table.end_row()
}

pub(super) fn roles(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new(out, ROLES)?;
    for RoleRow { console, id, name, description, privileges, users, builtin } in &report.roles {
        table.text(console)?;
        table.text(id)?;
        table.text(name)?;
        table.text(description.as_deref().unwrap_or_default())?;
        table.joined(";", privileges)?;
        table.number(users)?;
        table.flag(Some(*builtin))?;
        table.end_row()?;
    }
    table.finish()
}

/// A row for each part, and under it one for each of its gaps, which has no counts and no state of its own.
pub(super) fn coverage(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new(out, COVERAGE)?;
    for (CoverageRow { console, part, expected, examined, state, .. }, gaps) in gaps_by_part(report) {
        table.text(console)?;
        table.text(part)?;
        table.count(*expected)?;
        table.number(examined)?;
        table.text(state.as_str())?;
        table.empty(5)?;
        table.end_row()?;
        for GapRow { console, part, endpoint, id, reason, attempts, last_status } in gaps {
            table.text(console)?;
            table.text(part)?;
            table.empty(3)?;
            table.text(endpoint)?;
            table.text(id.as_deref().unwrap_or_default())?;
            table.text(reason.as_str())?;
            table.number(attempts)?;
            table.count(*last_status)?;
            table.end_row()?;
        }
    }
    table.finish()
}

/// One file, written field by field: a table of a million grants needs the memory of one row.
struct Table<'a> {
    out: Writer<&'a mut dyn Write>,
    field: String,
}

impl<'a> Table<'a> {
    fn new(out: &'a mut dyn Write, header: &[&str]) -> io::Result<Self> {
        let mut out = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out);
        out.write_record(header)?;
        Ok(Self { out, field: String::new() })
    }

    /// The only way for text into a file, wherever it comes from.
    fn text(&mut self, text: &str) -> io::Result<()> {
        Ok(self.out.write_field(neutral(text).as_bytes())?)
    }

    fn joined(&mut self, separator: &str, items: impl IntoIterator<Item = impl Display>) -> io::Result<()> {
        let mut field = std::mem::take(&mut self.field);
        join(&mut field, separator, items);
        self.text(&field)?;
        self.field = field;
        Ok(())
    }

    /// A number of ours: a minus sign in front of digits is no formula.
    fn number(&mut self, number: impl Display) -> io::Result<()> {
        join(&mut self.field, "", [number]);
        Ok(self.out.write_field(&self.field)?)
    }

    fn count(&mut self, count: Option<impl Display>) -> io::Result<()> {
        match count {
            Some(count) => self.number(count),
            None => self.empty(1),
        }
    }

    fn scopes(&mut self, scopes: &Scopes) -> io::Result<()> {
        match scopes {
            Scopes::All => self.text("all"),
            Scopes::Listed(ids) => {
                join(&mut self.field, ";", ids);
                Ok(self.out.write_field(&self.field)?)
            }
            Scopes::Unknown => self.text(UNKNOWN),
        }
    }

    fn flag(&mut self, flag: Option<bool>) -> io::Result<()> {
        self.text(match flag {
            Some(true) => "true",
            Some(false) => "false",
            None => "",
        })
    }

    fn time(&mut self, time: Option<DateTime<Utc>>) -> io::Result<()> {
        // As serde writes it, so that the same instant reads alike in report.json.
        let time = time.map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true));
        self.text(time.as_deref().unwrap_or_default())
    }

    fn empty(&mut self, fields: usize) -> io::Result<()> {
        for _ in 0..fields {
            self.out.write_field("")?;
        }
        Ok(())
    }

    fn end_row(&mut self) -> io::Result<()> {
        Ok(self.out.write_record(None::<&[u8]>)?)
    }

    fn finish(mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn join(field: &mut String, separator: &str, items: impl IntoIterator<Item = impl Display>) {
    field.clear();
    for (index, item) in items.into_iter().enumerate() {
        let separator = if index == 0 { "" } else { separator };
        // Formatting into a string fails only if the item's own `Display` does.
        let _ = write!(field, "{separator}{item}");
    }
}

fn neutral(text: &str) -> Cow<'_, str> {
    let guard = text.starts_with(TRIGGERS);
    let shown = |c: char| if matches!(c, '\t' | '\n' | '\r') { None } else { picture(c) };
    if !guard && !text.contains(|c: char| c == ';' || c.is_ascii_control()) {
        return Cow::Borrowed(text);
    }
    let mut neutral = String::with_capacity(text.len() + 1);
    neutral.extend(guard.then_some('\''));
    let mut begins = false;
    for c in text.chars() {
        if begins && MARKS.contains(&c) {
            neutral.push('\'');
        }
        begins = cell_begins(begins, c);
        neutral.push(shown(c).unwrap_or(c));
    }
    Cow::Owned(neutral)
}

/// Whether some reader begins a cell behind this character, given whether one did before it.
fn cell_begins(begins: bool, c: char) -> bool {
    matches!(c, ';' | '\t' | '\r' | '\n') || (begins && c == '"')
}

#[cfg(test)]
mod tests;
