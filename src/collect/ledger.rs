//! Books the coverage of every part while the collection goes, so that no part can be forgotten.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::{Answers, Coverage, Gap, GapReason, Listing, Part, gap};
use crate::console::Error;
use crate::model::{Collector, CollectorRights, PartCoverage, PartState};

/// The coverage so far.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    parts: BTreeMap<Part, PartCoverage>,
}

impl Ledger {
    /// Books a part from its counts and gaps: complete if nothing is missing.
    pub(super) fn book(&mut self, part: Part, expected: Option<u64>, examined: u64, gaps: Vec<Gap>) {
        let state = if gaps.is_empty() { PartState::Complete } else { PartState::Incomplete };
        self.book_as(part, state, expected, examined, gaps);
    }

    /// Books a part in a given state. Gaps of an earlier booking stay.
    pub(super) fn book_as(
        &mut self,
        part: Part,
        state: PartState,
        expected: Option<u64>,
        examined: u64,
        mut gaps: Vec<Gap>,
    ) {
        gaps.sort_by(|a, b| (&a.endpoint, number(a), &a.id).cmp(&(&b.endpoint, number(b), &b.id)));
        gaps.dedup();
        self.parts.insert(part, PartCoverage { part, expected, examined, state, gaps });
    }

    /// Books a single resource, and hands it on.
    pub(super) fn single<T>(&mut self, part: Part, reply: Result<T, Error>) -> Option<T> {
        let (value, gaps) = split(reply);
        self.book(part, Some(1), u64::from(value.is_some()), gaps);
        value
    }

    /// Books a list that comes in one piece, and hands it on.
    pub(super) fn list<T>(&mut self, part: Part, reply: Result<Vec<T>, Error>) -> Vec<T> {
        let (rows, gaps) = split(reply);
        let expected = rows.as_ref().map(|rows| rows.len() as u64);
        self.book(part, expected, expected.unwrap_or(0), gaps);
        rows.unwrap_or_default()
    }

    /// Books a paged list.
    pub(super) fn listing<T>(&mut self, part: Part, listing: &Listing<T>) {
        self.book(part, listing.total, listing.rows.len() as u64, listing.gaps.clone());
    }

    /// Books a paged list that the edition may lack: a refusal proves nothing, and is no gap.
    pub(super) fn optional_listing<T>(&mut self, part: Part, listing: &Listing<T>) {
        if listing.refused {
            self.undetermined(part);
        } else {
            self.listing(part, listing);
        }
    }

    /// Books a part that the console refused to show.
    pub(super) fn undetermined(&mut self, part: Part) {
        self.book_as(part, PartState::Undetermined, None, 0, Vec::new());
    }

    /// Books a question that was asked about every row of a list. Where the list has gaps, how many there should be is
    /// not known, and the part is not whole either.
    pub(super) fn answers<I: Ord + Clone + Display, T>(
        &mut self,
        part: Part,
        list: Part,
        answers: &Answers<I, T>,
    ) {
        let examined = answers.known.len() as u64;
        if self.parts.get(&list).is_some_and(|list| list.state == PartState::Complete) {
            self.book(part, Some(answers.asked()), examined, answers.gaps());
        } else {
            self.book_as(part, PartState::Incomplete, None, examined, answers.gaps());
        }
    }

    /// Books a part that was rightly not asked.
    pub(super) fn not_asked(&mut self, part: Part) {
        self.book_as(part, PartState::NotAsked, Some(0), 0, Vec::new());
    }

    /// Books the collecting account: anything but a Global Administrator may see a smaller world.
    pub(super) fn collector(&mut self, collector: &Collector) {
        let seen = collector.rights == CollectorRights::GlobalAdministrator;
        let limited = || Gap {
            endpoint: "/api/3/users/{id}".to_owned(),
            id: collector.user.map(|id| id.to_string()),
            reason: GapReason::LimitedCollector,
            attempts: 1,
            last_status: collector.user.map(|_| 200),
        };
        let gaps = if seen { Vec::new() } else { vec![limited()] };
        self.book(Part::Collector, Some(1), u64::from(seen), gaps);
    }

    /// The coverage, every part in order.
    pub(super) fn close(mut self) -> Coverage {
        let unbooked = |part| PartCoverage {
            part,
            expected: None,
            examined: 0,
            state: PartState::Incomplete,
            gaps: Vec::new(),
        };
        for part in Part::OPTIONAL {
            if !self.parts.contains_key(&part) {
                self.not_asked(part);
            }
        }
        let parts =
            Part::ALL.into_iter().map(|part| self.parts.remove(&part).unwrap_or_else(|| unbooked(part)));
        Coverage { parts: parts.collect() }
    }

    /// The coverage of a console that gave no answer at all.
    pub(super) fn unseen(gap: &Gap) -> Coverage {
        let mut ledger = Self::default();
        for part in Part::ALL.into_iter().filter(|part| !Part::OPTIONAL.contains(part)) {
            let gaps = if part == Part::Info { vec![gap.clone()] } else { Vec::new() };
            ledger.book_as(part, PartState::Incomplete, None, 0, gaps);
        }
        ledger.close()
    }
}

fn split<T>(reply: Result<T, Error>) -> (Option<T>, Vec<Gap>) {
    match reply {
        Ok(value) => (Some(value), Vec::new()),
        Err(error) => (None, vec![gap(&error, None)]),
    }
}

fn number(gap: &Gap) -> Option<i64> {
    gap.id.as_deref().and_then(|id| id.parse().ok())
}
