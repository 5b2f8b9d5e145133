//! AUTH-08: administrators whose second factor is the identity provider's to prove.

use super::{Context, Outcome, Rule, all_of, amount, enabled, logins};
use crate::day::Day;
use crate::finding::{Finding, Severity};
use crate::model::{Part, User};

about! {
    id: "external_admin_mfa",
    code: "AUTH-08",
    title: "Second factor of external administrators is not shown here",
    flags: "A console with enabled administrators of an external source, unless the identity provider's second factor is \
            attested until a day that has not passed.",
    evidence: "The accounts with administrative power, and the source that each authenticates with.",
    why: "The console cannot tell whether the directory or identity provider asks for a second factor; that evidence has \
          to come from there.",
    severity: Severity::Info,
    click_path: "Have whoever runs the identity provider confirm that these accounts need a second factor, and set \
                 attested_until to the day until which that holds.",
    api_call: "GET /api/3/users shows each account's authentication; the API does not know the provider's second factor.",
    needs: &[Part::Users, Part::UserPrivileges],
    version: 1,
}

rule! {
    /// `[analyzers.external_admin_mfa]`: AUTH-08.
    ExternalAdminMfa {
        /// The last day on which the identity provider's second factor counts as attested, in UTC; never if left out.
        attested_until: Option<Day> = None,
    }
}

impl Rule for ExternalAdminMfa {
    fn examine(&self, context: Context<'_>) -> Outcome {
        let Context { graph, .. } = context;
        let mut outcome = Outcome::default();
        let external = |user: &User| user.is_local().map(|local| !local);
        let in_question = |user: &User| all_of([external(user), context.is_privileged(user)]);
        let (certain, possible): (Vec<&User>, Vec<&User>) = enabled(graph)
            .filter(|user| in_question(user) != Some(false))
            .partition(|user| in_question(user) == Some(true));
        if certain.is_empty() && possible.is_empty() {
            return outcome;
        }
        let today = context.now.date_naive();
        let attested = self.attested_until.is_some_and(|until| today <= until.0);
        let wrong = if attested { Some(false) } else { (!certain.is_empty()).then_some(true) };
        outcome.judge(wrong, || {
            let summary =
                format!("The second factor of {} is the identity provider's", amount(certain.len(), "administrator"));
            let until = self.attested_until.map_or("never".to_owned(), |until| format!("until {until}"));
            let finding = Finding::new(&ABOUT, &graph.snapshot().console, Severity::Info, summary)
                .with("accounts", logins(&certain))
                .with("attested", until)
                .affecting(certain.iter().map(|user| user.id));
            if possible.is_empty() { finding } else { finding.with("perhaps also", logins(&possible)) }
        });
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Expect, check, findings};
    use crate::model::sample::{global_admin, incomplete, snapshot, user, with_role};
    use crate::model::{Answer, Snapshot, UserId};

    fn rule(until: &str) -> ExternalAdminMfa {
        ExternalAdminMfa { attested_until: Some(Day(until.parse().unwrap())), ..Default::default() }
    }

    fn external_admin(id: i64) -> User {
        with_role(user(id, &format!("admin{id}")), "Ops", &["all-permissions"])
    }

    fn world() -> Snapshot {
        snapshot(vec![external_admin(2), global_admin(1, "root"), external_admin(3), user(4, "mia")])
    }

    #[test]
    fn lists_external_administrators_in_one_finding() {
        check(&ExternalAdminMfa::default(), world(), Expect::Fail(&["hq"]));
        let found = findings(&ExternalAdminMfa::default(), world()).remove(0);
        assert_eq!((found.severity, &found.affected[..]), (Severity::Info, &[UserId(2), UserId(3)][..]));
        let mut fewer = world();
        fewer.users.remove(0);
        let console = world().console;
        assert_eq!(findings(&ExternalAdminMfa::default(), fewer).remove(0).id(&console), found.id(&console));
    }

    #[test]
    fn an_attestation_counts_to_the_end_of_its_day() {
        let today = world().finished.date_naive();
        let day = |days: i64| (today + chrono::Duration::days(days)).to_string();
        check(&rule(&day(1)), world(), Expect::Pass);
        check(&rule(&day(0)), world(), Expect::Pass);
        check(&rule(&day(-1)), world(), Expect::Fail(&["hq"]));
        check(&rule(&day(0)), incomplete(world(), Part::Users), Expect::Unknown);
    }

    #[test]
    fn an_account_that_may_be_one_is_not_none() {
        let unknown_source = User { authentication: None, ..external_admin(2) };
        check(&ExternalAdminMfa::default(), snapshot(vec![unknown_source.clone()]), Expect::Unknown);
        let mut unknown_power = user(3, "bo");
        unknown_power.privileges = Answer::Missing;
        unknown_power.role.privileges = None;
        check(&ExternalAdminMfa::default(), snapshot(vec![unknown_power]), Expect::Unknown);
        let found = findings(&ExternalAdminMfa::default(), snapshot(vec![unknown_source, external_admin(3)]));
        assert!(found[0].evidence.contains(&("perhaps also", "admin2".to_owned())));
    }

    #[test]
    fn does_not_apply_without_external_administrators() {
        let disabled = User { enabled: Some(false), ..external_admin(2) };
        let world = snapshot(vec![global_admin(1, "root"), user(4, "mia"), disabled]);
        check(&ExternalAdminMfa::default(), world.clone(), Expect::NotApplicable);
        check(&ExternalAdminMfa::default(), incomplete(world, Part::UserPrivileges), Expect::Unknown);
    }

    #[test]
    fn reads_the_day_as_people_write_it() {
        let read = |text| toml::from_str::<ExternalAdminMfa>(text).ok()?.attested_until.map(|day| day.to_string());
        assert_eq!(read("attested_until = 2026-12-31"), read("attested_until = \"2026-12-31\""));
        assert_eq!(read("attested_until = 2026-12-31").as_deref(), Some("2026-12-31"));
        assert!(toml::from_str::<ExternalAdminMfa>("attested_until = \"next year\"").is_err());
    }
}
