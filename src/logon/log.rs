//! The console's authentication log, read on from where the last reading ended.
//!
//! When the log reaches its largest size, the console packs it into `auth.log.gz.0`, moves older archives on up to
//! `.gz.9`, and starts anew. A log that is not the one of the last reading is therefore read whole, with its archives:
//! what is read twice does no harm, as only the newest logon of each login counts.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    AHEAD, Account, Evidence, Logon, LogonError, LogonSource, LogonSourceKind, Pattern, each_line, label,
    leading, open,
};

/// Archives that the console keeps.
const ARCHIVES: u32 = 10;

/// Bytes that are read of one file at most, unpacked.
const LIMIT: u64 = 256 << 20;

/// Logins that are remembered at most; they come from a file that others write.
const LOGINS: usize = 100_000;

/// Times before this are mistakes: 2000-01-01.
const EARLIEST: DateTime<Utc> = DateTime::from_timestamp_nanos(946_684_800_000_000_000);

/// The log of one console.
#[derive(Debug, Clone)]
pub struct Log {
    /// The file that is being written.
    pub path: PathBuf,
    /// The zone of times without one: that of the console's host.
    pub zone: Tz,
    /// What a logon looks like.
    pub pattern: Pattern,
}

/// How far a log was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPosition {
    /// The file's inode.
    pub inode: u64,
    /// SHA-256 of its first line, hex: inode numbers are given out again. Empty while there is none.
    pub head: String,
    /// The end of the last whole line, in bytes.
    pub offset: u64,
    /// The newest time in it.
    pub last: Option<DateTime<Utc>>,
    /// SHA-256 of pattern and zone, hex: what was read with others does not count.
    pub reader: String,
}

/// What is known of a log so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogRecord {
    /// How far it was read; `None` if never.
    pub position: Option<LogPosition>,
    /// From when on every logon was seen.
    pub since: Option<DateTime<Utc>>,
    /// The newest logon of each login, by login.
    pub newest: Vec<Logon>,
}

/// A reading of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// What is known now.
    pub record: LogRecord,
    /// The lines of this reading.
    pub counts: Counts,
    /// What was not read, in sentences.
    pub notes: Vec<String>,
}

/// Lines by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Logons.
    pub logons: u64,
    /// Other lines that start with a time.
    pub dated: u64,
    /// Lines without a time, such as the rest of an entry.
    pub undated: u64,
    /// Lines that are too long to be read.
    pub long: u64,
    /// Lines from the future.
    pub ahead: u64,
}

impl LogRecord {
    /// What the log tells, up to its newest time and at most `now`; `None` while nothing says from when on. The file may
    /// be a copy that nobody writes any more: that it names nobody since then says nothing.
    pub fn evidence(&self, path: &Path, now: DateTime<Utc>) -> Option<Evidence> {
        let account = |logon: &Logon| Account {
            login: logon.login.clone(),
            at: Some(logon.at),
            address: logon.address.clone(),
        };
        let last = self.position.as_ref()?.last?;
        Some(Evidence {
            source: LogonSource {
                kind: LogonSourceKind::Log,
                label: label(path),
                since: Some(self.since?),
                // Times that were read in another zone can lie ahead.
                until: last.min(now),
            },
            names_all: true,
            accounts: self.newest.iter().map(account).collect(),
        })
    }
}

impl Log {
    /// Reads on from what is known. A log from which nothing follows is an error, and what was known stays as it was.
    pub fn follow(&self, known: LogRecord, now: DateTime<Utc>) -> Result<Followed, LogonError> {
        self.follow_within(known, now, LIMIT)
    }

    fn follow_within(
        &self,
        known: LogRecord,
        now: DateTime<Utc>,
        limit: u64,
    ) -> Result<Followed, LogonError> {
        let io = |error| LogonError::io(&self.path, error);
        let reader = self.reader();
        let known = match &known.position {
            Some(position) if position.reader == reader => known,
            _ => LogRecord::default(),
        };
        // Opened before the archives: if it becomes one meanwhile, it is read twice and not missed.
        let mut file = open(&self.path)?;
        let metadata = file.metadata().map_err(io)?;
        let (inode, size) = (metadata.ino(), metadata.len());
        let head = head(&mut file).map_err(io)?;
        let former = known.position.as_ref();
        let resumed = former
            .filter(|former| former.inode == inode && former.head == head && former.offset <= size)
            .map(|former| former.offset);
        let start = resumed.unwrap_or(0);
        let begin = start.max(size.saturating_sub(limit));

        let mut tally = Tally::new(self, &known, now);
        file.seek(SeekFrom::Start(begin)).map_err(io)?;
        let (whole, _) = tally.lines(BufReader::new(file.take(size - begin))).map_err(io)?;
        let mut since = tally.first.take();
        let mut notes = Vec::new();
        if begin > start {
            let skipped = begin - start;
            notes
                .push(format!("{}: its oldest {skipped} bytes were not read: too many", self.path.display()));
        } else if resumed.is_none() {
            for number in 0..ARCHIVES {
                match tally.archive(&archive(&self.path, number), limit) {
                    // Older ones are not asked: with a hole between, they would not say from when on all is seen.
                    Ok(false) => break,
                    Ok(true) => since = tally.first.take().or(since),
                    Err(note) => {
                        notes.push(note);
                        break;
                    }
                }
            }
        }
        if tally.full {
            notes.push(format!("{}: more than {LOGINS} logins; some are left out", self.path.display()));
        }
        let last = tally.last;
        let since = match (resumed, begin > start, known.since) {
            (Some(_), false, Some(known)) => Some(known),
            // What was read before goes on in this reading only if the two overlap.
            (_, _, Some(before)) if since.is_some() && former.and_then(|former| former.last) >= since => {
                since.map(|since| since.min(before))
            }
            _ => since,
        };
        let counts = tally.counts;
        if since.is_none() {
            return Err(LogonError::Undated(self.path.clone()));
        }
        if tally.newest.is_empty() {
            return Err(LogonError::Unrecognised { path: self.path.clone(), lines: counts.dated });
        }
        let position = LogPosition { inode, head, offset: begin + whole, last, reader };
        let newest = tally.newest.into_values().collect();
        Ok(Followed { record: LogRecord { position: Some(position), since, newest }, counts, notes })
    }

    fn reader(&self) -> String {
        fingerprint(format!("{}\n{}", self.zone.name(), self.pattern.text()).as_bytes())
    }
}

/// `auth.log.gz.0` is the newest.
fn archive(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".gz.{number}"));
    PathBuf::from(name)
}

/// What tells this file from another one under the same inode.
fn head(file: &mut File) -> std::io::Result<String> {
    let mut line = Vec::new();
    file.take(4096).read_to_end(&mut line)?;
    let end = line.iter().position(|byte| *byte == b'\n');
    Ok(end.map_or_else(String::new, |end| fingerprint(&line[..end])))
}

fn fingerprint(bytes: &[u8]) -> String {
    hex::encode(&Sha256::digest(bytes)[..16])
}

/// What the lines so far tell.
struct Tally<'a> {
    log: &'a Log,
    now: DateTime<Utc>,
    newest: BTreeMap<String, Logon>,
    full: bool,
    counts: Counts,
    /// The first time in the file.
    first: Option<DateTime<Utc>>,
    /// The newest time.
    last: Option<DateTime<Utc>>,
}

impl<'a> Tally<'a> {
    fn new(log: &'a Log, known: &LogRecord, now: DateTime<Utc>) -> Self {
        Self {
            log,
            now,
            newest: known.newest.iter().map(|logon| (logon.login.clone(), logon.clone())).collect(),
            full: false,
            counts: Counts::default(),
            first: None,
            last: known.position.as_ref().and_then(|position| position.last),
        }
    }

    fn lines(&mut self, reader: impl std::io::BufRead) -> std::io::Result<(u64, Option<Vec<u8>>)> {
        each_line(reader, |line| self.line(line))
    }

    /// Reads an archive; `false` if there is none. The error says what is not known because of it.
    fn archive(&mut self, path: &Path, limit: u64) -> Result<bool, String> {
        let stop = |problem: &str| {
            format!(
                "{problem}; logons in it and in older archives may not be known, and none is concluded from that"
            )
        };
        let file = match open(path) {
            Ok(file) => file,
            Err(LogonError::Missing(_)) => return Ok(false),
            Err(error) => return Err(stop(&error.to_string())),
        };
        let mut unpacked = MultiGzDecoder::new(BufReader::new(file)).take(limit);
        let read = self.lines(BufReader::new(&mut unpacked));
        let (_, rest) = read.map_err(|error| stop(&format!("{}: {error}", path.display())))?;
        if unpacked.limit() == 0 {
            return Err(stop(&format!("{}: more than {limit} bytes when unpacked", path.display())));
        }
        // Nobody writes to an archive any more: its last line is whole.
        if let Some(rest) = rest.filter(|rest| !rest.is_empty()) {
            self.line(Some(&rest));
        }
        Ok(true)
    }

    fn line(&mut self, line: Option<&[u8]>) {
        let Some(line) = line else {
            self.counts.long += 1;
            return;
        };
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end();
        let logon = self.log.pattern.logon(text, self.log.zone);
        let at = logon.as_ref().map(|logon| logon.at);
        let at = at.or_else(|| leading(text, self.log.zone).map(|(at, _)| at));
        match at {
            Some(at) if at.signed_duration_since(self.now) > AHEAD => {
                self.counts.ahead += 1;
                return;
            }
            Some(at) if at >= EARLIEST => {
                self.first.get_or_insert(at);
                self.last = self.last.max(Some(at));
            }
            Some(_) | None => {
                self.counts.undated += 1;
                return;
            }
        }
        let Some(logon) = logon else {
            self.counts.dated += 1;
            return;
        };
        self.counts.logons += 1;
        let is_full = self.newest.len() >= LOGINS;
        match self.newest.get_mut(&logon.login) {
            Some(newest) if logon.at >= newest.at => *newest = logon,
            Some(_) => {}
            None if is_full => self.full = true,
            None => drop(self.newest.insert(logon.login.clone(), logon)),
        }
    }
}

#[cfg(test)]
mod tests;
