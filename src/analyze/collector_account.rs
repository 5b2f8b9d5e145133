//! PRIV-07: recert's own account on the console, held to what it asks of others.

use super::{AccountKind, Context, Outcome, Rule, any_of, conjoin, cut, list};
use crate::finding::{Finding, Severity};
use crate::graph::AccessGraph;
use crate::model::{Act, Part, User};

about! {
    id: "collector_account",
    code: "PRIV-07",
    title: "Collecting account is not declared or does more than review",
    flags: "The account that recert itself logs in with, if it is not declared as a service account, if its review is \
            overdue, or if it starts scans, asks for exceptions or decides on them.",
    evidence: "The declarations, the recent scans, and the vulnerability exceptions and policy overrides.",
    why: "The account needs the role Global Administrator to see everything; whoever else uses it can do everything, and \
          its own reviews would not show who.",
    severity: Severity::Info,
    click_path: "Declare the account in the configuration as kind = \"service\" with owner, purpose and review date; give \
                 whatever else logs in with it an account of its own, and change the password.",
    api_call: "PUT /api/3/users/{id}/password changes the password.",
    needs: &[Part::Users],
    uses: &[Part::Scans, Part::VulnerabilityExceptions, Part::PolicyOverrides],
    version: 2,
}

rule! {
    /// `[analyzers.collector_account]`: PRIV-07.
    CollectorAccount {}
}

impl Rule for CollectorAccount {
    fn examine(&self, context: Context<'_>) -> Outcome {
        let Context { graph, .. } = context;
        let mut outcome = Outcome::default();
        let Some(user) = graph.snapshot().collector.user.and_then(|id| graph.user(id)) else {
            // Its record was not found: one subject that cannot be judged.
            outcome.expected = 1;
            return outcome;
        };
        let declared = context.declared(user).filter(|one| one.kind == AccountKind::Service);
        let overdue = declared.and_then(|one| one.review).filter(|day| *day < context.now.date_naive());
        let work = Work::of(graph, user);
        let wrong = any_of([Some(declared.is_none()), Some(overdue.is_some()), work.is_any()]);
        outcome.judge(wrong, || {
            let mut reasons = Vec::new();
            if declared.is_none() {
                reasons.push("is not declared as a service account");
            }
            if overdue.is_some() {
                reasons.push("is overdue for review");
            }
            if work.is_any() == Some(true) {
                reasons.push("does more than review");
            }
            let summary = format!("The collecting account {} {}", cut(&user.login), conjoin(&reasons));
            let declaration = declared.map_or("none", |one| one.purpose.as_deref().unwrap_or("without a purpose"));
            let mut finding = Finding::new(&ABOUT, user, Severity::Info, summary).with("declaration", cut(declaration));
            if let Some(day) = overdue {
                finding = finding.with("review was due", day.to_string());
            }
            for (label, items) in [("scans started", &work.scans), ("exceptions", &work.exceptions)] {
                if !items.is_empty() {
                    finding = finding.with(label, list(items));
                }
            }
            finding
        });
        outcome
    }
}

/// What an account did beside reviewing.
struct Work {
    scans: Vec<String>,
    exceptions: Vec<String>,
    /// Whether everything that would show more was seen.
    is_whole: bool,
}

impl Work {
    fn of(graph: &AccessGraph, user: &User) -> Self {
        let snapshot = graph.snapshot();
        let scans: Vec<_> = snapshot.scans.known().into_iter().flatten().collect();
        let exceptions: Vec<_> = snapshot.exceptions.known().into_iter().flatten().collect();
        // Each act beside the words that tell of it.
        let started: Vec<Act> =
            scans.iter().map(|scan| Act { name: Some(scan.started_by.clone()), ..Act::default() }).collect();
        let (acts, labels): (Vec<&Act>, Vec<String>) = exceptions
            .iter()
            .flat_map(|exception| {
                let acts = [(&exception.submitted, "submitted"), (&exception.reviewed, "decided on")];
                acts.into_iter().filter_map(|(act, verb)| Some((act.as_ref()?, format!("{verb} {}", exception.label()))))
            })
            .unzip();
        let own = |actor: &Option<crate::model::UserId>| *actor == Some(user.id);
        let actors = graph.actors(started.iter().chain(acts));
        let (starters, deciders) = actors.split_at(started.len());
        let parts = [Part::Scans, Part::VulnerabilityExceptions, Part::PolicyOverrides];
        Self {
            scans: starters
                .iter()
                .zip(&scans)
                .filter(|(actor, _)| own(actor))
                .map(|(_, scan)| format!("{} as {}, the last on {}", scan.scans, scan.started_by, scan.last.format("%F")))
                .collect(),
            exceptions: deciders
                .iter()
                .zip(labels)
                .filter(|(actor, _)| own(actor))
                .map(|(_, label)| label)
                .collect(),
            is_whole: parts.iter().all(|part| snapshot.coverage.was_seen(*part)),
        }
    }

    fn is_any(&self) -> Option<bool> {
        let any = !self.scans.is_empty() || !self.exceptions.is_empty();
        if any { Some(true) } else { self.is_whole.then_some(false) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Around, Expect, check, check_in, judged};
    use crate::analyze::{DeclaredAccount, Policy};
    use crate::model::sample::{global_admin, incomplete, snapshot, user};
    use crate::model::{Answer, Exception, ExceptionKind, PartState, ScanActivity, Snapshot, UserId};

    fn rule() -> CollectorAccount {
        CollectorAccount::default()
    }

    fn world() -> Snapshot {
        let mut world = snapshot(vec![global_admin(1, "svc-recert"), user(2, "mia")]);
        world.collector.user = Some(UserId(1));
        world
    }

    fn declared(kind: AccountKind, review: &str) -> Around {
        let one = DeclaredAccount {
            kind,
            owner: Some("Maria Boss".into()),
            purpose: Some("access reviews".into()),
            review: Some(review.parse().unwrap()),
            ..DeclaredAccount::of("SVC-Recert")
        };
        Around { policy: Policy { accounts: vec![one], ..Policy::default() }, ..Around::default() }
    }

    fn fine() -> Around {
        declared(AccountKind::Service, "2027-01-31")
    }

    fn scanned(by: &str) -> Snapshot {
        let last = "2026-09-20T08:00:00Z".parse().unwrap();
        Snapshot { scans: Answer::Known(vec![ScanActivity { started_by: by.into(), scans: 3, last }]), ..world() }
    }

    fn excepted(submitted: Option<Act>, reviewed: Option<Act>) -> Snapshot {
        let exception = Exception {
            kind: ExceptionKind::Policy,
            id: 12,
            state: None,
            about: None,
            scope: None,
            submitted,
            reviewed,
            expires: None,
        };
        Snapshot { exceptions: Answer::Known(vec![exception]), ..world() }
    }

    #[test]
    fn wants_a_declaration_as_a_service_account() {
        check(&rule(), world(), Expect::Fail(&["svc-recert"]));
        check_in(&rule(), world(), &declared(AccountKind::Shared, "2027-01-31"), Expect::Fail(&["svc-recert"]));
        check_in(&rule(), world(), &fine(), Expect::Pass);
    }

    #[test]
    fn the_review_day_is_in_time() {
        let on = |day| declared(AccountKind::Service, day);
        assert_eq!(world().finished.format("%F").to_string(), "2026-09-21");
        check_in(&rule(), world(), &on("2026-09-20"), Expect::Fail(&["svc-recert"]));
        check_in(&rule(), world(), &on("2026-09-21"), Expect::Pass);
        check_in(&rule(), world(), &on("2026-09-22"), Expect::Pass);
    }

    #[test]
    fn tells_of_other_work_under_login_name_or_id() {
        let by = |user, name: Option<&str>| Act { user, name: name.map(str::to_owned), at: None };
        for (world, evidence) in [
            (scanned("svc-recert"), ("scans started", "3 as svc-recert, the last on 2026-09-20")),
            (scanned("svc-recert Example"), ("scans started", "3 as svc-recert Example, the last on 2026-09-20")),
            (excepted(Some(by(Some(UserId(1)), None)), None), ("exceptions", "submitted policy override 12")),
            (excepted(None, Some(by(None, Some("svc-recert")))), ("exceptions", "decided on policy override 12")),
        ] {
            let found = judged(&rule(), world, &fine()).findings.remove(0);
            assert_eq!(found.summary, "The collecting account svc-recert does more than review");
            assert_eq!(found.evidence.last(), Some(&(evidence.0, evidence.1.to_owned())));
            assert_eq!(found.severity, Severity::Info);
        }
        check_in(&rule(), scanned("mia"), &fine(), Expect::Pass);
        check_in(&rule(), excepted(Some(by(Some(UserId(2)), None)), None), &fine(), Expect::Pass);
    }

    #[test]
    fn one_finding_with_all_reasons() {
        let found = judged(&rule(), scanned("svc-recert"), &Around::default()).findings;
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].summary,
            "The collecting account svc-recert is not declared as a service account and does more than review"
        );
        let console = world().console;
        assert_eq!(found[0].id(&console), judged(&rule(), world(), &Around::default()).findings[0].id(&console));
    }

    #[test]
    fn what_was_not_seen_proves_nothing() {
        let unfound = Snapshot { collector: snapshot(Vec::new()).collector, ..world() };
        check_in(&rule(), unfound, &fine(), Expect::Unknown);
        for part in [Part::Users, Part::Scans, Part::VulnerabilityExceptions, Part::PolicyOverrides] {
            check_in(&rule(), incomplete(world(), part), &fine(), Expect::Unknown);
        }
        let mut unasked = world();
        unasked.coverage.parts.retain(|entry| entry.part != Part::Scans);
        check_in(&rule(), unasked, &fine(), Expect::Unknown);
        let mut needless = world();
        needless.coverage.parts.iter_mut().filter(|entry| entry.part == Part::Scans).for_each(|entry| {
            entry.state = PartState::NotAsked;
        });
        check_in(&rule(), needless, &fine(), Expect::Unknown);
        check(&rule(), incomplete(world(), Part::Scans), Expect::Fail(&["svc-recert"]));
    }
}
