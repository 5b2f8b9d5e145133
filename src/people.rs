//! The organisation's roster of people: read and checked whole, then joined with the accounts of every console.
//!
//! A roster comes from somebody else's system, so nothing of it is half applied and no error repeats a value of it.

mod csv;
mod index;
mod join;
mod json;
mod layout;
mod mistake;
mod owners;
mod record;
mod roster;
mod source;

use crate::model::{Coverage, Gap, Part, PartCoverage, PartState, RosterSource, Snapshot};

// What the files of this stage share, so that none of them names another.
use index::{Account, Candidate, Index, lower};
use record::{Cell, Entry, Record};
use roster::Builder;

pub use join::{Links, join};
pub use layout::{Columns, Field, Format, Layout, Words};
pub use mistake::{Mistake, Place};
pub use roster::Roster;
pub use source::{Limits, Origin, RosterError, Source, check_url};

/// Reads a roster of at most so many people. The first mistake refuses all of it.
pub fn parse(bytes: &[u8], layout: &Layout, most: usize) -> Result<Roster, Mistake> {
    let text = text(bytes)?;
    let mut builder = Builder::new(layout, most);
    match layout.format {
        Format::Csv => csv::read(text, &mut builder)?,
        Format::Json => json::read(text, &mut builder)?,
    }
    builder.finish()
}

/// The bytes as text, without a byte order mark; or what they are instead.
fn text(bytes: &[u8]) -> Result<&str, Mistake> {
    let refuse = |problem: &'static str| Err(Mistake::new(Place::Whole, problem));
    if bytes.starts_with(b"PK\x03\x04") {
        return refuse("is a workbook or another zip archive; save it as CSV");
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return refuse("is UTF-16; save it as UTF-8");
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.trim_ascii_start().starts_with(b"<") {
        return refuse("looks like an HTML or XML page, such as a login page; give the export itself");
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let line = 1 + line_ends(&bytes[..error.valid_up_to()]);
        Mistake::new(Place::Line(line), "is not UTF-8; save the roster as UTF-8")
    })
}

fn line_ends(text: &[u8]) -> u64 {
    text.split(|byte| *byte == b'\n').skip(1).count() as u64
}

/// A roster with where it came from, or why there is none.
pub type Reading = Result<(Roster, RosterSource), RosterError>;

/// Puts a person behind every account, and books the roster in the coverage of every snapshot. Without a roster nobody is
/// asked, and the part has a gap.
pub fn apply(snapshots: &mut [Snapshot], reading: &Reading, links: &Links) {
    let owners = reading.as_ref().map_or(Vec::new(), |(roster, _)| links.owners(roster));
    for snapshot in snapshots {
        match reading {
            Ok((roster, source)) => {
                join(&snapshot.console.name, &mut snapshot.users, roster, links);
                snapshot.roster = Some(RosterSource { owners: owners.clone(), ..source.clone() });
                book(&mut snapshot.coverage, Some(source.people), source.people, None);
            }
            Err(error) => book(&mut snapshot.coverage, None, 0, Some(error.gap())),
        }
    }
}

fn book(coverage: &mut Coverage, expected: Option<u64>, examined: u64, gap: Option<Gap>) {
    let state = if gap.is_some() { PartState::Incomplete } else { PartState::Complete };
    let gaps = Vec::from_iter(gap);
    let booked = PartCoverage { part: Part::Roster, expected, examined, state, gaps };
    coverage.parts.retain(|entry| entry.part != Part::Roster);
    coverage.parts.push(booked);
    coverage.parts.sort_by_key(|entry| entry.part);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample::{snapshot, user};
    use crate::model::{GapReason, RosterMatch};

    fn reading(csv: &str) -> Reading {
        let roster = parse(csv.as_bytes(), &Layout::new(Format::Csv), 10)
            .map_err(|mistake| RosterError::Malformed { label: "people.csv".into(), mistake })?;
        let people = roster.len() as u64;
        let read = snapshot(Vec::new()).started;
        let source = RosterSource {
            label: "people.csv".into(),
            sha256: "ab".repeat(32),
            people,
            read,
            owners: Vec::new(),
            unexplained: roster.unexplained().clone(),
        };
        Ok((roster, source))
    }

    #[test]
    fn a_roster_is_booked_whole_and_puts_people_behind_accounts() {
        let mut snapshots = [snapshot(vec![user(1, "ana"), user(2, "bo")]), snapshot(Vec::new())];
        apply(&mut snapshots, &reading("id,login\n7,ana\n8,cy\n"), &Links::default());
        for snapshot in &snapshots {
            let part = snapshot.coverage.part(Part::Roster).unwrap();
            assert_eq!((part.state, part.expected, part.examined), (PartState::Complete, Some(2), 2));
            assert_eq!(snapshot.roster.as_ref().unwrap().people, 2);
            assert_eq!(snapshot.coverage.parts.iter().map(|entry| entry.part).collect::<Vec<_>>(), Part::ALL);
        }
        assert_eq!(snapshots[0].users[0].person.person().unwrap().id, "7");
        assert_eq!(snapshots[0].users[1].person, RosterMatch::Nobody);
    }

    #[test]
    fn declared_owners_are_looked_up_among_everybody() {
        let csv = "id,login,email,name,status\nE7,,ana@corp.example,Ana Silva,active\nE8,,,\"Silva, Ana\",left\nE9,,,E7,left\n";
        let mut links = Links::default();
        for owner in [" e7 ", "Ana+x@CORP.example", "ana silva", "Platform team"] {
            links.ask(owner);
        }
        let mut snapshots = [snapshot(vec![user(1, "nobody")])];
        apply(&mut snapshots, &reading(csv), &links);
        let owners = &snapshots[0].roster.as_ref().unwrap().owners;
        let found: Vec<_> = owners
            .iter()
            .map(|one| {
                (one.owner.as_str(), one.people.iter().map(|person| person.id.as_str()).collect::<Vec<_>>())
            })
            .collect();
        let expected = [
            ("ana silva", vec!["E7", "E8"]),
            ("ana+x@corp.example", vec!["E7"]),
            ("e7", vec!["E7"]),
            ("platform team", vec![]),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn words_for_states_that_are_not_known_are_counted() {
        let unexplained = |states: &[String]| {
            let rows = states.iter().enumerate().map(|(id, state)| format!("{id},{state},x{id}\n"));
            let rows: Vec<String> = rows.collect();
            let csv = format!("id,status,login\n{}", rows.concat());
            parse(csv.as_bytes(), &Layout::new(Format::Csv), 100).unwrap().unexplained().clone()
        };
        let few = unexplained(&["on leave", "active", "furlough", "left", "furlough", ""].map(str::to_owned));
        assert_eq!((few.words, few.others), (vec![("furlough".into(), 2), ("on leave".into(), 1)], 0));
        let many: Vec<_> = (0..30).map(|state| format!("state {state}")).collect();
        let many = unexplained(&many);
        assert_eq!((many.words.len(), many.others), (20, 10));
    }

    #[test]
    fn a_snapshot_of_before_reads() {
        let old = r#"{"label":"people.csv","sha256":"ab","people":2,"read":"2026-09-21T00:00:00Z"}"#;
        let source: RosterSource = serde_json::from_str(old).unwrap();
        assert_eq!((source.owners.len(), source.unexplained.words.len()), (0, 0));
    }

    #[test]
    fn without_a_roster_nobody_is_asked_and_the_gap_is_named() {
        let mut snapshots = [snapshot(vec![user(1, "ana")])];
        apply(&mut snapshots, &reading("login\nana\n"), &Links::default());
        let part = snapshots[0].coverage.part(Part::Roster).unwrap();
        assert_eq!((part.state, part.expected, part.examined), (PartState::Incomplete, None, 0));
        let gap = &part.gaps[0];
        assert_eq!((gap.endpoint.as_str(), gap.reason, gap.attempts), ("roster", GapReason::Malformed, 1));
        assert_eq!(
            (snapshots[0].users[0].person.clone(), &snapshots[0].roster),
            (RosterMatch::NotAsked, &None)
        );
        assert!(!snapshots[0].coverage.ties_out());
    }
}
