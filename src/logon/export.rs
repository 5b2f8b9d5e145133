//! The table of users as an administrator exported it from the console's pages: CSV with the time of each last logon.
//!
//! It is right or refused whole: a table in which one cell is not understood may be another table.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use csv::{ErrorKind, ReaderBuilder, StringRecord};

use super::{
    AHEAD, Account, Evidence, LogonError, LogonSource, LogonSourceKind, in_zone, label, login, open,
};

/// Bytes that an export has at most.
const LIMIT: u64 = 64 << 20;

/// Names that the column of logins has, unless another is configured.
const LOGIN: [&str; 2] = ["User Name", "login"];

/// Names that the column of last logons has, unless another is configured.
const LAST_LOGON: [&str; 2] = ["Last Logon", "last_logon"];

/// Forms of times and of days that are tried, beside RFC 3339.
const TIMES: [&str; 3] = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%b %d, %Y %I:%M:%S %p"];
const DAYS: [&str; 1] = ["%Y-%m-%d"];

/// Cells that say that there was no logon, in lower case.
const NEVER: [&str; 3] = ["", "-", "never"];

/// The exported table of one console.
#[derive(Debug, Clone)]
pub struct Export {
    /// The file.
    pub path: PathBuf,
    /// The zone of times without one.
    pub zone: Tz,
    /// The configured column of logins.
    pub login: Option<String>,
    /// The configured column of last logons.
    pub last_logon: Option<String>,
    /// The configured form of its times.
    pub date_format: Option<DateFormat>,
    /// Days after which it is too old.
    pub max_age_days: u32,
    /// Whether it lists every account.
    pub lists_all: bool,
}

/// A form of dates or times, as `strftime` writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateFormat(String);

impl DateFormat {
    /// The error says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        if StrftimeItems::new(text).any(|item| item == Item::Error) {
            return Err(format!("{text:?} is no strftime format, such as \"%d.%m.%Y %H:%M\""));
        }
        let format = Self(text.to_owned());
        let day = NaiveDate::from_ymd_opt(2026, 11, 20).unwrap_or_default();
        let probe = day.and_time(NaiveTime::MIN).and_utc();
        match format.read(&probe.format(text).to_string(), Tz::UTC) {
            Some(back) if back.date_naive() == day => Ok(format),
            _ => Err(format!("{text:?} does not give a whole date; name day, month and year")),
        }
    }

    fn read(&self, cell: &str, zone: Tz) -> Option<DateTime<Utc>> {
        let exact = DateTime::parse_from_str(cell, &self.0).ok().map(|time| time.to_utc());
        exact.or_else(|| time(cell, &self.0, zone)).or_else(|| day(cell, &self.0, zone))
    }
}

fn time(cell: &str, format: &str, zone: Tz) -> Option<DateTime<Utc>> {
    in_zone(NaiveDateTime::parse_from_str(cell, format).ok()?, zone)
}

/// A day is its beginning: the logon was not before.
fn day(cell: &str, format: &str, zone: Tz) -> Option<DateTime<Utc>> {
    in_zone(NaiveDate::parse_from_str(cell, format).ok()?.and_time(NaiveTime::MIN), zone)
}

/// A place in the file, for an error.
struct Place<'a> {
    export: &'a Export,
    line: u64,
}

impl Place<'_> {
    fn wrong(&self, column: Option<&str>, problem: impl Into<String>) -> LogonError {
        LogonError::Export {
            path: self.export.path.clone(),
            line: self.line,
            column: column.map(str::to_owned),
            problem: problem.into(),
        }
    }
}

/// A column: where it is, and its name in the file.
struct Column {
    index: usize,
    name: String,
}

impl Export {
    /// Reads the table. Its time is the file's.
    pub fn read(&self, now: DateTime<Utc>) -> Result<Evidence, LogonError> {
        let io = |error| LogonError::io(&self.path, error);
        let file = open(&self.path)?;
        let until =
            self.until(file.metadata().and_then(|metadata| metadata.modified()).map_err(io)?.into(), now)?;
        let mut bytes = Vec::new();
        file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(io)?;
        if bytes.len() as u64 > LIMIT {
            return Err(LogonError::TooLarge { path: self.path.clone(), most: LIMIT });
        }
        let source =
            LogonSource { kind: LogonSourceKind::Export, label: label(&self.path), since: None, until };
        Ok(Evidence { source, names_all: self.lists_all, accounts: self.accounts(&bytes, now)? })
    }

    fn until(&self, modified: DateTime<Utc>, now: DateTime<Utc>) -> Result<DateTime<Utc>, LogonError> {
        let age = now.signed_duration_since(modified);
        if age < -AHEAD {
            return Err(LogonError::Ahead(self.path.clone()));
        }
        if age > TimeDelta::days(self.max_age_days.into()) {
            let (path, days, most) = (self.path.clone(), age.num_days(), self.max_age_days);
            return Err(LogonError::Stale { path, days, most });
        }
        Ok(modified.min(now))
    }

    fn accounts(&self, bytes: &[u8], now: DateTime<Utc>) -> Result<Vec<Account>, LogonError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut reader = ReaderBuilder::new().has_headers(false).from_reader(bytes);
        let mut rows = reader.records();
        let first = Place { export: self, line: 1 };
        let header = match rows.next() {
            Some(row) => row.map_err(|error| self.broken(&error))?,
            None => return Err(first.wrong(None, "the file is empty; export the table of users as CSV")),
        };
        let login_column = self.column(&header, "login", self.login.as_deref(), &LOGIN)?;
        let time_column = self.column(&header, "last_logon", self.last_logon.as_deref(), &LAST_LOGON)?;
        if login_column.index == time_column.index {
            return Err(first
                .wrong(Some(&login_column.name), "it cannot be both login and last_logon; mend `columns`"));
        }
        let (mut lines, mut accounts) = (BTreeMap::new(), Vec::new());
        for row in rows {
            let row = row.map_err(|error| self.broken(&error))?;
            let place = Place { export: self, line: row.position().map_or(0, csv::Position::line) };
            let cell = |column: &Column| row.get(column.index).unwrap_or_default();
            let Some(login) = login(cell(&login_column)) else {
                let problem =
                    "this is no login: it is empty, too long or not on one line; export the table again";
                return Err(place.wrong(Some(&login_column.name), problem));
            };
            if let Some(former) = lines.insert(login.to_owned(), place.line) {
                let problem =
                    format!("the login of line {former} comes again; export one console's table alone");
                return Err(place.wrong(Some(&login_column.name), problem));
            }
            let at = self.moment(cell(&time_column), now);
            let at = at.map_err(|problem| place.wrong(Some(&time_column.name), problem))?;
            accounts.push(Account { login: login.to_owned(), at, address: None });
        }
        if accounts.is_empty() {
            return Err(
                first.wrong(None, "no account follows the names of the columns; export the whole table")
            );
        }
        Ok(accounts)
    }

    fn column(
        &self,
        header: &StringRecord,
        key: &str,
        configured: Option<&str>,
        usual: &[&str],
    ) -> Result<Column, LogonError> {
        let place = Place { export: self, line: 1 };
        let wanted = configured.map_or_else(|| usual.to_vec(), |name| vec![name]);
        for name in &wanted {
            let is_it = |(_, cell): &(usize, &str)| cell.trim().eq_ignore_ascii_case(name);
            let mut found = header.iter().enumerate().filter(is_it);
            match (found.next(), found.next()) {
                (Some((index, cell)), None) => return Ok(Column { index, name: cell.trim().to_owned() }),
                (Some(_), Some(_)) => {
                    return Err(place.wrong(Some(name), "two columns have this name; take one out"));
                }
                (None, _) => {}
            }
        }
        // The header is not quoted: without one, it would be an account.
        let problem =
            format!("there is no such column; name the one that holds it: columns = {{ {key} = \"…\" }}");
        Err(place.wrong(wanted.first().copied(), problem))
    }

    /// The time in a cell; `None` if it says that there was no logon.
    fn moment(&self, cell: &str, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, String> {
        let cell = cell.trim();
        if NEVER.contains(&cell.to_lowercase().as_str()) {
            return Ok(None);
        }
        let at = match &self.date_format {
            Some(format) => {
                format.read(cell, self.zone).ok_or("this is not in date_format; mend one of the two")
            }
            None => DateTime::parse_from_rfc3339(cell)
                .ok()
                .map(|time| time.to_utc())
                .or_else(|| TIMES.iter().find_map(|format| time(cell, format, self.zone)))
                .or_else(|| DAYS.iter().find_map(|format| day(cell, format, self.zone)))
                .ok_or("this is no time in a known form; give date_format, such as \"%d.%m.%Y %H:%M\""),
        }?;
        if at.signed_duration_since(now) > AHEAD {
            return Err("this lies ahead of the clock; is date_format right?".to_owned());
        }
        Ok(Some(at))
    }

    fn broken(&self, error: &csv::Error) -> LogonError {
        let place = |position: Option<&csv::Position>| Place {
            export: self,
            line: position.map_or(0, csv::Position::line),
        };
        match error.kind() {
            ErrorKind::UnequalLengths { pos, expected_len, len } => place(pos.as_ref()).wrong(
                None,
                format!("it has {len} cells, the first line {expected_len}; export the table as CSV again"),
            ),
            ErrorKind::Utf8 { pos, .. } => {
                place(pos.as_ref()).wrong(None, "it is not UTF-8; save the file as UTF-8")
            }
            _ => place(error.position()).wrong(None, "it cannot be read as CSV; export the table again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::fs::File;
    use std::time::SystemTime;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn now() -> DateTime<Utc> {
        at("2026-11-25T12:00:00Z")
    }

    fn export() -> Export {
        Export {
            path: "users.csv".into(),
            zone: Tz::Europe__Berlin,
            login: None,
            last_logon: None,
            date_format: None,
            max_age_days: 45,
            lists_all: false,
        }
    }

    fn rows(export: &Export, text: &str) -> Vec<(String, Option<String>)> {
        let accounts = export.accounts(text.as_bytes(), now()).unwrap();
        let time = |at: DateTime<Utc>| at.format("%m-%dT%H:%M:%S").to_string();
        accounts.into_iter().map(|account| (account.login, account.at.map(time))).collect()
    }

    fn told(export: &Export, bytes: &[u8]) -> String {
        export.accounts(bytes, now()).unwrap_err().to_string()
    }

    #[test]
    fn times_are_read_in_the_usual_forms() {
        for (cell, expected) in [
            ("2026-11-20T08:15:30Z", Some("11-20T08:15:30")),
            ("2026-11-20T08:15:30+01:00", Some("11-20T07:15:30")),
            ("2026-11-20 08:15:30", Some("11-20T07:15:30")),
            ("2026-11-20 08:15", Some("11-20T07:15:00")),
            ("2026-11-20", Some("11-19T23:00:00")),
            ("\"Nov 20, 2026 08:15:30 PM\"", Some("11-20T19:15:30")),
            (" 2026-11-20 08:15 ", Some("11-20T07:15:00")),
            ("", None),
            ("-", None),
            ("Never", None),
            ("NEVER ", None),
        ] {
            let text = format!("\u{feff}User Name,Full Name,Last Logon\r\njdoe,J Doe,{cell}\r\n");
            assert_eq!(rows(&export(), &text), [("jdoe".into(), expected.map(str::to_owned))], "{cell}");
        }
    }

    #[test]
    fn columns_and_forms_can_be_named() {
        let text = "LAST_LOGON,Login\n20.11.2026 08:15,jdoe\n";
        let export =
            |format: &str| Export { date_format: Some(DateFormat::new(format).unwrap()), ..export() };
        assert_eq!(rows(&export("%d.%m.%Y %H:%M"), text), [("jdoe".into(), Some("11-20T07:15:00".into()))]);
        let mapped =
            Export { login: Some("Konto".into()), last_logon: Some("Zuletzt".into()), ..export("%d.%m.%y") };
        let text = "Konto,Zuletzt,login,Last Logon\njdoe,20.11.26,wrong,wrong\n";
        assert_eq!(rows(&mapped, text), [("jdoe".into(), Some("11-19T23:00:00".into()))]);
        let zoned = export("%Y%m%d%H%M%S %z");
        let text = "login,last_logon\njdoe,20261120081530 -0500\n";
        assert_eq!(rows(&zoned, text), [("jdoe".into(), Some("11-20T13:15:30".into()))]);
    }

    #[test]
    fn a_form_without_a_whole_date_is_refused() {
        for (format, expected) in [
            ("%Q", "no strftime format"),
            ("%", "no strftime format"),
            ("%H:%M", "whole date"),
            ("%Y-%m", "whole date"),
            ("", "whole date"),
            ("day", "whole date"),
        ] {
            let error = DateFormat::new(format).unwrap_err();
            assert!(error.contains(expected), "{format}: {error}");
        }
    }

    #[test]
    fn what_cannot_be_right_is_refused_with_line_and_column() {
        const HEAD: &str = "User Name,Last Logon\n";
        const LOGIN_COLUMN: &str = "column \"User Name\"";
        const LOGON_COLUMN: &str = "column \"Last Logon\"";
        let long = format!("{HEAD}{},\n", "x".repeat(257));
        let cases: &[(&[u8], u64, &str, &str)] = &[
            (b"", 1, "", "the file is empty"),
            (b"\xef\xbb\xbf", 1, "", "the file is empty"),
            (HEAD.as_bytes(), 1, "", "no account follows"),
            (b"Name,Last Logon\na,\n", 1, LOGIN_COLUMN, "columns = { login = \"\u{2026}\" }"),
            (b"User Name,Last\na,\n", 1, LOGON_COLUMN, "columns = { last_logon = \"\u{2026}\" }"),
            (b"User Name;Last Logon\na;\n", 1, LOGIN_COLUMN, "there is no such column"),
            (b"jdoe,2026-11-20\n", 1, LOGIN_COLUMN, "there is no such column"),
            (b"User Name,user name,Last Logon\na,b,\n", 1, LOGIN_COLUMN, "two columns have this name"),
            (b"User Name,Last Logon,last logon\na,,\n", 1, LOGON_COLUMN, "two columns have this name"),
            (b"User Name,Last Logon\na\n", 2, "", "it has 1 cells, the first line 2"),
            (b"User Name,Last Logon\na,,\n", 2, "", "it has 3 cells, the first line 2"),
            (b"User Name,Last Logon\na,\n\"b,\nc,\n", 3, "", "it has 1 cells"),
            (b"User Name,Last Logon\na,\nb\xff,\n", 3, "", "not UTF-8"),
            (b"User \xff,Last Logon\na,\n", 1, "", "not UTF-8"),
            (b"User Name,Last Logon\n,\n", 2, LOGIN_COLUMN, "this is no login"),
            (b"User Name,Last Logon\n  ,2026-11-20\n", 2, LOGIN_COLUMN, "this is no login"),
            (b"User Name,Last Logon\n\"a\nb\",\n", 2, LOGIN_COLUMN, "this is no login"),
            (b"User Name,Last Logon\n\"a\x1b[31m\",\n", 2, LOGIN_COLUMN, "this is no login"),
            (long.as_bytes(), 2, LOGIN_COLUMN, "this is no login"),
            (b"User Name,Last Logon\na,\nb,\na,\n", 4, LOGIN_COLUMN, "the login of line 2 comes again"),
            (b"User Name,Last Logon\na,\n a ,\n", 3, LOGIN_COLUMN, "the login of line 2 comes again"),
            (b"User Name,Last Logon\na,yesterday\n", 2, LOGON_COLUMN, "no time in a known form"),
            (b"User Name,Last Logon\na,20.11.2026\n", 2, LOGON_COLUMN, "give date_format"),
            (b"User Name,Last Logon\na,11/20/2026\n", 2, LOGON_COLUMN, "give date_format"),
            (b"User Name,Last Logon\na,2026-02-30\n", 2, LOGON_COLUMN, "no time in a known form"),
            (b"User Name,Last Logon\na,2026-11-20 25:00\n", 2, LOGON_COLUMN, "no time in a known form"),
            (b"User Name,Last Logon\na,1790000000\n", 2, LOGON_COLUMN, "no time in a known form"),
            (b"User Name,Last Logon\na,\n\"b\",\n\"c\n\",x\n", 4, LOGON_COLUMN, "no time in a known form"),
            (b"User Name,Last Logon\na,2026-11-26T14:00:01Z\n", 2, LOGON_COLUMN, "lies ahead of the clock"),
            (b"User Name,Last Logon\na,9999-01-01\n", 2, LOGON_COLUMN, "lies ahead of the clock"),
        ];
        for (bytes, line, column, expected) in cases {
            let text = told(&export(), bytes);
            let shown = String::from_utf8_lossy(bytes).into_owned();
            let place =
                format!("users.csv: line {line}{}{column}: ", if column.is_empty() { "" } else { ", " });
            assert!(text.starts_with(&place) && text.contains(expected), "{shown:?}: {text}");
            assert!(!text.contains("yesterday") && !text.contains("jdoe"), "it quotes a cell: {text}");
        }
        assert!(cases.len() >= 25);
        let soon = rows(&export(), "User Name,Last Logon\na,2026-11-26T14:00:00Z\n");
        assert_eq!(soon, [("a".into(), Some("11-26T14:00:00".into()))], "26 hours may be a zone");
        let both =
            Export { login: Some("User Name".into()), last_logon: Some("user name".into()), ..export() };
        assert!(told(&both, b"User Name\na\n").contains("cannot be both"));
        let unknown = Export { login: Some("Konto".into()), ..export() };
        assert!(
            told(&unknown, b"User Name,Last Logon\na,\n")
                .contains("line 1, column \"Konto\": there is no such")
        );
        let other = Export { date_format: Some(DateFormat::new("%d.%m.%Y").unwrap()), ..export() };
        assert!(told(&other, b"User Name,Last Logon\na,2026-11-20\n").contains("not in date_format"));
    }

    #[test]
    fn a_file_is_as_old_as_its_time() {
        let directory = tempfile::tempdir().unwrap();
        let export = Export { path: directory.path().join("users.csv"), lists_all: true, ..export() };
        assert!(matches!(export.read(now()), Err(LogonError::Missing(_))));
        fs::write(&export.path, "User Name,Last Logon\njdoe,\n").unwrap();
        let read = |modified: &str| {
            let file = File::options().write(true).open(&export.path).unwrap();
            file.set_modified(SystemTime::from(at(modified))).unwrap();
            export.read(now())
        };
        let evidence = read("2026-10-11T12:00:00Z").unwrap();
        assert_eq!(evidence.source.until, at("2026-10-11T12:00:00Z"), "45 days");
        assert_eq!((evidence.source.label.as_str(), evidence.source.since), ("users.csv", None));
        assert!(evidence.names_all);
        let stale = read("2026-10-11T11:59:59Z").unwrap_err();
        assert!(stale.to_string().contains("45 days old, more than max_age_days = 45; export"), "{stale}");
        assert_eq!(read("2026-11-26T13:00:00Z").unwrap().source.until, now(), "no later than now");
        assert!(matches!(read("2026-11-26T14:00:01Z"), Err(LogonError::Ahead(_))));
        let file = File::options().write(true).open(&export.path).unwrap();
        file.set_len(LIMIT + 1).unwrap();
        assert!(matches!(read("2026-11-25T11:00:00Z"), Err(LogonError::TooLarge { .. })));
        fs::remove_file(&export.path).unwrap();
        fs::create_dir(&export.path).unwrap();
        assert!(matches!(export.read(now()), Err(LogonError::NotAFile(_))));
    }
}
