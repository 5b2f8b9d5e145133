//! What is different from an earlier run: findings, access, and what could not be compared.
//!
//! What was seen is a fact. What was not seen proves something only if the list that it is missing from was seen
//! whole, by a collector with all rights; otherwise nothing is claimed, and that is said. Everything here is linear in
//! the size of the two runs, and a user has a bounded number of lines however much of its access changed.

mod findings;
mod lists;
mod roles;
mod seen;
mod settings;
mod side;
#[cfg(test)]
mod tests;
mod users;
mod waivers;
mod words;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Change, ENDS_NOW, ENDS_SOON, ResolvedFinding, Reviewed};
use crate::amount::amount;
use crate::finding::About;
use crate::history::{Before, BeforeFinding, BeforeRule, Sighting};
use crate::model::{ConsoleIdentity, GLOBAL_ADMIN, Part, PartState, PrivilegeId, Role, Snapshot, User};
use crate::waiver::Waiver;

use findings::{Earlier, Ledger};
use seen::{Found, Judged, Seen};
use side::Side;
use words::{cut, gained_and_lost, list};

/// What is different from an earlier run.
#[derive(Debug, Clone, Default)]
pub struct Differences {
    /// Every difference: by console, findings first, then what concerns administrators, then by kind and id.
    pub changes: Vec<Change>,
    /// How many findings came, stayed and went.
    pub counts: FindingCounts,
    /// What could not be compared.
    pub uncompared: Vec<Uncompared>,
    /// Each finding of this run that can be held against the earlier one, by its id.
    pub findings: HashMap<String, FindingChange>,
}

/// The earlier run that a report is compared with, and how far that was possible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// The earlier run's id.
    pub run: String,
    /// Its nominal time, if it was scheduled.
    pub slot: Option<DateTime<Utc>>,
    /// When its last collection finished.
    pub finished: DateTime<Utc>,
    /// How many findings came, stayed and went.
    pub counts: FindingCounts,
    /// What could not be compared; nothing is claimed of it.
    pub uncompared: Vec<Uncompared>,
}

/// How many findings came, stayed and went. The first five add up to the findings of this run; those that persist, are
/// resolved or vanished, to the findings of the earlier one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct FindingCounts {
    /// Not there in the earlier run, and never seen before it.
    pub new: u64,
    /// Not there in the earlier run, but in one before it.
    pub reopened: u64,
    /// There in both.
    pub persisting: u64,
    /// Of a rule that did not judge in the earlier run, or on a console that was not in it.
    pub newly_judged: u64,
    /// Not among the findings of the earlier run, which did not see enough to call them new.
    pub undecided: u64,
    /// There in the earlier run, and proven not to be there now.
    pub resolved: u64,
    /// There in the earlier run and not now, without proof that they are resolved.
    pub vanished: u64,
}

/// How a finding of this run stands to the earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FindingChange {
    /// It was not there, and never before.
    New,
    /// It was not there, but earlier.
    Reopened,
    /// It was there.
    Persisting,
}

impl FindingChange {
    /// The name in `report.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Reopened => "reopened",
            Self::Persisting => "persisting",
        }
    }
}

/// Something that could not be compared with the earlier run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Uncompared {
    /// The console.
    pub console: Arc<str>,
    /// What: a part of the coverage, `findings`, or `everything`.
    pub part: &'static str,
    /// Why, and what is not claimed for that reason; one sentence.
    pub reason: String,
}

/// The kinds of changes beside findings, in the order of the report.
const KINDS: &[&str] = &[
    "console",
    "rule",
    "waiver",
    "user",
    "flags",
    "privileges",
    "site_grants",
    "asset_group_grants",
    "role",
    "privilege",
    "authentication_source",
    "site",
    "asset_group",
];

/// What happens to findings, in the order of the report.
const FINDING_CHANGES: &[&str] = &["reopened", "new", "resolved"];

/// Compares a review with an earlier run. The waivers are those of now: earlier ones are not kept.
#[expect(clippy::implicit_hasher, reason = "the history has this type")]
pub fn changes(
    before: &Before,
    now: &[Reviewed],
    waivers: &[Waiver],
    sightings: &HashMap<String, Sighting>,
) -> Differences {
    let now: Vec<Seen<'_>> = now.iter().map(Seen::judged).collect();
    differences(before, &now, waivers, sightings)
}

/// Compares two runs as they are kept: nothing is judged again, so that what the configuration says by now changes no
/// finding. `rules` are those that there are by now; the waivers are those of now as well.
#[expect(clippy::implicit_hasher, reason = "the history has this type")]
pub fn changes_between(
    before: &Before,
    after: &Before,
    rules: &[&About],
    waivers: &[Waiver],
    sightings: &HashMap<String, Sighting>,
) -> Differences {
    differences(before, &Seen::kept(after, rules), waivers, sightings)
}

fn differences(
    before: &Before,
    now: &[Seen<'_>],
    waivers: &[Waiver],
    sightings: &HashMap<String, Sighting>,
) -> Differences {
    let earlier = Earlier::of(before, sightings);
    let mut differences = Differences::default();
    let mut matched = vec![false; before.snapshots.len()];
    for seen in now {
        let snapshot = seen.snapshot;
        let then = before.snapshots.iter().position(|then| then.console.is_same(&snapshot.console));
        let mut notes = Notes::of(&snapshot.console);
        let mut ledger = Ledger::default();
        if let Some(index) = then {
            matched[index] = true;
            let pair = Pair { before: Side::of(&before.snapshots[index]), now: Side::of(snapshot) };
            compare(&pair, &seen.judged, &earlier, &mut notes, &mut ledger);
        } else {
            ledger.counts.newly_judged += seen.findings();
            notes.add_console("added", snapshot, "was not in the earlier run: nothing on it can be compared");
        }
        differences.take(notes, ledger);
    }
    for (then, _) in before.snapshots.iter().zip(matched).filter(|(_, matched)| !matched) {
        let mut notes = Notes::of(&then.console);
        let mut ledger = Ledger::default();
        ledger.counts.vanished += earlier.findings_of(&then.console.name).len() as u64;
        let what = "was in the earlier run and is not in this one: nothing on it is claimed to be resolved";
        notes.add_console("not_reviewed", then, what);
        differences.take(notes, ledger);
    }
    differences.changes.extend(waivers::changes(before.finished, now, waivers));
    differences.sort();
    differences
}

fn compare(
    pair: &Pair<'_>,
    judged: &[Judged<'_>],
    earlier: &Earlier<'_>,
    notes: &mut Notes,
    ledger: &mut Ledger,
) {
    let nothing_seen = [("the earlier", &pair.before), ("this", &pair.now)].into_iter().find(|(_, side)| {
        side.snapshot.coverage.parts.iter().all(|part| part.state == PartState::Incomplete)
    });
    if let Some((run, _)) = nothing_seen {
        notes.uncompared("everything", format!("nothing of this console was seen in {run} run"));
        return ledger.undecided(pair, judged, earlier);
    }
    ledger.compare(pair, judged, earlier, notes);
    settings::compare(pair, notes);
    users::compare(pair, notes);
    roles::compare(pair, notes);
    lists::compare(pair, notes);
}

/// One console in both runs.
struct Pair<'a> {
    before: Side<'a>,
    now: Side<'a>,
}

impl Pair<'_> {
    /// The upgrade of the console between the two runs, as `6.6.210 → 6.6.220`.
    fn upgrade(&self) -> Option<String> {
        let (then, now) = (&self.before.snapshot.console.version, &self.now.snapshot.console.version);
        let (then, now) = then.as_deref().zip(now.as_deref())?;
        (then != now).then(|| format!("{} → {}", cut(then), cut(now)))
    }

    /// Whether a part was seen whole in both runs.
    fn is_whole(&self, part: Part) -> bool {
        self.before.is_whole(part) && self.now.is_whole(part)
    }
}

/// What is said of one console.
struct Notes {
    console: Arc<str>,
    changes: Vec<Change>,
    uncompared: Vec<Uncompared>,
}

impl Notes {
    fn of(console: &ConsoleIdentity) -> Self {
        Self { console: console.name.as_str().into(), changes: Vec::new(), uncompared: Vec::new() }
    }

    fn add(&mut self, kind: &'static str, change: &'static str, subject: Subject, summary: String) {
        self.push(kind, change, subject, summary, None);
    }

    fn push(
        &mut self,
        kind: &'static str,
        change: &'static str,
        subject: Subject,
        summary: String,
        resolved: Option<ResolvedFinding>,
    ) {
        let Subject { id, name, administrator } = subject;
        self.changes.push(Change {
            console: self.console.clone(),
            kind,
            change,
            id,
            name,
            administrator,
            summary,
            resolved,
        });
    }

    fn add_console(&mut self, change: &'static str, snapshot: &Snapshot, what: &str) {
        let console = &snapshot.console;
        let subject =
            Subject { id: console.key().to_owned(), name: console.name.clone(), administrator: false };
        let summary = format!("Console {} {what}", cut(&console.name));
        self.add("console", change, subject, summary);
    }

    fn uncompared(&mut self, part: &'static str, reason: String) {
        self.uncompared.push(Uncompared { console: self.console.clone(), part, reason });
    }
}

/// What a change is about.
struct Subject {
    id: String,
    name: String,
    administrator: bool,
}

/// Whether two-factor authentication was switched on or off for the whole console between the runs.
fn two_factor_switched(pair: &Pair<'_>) -> Option<bool> {
    let (then, now) = (pair.before.snapshot.settings.two_factor?, pair.now.snapshot.settings.two_factor?);
    (then != now).then_some(now)
}

/// What one set has and the other has not: gained, lost.
fn difference<'a>(
    then: &'a BTreeSet<PrivilegeId>,
    now: &'a BTreeSet<PrivilegeId>,
) -> (Vec<&'a str>, Vec<&'a str>) {
    let beyond = |a: &'a BTreeSet<PrivilegeId>, b: &'a BTreeSet<PrivilegeId>| {
        a.difference(b).map(PrivilegeId::as_str).collect()
    };
    (beyond(now, then), beyond(then, now))
}

/// Whether an account may do everything.
fn administrates(user: &User) -> bool {
    let held = user.effective_privileges();
    user.is_global_admin() || held.is_some_and(|held| held.contains("all-permissions"))
}

/// Whether a role lets its holders do everything.
fn is_administrative(role: &Role) -> bool {
    role.id.as_str() == GLOBAL_ADMIN || role.privileges.contains("all-permissions")
}

impl Differences {
    fn take(&mut self, notes: Notes, ledger: Ledger) {
        self.changes.extend(notes.changes);
        self.uncompared.extend(notes.uncompared);
        self.findings.extend(ledger.findings);
        self.counts += ledger.counts;
    }

    /// Findings keep the order that they were found in: the worst first.
    fn sort(&mut self) {
        let rank = |names: &[&str], name: &str| names.iter().position(|known| *known == name);
        self.changes.sort_by_cached_key(|change| {
            let finding = rank(FINDING_CHANGES, change.change).filter(|_| change.kind == "finding");
            let other = finding.is_none().then(|| {
                let id = (change.id.parse::<i64>().ok(), change.id.clone());
                (!change.administrator, rank(KINDS, change.kind), id, change.change)
            });
            (change.console.clone(), other.is_some(), finding, other)
        });
        self.uncompared.sort_by(|a, b| a.console.cmp(&b.console));
    }

    /// The two parts of a report: the changes, and what they rest on.
    pub fn comparison(self, before: &Before) -> (Vec<Change>, Comparison) {
        let comparison = Comparison {
            run: before.run.clone(),
            slot: before.slot,
            finished: before.finished,
            counts: self.counts,
            uncompared: self.uncompared,
        };
        (self.changes, comparison)
    }
}

impl std::ops::AddAssign for FindingCounts {
    fn add_assign(&mut self, other: Self) {
        self.new += other.new;
        self.reopened += other.reopened;
        self.persisting += other.persisting;
        self.newly_judged += other.newly_judged;
        self.undecided += other.undecided;
        self.resolved += other.resolved;
        self.vanished += other.vanished;
    }
}
