//! GOV-05: parts of the population that the review did not see. It judges last, to name the verdicts that this costs.

use super::{Context, Outcome, Rule, amount, cut, list, logins};
use crate::finding::{Finding, Judgement, Severity, Verdict};
use crate::graph::AccessGraph;
use crate::model::{Coverage, Gap, Part, PartCoverage, PartState, TwoFactor, User};

/// The most gaps that one finding shows; the coverage lists them all.
const SHOWN: usize = 5;

about! {
    id: "incomplete_collection",
    code: "GOV-05",
    title: "Collection incomplete",
    flags: "Every part of the population that was not seen whole, or whose answers prove nothing; a console of which \
            nothing was collected is one finding.",
    evidence: "The coverage of every part: what was expected, what was seen, and each gap.",
    why: "What was not seen is not certified: no verdict rests on it, and a sign-off must not either.",
    severity: Severity::High,
    click_path: "Administration > Users > Manage users > the service account: role Global Administrator with all sites \
                 and asset groups; mend what the gaps name, and run the review again.",
    api_call: "GET each endpoint that the gaps name, with the service account; the answer says what is missing.",
    needs: &Part::ALL,
    version: 3,
}

rule! {
    /// `[analyzers.incomplete_collection]`: GOV-05.
    IncompleteCollection {}
}

impl Rule for IncompleteCollection {
    fn examine(&self, context: Context<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        let Context { graph, .. } = context;
        let snapshot = graph.snapshot();
        let missing = uncollected(&snapshot.coverage);
        if let Some(first) = missing.first() {
            (outcome.examined, outcome.expected) = (missing.len() as u64, missing.len() as u64);
            let parts: Vec<Part> = missing.iter().map(|seen| seen.part).collect();
            outcome.findings.push(with_verdicts(not_collected(graph, first, &missing), &parts, context));
        }
        for part in Part::ALL.into_iter().filter(|part| !missing.iter().any(|seen| seen.part == *part)) {
            let seen = snapshot.coverage.part(part);
            let problem = seen.and_then(|seen| problem(seen.state).map(|problem| (seen, problem)));
            // Where no account is open, the answers prove what they had to.
            let problem = problem.filter(|(seen, _)| !is_two_factor(seen) || !open(graph).is_empty());
            outcome.judge(seen.map(|_| problem.is_some()), || {
                if let Some(seen) = seen.filter(|seen| is_two_factor(seen)) {
                    return with_verdicts(two_factor(graph, seen), &[part], context);
                }
                let (says, severity) = problem.map_or(("was not seen", Severity::High), |(_, problem)| problem);
                let summary = format!("Part {part} of console {} {says}", cut(&snapshot.console.name));
                let finding =
                    Finding::new(&ABOUT, &snapshot.console, severity, summary).aspect(part.as_str());
                let finding = seen.into_iter().fold(finding, evidence);
                with_verdicts(finding, &[part], context)
            });
        }
        outcome
    }
}

/// The parts of a console of which nothing was collected; none if anything was. A console that gave no answer was not
/// asked for its optional parts, and the roster and the logons do not come from it.
fn uncollected(coverage: &Coverage) -> Vec<&PartCoverage> {
    let always = |seen: &&PartCoverage| !Part::OPTIONAL.contains(&seen.part);
    let parts: Vec<_> = coverage.parts.iter().filter(always).collect();
    let nothing = parts.iter().all(|seen| seen.state == PartState::Incomplete && seen.examined == 0);
    if nothing { parts } else { Vec::new() }
}

/// One cause is one finding, whatever it costs.
fn not_collected(graph: &AccessGraph, first: &PartCoverage, missing: &[&PartCoverage]) -> Finding {
    let console = &graph.snapshot().console;
    let mut gaps = missing.iter().flat_map(|seen| &seen.gaps).map(describe);
    let why = gaps.next().unwrap_or_else(|| format!("{} gave no answer", first.part));
    let summary = format!("Console {} was not collected: {why}", cut(&console.name));
    let finding = Finding::new(&ABOUT, console, Severity::High, summary)
        .aspect("console")
        .with("parts", list(missing.iter().map(|seen| seen.part.as_str())));
    gaps.take(SHOWN).fold(finding, |finding, gap| finding.with("gap", gap))
}

fn is_two_factor(seen: &PartCoverage) -> bool {
    seen.part == Part::TwoFactor && seen.state == PartState::Undetermined
}

/// Local accounts whose two-factor state could not be determined, by id.
fn open(graph: &AccessGraph) -> Vec<&User> {
    let local = graph.users().iter().filter(|user| user.is_local() == Some(true));
    local.filter(|user| user.two_factor == TwoFactor::Undetermined).collect()
}

/// What gaps in these parts cost: verdicts that are not given, and verdicts that rest on a part of the population.
fn with_verdicts(finding: Finding, parts: &[Part], context: Context<'_>) -> Finding {
    let of = |wanted: &dyn Fn(&Judgement) -> bool| -> Vec<&str> {
        let looks_at = |judgement: &&Judgement| {
            let mut looked_at = judgement.rule.rests_on().chain(judgement.rule.uses.iter().copied());
            looked_at.any(|part| parts.contains(&part))
        };
        let wanted = context.so_far.iter().filter(looks_at).filter(|judgement| wanted(judgement));
        wanted.map(|judgement| &*judgement.rule.id).collect()
    };
    let withheld = of(&|judgement| {
        matches!(judgement.verdict, Verdict::Unknown | Verdict::Error) && !judgement.lacks_input
    });
    // The note of a rule that found something says what it did not see.
    let partial = of(&|judgement| judgement.verdict == Verdict::Fail && judgement.note.is_some());
    let named = [("verdicts withheld", withheld), ("judged in part", partial)];
    let named = named.into_iter().filter(|(_, rules)| !rules.is_empty());
    named.fold(finding, |finding, (label, rules)| finding.with(label, list(rules)))
}

/// Answers on some accounts prove nothing, those on the others do: the finding names the accounts.
fn two_factor(graph: &AccessGraph, seen: &PartCoverage) -> Finding {
    let local = || graph.users().iter().filter(|user| user.is_local() == Some(true));
    let open = open(graph);
    let summary = format!(
        "The two-factor state of {} of {} could not be determined",
        open.len(),
        amount(local().count(), "local account"),
    );
    let finding = Finding::new(&ABOUT, &graph.snapshot().console, Severity::Medium, summary)
        .aspect(Part::TwoFactor.as_str())
        .with("accounts", logins(&open))
        .with("remedy", "look the accounts up under Administration > Users; the API's answer shows neither state");
    evidence(finding, seen).affecting(open.iter().map(|user| user.id))
}

/// What is wrong with a part. An answer that proves nothing costs some verdicts, but no row of the population.
fn problem(state: PartState) -> Option<(&'static str, Severity)> {
    match state {
        PartState::Incomplete => Some(("was not seen whole", Severity::High)),
        PartState::Undetermined => Some(("was answered, but the answers prove nothing", Severity::Medium)),
        PartState::Complete | PartState::NotAsked => None,
    }
}

fn evidence(finding: Finding, seen: &PartCoverage) -> Finding {
    let expected = seen.expected.map_or_else(|| "unknown".to_owned(), |expected| expected.to_string());
    let finding = finding.with("expected", expected).with("examined", seen.examined.to_string());
    let finding = seen.gaps.iter().take(SHOWN).fold(finding, |finding, gap| finding.with("gap", describe(gap)));
    match seen.gaps.len().saturating_sub(SHOWN) {
        0 => finding,
        more => finding.with("gaps not shown", more.to_string()),
    }
}

fn describe(gap: &Gap) -> String {
    let id = gap.id.as_deref().map(|id| format!(" for {}", cut(id))).unwrap_or_default();
    let status = gap.last_status.map(|status| format!(", last status {status}")).unwrap_or_default();
    format!("{}{id}: {} after {}{status}", cut(&gap.endpoint), gap.reason.as_str(), amount(gap.attempts, "attempt"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::Policy;
    use crate::history::History;
    use crate::analyze::check::{Expect, check, findings};
    use crate::model::Snapshot;
    use crate::model::sample::{incomplete, local_user, snapshot, user};

    fn rule() -> IncompleteCollection {
        IncompleteCollection::default()
    }

    fn with_state(part: Part, state: PartState) -> Snapshot {
        let mut world = snapshot(vec![user(1, "mia")]);
        world.coverage.parts.iter_mut().find(|entry| entry.part == part).unwrap().state = state;
        world
    }

    #[test]
    fn passes_what_was_seen_or_rightly_not_asked() {
        check(&rule(), snapshot(Vec::new()), Expect::Pass);
        check(&rule(), with_state(Part::SiteUsers, PartState::NotAsked), Expect::Pass);
    }

    #[test]
    fn names_each_part_and_its_gaps() {
        let world = incomplete(incomplete(snapshot(Vec::new()), Part::UserSites), Part::Users);
        check(&rule(), world.clone(), Expect::Fail(&["hq", "hq"]));
        let found = findings(&rule(), world);
        assert_eq!(found.iter().map(|finding| finding.aspect.clone()).collect::<Vec<_>>(), ["users", "user_sites"]);
        let gap = "/api/3/users/{id}/sites for 7: unavailable after 4 attempts, last status 503";
        assert!(found[1].evidence.contains(&("gap", gap.into())));
    }

    #[test]
    fn undetermined_is_less_than_incomplete() {
        let mut world = with_state(Part::TwoFactor, PartState::Undetermined);
        world.users = vec![local_user(2, "ben"), User { two_factor: TwoFactor::Undetermined, ..local_user(3, "cy") }];
        let found = findings(&rule(), world);
        assert_eq!(found[0].summary, "The two-factor state of 1 of 2 local accounts could not be determined");
        assert_eq!(found[0].affected, [crate::model::UserId(3)]);
        assert_eq!(found[0].evidence[0], ("accounts", "cy".to_owned()));
        assert_eq!((&*found[0].aspect, found[0].severity), ("two_factor", Severity::Medium));
    }

    #[test]
    fn no_account_whose_state_is_open_is_no_finding() {
        let mut world = with_state(Part::TwoFactor, PartState::Undetermined);
        check(&rule(), world.clone(), Expect::Unknown);
        world.users = vec![local_user(2, "ben")];
        check(&rule(), world, Expect::Unknown);
    }

    #[test]
    fn a_console_of_which_nothing_was_collected_is_one_finding() {
        let mut world = snapshot(Vec::new());
        for part in Part::ALL {
            if Part::OPTIONAL.contains(&part) {
                world.coverage.parts.retain(|entry| entry.part != part);
                world.coverage.parts.push(PartCoverage {
                    part,
                    expected: None,
                    examined: 0,
                    state: PartState::NotAsked,
                    gaps: Vec::new(),
                });
            } else {
                world = incomplete(world, part);
            }
        }
        let gap = world.coverage.parts[0].gaps[0].clone();
        world.coverage.parts.iter_mut().for_each(|entry| entry.gaps.clear());
        world.coverage.parts[0].gaps.push(Gap { attempts: 1, ..gap });
        let found = findings(&rule(), world.clone());
        let says = "Console hq was not collected: /api/3/users/{id}/sites for 7: unavailable after 1 attempt, last status 503";
        assert_eq!((found.len(), found[0].summary.as_str(), found[0].severity), (1, says, Severity::High));
        let (label, parts) = &found[0].evidence[0];
        assert!(*label == "parts" && parts.starts_with(world.coverage.parts[0].part.as_str()), "{parts}");
        let users = world.coverage.parts.iter_mut().find(|entry| entry.part == Part::Users).unwrap();
        users.examined = 1;
        assert!(findings(&rule(), world).len() > 10, "a console that answered anything is told by its parts");
    }

    #[test]
    fn shows_the_first_of_many_gaps() {
        let mut world = incomplete(snapshot(Vec::new()), Part::UserSites);
        let entry = world.coverage.parts.iter_mut().find(|entry| entry.part == Part::UserSites).unwrap();
        entry.gaps = vec![entry.gaps[0].clone(); 50_000];
        let found = findings(&rule(), world);
        assert_eq!(found[0].evidence.last(), Some(&("gaps not shown", "49995".to_owned())));
    }

    #[test]
    fn a_part_that_is_not_mentioned_was_not_seen() {
        let mut world = snapshot(Vec::new());
        world.coverage.parts.retain(|entry| entry.part != Part::Sites);
        check(&rule(), world, Expect::Unknown);
    }

    #[test]
    fn judges_last_and_names_the_verdicts_withheld_and_those_in_part() {
        let locked = User { locked: Some(true), ..user(1, "mia") };
        let graph = AccessGraph::build(incomplete(snapshot(vec![locked]), Part::Users));
        let judgements = Policy::default().judge(&[graph], &History::default()).remove(0);
        let last = judgements.last().unwrap();
        assert_eq!(last.rule.id, ABOUT.id);
        let says = |label: &str| {
            let evidence = &last.findings[0].evidence;
            &evidence.iter().find(|(of, _)| *of == label).unwrap().1
        };
        assert!(says("judged in part").split(", ").any(|rule| rule == "locked_account"));
        assert!(says("verdicts withheld").contains("local_admin_without_2fa"));
        assert!(!says("verdicts withheld").contains("locked_account"));
    }

    #[test]
    fn a_gap_names_the_verdicts_that_it_costs_and_no_others() {
        let mia = User { two_factor: TwoFactor::Undetermined, ..local_user(1, "mia") };
        let world = incomplete(incomplete(snapshot(vec![mia]), Part::TwoFactor), Part::Roster);
        let graph = AccessGraph::build(world);
        let judgements = Policy::default().judge(&[graph], &History::default()).remove(0);
        let costs = |part: Part| {
            let found = judgements.last().unwrap().findings.iter().find(|found| found.aspect == part.as_str());
            format!("{:?}", found.unwrap().evidence)
        };
        assert!(costs(Part::TwoFactor).contains("local_user_without_2fa"), "{}", costs(Part::TwoFactor));
        assert!(!costs(Part::TwoFactor).contains("leaver_with_account"), "{}", costs(Part::TwoFactor));
        assert!(costs(Part::Roster).contains("leaver_with_account"), "{}", costs(Part::Roster));
        assert!(!costs(Part::Roster).contains("local_user_without_2fa"), "{}", costs(Part::Roster));
    }
}
