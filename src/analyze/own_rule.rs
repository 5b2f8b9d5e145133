//! Rules of the configuration: each account that the expression holds for is a finding, enabled or not; the expression
//! itself can ask for `user.enabled`.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Configured, Context, Knob, Outcome, Rule, cut};
use crate::expression::Expression;
use crate::finding::{About, Control, Finding, Severity};
use crate::model::Part;

/// A rule of the configuration, checked and compiled.
#[derive(Debug, Clone)]
pub struct OwnRule {
    about: About,
    controls: Arc<[Control]>,
    expression: Arc<Expression>,
    enabled: bool,
}

impl OwnRule {
    /// Makes a rule; `index` is its place among the rules of the configuration, `name` its id and title, `texts` why it
    /// matters and how to mend it.
    pub fn new(
        index: usize,
        (id, title): (&str, &str),
        severity: Severity,
        expression: Expression,
        (why, remediation): (Option<&str>, Option<&str>),
        controls: BTreeSet<Control>,
        enabled: bool,
    ) -> Self {
        let text = |text: &str| Cow::Owned(text.to_owned());
        let about = About {
            id: text(id),
            code: Cow::Owned(format!("OWN-{:02}", index + 1)),
            title: text(title),
            flags: Cow::Owned(format!("Accounts for which this is true: {}", expression.text())),
            evidence: Cow::Owned(format!("What it asks for: {}.", expression.references().join(", "))),
            why: text(why.unwrap_or("The configuration says so.")),
            severity,
            click_path: text(remediation.unwrap_or("As the author of the rule says.")),
            api_call: Cow::Borrowed(""),
            needs: needs(&expression.references()).into_iter().collect::<Vec<_>>().into(),
            uses: &[],
            version: 1,
        };
        Self { about, controls: controls.into_iter().collect(), expression: Arc::new(expression), enabled }
    }
}

/// The parts that the fields of an expression come from.
fn needs(fields: &[&str]) -> BTreeSet<Part> {
    let mut parts = BTreeSet::from([Part::Users]);
    for field in fields {
        parts.extend(match *field {
            "user.privileges" => &[Part::UserPrivileges][..],
            "user.two_factor" => &[Part::TwoFactor],
            "user.last_logon" => &[Part::LastLogon],
            _ if field.starts_with("role.") => &[Part::Roles],
            "grants.sites" | "grants.site_count" => &[Part::UserSites, Part::Sites],
            "grants.asset_groups" | "grants.asset_group_count" => &[Part::UserAssetGroups, Part::AssetGroups],
            _ if field.starts_with("person.") => &[Part::Roster],
            _ => &[],
        });
    }
    parts
}

impl Configured for OwnRule {
    fn about(&self) -> &About {
        &self.about
    }

    fn controls(&self) -> Arc<[Control]> {
        self.controls.clone()
    }

    fn enabled(&self) -> bool {
        self.enabled
    }

    fn severity(&self) -> Option<Severity> {
        None
    }

    fn knobs(&self) -> Vec<Knob> {
        Vec::new()
    }
}

impl Rule for OwnRule {
    fn examine(&self, context: Context<'_>) -> Outcome {
        let Context { graph, now, .. } = context;
        let mut outcome = Outcome::default();
        for user in graph.users() {
            outcome.judge(self.expression.holds(graph, user, now), || {
                let summary = format!("{}: {}", cut(&user.login), self.about.title);
                let finding = Finding::new(&self.about, user, self.about.severity, summary)
                    .with("expression", self.expression.text())
                    .with("role", cut(&user.role.label()));
                let facts = self.expression.facts(graph, user, now).into_iter();
                facts.fold(finding, |finding, (field, value)| finding.with(field, cut(&value)))
            });
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Expect, check, findings};
    use crate::analyze::{IDS, Policy};
    use crate::model::User;
    use crate::model::sample::{global_admin, incomplete, known_as, person, snapshot, user, with_roster};

    fn rule(expression: &str) -> OwnRule {
        let expression = Expression::compile(expression).unwrap();
        let names = ("contractor_with_power", "Contractor with power");
        OwnRule::new(0, names, Severity::High, expression, (None, None), BTreeSet::new(), true)
    }

    #[test]
    fn each_account_that_it_holds_for_is_a_finding() {
        let world = snapshot(vec![
            global_admin(1, "root"),
            user(2, "mia"),
            User { enabled: Some(false), ..global_admin(3, "gone") },
        ]);
        check(&rule("user.superuser"), world.clone(), Expect::Fail(&["root", "gone"]));
        check(&rule("user.superuser && user.enabled"), world.clone(), Expect::Fail(&["root"]));
        check(&rule("!user.enabled"), world.clone(), Expect::Fail(&["gone"]));
        check(&rule("user.id > 100"), world.clone(), Expect::Pass);
        let found = findings(&rule("user.superuser"), world);
        assert_eq!(found[0].summary, "root: Contractor with power");
        assert_eq!(found[0].severity, Severity::High);
        assert!(
            found[0].evidence.contains(&("user.superuser", "true".to_owned())),
            "{:?}",
            found[0].evidence
        );
    }

    #[test]
    fn what_cannot_be_told_is_unknown() {
        let ask = rule("person.type == 'contractor' && user.superuser");
        check(&ask, snapshot(vec![global_admin(1, "root")]), Expect::Unknown);
        check(&ask, with_roster(snapshot(vec![user(2, "mia")])), Expect::Pass);
        let known = known_as(
            global_admin(1, "root"),
            crate::model::Person { kind: Some("contractor".into()), ..person("7") },
        );
        check(&ask, with_roster(snapshot(vec![known])), Expect::Fail(&["root"]));
    }

    #[test]
    fn it_rests_on_the_parts_that_it_asks_for() {
        let ask = rule("'create-reports' in user.privileges || grants.site_count > 3");
        let parts = [Part::Users, Part::UserPrivileges, Part::UserSites, Part::Sites];
        assert_eq!(needs(&ask.expression.references()), BTreeSet::from(parts));
        check(&ask, incomplete(snapshot(vec![user(2, "mia")]), Part::Sites), Expect::Unknown);
    }

    #[test]
    fn it_is_judged_before_the_rules_that_speak_of_verdicts() {
        let policy = Policy { own: vec![rule("true")], ..Policy::default() };
        let ids: Vec<_> = policy.rules().iter().map(|rule| rule.about().id.clone().into_owned()).collect();
        assert_eq!(ids.len(), IDS.len() + 1);
        assert_eq!(ids.last().map(String::as_str), Some("incomplete_collection"));
        assert!(ids.iter().position(|id| id == "contractor_with_power") < Some(ids.len() - 1));
    }
}
