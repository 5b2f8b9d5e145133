//! LIFE-07: accounts of people who stay for a time only, and of whom nobody says until when.

use super::{Context, DeclaredAccount, Outcome, Rule, all_of, cut, enabled, login_form, matched, sight};
use crate::finding::{Finding, Severity};
use crate::model::{Part, PartState, RosterMatch, User};
use crate::pattern;

about! {
    id: "temporary_account_without_end",
    code: "LIFE-07",
    title: "Temporary account without an end",
    flags: "Enabled accounts whose person is a temporary one and has no last day in the roster; without a roster, or where \
            it knows nobody, accounts whose login says so, unless declared as service, break-glass or shared accounts.",
    evidence: "The kind and the last day of the person in the roster, or the login.",
    why: "Nobody is told when the contract ends; the account stays.",
    severity: Severity::Low,
    click_path: "Administration > Users > Manage users > the user > General: set the date on which the account expires, \
                 and have the person's last day entered in the roster.",
    api_call: "The API has no field for an expiry; PUT /api/3/users/{id} with enabled=false when the time is over (it \
               replaces the whole user and drops grants: read them before).",
    needs: &[Part::Users],
    uses: &[Part::Roster, Part::LastLogon],
    version: 1,
}

/// Logins that organisations give to people who stay for a time only.
const TEMPORARY_LOGINS: &[&str] = &["temp-*", "tmp-*", "ext-*", "*-ext", "contractor-*", "vendor-*", "guest-*"];

rule! {
    /// `[analyzers.temporary_account_without_end]`: LIFE-07.
    TemporaryAccountWithoutEnd {
        /// Logins of temporary people, in lower case; `*` is any text. A login is compared without domain, with `-` for
        /// every separator. Empty: only the roster tells.
        patterns: Vec<String> = TEMPORARY_LOGINS.iter().map(|login| (*login).to_owned()).collect(),
    }
}

impl Rule for TemporaryAccountWithoutEnd {
    fn mistake(&self) -> Option<String> {
        let all = |pattern: &String| pattern.chars().all(|c| c == '*');
        let odd = self.patterns.iter().any(all);
        odd.then(|| "patterns holds a pattern that is empty or matches everything".to_owned())
    }

    fn examine(&self, context: Context<'_>) -> Outcome {
        let Context { graph, .. } = context;
        let snapshot = graph.snapshot();
        if snapshot.roster.is_none() && self.patterns.is_empty() {
            return Outcome::lacking("there is no roster: add a [roster] table, or give patterns of logins");
        }
        // A roster that is configured and was not read could say more than the logins do.
        let unread = |state| matches!(state, PartState::Incomplete | PartState::Undetermined);
        let unread = snapshot.coverage.part(Part::Roster).is_some_and(|entry| unread(entry.state));
        let open = unread || snapshot.roster.is_some();
        let mut outcome = Outcome::default();
        for user in enabled(graph) {
            let named = || self.pattern(context, user).is_some();
            let wrong = match &user.person {
                RosterMatch::Person { person, .. } => all_of([Some(person.end.is_none()), person.temporary]),
                RosterMatch::Nobody => Some(named()),
                RosterMatch::NotAsked => (named() || !open).then(&named),
                RosterMatch::Ambiguous { .. } => None,
            };
            outcome.judge(wrong, || self.finding(context, user));
        }
        outcome
    }
}

impl TemporaryAccountWithoutEnd {
    /// The pattern by which a login is a temporary person's.
    fn pattern(&self, context: Context<'_>, user: &User) -> Option<&str> {
        if context.declared(user).is_some_and(DeclaredAccount::is_impersonal) {
            return None;
        }
        let login = login_form(&user.login);
        self.patterns.iter().find(|pattern| pattern::matches(pattern, &login)).map(String::as_str)
    }

    fn finding(&self, context: Context<'_>, user: &User) -> Finding {
        let login = cut(&user.login);
        let finding = |summary| Finding::new(&ABOUT, user, Severity::Low, summary);
        let finding = match &user.person {
            RosterMatch::Person { person, by, confidence } => {
                finding(format!("{login} belongs to a temporary person without a last day"))
                    .with("person", cut(&person.id))
                    .with("matched", matched(*by, *confidence))
                    .with("kind", cut(person.kind.as_deref().unwrap_or("unknown")))
                    .with("last day", "not in the roster")
            }
            _ => finding(format!("{login} looks like a temporary account, and nothing says until when"))
                .with("login", login)
                .with("pattern", cut(self.pattern(context, user).unwrap_or("none"))),
        };
        finding.with("role", cut(&user.role.label())).with("last seen", sight(context.graph, user))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Around, Expect, check, check_in, findings};
    use crate::analyze::{AccountKind, Policy};
    use crate::model::sample::{incomplete, known_as, person, snapshot, user, with_roster};
    use crate::model::{MatchedBy, Person};

    fn rule() -> TemporaryAccountWithoutEnd {
        TemporaryAccountWithoutEnd::default()
    }

    fn of(temporary: Option<bool>, end: Option<&str>) -> User {
        let end = end.map(|day| day.parse().unwrap());
        known_as(user(1, "mia"), Person { temporary, end, kind: Some("contractor".into()), ..person("7") })
    }

    #[test]
    fn follows_the_roster() {
        for (temporary, end, expected) in [
            (Some(true), None, Expect::Fail(&["mia"])),
            (Some(true), Some("2027-01-31"), Expect::Pass),
            (Some(false), None, Expect::Pass),
            (None, None, Expect::Unknown),
            (None, Some("2027-01-31"), Expect::Pass),
        ] {
            check(&rule(), with_roster(snapshot(vec![of(temporary, end)])), expected);
        }
        let employee = User { login: "ext-mia".into(), ..of(Some(false), None) };
        check(&rule(), with_roster(snapshot(vec![employee])), Expect::Pass);
    }

    #[test]
    fn follows_the_login_where_the_roster_knows_nobody() {
        for (login, temporary) in [
            ("ext-mia", true),
            ("CORP\\Ext.Mia", true),
            ("mia_ext@corp.example", true),
            ("vendor-7", true),
            ("extra", false),
            ("mia", false),
        ] {
            let expected = if temporary { Expect::Fail(&[login]) } else { Expect::Pass };
            let world = snapshot(vec![user(1, login)]);
            check(&rule(), world.clone(), expected);
            check(&rule(), with_roster(world), expected);
        }
    }

    #[test]
    fn a_roster_that_was_not_read_leaves_the_others_open() {
        let world = |login| incomplete(snapshot(vec![user(1, login)]), Part::Roster);
        check(&rule(), world("mia"), Expect::Unknown);
        check(&rule(), world("tmp-1"), Expect::Fail(&["tmp-1"]));
        let mut unasked = with_roster(snapshot(vec![user(1, "mia")]));
        unasked.users[0].person = RosterMatch::NotAsked;
        check(&rule(), unasked, Expect::Unknown);
        let people = vec!["7".into(), "8".into()];
        let ambiguous = User { person: RosterMatch::Ambiguous { by: MatchedBy::Email, people }, ..user(1, "ext-mia") };
        check(&rule(), with_roster(snapshot(vec![ambiguous])), Expect::Unknown);
    }

    #[test]
    fn leaves_out_declared_and_disabled_accounts() {
        let world = || snapshot(vec![user(1, "vendor-sync")]);
        let declare = |kind| Around {
            policy: Policy {
                accounts: vec![DeclaredAccount { kind, ..DeclaredAccount::of("vendor-sync") }],
                ..Policy::default()
            },
            ..Around::default()
        };
        check_in(&rule(), world(), &declare(AccountKind::Service), Expect::Pass);
        check_in(&rule(), world(), &declare(AccountKind::Personal), Expect::Fail(&["vendor-sync"]));
        let disabled = User { enabled: Some(false), ..user(1, "vendor-sync") };
        check(&rule(), snapshot(vec![disabled]), Expect::NotApplicable);
        check(&rule(), incomplete(snapshot(vec![user(1, "mia")]), Part::Users), Expect::Unknown);
    }

    #[test]
    fn without_patterns_only_the_roster_tells() {
        let rule = TemporaryAccountWithoutEnd { patterns: Vec::new(), ..rule() };
        check(&rule, snapshot(vec![user(1, "ext-mia")]), Expect::Unknown);
        check(&rule, with_roster(snapshot(vec![user(1, "ext-mia")])), Expect::Pass);
        assert_eq!(rule.mistake(), None);
        let mistake = |pattern: &str| {
            TemporaryAccountWithoutEnd { patterns: vec![pattern.into()], ..rule.clone() }.mistake()
        };
        assert!(mistake("*").is_some() && mistake("").is_some() && mistake("x*").is_none());
    }

    #[test]
    fn stays_the_same_finding_whatever_tells() {
        let console = snapshot(Vec::new()).console;
        let by_roster = findings(&rule(), with_roster(snapshot(vec![of(Some(true), None)]))).remove(0);
        let by_login = findings(&rule(), snapshot(vec![user(1, "ext-mia")])).remove(0);
        assert_eq!(by_roster.id(&console), by_login.id(&console));
        assert_eq!((by_roster.severity, by_login.severity), (Severity::Low, Severity::Low));
        assert_eq!(by_roster.evidence[2], ("kind", "contractor".to_owned()));
        assert_eq!(by_login.evidence[1], ("pattern", "ext-*".to_owned()));
    }
}
