//! SCOPE-06: important sites that too many can read.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{Context, Outcome, Rule, all_of, amount, any_of, conjoin, cut, enabled, holds_everything, list, logins};
use crate::finding::{Finding, Severity};
use crate::graph::{AccessGraph, Reach};
use crate::model::{Part, Site, SiteId, User};

about! {
    id: "exposed_site",
    code: "SCOPE-06",
    title: "Important site readable by too many",
    flags: "Sites of high importance whose data more than max_readers enabled accounts can read, or a role outside \
            approved_roles.",
    evidence: "The site's importance, and the accounts that reach it and hold view-site-asset-data or everything.",
    why: "The weaknesses of the most important systems are a map for an attacker; each reader is one more way to it.",
    severity: Severity::Medium,
    click_path: "Administration > Users > Manage users > the user > Site access: take the site, or the all-sites flag, from \
                 those who do not work on it.",
    api_call: "GET /api/3/sites/{id}/users lists those with a grant; DELETE /api/3/users/{id}/sites/{siteId} removes one.",
    needs: &[Part::Users, Part::UserPrivileges, Part::UserSites, Part::Sites],
    version: 1,
}

rule! {
    /// `[analyzers.exposed_site]`: SCOPE-06.
    ExposedSite {
        /// The importance of the sites in question, as the console writes it.
        importance: Vec<String> = vec!["very_high".to_owned(), "high".to_owned()],
        /// The most enabled accounts that may read such a site.
        max_readers: u32 = 25,
        /// Ids of the roles, not their names, that may read such a site, such as "security-manager"; empty: any role.
        approved_roles: Vec<String> = Vec::new(),
    }
}

impl Rule for ExposedSite {
    fn mistake(&self) -> Option<String> {
        let wrong = self.importance.is_empty();
        wrong.then(|| "importance is empty, so that no site is in question; set enabled = false instead".to_owned())
    }

    fn examine(&self, Context { graph, .. }: Context<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        let is_important = |site: &Site| site.importance.as_ref().map(|is| self.importance.contains(is));
        let sites = graph.snapshot().sites.iter().filter(|site| is_important(site) != Some(false));
        let sites: Vec<&Site> = sites.collect();
        // In the order of their ids, as the graph has them.
        let readers = Readers::of(graph, &sites.iter().map(|site| site.id).collect::<Vec<_>>());
        let mut everywhere = Tally::default();
        for reader in &readers.everywhere {
            self.count(&mut everywhere, reader);
        }
        for (site, own) in sites.into_iter().zip(&readers.of_site) {
            let mut tally = everywhere;
            for reader in own {
                self.count(&mut tally, reader);
            }
            let exposed = any_of([self.are_too_many(tally), tally.has_outsiders()]);
            outcome.judge(all_of([is_important(site), exposed]), || {
                let mut all: Vec<&Reader<'_>> = readers.everywhere.iter().chain(own).collect();
                all.sort_by_key(|reader| reader.user.id);
                self.finding(site, tally, &all)
            });
        }
        outcome
    }
}

impl ExposedSite {
    /// Whether a reader's role is not among the approved ones; `None` if it is not known.
    fn is_outside(&self, user: &User) -> Option<bool> {
        if self.approved_roles.is_empty() {
            return Some(false);
        }
        user.role.id.as_ref().map(|id| !self.approved_roles.iter().any(|role| role == id.as_str()))
    }

    fn count(&self, tally: &mut Tally, reader: &Reader<'_>) {
        let outside = self.is_outside(reader.user);
        if reader.is_certain {
            tally.certain += 1;
            tally.outside |= outside == Some(true);
            tally.perhaps_outside |= outside.is_none();
        } else {
            tally.possible += 1;
            tally.perhaps_outside |= outside != Some(false);
        }
    }

    fn are_too_many(&self, tally: Tally) -> Option<bool> {
        let max = self.max_readers as usize;
        if tally.certain > max { Some(true) } else { (tally.certain + tally.possible <= max).then_some(false) }
    }

    fn finding(&self, site: &Site, tally: Tally, readers: &[&Reader<'_>]) -> Finding {
        let of = |certain| readers.iter().filter(move |reader| reader.is_certain == certain).map(|reader| reader.user);
        let (certain, possible): (Vec<&User>, Vec<&User>) = (of(true).collect(), of(false).collect());
        let outside: Vec<&User> =
            certain.iter().copied().filter(|user| self.is_outside(user) == Some(true)).collect();
        let too_many = self.are_too_many(tally) == Some(true);
        let mut words = Vec::new();
        if too_many {
            words.push(format!("by {}; the limit is {}", amount(certain.len(), "account"), self.max_readers));
        }
        if !outside.is_empty() {
            words.push(format!("by {} of roles that are not approved", amount(outside.len(), "account")));
        }
        let summary = format!("Site {} can be read {}", cut(&site.name), conjoin(&words));
        let finding = Finding::new(&ABOUT, site, Severity::Medium, summary)
            .with("importance", cut(site.importance.as_deref().unwrap_or("unknown")))
            .with("readers", format!("{}; the limit is {}", certain.len(), self.max_readers))
            .with("roles", roles(&certain))
            .with("accounts", logins(&certain));
        let finding = if outside.is_empty() { finding } else { finding.with("roles not approved", roles(&outside)) };
        let finding = if possible.is_empty() { finding } else { finding.with("perhaps also", logins(&possible)) };
        finding.affecting(if too_many { certain } else { outside }.iter().map(|user| user.id))
    }
}

/// The roles of some accounts, those with the most accounts first.
fn roles(users: &[&User]) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for user in users {
        *counts.entry(cut(&user.role.label()).into_owned()).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| Reverse(*count));
    list(counts.into_iter().map(|(role, count)| format!("{role}: {count}")))
}

/// How many can read a site.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    certain: usize,
    possible: usize,
    /// Whether one of a role that is not approved is among the certain ones.
    outside: bool,
    /// Whether one may be.
    perhaps_outside: bool,
}

impl Tally {
    fn has_outsiders(self) -> Option<bool> {
        if self.outside { Some(true) } else { (!self.perhaps_outside).then_some(false) }
    }
}

/// An account that can read a site, or may.
struct Reader<'a> {
    user: &'a User,
    is_certain: bool,
}

/// Who can read which of some sites.
struct Readers<'a> {
    /// Whose reach includes every site, or is not known.
    everywhere: Vec<Reader<'a>>,
    /// The others, in the order of the sites.
    of_site: Vec<Vec<Reader<'a>>>,
}

impl<'a> Readers<'a> {
    /// Among the enabled accounts; the ids of the sites are sorted.
    fn of(graph: &'a AccessGraph, sites: &[SiteId]) -> Self {
        let mut readers = Self { everywhere: Vec::new(), of_site: sites.iter().map(|_| Vec::new()).collect() };
        for user in enabled(graph).filter(|_| !sites.is_empty()) {
            let can_read = all_of([user.enabled, reads(user)]);
            if can_read == Some(false) {
                continue;
            }
            let is_certain = can_read == Some(true);
            match graph.sites_of(user) {
                Reach::All { .. } => readers.everywhere.push(Reader { user, is_certain }),
                Reach::Unknown => readers.everywhere.push(Reader { user, is_certain: false }),
                Reach::Listed(granted) => {
                    for place in granted.iter().filter_map(|id| sites.binary_search(id).ok()) {
                        // An answer that names a site twice is one grant.
                        if readers.of_site[place].last().is_none_or(|last| last.user.id != user.id) {
                            readers.of_site[place].push(Reader { user, is_certain });
                        }
                    }
                }
            }
        }
        readers
    }
}

/// Whether an account can read the data of the sites that it reaches.
fn reads(user: &User) -> Option<bool> {
    if holds_everything(user) == Some(true) {
        return Some(true);
    }
    Some(user.effective_privileges()?.contains("view-site-asset-data"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Expect, check, findings};
    use crate::model::sample::{global_admin, incomplete, snapshot, user, with_role};
    use crate::model::{Answer, Snapshot, UserId};

    fn rule() -> ExposedSite {
        ExposedSite { max_readers: 3, ..ExposedSite::default() }
    }

    /// A console whose site 1 is of very high importance, which `user`s reach.
    fn world(users: Vec<User>) -> Snapshot {
        let mut world = snapshot(users);
        world.sites[0].importance = Some("very_high".into());
        world
    }

    fn readers(count: i64) -> Vec<User> {
        (1..=count).map(|id| user(id, &format!("user{id}"))).collect()
    }

    fn unanswered(mut account: User) -> User {
        account.privileges = Answer::Missing;
        account.role.privileges = None;
        account
    }

    #[test]
    fn the_most_readers_are_included() {
        for (count, expected) in [(2, Expect::Pass), (3, Expect::Pass), (4, Expect::Fail(&["Site 1"]))] {
            check(&rule(), world(readers(count)), expected);
        }
        check(&ExposedSite::default(), world(readers(25)), Expect::Pass);
        check(&ExposedSite::default(), world(readers(26)), Expect::Fail(&["Site 1"]));
    }

    #[test]
    fn tells_numbers_roles_and_logins() {
        let mut users = readers(3);
        users.push(global_admin(9, "root"));
        let found = findings(&rule(), world(users)).remove(0);
        assert_eq!(found.summary, "Site Site 1 can be read by 4 accounts; the limit is 3");
        let evidence = [
            ("importance", "very_high"),
            ("readers", "4; the limit is 3"),
            ("roles", "User (user): 3, global-admin: 1"),
            ("accounts", "user1, user2, user3, root"),
        ];
        assert_eq!(found.evidence, evidence.map(|(label, text)| (label, text.to_owned())));
        assert_eq!((found.severity, found.affected.len()), (Severity::Medium, 4));
    }

    #[test]
    fn who_reaches_without_reading_or_reads_without_reaching_does_not_count() {
        let mut users = readers(3);
        users.push(with_role(user(4, "clerk"), "Clerk", &["create-reports"]));
        users.push(User { sites: Answer::Known(vec![SiteId(2)]), ..user(5, "other") });
        users.push(User { enabled: Some(false), ..user(6, "gone") });
        check(&rule(), world(users.clone()), Expect::Pass);
        users.push(with_role(user(7, "all"), "All", &["all-permissions"]));
        check(&rule(), world(users), Expect::Fail(&["Site 1"]));
    }

    #[test]
    fn only_important_sites_are_in_question() {
        check(&rule(), snapshot(readers(9)), Expect::NotApplicable);
        let mut world = world(readers(9));
        world.sites[0].importance = Some("high".into());
        check(&rule(), world.clone(), Expect::Fail(&["Site 1"]));
        world.sites[0].importance = None;
        check(&rule(), world.clone(), Expect::Unknown);
        world.users.truncate(1);
        check(&rule(), world, Expect::Pass);
    }

    #[test]
    fn a_role_that_is_not_approved_may_not_read() {
        let rule = ExposedSite { approved_roles: vec!["user".into()], ..rule() };
        check(&rule, world(readers(2)), Expect::Pass);
        let mut users = readers(2);
        users.push(global_admin(9, "root"));
        check(&rule, world(users.clone()), Expect::Fail(&["Site 1"]));
        let found = findings(&rule, world(users.clone())).remove(0);
        assert_eq!(found.summary, "Site Site 1 can be read by 1 account of roles that are not approved");
        assert_eq!(found.affected, [UserId(9)]);
        users[2].role.id = None;
        check(&rule, world(users), Expect::Unknown);
    }

    #[test]
    fn what_is_not_known_counts_for_neither_side_of_the_limit() {
        let unclear = [
            unanswered(user(9, "x")),
            User { sites: Answer::Missing, ..user(9, "x") },
            User { enabled: None, ..user(9, "x") },
        ];
        for unclear in unclear {
            let with = |count| readers(count).into_iter().chain([unclear.clone()]).collect();
            check(&rule(), world(with(2)), Expect::Pass);
            check(&rule(), world(with(3)), Expect::Unknown);
            check(&rule(), world(with(4)), Expect::Fail(&["Site 1"]));
        }
        for part in [Part::Users, Part::UserPrivileges, Part::UserSites, Part::Sites] {
            check(&rule(), incomplete(world(readers(2)), part), Expect::Unknown);
        }
    }

    #[test]
    fn the_id_follows_the_site_alone() {
        let console = snapshot(Vec::new()).console;
        let mut renamed = world(readers(9));
        renamed.sites[0].name = "Vault".into();
        let id = |world| findings(&rule(), world)[0].id(&console);
        assert_eq!(id(world(readers(4))), id(renamed));
        let none = ExposedSite { importance: Vec::new(), ..rule() };
        assert!(none.mistake().is_some() && rule().mistake().is_none());
    }
}
