//! What a review judges by: the rules with their knobs, and what the configuration declares beside them; and the frame
//! that turns what a rule saw into a verdict.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Analyzers, Context, DeclaredAccount, Outcome, OwnRule, People, Powers, Rule, people};
use crate::finding::{Judgement, Verdict};
use crate::graph::AccessGraph;
use crate::history::History;
use crate::model::{Part, PartState, UserId};
use crate::waiver::Waiver;

/// The rules that speak of what the others concluded.
const LAST: &[&str] = &["waiver_hygiene", "incomplete_collection"];

/// Everything that a review judges by.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// The rules and their knobs.
    pub analyzers: Analyzers,
    /// Rules of the configuration.
    pub own: Vec<OwnRule>,
    /// Service and break-glass accounts, and whose account is whose.
    pub accounts: Vec<DeclaredAccount>,
    /// Exceptions to rules.
    pub waivers: Vec<Waiver>,
}

impl Policy {
    /// Every rule, in the order of judging.
    pub fn rules(&self) -> Vec<&dyn Rule> {
        let mut rules = self.analyzers.rules();
        // The last rules speak of the verdicts before them.
        let last = rules.iter().position(|rule| LAST.contains(&&*rule.about().id)).unwrap_or(rules.len());
        rules.splice(last..last, self.own.iter().map(|rule| rule as &dyn Rule));
        rules
    }

    /// The optional parts of a collection that the rules which are switched on look at.
    pub fn wants(&self) -> BTreeSet<Part> {
        // The rule about the coverage speaks of every part that was asked, and asks for none.
        let asks = |rule: &&dyn Rule| rule.enabled() && rule.about().id != "incomplete_collection";
        let enabled = self.rules().into_iter().filter(asks);
        let parts = enabled.flat_map(|rule| [&rule.about().needs[..], rule.about().uses].concat());
        parts.filter(|part| Part::OPTIONAL.contains(part)).collect()
    }

    /// What is wrong with the knobs, each with its table's name; to be refused before anything is judged.
    pub fn mistakes(&self) -> Vec<String> {
        let mistake = |rule: &&dyn Rule| {
            rule.mistake().map(|mistake| format!("analyzers.{}: {mistake}", rule.about().id))
        };
        self.rules().iter().filter_map(mistake).collect()
    }

    /// The declaration of an account. The configuration has one at most for each account of a console.
    pub fn declared(&self, console: &str, login: &str) -> Option<&DeclaredAccount> {
        self.accounts.iter().find(|account| account.is_login(login) && account.is_on(console))
    }

    /// Judges every console of an estate by every rule. A rule that panics is a bug; it yields the verdict *error* and
    /// ends nothing.
    pub fn judge(&self, estate: &[AccessGraph], history: &History) -> Vec<Vec<Judgement>> {
        let people = People::default();
        estate.iter().map(|graph| self.judge_console(graph, estate, history, &people)).collect()
    }

    /// The accounts of each person who has several, by the places of their consoles, in the order of the estate.
    pub fn people(&self, estate: &[AccessGraph]) -> Vec<Vec<(usize, UserId)>> {
        people(estate, self)
    }

    fn judge_console(
        &self,
        graph: &AccessGraph,
        estate: &[AccessGraph],
        history: &History,
        people: &People,
    ) -> Vec<Judgement> {
        let combinations = self.analyzers.toxic_combination.combinations();
        let powers = &Powers::new(&combinations, graph);
        let now = graph.snapshot().finished;
        let mut judgements: Vec<Judgement> = Vec::new();
        for rule in self.rules() {
            let context =
                Context { graph, now, policy: self, history, estate, so_far: &judgements, powers, people };
            let judgement = judge(rule, context);
            judgements.push(judgement);
        }
        judgements
    }
}

/// Judges by one rule.
pub(super) fn judge(rule: &dyn Rule, context: Context<'_>) -> Judgement {
    let about = rule.about();
    let mut judgement = Judgement {
        rule: about.clone(),
        controls: rule.controls(),
        verdict: Verdict::Pass,
        examined: 0,
        expected: 0,
        note: None,
        lacks_input: false,
        findings: Vec::new(),
    };
    if !rule.enabled() {
        judgement.verdict = Verdict::NotApplicable;
        judgement.note = Some("switched off in the configuration".to_owned());
        return judgement;
    }
    let Ok(mut outcome) = catch_unwind(AssertUnwindSafe(|| rule.examine(context))) else {
        judgement.verdict = Verdict::Error;
        judgement.note = Some("the rule broke; this is a bug in recert".to_owned());
        return judgement;
    };
    if let Some(severity) = rule.severity() {
        outcome.findings.iter_mut().for_each(|finding| finding.severity = severity);
    }
    let coverage = &context.graph.snapshot().coverage;
    let undetermined =
        |part: &Part| coverage.part(*part).is_some_and(|seen| seen.state == PartState::Undetermined);
    let names = |parts: Vec<Part>| parts.into_iter().map(Part::as_str).collect::<Vec<_>>();
    let open = names(about.rests_on().filter(undetermined).collect());
    // An optional part that nobody asked for is what the rule says that it lacks.
    let absent = |part: &Part| Part::OPTIONAL.contains(part) && coverage.part(*part).is_none();
    let unseen = |part: &Part| !coverage.is_complete(*part) && !undetermined(part) && !absent(part);
    let unseen = names(about.rests_on().filter(unseen).collect());
    (judgement.verdict, judgement.note) = conclude(&outcome, &unseen, &open);
    judgement.lacks_input = outcome.lacks.is_some() && unseen.is_empty() && open.is_empty();
    judgement.examined = outcome.examined;
    judgement.expected = outcome.expected;
    judgement.findings = outcome.findings;
    judgement
}

/// A finding always counts. Without one, absence proves nothing unless everything was seen.
fn conclude(outcome: &Outcome, unseen: &[&str], undetermined: &[&str]) -> (Verdict, Option<String>) {
    let missing = outcome.expected.saturating_sub(outcome.examined);
    let said =
        |says: &str, parts: &[&str]| (!parts.is_empty()).then(|| format!("{says}: {}", parts.join(", ")));
    let parts: Vec<String> = [said("not seen whole", unseen), said("undetermined in part", undetermined)]
        .into_iter()
        .flatten()
        .collect();
    let note = match (parts.is_empty(), outcome.lacks, missing) {
        (false, ..) => Some(parts.join("; ")),
        (true, Some(lacks), _) => Some(lacks.to_owned()),
        (true, None, 0) => None,
        (true, None, missing) => {
            let hint = outcome.hint.as_ref().map(|hint| format!(": {hint}")).unwrap_or_default();
            Some(format!("{missing} of {} could not be judged{hint}", outcome.expected))
        }
    };
    let verdict = if !outcome.findings.is_empty() {
        Verdict::Fail
    } else if note.is_some() {
        Verdict::Unknown
    } else if outcome.expected == 0 {
        Verdict::NotApplicable
    } else {
        Verdict::Pass
    };
    (verdict, note)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::User;
    use crate::model::sample::{snapshot, user};

    #[test]
    fn conclusions_follow_from_findings_and_coverage() {
        let outcome = |examined, expected| Outcome { examined, expected, ..Outcome::default() };
        assert_eq!(conclude(&outcome(3, 3), &[], &[]).0, Verdict::Pass);
        assert_eq!(conclude(&outcome(0, 0), &[], &[]).0, Verdict::NotApplicable);
        assert_eq!(conclude(&outcome(2, 3), &[], &[]).0, Verdict::Unknown);
        assert_eq!(conclude(&outcome(3, 3), &["users"], &[]).0, Verdict::Unknown);
        assert_eq!(conclude(&outcome(0, 0), &["users"], &[]).0, Verdict::Unknown);
        let lacking = Outcome::lacking("there is no roster");
        assert_eq!(conclude(&lacking, &[], &[]), (Verdict::Unknown, Some("there is no roster".to_owned())));
    }

    #[test]
    fn a_declaration_is_found_by_console_and_login_without_case() {
        let accounts =
            vec![DeclaredAccount { console: Some("hq".to_owned()), ..DeclaredAccount::of("svc-scan") }];
        let policy = Policy { accounts, ..Policy::default() };
        assert!(policy.declared("hq", "SVC-scan").is_some());
        assert!(policy.declared("lab", "svc-scan").is_none() && policy.declared("hq", "svc").is_none());
    }

    #[test]
    fn every_console_of_an_estate_is_judged_at_its_own_time() {
        let locked = User { locked: Some(true), ..user(1, "mia") };
        let estate = [snapshot(vec![locked]), snapshot(vec![user(2, "bo")])].map(AccessGraph::build);
        let judgements = Policy::default().judge(&estate, &History::default());
        let verdict = |console: usize| {
            judgements[console]
                .iter()
                .find(|judgement| judgement.rule.id == "locked_account")
                .map(|j| j.verdict)
        };
        assert_eq!((verdict(0), verdict(1)), (Some(Verdict::Fail), Some(Verdict::Pass)));
    }
}
