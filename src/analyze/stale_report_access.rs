//! SOD-04: reports that reach people whose access has ended, or who never had any.

use std::collections::{BTreeMap, BTreeSet};

use super::{Context, Mailbox, Outcome, Rule, any_of, conjoin, cut, enabled, has_left, list};
use crate::finding::{Finding, Severity};
use crate::graph::AccessGraph;
use crate::model::{Answer, Part, ReportAccess, UserId};

/// From so many enabled accounts on, the domain of their addresses is the organisation's own.
const OWN_FROM: usize = 3;

about! {
    id: "stale_report_access",
    code: "SOD-04",
    title: "Report for people without access",
    flags: "Configured reports whose owner is not listed, disabled or has left; that such users still have access to; or \
            that are mailed outside the approved domains, or to people who have left.",
    evidence: "Owner, users and mail recipients of each configured report, and the accounts and people behind them.",
    why: "A report carries the console's data to people after their access to the console has ended.",
    severity: Severity::Medium,
    click_path: "Reports > View > the report > Edit: give it another owner, and take out the users and addresses that the \
                 evidence names.",
    api_call: "PUT /api/3/reports/{id} with another owner, and with users and email as they should be (it replaces the \
               whole report: read it before).",
    needs: &[Part::Users, Part::Reports, Part::Roster],
    version: 3,
}

rule! {
    /// `[analyzers.stale_report_access]`: SOD-04.
    StaleReportAccess {
        /// Domains that reports may be mailed to, each as it stands after the `@`; empty: those that three or more
        /// enabled accounts have their addresses in.
        approved_domains: Vec<String> = Vec::new(),
    }
}

impl Rule for StaleReportAccess {
    fn mistake(&self) -> Option<String> {
        let odd = self.approved_domains.iter().find(|domain| domain.trim().is_empty() || domain.contains('@'))?;
        Some(format!("approved_domains holds {odd:?}, which is not a domain"))
    }

    fn examine(&self, context: Context<'_>) -> Outcome {
        let graph = context.graph;
        let reports = match &graph.snapshot().reports {
            Answer::Known(reports) => reports,
            Answer::NotAsked => return Outcome::lacking("reports were not asked for: collect again with this rule on"),
            Answer::Missing => return Outcome::lacking("the console gave no answer about reports"),
        };
        let mut outcome = Outcome::default();
        if reports.is_empty() {
            return outcome;
        }
        let audience = Audience { context, domains: self.domains(graph), left: leavers(context) };
        for report in reports {
            let seen = Stale::of(report, &audience);
            outcome.judge(seen.wrong(), || finding(&audience, report, &seen));
        }
        // That nobody has left is no answer where nobody was asked.
        if graph.snapshot().roster.is_none() {
            outcome.lacks = Some("whether owners and recipients have left is not known: add a [roster] table");
        }
        outcome
    }
}

impl StaleReportAccess {
    /// The domains that reports may go to; none if that cannot be told.
    fn domains(&self, graph: &AccessGraph) -> BTreeSet<String> {
        if !self.approved_domains.is_empty() {
            return self.approved_domains.iter().map(|domain| domain.trim().to_lowercase()).collect();
        }
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for mailbox in enabled(graph).filter_map(|user| graph.mailbox(user)) {
            *counts.entry(&mailbox.domain).or_default() += 1;
        }
        counts.into_iter().filter(|(_, count)| *count >= OWN_FROM).map(|(domain, _)| domain.to_owned()).collect()
    }
}

/// The mailboxes of people who have left, as the roster and their accounts have them.
fn leavers(context: Context<'_>) -> BTreeSet<Mailbox> {
    let users = context.graph.users().iter();
    let left = users.filter(|user| has_left(user, context.now) == Some(true));
    left.flat_map(|user| {
        let person = user.person.person().and_then(|person| person.email.as_deref());
        [context.graph.mailbox(user).cloned(), person.and_then(Mailbox::parse).map(Mailbox::untagged)]
    })
    .flatten()
    .collect()
}

/// Whom reports may go to.
struct Audience<'a> {
    context: Context<'a>,
    domains: BTreeSet<String>,
    left: BTreeSet<Mailbox>,
}

impl Audience<'_> {
    /// What is wrong with an account that a report belongs or is open to: the words after its name.
    fn ended(&self, id: UserId) -> Result<Option<&'static str>, Unknown> {
        let Some(user) = self.context.graph.user(id) else {
            let all = self.context.graph.snapshot().saw_everyone();
            return if all { Ok(Some("is not listed any more")) } else { Err(Unknown) };
        };
        match (user.enabled, has_left(user, self.context.now)) {
            (Some(false), _) => Ok(Some("is disabled")),
            (_, Some(true)) => Ok(Some("has left")),
            (Some(true), Some(false)) => Ok(None),
            _ => Err(Unknown),
        }
    }

    fn name(&self, id: UserId) -> String {
        self.context.graph.user(id).map_or_else(|| format!("id {id}"), |user| cut(&user.login).into_owned())
    }
}

/// It cannot be told.
struct Unknown;

/// What is wrong with the audience of a report.
#[derive(Default)]
struct Stale<'a> {
    owner: Option<(UserId, &'static str)>,
    users: Vec<(UserId, &'static str)>,
    outside: Vec<&'a str>,
    left: Vec<&'a str>,
    /// Whether something of it could not be told.
    open: bool,
}

impl<'a> Stale<'a> {
    fn of(report: &'a ReportAccess, audience: &Audience<'_>) -> Self {
        let mut stale = Self::default();
        match report.owner.map(|id| (id, audience.ended(id))) {
            Some((id, Ok(ended))) => stale.owner = ended.map(|says| (id, says)),
            Some((_, Err(Unknown))) | None => stale.open = true,
        }
        // The owner is told once.
        for id in report.users.iter().filter(|id| Some(**id) != report.owner) {
            match audience.ended(*id) {
                Ok(ended) => stale.users.extend(ended.map(|says| (*id, says))),
                Err(Unknown) => stale.open = true,
            }
        }
        for address in &report.recipients {
            match Mailbox::parse(address).map(Mailbox::untagged) {
                Some(mailbox) if audience.left.contains(&mailbox) => stale.left.push(address),
                Some(mailbox) if audience.domains.contains(mailbox.domain.as_str()) => {}
                Some(_) if !audience.domains.is_empty() => stale.outside.push(address),
                _ => stale.open = true,
            }
        }
        stale
    }

    fn wrong(&self) -> Option<bool> {
        let any = self.owner.is_some() || !(self.users.is_empty() && self.outside.is_empty() && self.left.is_empty());
        any_of([Some(any), if self.open { None } else { Some(false) }])
    }
}

fn finding(audience: &Audience<'_>, report: &ReportAccess, stale: &Stale<'_>) -> Finding {
    let count = |count: usize, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        more => Some(format!("{more} {many}")),
    };
    let owner = stale.owner.map(|(id, says)| format!("an owner, {}, that {says}", audience.name(id)));
    let others = [
        count(stale.users.len(), "user with access that ended", "users with access that ended"),
        count(stale.outside.len(), "recipient outside the approved domains", "recipients outside the approved domains"),
        count(stale.left.len(), "recipient who has left", "recipients who have left"),
    ];
    let reasons: Vec<String> = owner.into_iter().chain(others.into_iter().flatten()).collect();
    let summary = format!("Report {} has {}", cut(&report.name), conjoin(&reasons));
    let says = |(id, says): &(UserId, &str)| format!("{} {says}", audience.name(*id));
    let mut finding = Finding::new(&ABOUT, report, Severity::Medium, summary);
    if let Some(owner) = &stale.owner {
        finding = finding.with("owner", says(owner));
    }
    if !stale.users.is_empty() {
        finding = finding.with("users with access", list(stale.users.iter().map(says)));
    }
    if !stale.outside.is_empty() {
        finding = finding.with("recipients outside", list(&stale.outside)).with("approved domains", list(&audience.domains));
    }
    if !stale.left.is_empty() {
        finding = finding.with("recipients who have left", list(&stale.left));
    }
    let accounts: BTreeSet<UserId> = stale.owner.iter().chain(&stale.users).map(|(id, _)| *id).collect();
    finding.affecting(accounts.into_iter().filter(|id| audience.context.graph.user(*id).is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Expect, check, findings};
    use crate::model::sample::{incomplete, known_as, person, snapshot, user, with_roster};
    use crate::model::{CollectorRights, Person, Snapshot, User};

    fn rule() -> StaleReportAccess {
        StaleReportAccess::default()
    }

    fn report(owner: impl Into<Option<i64>>, users: &[i64], recipients: &[&str]) -> ReportAccess {
        ReportAccess {
            id: 7,
            name: "Weekly risk".into(),
            owner: owner.into().map(UserId),
            users: users.iter().copied().map(UserId).collect(),
            recipients: recipients.iter().map(|address| (*address).to_owned()).collect(),
        }
    }

    /// Enabled mia (1), ben (2) and cy (3) at corp.example; disabled di (4); eve (5), who has left; fay (6), of whom
    /// it is not known.
    fn world(reports: Vec<ReportAccess>) -> Snapshot {
        let left = Person { employed: Some(false), email: Some("eve@home.example".into()), ..person("7") };
        let unsure = Person { employed: None, ..person("8") };
        let users = vec![
            user(1, "mia"),
            user(2, "ben"),
            user(3, "cy"),
            User { enabled: Some(false), ..user(4, "di") },
            known_as(user(5, "eve"), left),
            known_as(user(6, "fay"), unsure),
        ];
        Snapshot { reports: Answer::Known(reports), ..with_roster(snapshot(users)) }
    }

    #[test]
    fn owner_users_and_recipients_are_held_against_the_accounts() {
        const WRONG: Expect<'_> = Expect::Fail(&["Weekly risk"]);
        for (says, report, expected) in [
            ("fine", report(1, &[1, 2], &["cy@corp.example", "dl-risk@CORP.example"]), Expect::Pass),
            ("owner disabled", report(4, &[], &[]), WRONG),
            ("owner gone", report(99, &[], &[]), WRONG),
            ("owner left", report(5, &[], &[]), WRONG),
            ("owner perhaps left", report(6, &[], &[]), Expect::Unknown),
            ("owner unknown", report(None, &[], &[]), Expect::Unknown),
            ("user disabled", report(1, &[2, 4], &[]), WRONG),
            ("user gone", report(1, &[98], &[]), WRONG),
            ("user left", report(1, &[5], &[]), WRONG),
            ("recipient outside", report(1, &[], &["mia@partner.example"]), WRONG),
            ("recipient left", report(1, &[], &["Eve+x@corp.example"]), WRONG),
            ("recipient left, by the roster's address", report(1, &[], &["eve@home.example"]), WRONG),
            ("recipient that is no address", report(1, &[], &["everybody"]), Expect::Unknown),
            ("one wrong, one unknown", report(None, &[4], &[]), WRONG),
        ] {
            println!("{says}");
            check(&rule(), world(vec![report]), expected);
        }
    }

    #[test]
    fn without_a_roster_nobody_knows_who_has_left() {
        let without = |report| Snapshot { roster: None, ..world(vec![report]) };
        check(&rule(), without(report(1, &[2], &[])), Expect::Unknown);
        check(&rule(), without(report(4, &[], &[])), Expect::Fail(&["Weekly risk"]));
        check(&rule(), Snapshot { roster: None, ..world(Vec::new()) }, Expect::NotApplicable);
    }

    #[test]
    fn all_reasons_of_a_report_are_one_finding() {
        let all = report(4, &[4, 5, 98], &["x@partner.example", "y@partner.example", "eve@corp.example"]);
        let found = findings(&rule(), world(vec![all]));
        assert_eq!((found.len(), found[0].severity), (1, Severity::Medium));
        let says = "Report Weekly risk has an owner, di, that is disabled, 2 users with access that ended, 2 recipients \
                    outside the approved domains and 1 recipient who has left";
        assert_eq!(found[0].summary, says);
        assert_eq!(found[0].affected, [UserId(4), UserId(5)]);
        let mut renamed = report(99, &[], &[]);
        renamed.name = "Monthly risk".into();
        let console = snapshot(Vec::new()).console;
        assert_eq!(findings(&rule(), world(vec![renamed]))[0].id(&console), found[0].id(&console));
    }

    #[test]
    fn own_domains_are_those_of_three_enabled_accounts_or_the_configured_ones() {
        let sent = |domain: &str, users: usize| {
            let mut world = world(vec![report(1, &[], &[&format!("x@{domain}")])]);
            world.users.truncate(users);
            world
        };
        check(&rule(), sent("corp.example", 3), Expect::Pass);
        check(&rule(), sent("corp.example", 2), Expect::Unknown);
        let rule = StaleReportAccess { approved_domains: vec![" Partner.example".into()], ..rule() };
        check(&rule, sent("partner.example", 2), Expect::Pass);
        check(&rule, sent("corp.example", 3), Expect::Fail(&["Weekly risk"]));
        let odd = StaleReportAccess { approved_domains: vec!["ana@corp.example".into()], ..rule };
        assert!(odd.mistake().is_some_and(|mistake| mistake.starts_with("approved_domains ")));
    }

    #[test]
    fn without_the_reports_or_all_of_the_users_nothing_is_proven() {
        check(&rule(), world(Vec::new()), Expect::NotApplicable);
        for reports in [Answer::NotAsked, Answer::Missing] {
            check(&rule(), Snapshot { reports, ..world(Vec::new()) }, Expect::Unknown);
        }
        for part in [Part::Users, Part::Reports, Part::Roster] {
            check(&rule(), incomplete(world(vec![report(1, &[], &[])]), part), Expect::Unknown);
        }
        check(&rule(), incomplete(world(vec![report(99, &[], &[])]), Part::Users), Expect::Unknown);
        let mut limited = world(vec![report(99, &[], &[])]);
        limited.collector.rights = CollectorRights::Limited;
        check(&rule(), limited, Expect::Unknown);
    }
}
