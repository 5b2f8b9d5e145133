//! What is wrong on the demonstration consoles: each blemish on its own account or role, few of each.

use std::collections::BTreeSet;

use fastrand::Rng;

use super::{
    Account, BUILTIN, Estate, GLOBAL_ADMIN, LOCAL_ADMINS, LOCAL_USERS, PRIVILEGES, People, Person,
    SINGLE_SIGN_ON, Seed, Source, administrator, names, neighbours, plain_account, role,
};

/// A privilege of a newer console than the catalogue knows.
const UNKNOWN_PRIVILEGE: &str = "manage-cloud-connectors";

/// The accounts that get a blemish: ordinary ones of the estate, each used once, then new ones.
struct Cast<'a> {
    estate: &'a mut Estate,
    people: People,
    rng: &'a mut Rng,
    pool: Vec<i64>,
}

impl<'a> Cast<'a> {
    fn new(estate: &'a mut Estate, people: People, rng: &'a mut Rng) -> Self {
        let mut pool: Vec<i64> = estate
            .users
            .iter()
            .filter(|(_, account)| !account.is_global_admin())
            .map(|(id, _)| *id)
            .collect();
        rng.shuffle(&mut pool);
        // Taken from the end: plain users first, so that every role keeps somebody.
        pool.sort_by_key(|id| estate.users.get(id).is_some_and(|account| account.role == "user"));
        Self { estate, people, rng, pool }
    }

    /// Puts the next person on the stage as an ordinary user with grants, then lets the blemish act.
    fn next(&mut self, blemish: impl FnOnce(&mut Account)) -> i64 {
        let id = self.pool.pop().unwrap_or_else(|| self.estate.next_user_id());
        let person = match self.estate.users.get(&id) {
            Some(account) => Person { name: account.name.clone(), login: account.login.clone() },
            None => self
                .people
                .next()
                .unwrap_or(Person { name: format!("User {id}"), login: format!("user{id}") }),
        };
        let mut account = plain_account(&person);
        let wanted = self.rng.usize(1..4);
        account.sites = neighbours(self.estate.sites.len(), wanted, self.rng);
        account.asset_groups = neighbours(self.estate.asset_groups.len(), wanted - 1, self.rng);
        blemish(&mut account);
        self.estate.users.insert(id, account);
        id
    }

    fn some_with(&mut self, count: usize, role: &str) {
        for _ in 0..count {
            self.next(|account| role.clone_into(&mut account.role));
        }
    }
}

/// Everything that the catalogue of rules knows, on one large console.
pub(super) fn blemish_large_console(estate: &mut Estate, people: People, rng: &mut Rng) {
    add_roles(estate);
    let mut cast = Cast::new(estate, people, rng);
    administrators(&mut cast);
    custom_roles(&mut cast);
    local_accounts(&mut cast);
    life_cycle(&mut cast);
    identities(&mut cast);
    scope(&mut cast);
    dead_ends(estate);
    withhold_two_factor_answers(estate);
}

/// A console set up by hand: two-factor authentication off, logins and sessions without tight limits, a shared
/// administrator, a left-over test account.
pub(super) fn blemish_small_console(estate: &mut Estate) {
    "6.6.209".clone_into(&mut estate.version);
    estate.two_factor_enabled = false;
    estate.login_lock_threshold = 25;
    "PT1H".clone_into(&mut estate.session_timeout);
    estate.quirks.inverse_lists_name_admins = false;
    for account in estate.users.values_mut() {
        account.two_factor = Seed::Absent;
    }
    let mut last = estate.users.iter_mut().rev().filter(|(_, account)| !account.is_global_admin());
    if let Some((_, account)) = last.next() {
        let person = Person { name: "Lab Administrator".to_owned(), login: "labadmin".to_owned() };
        *account = administrator(&person, LOCAL_ADMINS);
    }
    if let Some((_, account)) = last.next() {
        rename(account, "test", "Test User");
        account.source = LOCAL_USERS;
        account.email = None;
    }
    estate.roles.retain(|id, _| {
        estate.users.values().any(|account| account.role == *id) || BUILTIN.contains(&id.as_str())
    });
}

/// What is wrong between two consoles: a person who is out on one and in on the other, and one whose accounts together
/// may do what neither may alone.
pub(super) fn blemish_across(consoles: &mut [(String, Estate)]) {
    let [(_, large), (_, small)] = consoles else { return };
    let first = |wanted: &dyn Fn(&Account) -> bool| {
        large.users.values().find(|account| account.email.is_some() && wanted(account)).cloned()
    };
    let gone = first(&|account| !account.enabled && !account.is_global_admin());
    let asks = first(&|account| account.enabled && account.role == "remediation-lead");
    small.roles.insert(
        "exception-approver".to_owned(),
        role(
            "Exception approver",
            "Decides on exceptions of the laboratory.",
            &["approve-vulnerability-exceptions", "view-site-asset-data"],
        ),
    );
    let site = small.sites.keys().next().copied();
    for (person, role) in [(gone, "user"), (asks, "exception-approver")] {
        let Some(person) = person else { continue };
        let account = Account {
            enabled: true,
            role: role.to_owned(),
            sites: site.into_iter().collect(),
            asset_groups: BTreeSet::new(),
            ..person
        };
        small.users.insert(small.next_user_id(), account);
    }
}

fn rename(account: &mut Account, login: &str, name: &str) {
    login.clone_into(&mut account.login);
    name.clone_into(&mut account.name);
}

fn make_administrator(account: &mut Account) {
    GLOBAL_ADMIN.clone_into(&mut account.role);
    (account.superuser, account.all_sites, account.all_asset_groups) = (true, true, true);
    account.sites.clear();
    account.asset_groups.clear();
}

fn add_roles(estate: &mut Estate) {
    let nearly_all: Vec<&str> =
        PRIVILEGES.iter().copied().filter(|id| !matches!(*id, "all-permissions" | "close-tickets")).collect();
    let analyst = [
        "assign-ticket-assignee",
        "create-reports",
        "create-tickets",
        "manage-report-templates",
        "manage-tags",
        "manage-vuln-investigations",
        "submit-vulnerability-exceptions",
        "view-asset-group-asset-data",
        "view-site-asset-data",
        "view-vuln-investigations",
    ];
    let roles = [
        ("ExceptASCP", role("Scan operations", "Day-to-day running of scans.", &nearly_all)),
        (
            "platform-automation",
            role("Platform automation", "Nightly inventory synchronisation.", &["all-permissions"]),
        ),
        ("Vulnerability Analyst", role("Vulnerability analyst", "Triage of findings.", &analyst)),
        (
            "Vulnerability Analyst EMEA",
            role(
                "Vulnerability analyst EMEA",
                "Triage of findings.",
                &[&analyst[..], &["manage-scan-alerts"]].concat(),
            ),
        ),
        ("ReadOnlyTriage", role("Read-only triage", "Triage without tickets.", &analyst[6..])),
        (
            "LegacyPCIAuditors",
            role("PCI auditors 2022", "", &["create-reports", "view-asset-group-asset-data"]),
        ),
        (
            "exception-desk",
            role(
                "Exception desk",
                "Handles exception requests of the business units.",
                &[
                    "approve-vulnerability-exceptions",
                    "delete-vulnerability-exceptions",
                    "submit-vulnerability-exceptions",
                    "view-asset-group-asset-data",
                ],
            ),
        ),
        (
            "Scan Engineer",
            role(
                "Scan engineer",
                "Sets up sites, credentials and schedules.",
                &[
                    "assign-scan-engine",
                    "manage-site-credentials",
                    "schedule-automatic-scans",
                    "specify-scan-targets",
                    "start-unscheduled-scans",
                    "view-site-asset-data",
                ],
            ),
        ),
        (
            "cloud-onboarding",
            role(
                "Cloud onboarding",
                "Connects cloud accounts.",
                &[UNKNOWN_PRIVILEGE, "specify-site-metadata"],
            ),
        ),
        ("custom", role("Custom defined role", "Custom defined role.", &[])),
    ];
    estate.roles.extend(roles.map(|(id, definition)| (id.to_owned(), definition)));
    estate.privileges.insert(UNKNOWN_PRIVILEGE.to_owned());
}

fn administrators(cast: &mut Cast<'_>) {
    // Three of the directory beside those that every estate has: more than anyone needs.
    for _ in 0..3 {
        cast.next(make_administrator);
    }
    cast.next(|account| {
        make_administrator(account);
        rename(account, "admin", "Administrator");
        (account.source, account.email) = (LOCAL_ADMINS, Some("it-security@corp.example".to_owned()));
    });
    // Left the team: disabled, but the role and the grants are still there.
    cast.next(|account| {
        GLOBAL_ADMIN.clone_into(&mut account.role);
        (account.superuser, account.enabled) = (true, false);
    });
    cast.next(|account| {
        "security-manager".clone_into(&mut account.role);
        account.superuser = true;
    });
}

fn custom_roles(cast: &mut Cast<'_>) {
    cast.next(|account| {
        rename(account, "svc-inventory", "Inventory synchronisation");
        "platform-automation".clone_into(&mut account.role);
        account.email = Some("platform-team@corp.example".to_owned());
    });
    cast.some_with(2, "ExceptASCP");
    cast.some_with(3, "Vulnerability Analyst");
    cast.some_with(2, "Vulnerability Analyst EMEA");
    cast.some_with(2, "ReadOnlyTriage");
    cast.some_with(2, "exception-desk");
    cast.some_with(2, "Scan Engineer");
    cast.some_with(1, "cloud-onboarding");
    cast.some_with(1, "custom");
    // Says User in the role column, may approve exceptions all the same.
    let user = cast.estate.roles.get("user").map(|role| role.privileges.clone()).unwrap_or_default();
    cast.next(|account| {
        account.privileges =
            Some(user.into_iter().chain(names(&["approve-vulnerability-exceptions"])).collect());
    });
}

fn local_accounts(cast: &mut Cast<'_>) {
    for _ in 0..3 {
        cast.next(|account| account.source = LOCAL_USERS);
    }
    for _ in 0..5 {
        cast.next(|account| (account.source, account.two_factor) = (LOCAL_USERS, Seed::Present));
    }
    cast.next(|account| {
        rename(account, "scanner", "scanner");
        (account.source, account.email) = (LOCAL_USERS, None);
        "security-manager".clone_into(&mut account.role);
    });
    cast.next(|account| {
        rename(account, "test1", "Test Account 1");
        (account.source, account.two_factor) = (LOCAL_USERS, Seed::Present);
    });
}

fn life_cycle(cast: &mut Cast<'_>) {
    for _ in 0..2 {
        cast.next(|account| account.locked = true);
    }
    for _ in 0..3 {
        cast.next(|account| {
            account.sites.clear();
            account.asset_groups.clear();
        });
    }
}

fn identities(cast: &mut Cast<'_>) {
    cast.next(|account| account.email = None);
    cast.next(|account| account.email = Some(format!("{}(at)corp.example", account.login)));
    cast.next(|account| account.email = Some(format!("{}@freemail.example", account.login.replace('.', ""))));
    cast.next(|account| rename(account, "helpdesk", "Service Desk"));
    // One mailbox read by two people.
    for shift in ["soc-day", "soc-night"] {
        cast.next(|account| {
            rename(account, shift, if shift == "soc-day" { "SOC day shift" } else { "SOC night shift" });
            account.email = Some("soc@corp.example".to_owned());
        });
    }
    // The same person twice: once in the directory, once through single sign-on or with a local password.
    for source in [SINGLE_SIGN_ON, LOCAL_USERS] {
        let mut original = None;
        cast.next(|account| original = Some(account.clone()));
        let Some(original) = original else { continue };
        cast.next(|twin| {
            let initial = original.login.chars().take(1);
            let last = original.login.rsplit('.').next().unwrap_or_default();
            twin.login = initial.chain(last.chars()).collect();
            twin.name.clone_from(&original.name);
            twin.email = original.email.as_ref().map(|email| email.replace("@corp", "@Corp"));
            twin.source = source;
            twin.two_factor = if source == LOCAL_USERS { Seed::Present } else { Seed::Absent };
        });
    }
}

fn scope(cast: &mut Cast<'_>) {
    // One of the two kept the grants from before.
    cast.next(|account| account.all_sites = true);
    cast.next(|account| {
        (account.all_sites, account.all_asset_groups) = (true, true);
        account.sites.clear();
        account.asset_groups.clear();
    });
    let missing = cast.estate.sites.last_key_value().map_or(1, |(id, _)| id + 17);
    cast.next(|account| {
        account.sites.insert(missing);
    });
    let group = cast.estate.asset_groups.first_key_value().map_or(1, |(id, _)| *id);
    let hidden = cast.next(|account| {
        account.asset_groups.insert(group);
    });
    cast.estate.quirks.asset_group_users_omitted.entry(group).or_default().insert(hidden);
}

/// What nobody needs any more: a directory without users, a site that was never scanned, a group without assets, and one
/// account that collected access to half of everything.
fn dead_ends(estate: &mut Estate) {
    let number = estate.sources.last_key_value().map_or(1, |(id, _)| id + 1);
    let kerberos =
        Source { name: "Former Kerberos realm".to_owned(), kind: "kerberos".to_owned(), external: true };
    estate.sources.insert(number, kerberos);
    let half = |ids: Vec<i64>| ids.into_iter().step_by(2).collect::<BTreeSet<_>>();
    let (sites, groups) =
        (half(estate.sites.keys().copied().collect()), half(estate.asset_groups.keys().copied().collect()));
    let wide = |account: &Account| account.enabled && account.role == "user" && account.privileges.is_none();
    if let Some(account) = estate.users.values_mut().find(|account| wide(account)) {
        (account.sites, account.asset_groups) = (sites, groups);
    }
    if let Some(mut last) = estate.sites.last_entry() {
        (last.get_mut().assets, last.get_mut().last_scan) = (0, None);
    }
    if let Some(mut last) = estate.asset_groups.last_entry() {
        last.get_mut().assets = 0;
    }
}

/// Three local accounts with a second factor answer 401 when asked for it, never two in a row.
fn withhold_two_factor_answers(estate: &mut Estate) {
    let local: Vec<(i64, Seed)> = estate
        .users
        .iter()
        .filter(|(_, account)| matches!(account.source, LOCAL_ADMINS | LOCAL_USERS))
        .map(|(id, account)| (*id, account.two_factor))
        .collect();
    let spread = (local.len() / 3).max(2);
    for third in local.chunks(spread).take(3) {
        // Never the first of a third, so that two choices always have an answered account between them.
        let choice = third.iter().skip(1).find(|(_, seed)| *seed == Seed::Present);
        estate.quirks.two_factor_unauthorized.extend(choice.map(|(id, _)| *id));
    }
}
