//! SOD-02: exceptions that somebody approved for themselves.

use std::collections::{BTreeMap, BTreeSet};

use super::{Actor, ActorKey, Context, Outcome, Rule, all_of, amount, cut, exceptions, list, with_exceptions};
use crate::finding::{Finding, Severity};
use crate::model::{Act, Exception, Part, UserId};

about! {
    id: "self_approved_exception",
    code: "SOD-02",
    title: "Exception approved by its submitter",
    flags: "Vulnerability exceptions and policy overrides that were approved by the account that had asked for them, or by \
            another account of the same person; those that have expired since included. A \
            deleted one may have been rejected, and stays open.",
    evidence: "Submitter and reviewer of each exception, and which accounts are one person's by roster, mailbox, or name \
               and login.",
    why: "A risk was accepted by the one who wanted it accepted: the second pair of eyes was missing in fact, not only in \
          the role model.",
    severity: Severity::Critical,
    click_path: "Administration > Exceptions and Overrides > Manage: have somebody else review each exception again, then \
                 take one side of the duty from the approver's role.",
    api_call: "POST /api/3/vulnerability_exceptions/{id}/reject or POST /api/3/policy_overrides/{id}/reject, then submit \
               it again and have somebody else approve it.",
    needs: &[Part::Users, Part::VulnerabilityExceptions, Part::PolicyOverrides],
    uses: &[Part::Roster],
    version: 2,
}

rule! {
    /// `[analyzers.self_approved_exception]`: SOD-02.
    SelfApprovedException {}
}

/// What one approver approved for the same person.
struct Approved<'a> {
    approver: Actor<'a>,
    exceptions: Vec<&'a Exception>,
    submitters: BTreeMap<ActorKey, Actor<'a>>,
}

impl Rule for SelfApprovedException {
    fn examine(&self, context: Context<'_>) -> Outcome {
        let graph = context.graph;
        let exceptions = match exceptions(graph.snapshot()) {
            Ok(exceptions) => exceptions,
            Err(lacking) => return lacking,
        };
        let mut decided: Vec<&Exception> = exceptions.iter().filter(|exception| was_decided(exception)).collect();
        decided.sort_by_key(|exception| (exception.kind, exception.id));
        let nobody = &Act::default();
        let acts = |act: fn(&Exception) -> &Option<Act>| {
            decided.iter().map(move |exception| act(exception).as_ref().unwrap_or(nobody))
        };
        // Asked for at once: all accounts are looked through for their names.
        let mut submitters =
            Actor::of(graph, acts(|exception| &exception.submitted).chain(acts(|exception| &exception.reviewed)));
        let approvers = submitters.split_off(decided.len());
        let mut outcome = Outcome::default();
        let mut found: BTreeMap<ActorKey, Approved<'_>> = BTreeMap::new();
        for ((exception, submitter), approver) in decided.iter().zip(submitters).zip(approvers) {
            outcome.expected += 1;
            let both = submitter.zip(approver);
            let same = both.and_then(|(submitter, approver)| approver.is_same_person(&submitter, context));
            let own = all_of([was_approved(exception), same]);
            outcome.examined += u64::from(own.is_some());
            if let (Some(true), Some((submitter, approver))) = (own, both) {
                let approved = found.entry(approver.key()).or_insert_with(|| Approved {
                    approver,
                    exceptions: Vec::new(),
                    submitters: BTreeMap::new(),
                });
                approved.exceptions.push(exception);
                approved.submitters.insert(submitter.key(), submitter);
            }
        }
        outcome.findings = found.into_values().map(|approved| finding(context, &approved)).collect();
        outcome
    }
}

/// Whether somebody decided on it, and did not turn it down. One that expired or was deleted before anybody reviewed it
/// was never decided; one that is approved was, whether the record names the reviewer or not.
fn was_decided(exception: &Exception) -> bool {
    match exception.is_approved() {
        Some(approved) => approved,
        None => exception.reviewed.is_some(),
    }
}

/// Whether it was approved: one that expired after a review had been. One that was deleted may have been rejected
/// before: `None`, as for a word that is not known.
fn was_approved(exception: &Exception) -> Option<bool> {
    let state = exception.state.as_deref()?.to_lowercase();
    matches!(state.as_str(), "approved" | "expired").then_some(true)
}

fn finding(context: Context<'_>, Approved { approver, exceptions, submitters }: &Approved<'_>) -> Finding {
    let (subject, aspect) = approver.subject(&context.graph.snapshot().console);
    let who = approver.label();
    let count = amount(exceptions.len(), "exception");
    let by_itself = submitters.len() == 1 && submitters.contains_key(&approver.key());
    let for_whom = if by_itself { "the same account" } else { "an account of the same person" };
    let summary = format!("{who} approved {count} that {for_whom} had asked for");
    let others: BTreeSet<UserId> = submitters
        .values()
        .filter_map(|submitter| match (submitter, approver) {
            (Actor::Account(user), Actor::Account(own)) if user.id == own.id => None,
            (Actor::Account(user), _) => Some(user.id),
            _ => None,
        })
        .collect();
    let finding = Finding::new(&ABOUT, subject, Severity::Critical, summary)
        .aspect(aspect)
        .with("approver", cut(&who))
        .with("asked for by", list(submitters.values().map(Actor::label)))
        .affecting(others);
    with_exceptions(finding, exceptions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Expect, check, findings};
    use crate::model::sample::{incomplete, known_as, person, snapshot, user};
    use crate::model::{Answer, ExceptionKind, Snapshot, User};

    fn rule() -> SelfApprovedException {
        SelfApprovedException::default()
    }

    fn by(id: impl Into<Option<i64>>, name: &str) -> Act {
        let name = (!name.is_empty()).then(|| name.to_owned());
        Act { user: id.into().map(UserId), name, at: "2026-11-02T08:00:00Z".parse().ok() }
    }

    fn exception(id: i64, state: &str, submitted: Option<Act>, reviewed: Option<Act>) -> Exception {
        Exception {
            kind: ExceptionKind::Vulnerability,
            id,
            state: Some(state.into()),
            about: None,
            scope: None,
            submitted,
            reviewed,
            expires: None,
        }
    }

    /// Accounts ana (1), her twin ana-vm (2) by mailbox, bo (3), and two of one person by the roster (4, 5).
    fn world(exceptions: Vec<Exception>) -> Snapshot {
        let twin = User { name: "Ana Example".into(), email: Some("ana@corp.example".into()), ..user(2, "ana-vm") };
        let mut world = snapshot(vec![
            User { name: "Ana Example".into(), ..user(1, "ana") },
            twin,
            user(3, "bo"),
            known_as(user(4, "cy"), person("7")),
            known_as(user(5, "cypher"), person("7")),
        ]);
        world.exceptions = Answer::Known(exceptions);
        world
    }

    #[test]
    fn the_approver_is_the_submitter_by_account_person_or_name() {
        for (says, submitted, reviewed, expected) in [
            ("one account", Some(by(1, "")), Some(by(1, "")), Expect::Fail(&["ana"])),
            ("an id and a login", Some(by(1, "")), Some(by(None, "ana")), Expect::Fail(&["ana"])),
            ("one mailbox", Some(by(1, "ana")), Some(by(2, "ana-vm")), Expect::Fail(&["ana-vm"])),
            ("one person of the roster", Some(by(4, "")), Some(by(5, "")), Expect::Fail(&["cypher"])),
            ("two people", Some(by(1, "ana")), Some(by(3, "bo")), Expect::Pass),
            ("one unlisted id", Some(by(99, "")), Some(by(99, "")), Expect::Fail(&["hq"])),
            ("another unlisted id", Some(by(99, "")), Some(by(3, "")), Expect::Unknown),
            ("one name of nobody", Some(by(None, "Eve")), Some(by(None, "eve ")), Expect::Fail(&["hq"])),
            ("the name of two accounts", Some(by(1, "")), Some(by(None, "Ana Example")), Expect::Fail(&["hq"])),
            ("other names of nobody", Some(by(None, "Eve")), Some(by(None, "Di")), Expect::Unknown),
            ("no submitter", None, Some(by(1, "")), Expect::Unknown),
            ("no reviewer", Some(by(1, "")), None, Expect::Unknown),
            ("nobody named", Some(by(1, "")), Some(by(None, "")), Expect::Unknown),
        ] {
            println!("{says}");
            check(&rule(), world(vec![exception(12, "Approved", submitted, reviewed)]), expected);
        }
    }

    #[test]
    fn only_what_was_approved_counts() {
        for (state, reviewed, expected) in [
            ("Approved", Some(by(1, "")), Expect::Fail(&["ana"][..])),
            ("Expired", Some(by(1, "")), Expect::Fail(&["ana"])),
            ("Deleted", Some(by(1, "")), Expect::Unknown),
            ("Rejected", Some(by(1, "")), Expect::NotApplicable),
            ("under-review", None, Expect::NotApplicable),
            ("Deleted", None, Expect::NotApplicable),
            ("Recalled", Some(by(1, "")), Expect::Unknown),
        ] {
            println!("{state}");
            check(&rule(), world(vec![exception(12, state, Some(by(1, "")), reviewed)]), expected);
        }
        for state in ["Recalled", "Deleted"] {
            check(&rule(), world(vec![exception(12, state, Some(by(1, "")), Some(by(3, "")))]), Expect::Pass);
        }
    }

    #[test]
    fn one_finding_for_an_approver_names_the_first_exceptions() {
        let own = |id| exception(id, "Approved", Some(by(1, "")), Some(by(1, "")));
        let found = findings(&rule(), world((1..=12).rev().map(own).collect()));
        assert_eq!((found.len(), found[0].severity), (1, Severity::Critical));
        assert_eq!(found[0].summary, "ana approved 12 exceptions that the same account had asked for");
        let (_, exceptions) = found[0].evidence.last().unwrap();
        assert!(exceptions.starts_with("vulnerability exception 1, approved 2026-11-02; vulnerability exception 2"));
        assert!(exceptions.ends_with("exception 10, approved 2026-11-02; and 2 more"), "{exceptions}");
        let console = world(Vec::new()).console;
        let override_of_twin = Exception { kind: ExceptionKind::Policy, ..exception(7, "approved", Some(by(2, "")), Some(by(1, ""))) };
        let other = findings(&rule(), world(vec![override_of_twin])).remove(0);
        assert_eq!(other.id(&console), found[0].id(&console));
        assert_eq!(other.affected, [UserId(2)]);
        assert!(other.evidence.last().unwrap().1.starts_with("policy override 7"));
    }

    #[test]
    fn without_the_exceptions_or_all_of_them_nothing_is_proven() {
        check(&rule(), world(Vec::new()), Expect::NotApplicable);
        for exceptions in [Answer::NotAsked, Answer::Missing] {
            check(&rule(), Snapshot { exceptions, ..world(Vec::new()) }, Expect::Unknown);
        }
        for part in [Part::Users, Part::VulnerabilityExceptions, Part::PolicyOverrides] {
            let fine = exception(12, "Approved", Some(by(1, "")), Some(by(3, "")));
            check(&rule(), incomplete(world(vec![fine]), part), Expect::Unknown);
        }
    }
}
