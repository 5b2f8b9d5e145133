//! PRIV-02: too few or too many Global Administrators.

use super::{Context, Outcome, Rule, amount, enabled, holds_everything, logins};
use crate::finding::{Finding, Severity};
use crate::model::{GLOBAL_ADMIN, Part, User};

about! {
    id: "global_admin_count",
    code: "PRIV-02",
    title: "Number of Global Administrators outside the agreed band",
    flags: "A console with fewer enabled Global Administrators than min, more than max, or none at all; and one whose \
            enabled Global Administrators are all programs' accounts, declared as service accounts or named like one.",
    evidence: "Enabled accounts with the role global-admin. Superusers and accounts with every privilege outside that role \
               are named beside them and not counted: superuser_outside_global_admin tells of them.",
    why: "One administrator is one accident away from a lock-out; every one too many is another way to take the console \
          over.",
    severity: Severity::Critical,
    click_path: "Administration > Users > Manage users, sorted by role: give those who need less another role, or name a \
                 second administrator.",
    api_call: "GET /api/3/roles/global-admin/users lists them; PUT /api/3/users/{id} with another role.id (it replaces \
               the whole user and drops grants: read them before, restore them after; a local account's authentication \
               type changes from admin to normal).",
    needs: &[Part::Users],
    version: 2,
}

rule! {
    /// `[analyzers.global_admin_count]`: PRIV-02.
    GlobalAdminCount {
        /// The fewest enabled Global Administrators that are enough.
        min: u32 = 2,
        /// The most that are acceptable.
        max: u32 = 5,
    }
}

impl Rule for GlobalAdminCount {
    fn mistake(&self) -> Option<String> {
        (self.min > self.max).then(|| format!("min ({}) is above max ({})", self.min, self.max))
    }

    fn examine(&self, context: Context<'_>) -> Outcome {
        let Context { graph, .. } = context;
        let mut outcome = Outcome::default();
        let snapshot = graph.snapshot();
        let (certain, possible): (Vec<&User>, Vec<&User>) =
            enabled(graph).filter(|user| has_role(user) != Some(false)).partition(|user| {
                has_role(user) == Some(true) && user.enabled == Some(true)
            });
        let (fewest, most) = (certain.len(), certain.len() + possible.len());
        let (min, max) = (self.min as usize, self.max as usize);
        // More users can only raise the number: too many is proved by those seen, too few only by seeing all.
        let too_few = snapshot.saw_everyone() && most < min.max(1);
        let wrong = if fewest > max || too_few {
            Some(true)
        } else {
            (min.max(1) <= fewest && most <= max).then_some(false)
        };
        outcome.judge(wrong, || {
            let severity = if most == 0 { Severity::Critical } else { Severity::High };
            let has = match most {
                0 => "no enabled Global Administrator".to_owned(),
                _ => amount(certain.len(), "enabled Global Administrator"),
            };
            let summary = format!("The console has {has}; {min} to {max} are agreed");
            let finding = Finding::new(&ABOUT, &snapshot.console, severity, summary)
                .with("agreed", format!("{min} to {max}"))
                .with("Global Administrators", logins(&certain));
            let finding =
                if possible.is_empty() { finding } else { finding.with("perhaps also", logins(&possible)) };
            let others: Vec<&User> = enabled(graph)
                .filter(|user| has_role(user) == Some(false) && holds_everything(user) == Some(true))
                .collect();
            if others.is_empty() { finding } else { finding.with("also hold everything", logins(&others)) }
        });
        if most > 0 {
            outcome.judge(programs_alone(context, &certain, &possible), || {
                let summary = "Every enabled Global Administrator of the console is a program's account";
                Finding::new(&ABOUT, &snapshot.console, Severity::High, summary)
                    .aspect("programs")
                    .with("Global Administrators", logins(&certain))
            });
        }
        outcome
    }
}

/// Whether no administrator is a person, who could act when a program cannot. One person proves that there is one;
/// that there is none, only seeing everybody.
fn programs_alone(context: Context<'_>, certain: &[&User], possible: &[&User]) -> Option<bool> {
    let is_person = |user: &&User| !context.is_programs(user);
    if certain.iter().any(is_person) {
        return Some(false);
    }
    let proven = context.graph.snapshot().saw_everyone() && !certain.is_empty() && !possible.iter().any(is_person);
    proven.then_some(true)
}

/// By the role alone: the flag outside it is `superuser_outside_global_admin`'s to tell. `None` for an account without
/// a known role: it may be one.
fn has_role(user: &User) -> Option<bool> {
    user.role.id.as_ref().map(|id| id.as_str() == GLOBAL_ADMIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Around, Expect, check, check_in, findings, judged};
    use crate::analyze::{AccountKind, DeclaredAccount};
    use crate::model::sample::{global_admin, incomplete, snapshot, user};
    use crate::model::{CollectorRights, Snapshot, UserRole};

    fn admins(count: i64) -> Snapshot {
        snapshot((1..=count).map(|id| global_admin(id, &format!("admin{id}"))).chain([user(99, "mia")]).collect())
    }

    fn rule() -> GlobalAdminCount {
        GlobalAdminCount::default()
    }

    #[test]
    fn the_band_includes_its_ends() {
        for (count, expected) in [
            (1, Expect::Fail(&["hq"])),
            (2, Expect::Pass),
            (5, Expect::Pass),
            (6, Expect::Fail(&["hq"])),
        ] {
            check(&rule(), admins(count), expected);
        }
    }

    #[test]
    fn none_is_critical_even_where_none_is_agreed() {
        let rule = GlobalAdminCount { min: 0, ..rule() };
        let findings = findings(&rule, admins(0));
        assert_eq!(findings[0].severity, Severity::Critical);
    }

    #[test]
    fn disabled_administrators_do_not_count() {
        let mut world = admins(2);
        world.users[0].enabled = Some(false);
        check(&rule(), world.clone(), Expect::Fail(&["hq"]));
        assert_eq!(findings(&rule(), world)[0].severity, Severity::High);
    }

    #[test]
    fn too_few_is_not_proved_by_an_incomplete_listing() {
        check(&rule(), incomplete(admins(1), Part::Users), Expect::Unknown);
        check(&rule(), incomplete(admins(0), Part::Users), Expect::Unknown);
        check(&rule(), incomplete(admins(6), Part::Users), Expect::Fail(&["hq"]));
        for (count, expected) in [(0, Expect::Unknown), (1, Expect::Unknown), (6, Expect::Fail(&["hq"]))] {
            let mut limited = admins(count);
            limited.collector.rights = CollectorRights::Limited;
            check(&rule(), limited, expected);
        }
    }

    #[test]
    fn an_account_without_a_known_role_leaves_it_open_at_the_edge() {
        let with_roleless = |count| {
            let mut world = admins(count);
            world.users[usize::try_from(count).unwrap()].role = UserRole::default().into();
            world
        };
        check(&rule(), with_roleless(1), Expect::Unknown);
        check(&rule(), with_roleless(3), Expect::Pass);
        check(&rule(), with_roleless(5), Expect::Unknown);
        check(&rule(), with_roleless(6), Expect::Fail(&["hq"]));
    }

    #[test]
    fn administrators_of_whom_none_is_a_person_are_told() {
        let with = |logins: &[&str]| snapshot((1..).zip(logins).map(|(id, login)| global_admin(id, login)).collect());
        check(&rule(), with(&["svc-a", "svc-b"]), Expect::Fail(&["hq"]));
        check(&rule(), with(&["svc-a", "mia"]), Expect::Pass);
        let mut around = Around::default();
        let declare = |login: &str, kind| DeclaredAccount { kind, ..DeclaredAccount::of(login) };
        around.policy.accounts = vec![declare("scanner", AccountKind::Service)];
        let found = judged(&rule(), with(&["svc-a", "scanner"]), &around).findings;
        let says = "Every enabled Global Administrator of the console is a program's account";
        assert_eq!((found.len(), found[0].severity, &*found[0].summary), (1, Severity::High, says));
        around.policy.accounts.push(declare("svc-a", AccountKind::BreakGlass));
        check_in(&rule(), with(&["svc-a", "scanner"]), &around, Expect::Pass);
        let mut limited = with(&["svc-a", "svc-b"]);
        limited.collector.rights = CollectorRights::Limited;
        check(&rule(), limited, Expect::Unknown);
        let mut perhaps = with(&["svc-a", "svc-b", "mia"]);
        perhaps.users[2].enabled = None;
        check(&rule(), perhaps, Expect::Unknown);
    }

    #[test]
    fn names_twenty_and_counts_the_rest() {
        let findings = findings(&rule(), admins(30));
        assert!(findings[0].evidence[1].1.ends_with("admin20 and 10 more"));
    }
}
