//! Findings that came, stayed and went.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use super::{
    Before, BeforeFinding, BeforeRule, FindingChange, FindingCounts, Found, Judged, Notes, Pair,
    ResolvedFinding, Side, Sighting, Subject, amount,
};
use crate::finding::{About, Severity, SubjectKind, Verdict};
use crate::model::PartState;

/// What the earlier run found and concluded, by the console's name then.
pub(super) struct Earlier<'a> {
    finished: DateTime<Utc>,
    findings: HashMap<&'a str, Vec<&'a BeforeFinding>>,
    rules: HashMap<(&'a str, &'a str), &'a BeforeRule>,
    sightings: &'a HashMap<String, Sighting>,
}

impl<'a> Earlier<'a> {
    pub(super) fn of(before: &'a Before, sightings: &'a HashMap<String, Sighting>) -> Self {
        let mut findings: HashMap<&str, Vec<&BeforeFinding>> = HashMap::new();
        for finding in &before.findings {
            findings.entry(&finding.console).or_default().push(finding);
        }
        let rules = before.rules.iter().map(|rule| ((&*rule.console, &*rule.id), rule)).collect();
        Self { finished: before.finished, findings, rules, sightings }
    }

    pub(super) fn findings_of(&self, console: &str) -> &[&'a BeforeFinding] {
        self.findings.get(console).map_or(&[], Vec::as_slice)
    }

    /// Whether some run had seen a finding by the time of the earlier one.
    fn had_seen(&self, id: &str) -> bool {
        self.sightings.get(id).is_some_and(|sighting| sighting.first <= self.finished)
    }
}

/// The findings of one console, held against those of the earlier run.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) counts: FindingCounts,
    pub(super) findings: HashMap<String, FindingChange>,
}

/// A finding to tell of, in words that both runs have.
struct Told {
    change: &'static str,
    severity: Severity,
    rule: String,
    subject: (SubjectKind, Option<i64>, String),
    id: String,
    name: String,
    administrator: bool,
    summary: String,
}

/// What the earlier verdict of a rule says about findings that it does not hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum EarlierVerdict {
    /// They were not there.
    Absent,
    /// The rule did not judge.
    NotJudged,
    /// It saw a part only: they may have been there.
    Partial,
}

impl Ledger {
    pub(super) fn compare(
        &mut self,
        pair: &Pair<'_>,
        judged: &[Judged<'_>],
        earlier: &Earlier<'_>,
        notes: &mut Notes,
    ) {
        let (then, now) = (&pair.before.snapshot.console, &pair.now.snapshot.console);
        if then.key() != now.key() {
            let why =
                "the console did not say who it is in one of the two runs, so that ids of findings differ";
            notes.uncompared("findings", format!("{why}: no finding is called new or resolved"));
            return self.undecided(pair, judged, earlier);
        }
        let findings = earlier.findings_of(&then.name);
        let mut left: HashMap<&str, &BeforeFinding> =
            findings.iter().map(|finding| (&*finding.id, *finding)).collect();
        let mut told = Vec::new();
        for one in judged {
            let rule = earlier.rules.get(&(&*then.name, one.rule));
            let verdict = earlier_verdict(rule.copied(), one.about, &pair.before);
            self.place(pair, one, verdict, earlier, &mut left, &mut told, notes);
        }
        self.settle(pair, judged, left.into_values(), &mut told, notes);
        told.sort_by(|a, b| {
            let key = |told: &Told| (Reverse(told.severity), told.rule.clone(), told.subject.clone());
            key(a).cmp(&key(b)).then_with(|| a.id.cmp(&b.id))
        });
        for Told { change, severity, rule, subject, id, name, administrator, summary } in told {
            let summary = format!("{summary} ({severity}, {rule})");
            let (subject_kind, _, subject_id) = subject;
            let resolved = (change == "resolved").then_some(ResolvedFinding {
                rule,
                severity,
                subject_kind,
                subject_id,
            });
            notes.push("finding", change, Subject { id, name, administrator }, summary, resolved);
        }
    }

    /// Counts findings where neither side can be held against the other.
    pub(super) fn undecided(&mut self, pair: &Pair<'_>, judged: &[Judged<'_>], earlier: &Earlier<'_>) {
        let found: usize = judged.iter().map(|one| one.findings.len()).sum();
        self.counts.undecided += found as u64;
        self.counts.vanished += earlier.findings_of(&pair.before.snapshot.console.name).len() as u64;
    }

    /// Places the findings of one rule; those of the earlier run that are found again are taken out of `left`.
    #[expect(clippy::too_many_arguments, reason = "one loop body with a name")]
    fn place(
        &mut self,
        pair: &Pair<'_>,
        judged: &Judged<'_>,
        verdict: EarlierVerdict,
        earlier: &Earlier<'_>,
        left: &mut HashMap<&str, &BeforeFinding>,
        told: &mut Vec<Told>,
        notes: &mut Notes,
    ) {
        let (mut newly_judged, mut undecided) = (0_u64, 0_usize);
        for finding in &judged.findings {
            let id = finding.id.clone().into_owned();
            if left.remove(&*id).is_some() {
                self.counts.persisting += 1;
                self.findings.insert(id, FindingChange::Persisting);
                continue;
            }
            // What a finding is about may be new itself; then no earlier verdict could have held it.
            let was_there = pair.before.has(finding.subject_kind, finding.subject_id) != Some(false);
            match verdict {
                EarlierVerdict::NotJudged if was_there => newly_judged += 1,
                EarlierVerdict::Partial if was_there => undecided += 1,
                _ => {
                    let change =
                        if earlier.had_seen(&id) { FindingChange::Reopened } else { FindingChange::New };
                    match change {
                        FindingChange::Reopened => self.counts.reopened += 1,
                        _ => self.counts.new += 1,
                    }
                    told.push(Told::now(change.as_str(), judged.rule, finding, &pair.now));
                    self.findings.insert(id, change);
                }
            }
        }
        let rule = judged.rule;
        if newly_judged > 0 {
            let name = judged.about.map_or(rule, |about| &*about.title).to_owned();
            let subject = Subject { id: rule.to_owned(), name, administrator: false };
            let summary = format!(
                "Rule {rule} did not judge in the earlier run: {} newly judged, not new",
                if newly_judged == 1 {
                    "1 finding is".to_owned()
                } else {
                    format!("{newly_judged} findings are")
                }
            );
            notes.add("rule", "newly_judged", subject, summary);
        }
        if undecided > 0 {
            let found = amount(undecided, "finding");
            let why = "the earlier verdict rests on a part of the population";
            notes.uncompared("findings", format!("{rule}: {found} not called new, because {why}"));
        }
        self.counts.newly_judged += newly_judged;
        self.counts.undecided += undecided as u64;
    }

    /// Settles the earlier findings that were not found again.
    fn settle<'f>(
        &mut self,
        pair: &Pair<'_>,
        judged: &[Judged<'_>],
        left: impl Iterator<Item = &'f BeforeFinding>,
        told: &mut Vec<Told>,
        notes: &mut Notes,
    ) {
        let judged: HashMap<&str, bool> =
            judged.iter().map(|one| (one.rule, proves_absence(one, &pair.now))).collect();
        let mut vanished: BTreeMap<&str, usize> = BTreeMap::new();
        for finding in left {
            let gone = pair.now.has(finding.subject_kind, &finding.subject_id) == Some(false);
            if gone || judged.get(&*finding.rule) == Some(&true) {
                self.counts.resolved += 1;
                told.push(Told::then(finding, gone, &pair.before));
            } else {
                *vanished.entry(&finding.rule).or_default() += 1;
            }
        }
        for (rule, count) in vanished {
            self.counts.vanished += count as u64;
            let why = if judged.contains_key(rule) {
                "the rule did not judge everything in this run"
            } else {
                "there is no such rule in this run"
            };
            let earlier = amount(count, "earlier finding");
            notes.uncompared("findings", format!("{rule}: {earlier} not called resolved, because {why}"));
        }
    }
}

/// Whether a rule that holds no finding on a subject now says that there is none.
fn proves_absence(judged: &Judged<'_>, now: &Side<'_>) -> bool {
    let has_judged = matches!(judged.verdict, Verdict::Pass | Verdict::Fail | Verdict::Waived);
    has_judged && judged.examined == judged.expected && saw_everything(judged.about, now)
}

fn earlier_verdict(rule: Option<&BeforeRule>, about: Option<&About>, before: &Side<'_>) -> EarlierVerdict {
    let Some(rule) = rule else { return EarlierVerdict::NotJudged };
    match rule.verdict {
        Verdict::NotApplicable | Verdict::Error => EarlierVerdict::NotJudged,
        Verdict::Pass | Verdict::Fail | Verdict::Waived
            if rule.examined == rule.expected && saw_everything(about, before) =>
        {
            EarlierVerdict::Absent
        }
        _ => EarlierVerdict::Partial,
    }
}

/// A verdict of *fail* says nothing of what was not seen; the coverage does. What a rule rested on that is gone, nobody
/// knows: all of it counts.
fn saw_everything(rule: Option<&About>, side: &Side<'_>) -> bool {
    let coverage = &side.snapshot.coverage;
    match rule {
        Some(rule) => rule.rests_on().all(|part| coverage.is_complete(part)),
        None => coverage.parts.iter().all(|part| part.state != PartState::Incomplete),
    }
}

impl Told {
    fn now(change: &'static str, rule: &str, finding: &Found<'_>, now: &Side<'_>) -> Self {
        let (kind, subject) = (finding.subject_kind, finding.subject_id);
        Self {
            change,
            severity: finding.severity,
            rule: rule.to_owned(),
            subject: (kind, subject.parse().ok(), subject.to_owned()),
            id: finding.id.clone().into_owned(),
            name: finding.subject_name.to_owned(),
            administrator: now.is_administrator(kind, subject),
            summary: finding.summary.to_owned(),
        }
    }

    fn then(finding: &BeforeFinding, gone: bool, before: &Side<'_>) -> Self {
        let what = if gone {
            format!("The {} is gone; it was: ", finding.subject_kind.as_str().replace('_', " "))
        } else {
            "It was: ".to_owned()
        };
        Self {
            change: "resolved",
            severity: finding.severity,
            rule: finding.rule.clone(),
            subject: (finding.subject_kind, finding.subject_id.parse().ok(), finding.subject_id.clone()),
            id: finding.id.clone(),
            name: finding.subject_name.clone(),
            administrator: before.is_administrator(finding.subject_kind, &finding.subject_id),
            summary: format!("{what}{}", finding.summary),
        }
    }
}
