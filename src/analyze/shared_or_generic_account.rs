//! HYG-02: accounts behind which no single person stands.

use std::collections::HashSet;

use super::{
    Context, DeclaredAccount, Outcome, Rule, alike, cut, enabled, first_logins, is_one_person, login_form, logins,
    mailbox_aspect, yes_no,
};
use crate::finding::{Finding, Severity, Subject};
use crate::pattern;
use crate::model::{Part, User};

about! {
    id: "shared_or_generic_account",
    code: "HYG-02",
    title: "Shared or generic account",
    flags: "Enabled accounts with a generic login or the address of a list or role, and mailboxes that accounts of \
            different people carry; unless declared as service, shared or break-glass accounts in [[account]], or named in \
            allowed_logins.",
    evidence: "Login, full name and mail address of the account, and those of the others.",
    why: "What is done under such an account cannot be laid at anybody's door.",
    severity: Severity::High,
    click_path: "Administration > Users > Manage users: create one account for each person with that person's address, \
                 then disable the shared one; declare the accounts that must exist in the configuration.",
    api_call: "POST /api/3/users creates the personal account; PUT /api/3/users/{id} with enabled=false disables the \
               shared one (it replaces the whole user and drops grants: read them before, restore them after).",
    needs: &[Part::Users, Part::UserPrivileges],
    version: 3,
}

/// Logins that name a function, a team or nothing.
const GENERIC_LOGINS: &[&str] = &[
    "admin", "administrator", "root", "superuser", "sysadmin", "nxadmin", "nexpose", "insightvm", "rapid7", "guest",
    "user", "default", "operator", "scanner", "security", "soc", "noc", "helpdesk", "servicedesk", "support",
    "auditor", "audit", "intern", "vendor", "contractor", "consultant", "training", "tester", "dummy", "test",
    "test-*", "*-test", "demo", "demo-*", "temp", "temp-*", "tmp", "shared", "shared-*", "*-shared", "generic",
    "generic-*", "team", "team-*", "*-team",
];

/// Mailboxes that a list, a role or nobody reads.
const LIST_ADDRESSES: &[&str] = &[
    "team", "team-*", "*-team", "group-*", "*-group", "list-*", "*-list", "dl-*", "shared-*", "*-shared", "all",
    "everyone", "staff", "office", "info", "contact", "admin", "administrator", "root", "postmaster", "webmaster",
    "hostmaster", "security", "soc", "noc", "support", "helpdesk", "servicedesk", "alerts", "notifications", "abuse",
    "noreply", "no-reply", "donotreply", "do-not-reply",
];

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

rule! {
    /// `[analyzers.shared_or_generic_account]`: HYG-02.
    SharedOrGenericAccount {
        /// Generic logins, in lower case; `*` is any text. A login is compared without domain and final digits, with
        /// `-` for every separator.
        patterns: Vec<String> = owned(GENERIC_LOGINS),
        /// Mailboxes of lists and roles, compared in the same way by what stands before the `@`.
        list_addresses: Vec<String> = owned(LIST_ADDRESSES),
        /// Logins, exactly as the console writes them, that are shared or generic on purpose beside the declared service,
        /// shared and break-glass accounts.
        allowed_logins: Vec<String> = Vec::new(),
    }
}

impl Rule for SharedOrGenericAccount {
    fn mistake(&self) -> Option<String> {
        let knobs = [("patterns", &self.patterns), ("list_addresses", &self.list_addresses)];
        let all = |pattern: &String| pattern.chars().all(|c| c == '*');
        let (knob, _) = knobs.into_iter().find(|(_, patterns)| patterns.iter().any(all))?;
        Some(format!("{knob} holds a pattern that is empty or matches everything"))
    }

    fn examine(&self, context: Context<'_>) -> Outcome {
        let Context { graph, .. } = context;
        let mut outcome = Outcome::default();
        let declared = |user: &User| context.declared(user).is_some_and(DeclaredAccount::is_impersonal);
        let on_purpose = |user: &User| self.allowed_logins.iter().any(|login| *login == user.login) || declared(user);
        let in_question = enabled(graph).filter(|user| !on_purpose(user));
        let users: Vec<&User> = in_question.collect();
        let (generic, lists) = (self.generic_logins(), self.list_mailboxes());
        for &user in &users {
            outcome.judge(Some(generic.fit(&user.login)), || {
                let summary = format!("{} looks like an account that several people share: generic login", cut(&user.login));
                finding(context, Subject::from(user), &[user], summary).with("generic login", cut(&user.login))
            });
        }
        let mut carriers = alike(users.len(), |place| graph.mailbox(users[place]));
        for (place, user) in users.iter().enumerate() {
            if let Some(mailbox) = graph.mailbox(user).filter(|mailbox| lists.fit(&mailbox.local)) {
                carriers.entry(mailbox).or_insert_with(|| vec![place]);
            }
        }
        outcome.findings.extend(carriers.into_iter().filter_map(|(mailbox, carriers)| {
            let users: Vec<&User> = carriers.into_iter().map(|place| users[place]).collect();
            let only_generic = users.iter().all(|user| generic.fit(&user.login));
            let says = sign(&users, lists.fit(&mailbox.local) && !only_generic)?;
            let summary = format!("{} {says}, {}", first_logins(&users), cut(&mailbox.to_string()));
            // On the console, and told apart by the mailbox: it stays the same whoever carries it.
            let finding = finding(context, Subject::from(&graph.snapshot().console), &users, summary)
                .aspect(mailbox_aspect(mailbox))
                .with("mailbox", cut(&mailbox.to_string()))
                .with("accounts", logins(&users))
                .affecting(users.iter().map(|user| user.id));
            Some(finding)
        }));
        outcome
    }
}

impl SharedOrGenericAccount {
    /// The logins that name nobody.
    pub(super) fn generic_logins(&self) -> Forms<'_> {
        Forms::of(&self.patterns)
    }

    /// The mailboxes of a list, a role or nobody, by what stands before the `@`.
    pub(super) fn list_mailboxes(&self) -> Forms<'_> {
        Forms::of(&self.list_addresses)
    }
}

/// What is wrong with a mailbox and its accounts: the words after the logins. An account with a generic login is told by
/// its login, whatever its address.
fn sign(users: &[&User], is_list: bool) -> Option<&'static str> {
    if users.len() > 1 && !is_one_person(users) {
        return Some("are accounts of different people with one mailbox");
    }
    is_list.then_some(match users {
        [_] => "has the address of a list or role",
        _ => "have the address of a list or role",
    })
}

/// Patterns that many logins are held against: most are plain words, which are looked up.
pub(super) struct Forms<'a> {
    words: HashSet<&'a str>,
    patterns: Vec<&'a str>,
}

impl<'a> Forms<'a> {
    fn of(patterns: &'a [String]) -> Self {
        let (patterns, words): (Vec<&str>, Vec<&str>) =
            patterns.iter().map(String::as_str).partition(|pattern| pattern.contains('*'));
        Self { words: words.into_iter().collect(), patterns }
    }

    /// Whether a login fits one of them: as it is, or without its final digits.
    pub(super) fn fit(&self, login: &str) -> bool {
        let form = login_form(login);
        let plain = form.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('-');
        self.has(&form) || (plain != form && self.has(plain))
    }

    fn has(&self, form: &str) -> bool {
        self.words.contains(form) || self.patterns.iter().any(|pattern| pattern::matches(pattern, form))
    }
}

fn finding(context: Context<'_>, subject: Subject, accounts: &[&User], summary: String) -> Finding {
    let power: Vec<_> = accounts.iter().map(|user| context.is_privileged(user)).collect();
    let privileged = if power.contains(&Some(true)) { Some(true) } else { (!power.contains(&None)).then_some(false) };
    let severity = if privileged == Some(true) { Severity::High } else { Severity::Medium };
    Finding::new(&ABOUT, subject, severity, summary).with("administrative power", yes_no(privileged))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Around, Expect, check, check_in, findings};
    use crate::analyze::{AccountKind, Policy};
    use crate::model::sample::{global_admin, incomplete, snapshot, user};

    fn rule() -> SharedOrGenericAccount {
        SharedOrGenericAccount::default()
    }

    fn person(id: i64, login: &str, name: &str, mail: &str) -> User {
        User { name: name.into(), email: Some(mail.into()), ..user(id, login) }
    }

    #[test]
    fn flags_generic_logins_in_every_spelling() {
        for login in ["admin", "Administrator", "CORP\\test", "test_user", "qa.test", "guest01", "shared-ops", "root@x"] {
            check(&rule(), snapshot(vec![user(1, login)]), Expect::Fail(&[login]));
        }
        for login in ["ana.silva", "testa", "admin.ana", "gtest", "steam"] {
            check(&rule(), snapshot(vec![user(1, login)]), Expect::Pass);
        }
    }

    #[test]
    fn flags_addresses_of_lists_and_roles() {
        for mail in ["team@corp.example", "vm-team@corp.example", "No-Reply@corp.example"] {
            check(&rule(), snapshot(vec![person(1, "ops", "Ops", mail)]), Expect::Fail(&["hq"]));
        }
        let listed = person(1, "guest", "Guest", "team@corp.example");
        check(&rule(), snapshot(vec![listed]), Expect::Fail(&["guest"]));
    }

    #[test]
    fn a_mailbox_keeps_its_finding_whoever_carries_it() {
        let carriers = [
            person(2, "bo", "Bo Li", "team@corp.example"),
            person(3, "cy", "Cy Ode", "Team@corp.example"),
            person(4, "di", "Di Fo", "team+vm@corp.example"),
        ];
        let found = |users: &[User]| findings(&rule(), snapshot(users.to_vec())).remove(0);
        let all = found(&carriers);
        assert_eq!(all.summary, "bo, cy and di are accounts of different people with one mailbox, team@corp.example");
        assert_eq!(all.affected, [2, 3, 4].map(crate::model::UserId));
        let console = snapshot(Vec::new()).console;
        for fewer in [&carriers[1..], &carriers[..2], &carriers[2..]] {
            assert_eq!(found(fewer).id(&console), all.id(&console));
        }
        let elsewhere = found(&[person(2, "bo", "Bo Li", "team@lab.example")]);
        assert_ne!(elsewhere.id(&console), all.id(&console));
        assert_eq!(elsewhere.summary, "bo has the address of a list or role, team@lab.example");
    }

    #[test]
    fn one_mailbox_of_several_people_is_one_finding() {
        let world = snapshot(vec![
            person(3, "cy", "Cy Ode", "team@corp.example"),
            person(2, "bo", "Bo Li", "Team@corp.example"),
            person(4, "di", "Di Fo", "di@corp.example"),
        ]);
        check(&rule(), world, Expect::Fail(&["hq"]));
    }

    #[test]
    fn one_mailbox_of_one_person_is_a_duplicate_and_not_shared() {
        let world = snapshot(vec![
            person(1, "ana", "Ana Silva", "ana@corp.example"),
            person(2, "ana-local", "Silva, Ana", "ana@corp.example"),
        ]);
        check(&rule(), world, Expect::Pass);
    }

    #[test]
    fn is_high_with_power() {
        let found = findings(&rule(), snapshot(vec![global_admin(1, "nxadmin"), user(2, "guest")]));
        assert_eq!(found.iter().map(|f| f.severity).collect::<Vec<_>>(), [Severity::High, Severity::Medium]);
    }

    #[test]
    fn a_declared_login_is_allowed() {
        let rule = SharedOrGenericAccount { allowed_logins: vec!["nxadmin".into()], ..rule() };
        check(&rule, snapshot(vec![global_admin(1, "nxadmin")]), Expect::NotApplicable);
    }

    #[test]
    fn an_account_that_is_declared_impersonal_is_so_on_purpose() {
        let world = snapshot(vec![
            user(1, "guest"),
            person(2, "bo", "Bo Li", "ops@corp.example"),
            person(3, "cy", "Cy Ode", "ops@corp.example"),
        ]);
        let declared = |kind| {
            let accounts = ["GUEST", "bo"].map(|login| DeclaredAccount { kind, ..DeclaredAccount::of(login) });
            Around { policy: Policy { accounts: accounts.to_vec(), ..Policy::default() }, ..Around::default() }
        };
        for kind in [AccountKind::Service, AccountKind::Shared, AccountKind::BreakGlass] {
            check_in(&rule(), world.clone(), &declared(kind), Expect::Pass);
        }
        check_in(&rule(), world, &declared(AccountKind::Personal), Expect::Fail(&["guest", "hq"]));
    }

    #[test]
    fn ignores_disabled_accounts_and_does_not_pass_an_incomplete_listing() {
        let disabled = User { enabled: Some(false), ..user(1, "guest") };
        check(&rule(), snapshot(vec![disabled]), Expect::NotApplicable);
        check(&rule(), incomplete(snapshot(vec![user(1, "mia")]), Part::Users), Expect::Unknown);
    }

    #[test]
    fn refuses_a_pattern_that_matches_everything() {
        let rule = SharedOrGenericAccount { patterns: vec!["**".into()], ..rule() };
        assert!(rule.mistake().is_some_and(|mistake| mistake.starts_with("patterns ")));
    }
}
