//! SOD-03: exceptions in force whose approver nobody can hold to account, or who may not approve any more.

use std::collections::{BTreeMap, HashSet};

use compact_str::CompactString;
use chrono::{DateTime, NaiveDate, Utc};

use super::{
    AccountKind, Actor, ActorKey, Context, Outcome, Rule, amount, conjoin, cut, exceptions, has_left, holds_everything,
    with_exceptions,
};
use crate::finding::{Finding, Severity};
use crate::model::{Exception, ExceptionKind, Part, User};

about! {
    id: "unaccountable_approver",
    code: "SOD-03",
    title: "Approver who cannot answer for an exception",
    flags: "Approvers of vulnerability exceptions and policy overrides in force that are not listed any more, are \
            disabled, have left, are shared or generic accounts, or may not approve such an exception any more.",
    evidence: "The reviewer of each exception in force, the account's state, privileges and person, and what \
               shared_or_generic_account found. For a policy override, approve-vulnerability-exceptions, manage-policies \
               and manage-advpolicies all count as the right to approve: the console documents none of them for it.",
    why: "The accepted risk has no owner: nobody who could be asked stands behind the decision.",
    severity: Severity::High,
    click_path: "Administration > Exceptions and Overrides > Manage: have somebody who is entitled to it review each \
                 exception of this approver again.",
    api_call: "GET /api/3/vulnerability_exceptions and /api/3/policy_overrides, then POST …/{id}/reject for what nobody \
               stands behind.",
    needs: &[Part::Users, Part::UserPrivileges, Part::VulnerabilityExceptions, Part::PolicyOverrides, Part::Roster],
    version: 3,
}

rule! {
    /// `[analyzers.unaccountable_approver]`: SOD-03.
    UnaccountableApprover {}
}

/// The privileges any of which lets an account approve.
fn rights(kind: ExceptionKind) -> &'static [&'static str] {
    match kind {
        ExceptionKind::Vulnerability => &["approve-vulnerability-exceptions"],
        ExceptionKind::Policy => &["approve-vulnerability-exceptions", "manage-policies", "manage-advpolicies"],
    }
}

/// An approver and what is, or may be, in force by their word.
struct Approved<'a> {
    approver: Actor<'a>,
    exceptions: Vec<(&'a Exception, Option<bool>)>,
}

impl Rule for UnaccountableApprover {
    fn examine(&self, context: Context<'_>) -> Outcome {
        let graph = context.graph;
        let exceptions = match exceptions(graph.snapshot()) {
            Ok(exceptions) => exceptions,
            Err(lacking) => return lacking,
        };
        let mut outcome = Outcome::default();
        let mut in_force: Vec<(&Exception, Option<bool>)> = exceptions
            .iter()
            .map(|exception| (exception, is_in_force(exception, context.now)))
            .filter(|(_, in_force)| *in_force != Some(false))
            .collect();
        in_force.sort_by_key(|(exception, _)| (exception.kind, exception.id));
        // One without a reviewer cannot be judged.
        let reviewed = in_force.iter().filter_map(|(exception, _)| exception.reviewed.as_ref());
        let mut actors = Actor::of(graph, reviewed).into_iter();
        let mut approvers: BTreeMap<ActorKey, Approved<'_>> = BTreeMap::new();
        for (exception, in_force) in in_force {
            let approver = exception.reviewed.as_ref().and_then(|_| actors.next().flatten());
            match approver {
                Some(approver) => approvers
                    .entry(approver.key())
                    .or_insert_with(|| Approved { approver, exceptions: Vec::new() })
                    .exceptions
                    .push((exception, in_force)),
                None => outcome.expected += 1,
            }
        }
        let known = Known::of(context, approvers.keys().any(|key| matches!(key, ActorKey::Named(_))));
        for approved in approvers.values() {
            let (reasons, open) = known.reasons(context, approved);
            let certain = approved.exceptions.iter().any(|(_, in_force)| *in_force == Some(true));
            let wrong = match (reasons.is_empty(), open, certain) {
                (false, _, true) => Some(true),
                (true, false, _) => Some(false),
                _ => None,
            };
            outcome.judge(wrong, || finding(context, approved, &reasons));
        }
        // That nobody has left is no answer where nobody was asked.
        if outcome.expected > 0 && graph.snapshot().roster.is_none() {
            outcome.lacks = Some("whether approvers have left is not known: add a [roster] table");
        }
        outcome
    }
}

/// Whether it counts now: approved, and its end is not over. `None` if that is written in words that are not known.
fn is_in_force(exception: &Exception, now: DateTime<Utc>) -> Option<bool> {
    let state = exception.state.as_deref().map(str::to_lowercase);
    let approved = match (exception.is_approved(), state.as_deref()) {
        (Some(approved), _) => Some(approved),
        (None, Some("expired" | "deleted")) => Some(false),
        (None, _) => None,
    };
    super::all_of([approved, has_not_ended(exception, now)])
}

/// A moment, or a day with whose end it ends.
fn has_not_ended(exception: &Exception, now: DateTime<Utc>) -> Option<bool> {
    let Some(written) = exception.expires.as_deref().map(str::trim).filter(|text| !text.is_empty()) else {
        return Some(true);
    };
    let moment = DateTime::parse_from_rfc3339(written).ok().map(|end| now < end.with_timezone(&Utc));
    moment.or_else(|| written.parse::<NaiveDate>().ok().map(|day| now.date_naive() <= day))
}

/// What the rule looks up for every approver.
struct Known<'a> {
    /// Whether every account of the console was listed.
    all_users: bool,
    /// Accounts behind which several people may stand, by what an earlier rule found.
    shared: HashSet<&'a str>,
    affected: HashSet<crate::model::UserId>,
    /// Every login and full name, if a name has to be looked up.
    names: HashSet<CompactString>,
}

impl<'a> Known<'a> {
    fn of(context: Context<'a>, wants_names: bool) -> Self {
        let graph = context.graph;
        let found = context.so_far.iter().filter(|judgement| judgement.rule.id == "shared_or_generic_account");
        let found: Vec<&Finding> = found.flat_map(|judgement| &judgement.findings).collect();
        let of_users = found.iter().filter(|found| found.subject.kind == crate::finding::SubjectKind::User);
        let names = graph.users().iter().filter(|_| wants_names).flat_map(|user| [&user.login, &user.name]);
        Self {
            all_users: graph.snapshot().saw_everyone(),
            shared: of_users.map(|found| found.subject.id.as_str()).collect(),
            affected: found.iter().flat_map(|found| &found.affected).copied().collect(),
            names: names.map(CompactString::to_lowercase).collect(),
        }
    }

    /// Why an approver cannot answer, and whether more could be wrong that is not known.
    fn reasons(&self, context: Context<'_>, approved: &Approved<'_>) -> (Vec<String>, bool) {
        let answers: Vec<(Option<bool>, String)> = match approved.approver {
            Actor::Account(user) => self.of_account(context, user, &approved.exceptions),
            Actor::Unlisted(..) => vec![(self.all_users.then_some(true), "is not listed any more".to_owned())],
            Actor::Named(name) => {
                let several = self.names.contains(name.trim().to_lowercase().as_str());
                let gone = (self.all_users && !several).then_some(true);
                vec![(gone, "is not listed any more".to_owned())]
            }
        };
        let open = answers.iter().any(|(answer, _)| answer.is_none());
        (answers.into_iter().filter(|(answer, _)| *answer == Some(true)).map(|(_, says)| says).collect(), open)
    }

    fn of_account(
        &self,
        context: Context<'_>,
        user: &User,
        exceptions: &[(&Exception, Option<bool>)],
    ) -> Vec<(Option<bool>, String)> {
        let declared = context.declared(user).is_some_and(|declared| declared.kind == AccountKind::Shared);
        let found = self.shared.contains(user.id.to_string().as_str()) || self.affected.contains(&user.id);
        let mut answers = vec![
            (user.enabled.map(|enabled| !enabled), "is disabled".to_owned()),
            (has_left(user, context.now), "has left".to_owned()),
            (Some(declared || found), "is a shared or generic account".to_owned()),
        ];
        for kind in [ExceptionKind::Vulnerability, ExceptionKind::Policy] {
            if exceptions.iter().any(|(exception, _)| exception.kind == kind) {
                let may = holds_any(user, rights(kind));
                answers.push((may.map(|may| !may), format!("may not approve a {} any more", kind.words())));
            }
        }
        answers
    }
}

fn holds_any(user: &User, privileges: &[&str]) -> Option<bool> {
    if holds_everything(user)? {
        return Some(true);
    }
    let held = user.effective_privileges()?;
    Some(privileges.iter().any(|id| held.contains(*id)))
}

fn finding(context: Context<'_>, Approved { approver, exceptions }: &Approved<'_>, reasons: &[String]) -> Finding {
    let (subject, aspect) = approver.subject(&context.graph.snapshot().console);
    let in_force: Vec<&Exception> =
        exceptions.iter().filter(|(_, in_force)| *in_force == Some(true)).map(|(exception, _)| *exception).collect();
    let who = match approver {
        Actor::Account(_) => approver.label(),
        Actor::Unlisted(id, None) => format!("The user with id {id}"),
        Actor::Unlisted(_, Some(name)) | Actor::Named(name) => cut(name).into_owned(),
    };
    let count = amount(in_force.len(), "exception");
    let summary = format!("{who}, who approved {count} in force, {}", conjoin(reasons));
    let mut finding = Finding::new(&ABOUT, subject, Severity::High, summary)
        .aspect(aspect)
        .with("approver", approver.label())
        .with("reasons", reasons.join("; "));
    if let Actor::Account(user) = approver {
        finding = finding.with("role", cut(&user.role.label()));
    }
    with_exceptions(finding, &in_force)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Around, Expect, check, check_in, findings, judged};
    use crate::analyze::{DeclaredAccount, SharedOrGenericAccount};
    use crate::model::sample::{global_admin, incomplete, known_as, person, snapshot, user, with_role, with_roster};
    use crate::model::{Answer, Act, CollectorRights, Person, Snapshot, UserId};

    fn rule() -> UnaccountableApprover {
        UnaccountableApprover::default()
    }

    fn exception(id: i64, reviewed: Option<Act>) -> Exception {
        Exception {
            kind: ExceptionKind::Vulnerability,
            id,
            state: Some("Approved".into()),
            about: None,
            scope: None,
            submitted: None,
            reviewed,
            expires: None,
        }
    }

    fn by(id: impl Into<Option<i64>>, name: &str) -> Act {
        let name = (!name.is_empty()).then(|| name.to_owned());
        Act { user: id.into().map(UserId), name, at: None }
    }

    fn approver() -> User {
        with_role(user(1, "mia"), "Approver", &["approve-vulnerability-exceptions"])
    }

    fn with(users: Vec<User>, exceptions: Vec<Exception>) -> Snapshot {
        Snapshot { exceptions: Answer::Known(exceptions), ..with_roster(snapshot(users)) }
    }

    /// One exception that this account approved.
    fn world(approver: User) -> Snapshot {
        with(vec![approver], vec![exception(12, Some(by(1, "mia")))])
    }

    #[test]
    fn each_reason_counts_and_what_is_not_known_is_unknown() {
        let left = Person { employed: Some(false), ..person("7") };
        let unsure = Person { employed: None, ..person("7") };
        let mut unanswered = approver();
        (unanswered.privileges, unanswered.role.privileges) = (Answer::Missing, None);
        for (says, account, expected) in [
            ("fine", approver(), Expect::Pass),
            ("an administrator", global_admin(1, "mia"), Expect::Pass),
            ("disabled", User { enabled: Some(false), ..approver() }, Expect::Fail(&["mia"])),
            ("perhaps disabled", User { enabled: None, ..approver() }, Expect::Unknown),
            ("left", known_as(approver(), left), Expect::Fail(&["mia"])),
            ("perhaps left", known_as(approver(), unsure), Expect::Unknown),
            ("without the right", with_role(user(1, "mia"), "Ops", &["manage-policies"]), Expect::Fail(&["mia"])),
            ("perhaps without", unanswered, Expect::Unknown),
        ] {
            println!("{says}");
            check(&rule(), world(account), expected);
        }
    }

    #[test]
    fn without_a_roster_nobody_knows_who_has_left() {
        let alone = |world: Snapshot| {
            let mut world = Snapshot { roster: None, ..world };
            world.users.iter_mut().for_each(|user| user.person = crate::model::RosterMatch::NotAsked);
            judged(&rule(), world, &Around::default())
        };
        let fine = alone(world(approver()));
        assert_eq!((fine.verdict, fine.lacks_input), (crate::finding::Verdict::Unknown, true));
        assert!(fine.note.is_some_and(|note| note.contains("[roster]")));
        let gone = alone(world(User { enabled: Some(false), ..approver() }));
        assert_eq!(gone.verdict, crate::finding::Verdict::Fail);
        let none = alone(with(vec![approver()], Vec::new()));
        assert_eq!(none.verdict, crate::finding::Verdict::NotApplicable);
    }

    #[test]
    fn all_reasons_of_an_approver_are_one_finding() {
        let gone = User { enabled: Some(false), ..user(1, "mia") };
        let twice = vec![exception(13, Some(by(1, ""))), exception(12, Some(by(None, "mia")))];
        let found = findings(&rule(), with(vec![gone], twice));
        assert_eq!((found.len(), found[0].severity), (1, Severity::High));
        let says = "mia, who approved 2 exceptions in force, is disabled and may not approve a vulnerability exception any \
                    more";
        assert_eq!(found[0].summary, says);
        let console = snapshot(Vec::new()).console;
        let renamed = User { enabled: Some(false), login: "mia.m".into(), ..approver() };
        assert_eq!(findings(&rule(), world(renamed))[0].id(&console), found[0].id(&console));
    }

    #[test]
    fn a_policy_override_may_be_approved_with_a_policy_right() {
        let account = with_role(user(1, "mia"), "Ops", &["manage-policies"]);
        let policy = Exception { kind: ExceptionKind::Policy, ..exception(3, Some(by(1, ""))) };
        check(&rule(), with(vec![account], vec![policy.clone()]), Expect::Pass);
        check(&rule(), with(vec![user(1, "mia")], vec![policy]), Expect::Fail(&["mia"]));
    }

    #[test]
    fn who_is_not_listed_is_told_on_the_console_if_all_are_listed() {
        for reviewed in [Some(by(99, "eve")), Some(by(99, "")), Some(by(None, "eve"))] {
            let gone = with(vec![approver()], vec![exception(12, reviewed)]);
            check(&rule(), gone.clone(), Expect::Fail(&["hq"]));
            check(&rule(), incomplete(gone.clone(), Part::Users), Expect::Unknown);
            let mut limited = gone;
            limited.collector.rights = CollectorRights::Limited;
            check(&rule(), limited, Expect::Unknown);
        }
        let twins = [1, 2].map(|id| User { name: "Ana Silva".into(), ..approver_with(id) });
        check(&rule(), with(twins.to_vec(), vec![exception(12, Some(by(None, "Ana Silva")))]), Expect::Unknown);
        check(&rule(), with(vec![approver()], vec![exception(12, None)]), Expect::Unknown);
        check(&rule(), with(vec![approver()], vec![exception(12, Some(by(None, "")))]), Expect::Unknown);
    }

    fn approver_with(id: i64) -> User {
        User { id: UserId(id), login: format!("ana{id}").into(), ..approver() }
    }

    #[test]
    fn shared_accounts_are_those_declared_or_found_before() {
        let generic = User { login: "helpdesk".into(), ..approver() };
        check(&rule(), world(generic.clone()), Expect::Pass);
        let found = judged(&SharedOrGenericAccount::default(), world(generic.clone()), &Around::default());
        let around = Around { so_far: vec![found], ..Around::default() };
        check_in(&rule(), world(generic), &around, Expect::Fail(&["helpdesk"]));
        let mailbox = |id, login: &str, name: &str| User {
            login: login.into(),
            name: name.into(),
            email: Some("desk@corp.example".into()),
            ..approver_with(id)
        };
        let two = with(vec![mailbox(1, "mia", "Mia"), mailbox(2, "bo", "Bo")], vec![exception(12, Some(by(1, "")))]);
        let found = judged(&SharedOrGenericAccount::default(), two.clone(), &Around::default());
        check_in(&rule(), two, &Around { so_far: vec![found], ..Around::default() }, Expect::Fail(&["mia"]));
        let mut around = Around::default();
        around.policy.accounts = vec![DeclaredAccount { kind: AccountKind::Shared, ..DeclaredAccount::of("Mia") }];
        check_in(&rule(), world(approver()), &around, Expect::Fail(&["mia"]));
    }

    #[test]
    fn only_exceptions_in_force_count() {
        use crate::finding::Verdict::{Fail, NotApplicable, Unknown};

        // The sample was collected on 2026-09-21.
        let in_force = |state: Option<&str>, expires: Option<&str>| {
            let own = |text: &str| text.to_owned();
            let exception = Exception { state: state.map(own), expires: expires.map(own), ..exception(1, Some(by(99, ""))) };
            judged(&rule(), with(Vec::new(), vec![exception]), &Around::default()).verdict
        };
        for (state, expires, verdict) in [
            (Some("approved"), None, Fail),
            (Some("Approved"), Some("2026-09-20"), NotApplicable),
            (Some("Approved"), Some("2026-09-21"), Fail),
            (Some("Approved"), Some("2026-09-22"), Fail),
            (Some("Approved"), Some("2026-09-21T00:00:00Z"), NotApplicable),
            (Some("Approved"), Some("2026-09-21T23:59:59Z"), Fail),
            (Some("Approved"), Some("soon"), Unknown),
            (Some("Expired"), None, NotApplicable),
            (Some("Deleted"), None, NotApplicable),
            (Some("Under Review"), None, NotApplicable),
            (Some("Recalled"), None, Unknown),
            (None, None, Unknown),
        ] {
            assert_eq!(in_force(state, expires), verdict, "{state:?} {expires:?}");
        }
    }

    #[test]
    fn without_the_exceptions_or_all_of_them_nothing_is_proven() {
        check(&rule(), with(vec![approver()], Vec::new()), Expect::NotApplicable);
        for exceptions in [Answer::NotAsked, Answer::Missing] {
            check(&rule(), Snapshot { exceptions, ..world(approver()) }, Expect::Unknown);
        }
        for part in [Part::UserPrivileges, Part::PolicyOverrides, Part::Roster] {
            check(&rule(), incomplete(world(approver()), part), Expect::Unknown);
        }
    }
}
