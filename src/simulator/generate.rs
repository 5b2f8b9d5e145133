//! Estates from a seed: the same options give the same estate, byte for byte.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;

use super::{
    Account, Estate, GLOBAL_ADMIN, PRIVILEGES, People, Person, Quirks, Seed, Source, add_records,
    asset_group, blemish_across, blemish_large_console, blemish_records, blemish_small_console,
    builtin_roles, custom_roles, names, site,
};

/// The id of the built-in source of local administrators.
pub(super) const LOCAL_ADMINS: i64 = 1;
/// The id of the built-in source of local users.
pub(super) const LOCAL_USERS: i64 = 2;
/// The id of the directory in a generated estate.
pub(super) const DIRECTORY: i64 = 3;
/// The id of the single sign-on source in a generated estate.
pub(super) const SINGLE_SIGN_ON: i64 = 5;

/// What to generate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EstateOptions {
    /// Everything random follows from it.
    pub seed: u64,
    /// How many accounts, the installer's included. Blemishes may need a few more than a very small number.
    pub users: usize,
    /// How many sites.
    pub sites: usize,
    /// How many asset groups.
    pub asset_groups: usize,
    /// Direct grants of an ordinary user on average, sites and asset groups together.
    pub grants_per_user: usize,
    /// Whether a believable minority of accounts and roles is wrong, each in a known way.
    pub blemishes: bool,
    /// The moment that exceptions, scans and reports lead up to; a generator knows no clock.
    pub as_of: DateTime<Utc>,
}

impl Default for EstateOptions {
    fn default() -> Self {
        Self {
            seed: 7,
            users: 240,
            sites: 24,
            asset_groups: 20,
            grants_per_user: 4,
            blemishes: true,
            // 2026-11-20T00:00:00Z.
            as_of: DateTime::UNIX_EPOCH + TimeDelta::days(20_777),
        }
    }
}

impl Estate {
    /// A believable estate. Without blemishes it is nearly clean: a few local accounts, all of them with a second
    /// factor, and the installer's account without a mail address.
    pub fn generate(options: &EstateOptions) -> Self {
        let mut estate = Self::without_records(options);
        add_records(&mut estate, options.seed);
        if options.blemishes {
            blemish_records(&mut estate);
        }
        estate
    }

    /// The accounts and places, before anybody did anything.
    fn without_records(options: &EstateOptions) -> Self {
        let mut rng = Rng::with_seed(options.seed);
        let mut people = People::new(&mut rng);
        let mut estate = empty_console(options.as_of, &mut rng);
        estate.sites = (0..options.sites).map(|n| (id(n), site(n, options.as_of, &mut rng))).collect();
        estate.asset_groups = (0..options.asset_groups).map(|n| (id(n), asset_group(n, &mut rng))).collect();
        estate.users = accounts(options, &mut people, &mut rng);
        if options.blemishes {
            blemish_large_console(&mut estate, people, &mut rng);
        }
        estate
    }

    /// Two consoles with their names, as they are at a time: `hq` with the given number of users, blemished in every way
    /// that the catalogue of rules knows, and `lab` with a tenth of it, at least 12, where two-factor authentication is
    /// off.
    pub fn demo(seed: u64, users: usize, as_of: DateTime<Utc>) -> Vec<(String, Self)> {
        let places = (users / 10).clamp(12, 60);
        let hq = Self::generate(&EstateOptions {
            seed,
            users,
            sites: places,
            asset_groups: places.min(24),
            as_of,
            ..EstateOptions::default()
        });
        let lab_options = EstateOptions {
            seed: seed.rotate_left(17) ^ 0x006c_6162,
            users: (users / 10).max(12),
            sites: 6,
            asset_groups: 5,
            grants_per_user: 3,
            as_of,
            blemishes: false,
        };
        let mut lab = Self::without_records(&lab_options);
        blemish_small_console(&mut lab);
        add_records(&mut lab, lab_options.seed);
        let mut consoles = vec![("hq".to_owned(), hq), ("lab".to_owned(), lab)];
        blemish_across(&mut consoles);
        consoles
    }
}

fn empty_console(as_of: DateTime<Utc>, rng: &mut Rng) -> Estate {
    let uuid = rng.u128(..);
    let source =
        |name: &str, kind: &str, external| Source { name: name.to_owned(), kind: kind.to_owned(), external };
    Estate {
        uuid: format!(
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            uuid >> 96,
            (uuid >> 80) & 0xffff,
            (uuid >> 64) & 0xfff,
            (uuid >> 48) & 0xfff,
            uuid & 0xffff_ffff_ffff
        ),
        serial: format!("{:032X}{:08X}", rng.u128(..), rng.u32(..)),
        version: "6.6.210".to_owned(),
        two_factor_enabled: true,
        login_lock_threshold: 5,
        session_timeout: "PT10M".to_owned(),
        as_of,
        users: BTreeMap::new(),
        roles: builtin_roles().into_iter().chain(custom_roles()).collect(),
        privileges: names(PRIVILEGES),
        sources: BTreeMap::from([
            (LOCAL_ADMINS, source("Builtin Administrators", "admin", false)),
            (LOCAL_USERS, source("Builtin Users", "normal", false)),
            (DIRECTORY, source("Corporate Active Directory", "ldap", true)),
            (SINGLE_SIGN_ON, source("Corporate Single Sign-On", "saml", true)),
        ]),
        sites: BTreeMap::new(),
        asset_groups: BTreeMap::new(),
        exceptions: BTreeMap::new(),
        overrides: BTreeMap::new(),
        scans: BTreeMap::new(),
        reports: BTreeMap::new(),
        quirks: Quirks { inverse_lists_name_admins: true, sites_by_name: true, ..Quirks::default() },
    }
}

fn accounts(options: &EstateOptions, people: &mut People, rng: &mut Rng) -> BTreeMap<i64, Account> {
    // With the service account there are then five Global Administrators at most.
    let administrators = (options.users / 24).clamp(1, 3);
    let mut accounts = BTreeMap::new();
    if options.users > 0 {
        accounts.insert(1, installer());
    }
    for (n, person) in (1..options.users).zip(people) {
        let account = if n <= administrators {
            administrator(&person, DIRECTORY)
        } else {
            ordinary(&person, n, options, rng)
        };
        accounts.insert(id(n), account);
    }
    accounts
}

/// The account of the installation: local, without a mail address, with a second factor.
fn installer() -> Account {
    let person = Person { name: "Console Administrator".to_owned(), login: "nxadmin".to_owned() };
    Account { email: None, two_factor: Seed::Present, ..administrator(&person, LOCAL_ADMINS) }
}

/// A Global Administrator.
pub(super) fn administrator(person: &Person, source: i64) -> Account {
    Account {
        role: GLOBAL_ADMIN.to_owned(),
        source,
        all_sites: true,
        all_asset_groups: true,
        superuser: true,
        ..plain_account(person)
    }
}

/// An enabled account of the directory with the User role and no grants.
pub(super) fn plain_account(person: &Person) -> Account {
    Account {
        login: person.login.clone(),
        name: person.name.clone(),
        email: Some(person.email()),
        enabled: true,
        locked: false,
        source: DIRECTORY,
        role: "user".to_owned(),
        all_sites: false,
        all_asset_groups: false,
        superuser: false,
        sites: BTreeSet::new(),
        asset_groups: BTreeSet::new(),
        two_factor: Seed::Absent,
        privileges: None,
    }
}

fn ordinary(person: &Person, n: usize, options: &EstateOptions, rng: &mut Rng) -> Account {
    let mut account = plain_account(person);
    (account.source, account.two_factor) = match rng.u8(..100) {
        0..70 => (DIRECTORY, Seed::Absent),
        70..94 => (SINGLE_SIGN_ON, Seed::Absent),
        _ => (LOCAL_USERS, Seed::Present),
    };
    if rng.u8(..100) < 4 {
        // Somebody did the leaver's paperwork: disabled, and nothing left to come back to.
        account.enabled = false;
        return account;
    }
    let role = match rng.u8(..100) {
        0..58 => "user",
        58..76 => "system-admin",
        76..88 => "site-admin",
        88..91 => "security-manager",
        _ => ["Site Admin Custom", "remediation-lead", "ReportAuthor"][n % 3],
    };
    role.clone_into(&mut account.role);
    let mean = options.grants_per_user.max(1);
    let grants = rng.usize(1..2 * mean);
    account.sites = neighbours(options.sites, grants.div_ceil(2), rng);
    account.asset_groups = neighbours(options.asset_groups, grants / 2, rng);
    account
}

/// Ids close to each other: a team's sites are neighbours, not a sample of the whole company.
pub(super) fn neighbours(available: usize, wanted: usize, rng: &mut Rng) -> BTreeSet<i64> {
    if available == 0 {
        return BTreeSet::new();
    }
    let home = rng.usize(..available);
    let reach = (2 * wanted).min(available).max(1);
    let mut chosen = BTreeSet::new();
    while chosen.len() < wanted.min(available) {
        chosen.insert(id((home + rng.usize(..reach)) % available));
    }
    chosen
}

/// The id of the thing at a place in a list.
fn id(place: usize) -> i64 {
    i64::try_from(place).unwrap_or(i64::MAX - 1) + 1
}
