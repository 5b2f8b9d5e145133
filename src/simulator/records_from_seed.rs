//! What people did on a generated console: the right people, none of them in their own cause.
//!
//! It draws from numbers of its own, so that the accounts of a seed do not depend on it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;

use super::{
    Account, ActRecord, DOMAIN, Estate, ExceptionRecord, GLOBAL_ADMIN, LOCAL_ADMINS, LOCAL_USERS,
    OverrideRecord, ReportRecord, ScanRecord,
};

/// Apart from the numbers of the accounts, which come from the seed itself.
const APART: u64 = 0x6163_7469_7669_7479;

const VULNERABILITIES: &[&str] = &[
    "ssl-cve-2011-3389-beast",
    "tlsv1_0-enabled",
    "ssh-weak-kex-algorithms",
    "certificate-common-name-mismatch",
    "cifs-smb-signing-not-required",
    "apache-httpd-cve-2023-25690",
    "http-trace-method-enabled",
    "msft-cve-2024-38063",
];
const REASONS: &[&str] = &["Compensating Control", "Acceptable Risk", "False Positive", "Acceptable Use"];
const REPORTS: &[(&str, &str)] = &[
    ("Monthly executive overview", "executive-overview"),
    ("Top remediations", "prioritized-remediations"),
    ("PCI executive summary", "pci-executive-summary-v12"),
    ("Policy summary", "policy-summary"),
    ("Audit report", "audit-report"),
];
const MAILBOXES: &[&str] = &["patch-board", "risk-committee", "it-operations", "server-team"];

/// Those who do something, by what they may do. Nobody has anything else odd about them.
pub(super) struct Workers {
    submitters: Vec<i64>,
    approvers: Vec<i64>,
    scanners: Vec<i64>,
    authors: Vec<i64>,
    pub(super) plain: Vec<i64>,
}

impl Workers {
    pub(super) fn of(estate: &Estate) -> Self {
        let mut names: BTreeMap<&str, usize> = BTreeMap::new();
        for account in estate.users.values() {
            *names.entry(&account.name).or_default() += 1;
        }
        let people: Vec<(i64, &Account)> = estate
            .users
            .iter()
            .filter(|(_, account)| is_a_person(account) && names.get(account.name.as_str()) == Some(&1))
            .map(|(id, account)| (*id, account))
            .collect();
        let with = |wanted: &dyn Fn(&Account) -> bool| -> Vec<i64> {
            people.iter().filter(|(_, account)| wanted(account)).map(|(id, _)| *id).collect()
        };
        let holds = |account: &Account, privilege: &str| {
            estate.privileges_of(account).is_some_and(|held| held.contains(privilege))
        };
        let may_approve = |account: &Account| holds(account, "approve-vulnerability-exceptions");
        Self {
            submitters: with(&|it| holds(it, "submit-vulnerability-exceptions") && !may_approve(it)),
            approvers: with(&|it| it.role == GLOBAL_ADMIN && may_approve(it)),
            scanners: with(&|it| holds(it, "start-unscheduled-scans")),
            authors: with(&|it| holds(it, "create-reports")),
            plain: with(&|it| it.role == "user"),
        }
    }
}

/// An account of one person, in use, with an address of its own and what a plain account has.
fn is_a_person(account: &Account) -> bool {
    let own_address = format!("{}@{DOMAIN}", account.login);
    account.enabled
        && !account.locked
        && account.email.as_deref() == Some(own_address.as_str())
        && !matches!(account.source, LOCAL_ADMINS | LOCAL_USERS)
        && account.privileges.is_none()
        && (account.role == GLOBAL_ADMIN) == account.superuser
        && (account.superuser || !(account.all_sites || account.sites.is_empty()))
}

/// Fills an estate with a believable past, clean all of it.
pub(super) fn add_records(estate: &mut Estate, seed: u64) {
    let mut rng = Rng::with_seed(seed ^ APART);
    let workers = Workers::of(estate);
    let size = estate.users.len();
    let end = estate.as_of;
    if let Some(decisions) = Decisions::new(&workers, estate) {
        let count = (size / 10).clamp(4, 40);
        let exceptions: Vec<_> = (0..count).map(|_| decisions.exception(end, &mut rng)).collect();
        let overrides: Vec<_> = (0..count / 2).map(|_| decisions.policy_override(end, &mut rng)).collect();
        estate.exceptions = numbered(exceptions);
        estate.overrides = numbered(overrides);
    }
    estate.scans = numbered(scans(estate, &workers, &mut rng));
    estate.reports = numbered(reports(&workers, (size / 12).clamp(3, 30), &mut rng));
}

/// Who asks and who decides.
struct Decisions {
    submitters: Vec<(i64, String)>,
    approvers: Vec<(i64, String)>,
}

impl Decisions {
    /// Nothing if nobody may ask or nobody may decide.
    fn new(workers: &Workers, estate: &Estate) -> Option<Self> {
        let named = |ids: &[i64]| -> Vec<(i64, String)> {
            ids.iter().map(|id| (*id, login_of(estate, *id))).collect()
        };
        let decisions = Self { submitters: named(&workers.submitters), approvers: named(&workers.approvers) };
        (!decisions.submitters.is_empty() && !decisions.approvers.is_empty()).then_some(decisions)
    }

    fn exception(&self, end: DateTime<Utc>, rng: &mut Rng) -> ExceptionRecord {
        let (submitted, reviewed) = self.decision(end, rng);
        let (state, reviewed) = match rng.u8(..10) {
            0 => ("Rejected", Some(reviewed)),
            1 => ("Under Review", None),
            _ => ("Approved", Some(reviewed)),
        };
        ExceptionRecord {
            vulnerability: choose(VULNERABILITIES, rng).to_owned(),
            scope: choose(&["Global", "Site", "Asset", "Asset Group", "Instance"], rng).to_owned(),
            reason: choose(REASONS, rng).to_owned(),
            state: state.to_owned(),
            submitted,
            reviewed,
            expires: rng.bool().then(|| end + TimeDelta::days(rng.i64(30..360))),
        }
    }

    fn policy_override(&self, end: DateTime<Utc>, rng: &mut Rng) -> OverrideRecord {
        let (submitted, reviewed) = self.decision(end, rng);
        let (state, reviewed) = match rng.u8(..10) {
            0 => ("rejected", Some(reviewed)),
            1 => ("under-review", None),
            _ => ("approved", Some(reviewed)),
        };
        OverrideRecord {
            rule: rng.i64(1_000..9_000),
            scope: choose(&["all-assets", "specific-asset"], rng).to_owned(),
            state: state.to_owned(),
            submitted,
            reviewed,
            expires: rng.bool().then(|| end + TimeDelta::days(rng.i64(30..360))),
        }
    }

    fn decision(&self, end: DateTime<Utc>, rng: &mut Rng) -> (ActRecord, ActRecord) {
        let at = before(end, 20..300, rng);
        let act = |(user, login): &(i64, String), at, comment: &str| ActRecord {
            user: *user,
            login: login.clone(),
            at,
            comment: comment.to_owned(),
        };
        let submitter = &self.submitters[rng.usize(..self.submitters.len())];
        let approver = &self.approvers[rng.usize(..self.approvers.len())];
        let later = at + TimeDelta::minutes(rng.i64(60..14_400));
        (act(submitter, at, "Replacement is scheduled."), act(approver, later, "Seen in the change board."))
    }
}

fn scans(estate: &Estate, workers: &Workers, rng: &mut Rng) -> Vec<ScanRecord> {
    let mut scans = Vec::new();
    for (site, record) in &estate.sites {
        for _ in 0..4 {
            let starter = match workers.scanners.as_slice() {
                people @ [_, ..] if rng.u8(..3) > 0 => {
                    Some(login_of(estate, people[rng.usize(..people.len())]))
                }
                _ => None,
            };
            scans.push(ScanRecord {
                name: format!("{} full audit", record.name),
                site: *site,
                kind: if starter.is_some() { "manual" } else { "scheduled" }.to_owned(),
                started_by: starter,
                started: before(estate.as_of, 0..60, rng),
            });
        }
    }
    // Ids grow with the time.
    scans.sort_by_key(|scan| scan.started);
    scans
}

fn reports(workers: &Workers, count: usize, rng: &mut Rng) -> Vec<ReportRecord> {
    let authors = &workers.authors;
    if authors.is_empty() {
        return Vec::new();
    }
    let one = |n: usize| {
        let (name, template) = REPORTS[n % REPORTS.len()];
        let (readers, mailed) = (rng.usize(..4), rng.usize(..3));
        let users: BTreeSet<i64> = (0..readers).map(|_| authors[rng.usize(..authors.len())]).collect();
        let mailboxes: BTreeSet<&str> = (0..mailed).map(|_| choose(MAILBOXES, rng)).collect();
        ReportRecord {
            name: if n < REPORTS.len() {
                name.to_owned()
            } else {
                format!("{name} {}", n / REPORTS.len() + 1)
            },
            owner: authors[rng.usize(..authors.len())],
            users,
            recipients: mailboxes.iter().map(|mailbox| format!("{mailbox}@{DOMAIN}")).collect(),
            template: template.to_owned(),
        }
    };
    (0..count).map(one).collect()
}

/// The login of an account.
pub(super) fn login_of(estate: &Estate, id: i64) -> String {
    estate.users.get(&id).map(|account| account.login.clone()).unwrap_or_default()
}

/// A moment so many days before another, to the second.
fn before(end: DateTime<Utc>, days: std::ops::Range<i64>, rng: &mut Rng) -> DateTime<Utc> {
    end - TimeDelta::seconds(rng.i64(days.start * 86_400 + 1..days.end * 86_400))
}

fn choose<'a>(of: &[&'a str], rng: &mut Rng) -> &'a str {
    of[rng.usize(..of.len())]
}

/// Records with the ids 1, 2 and on.
fn numbered<T>(records: Vec<T>) -> BTreeMap<i64, T> {
    (1..).zip(records).collect()
}
