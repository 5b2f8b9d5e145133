//! What the made-up company knows beside its consoles: the roster of its people, and the list of users that an
//! administrator exported from a console's pages. Believable, from the estates alone, and wrong in a few known ways.

use std::collections::BTreeMap;
use std::fmt::Write;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Account, DOMAIN, Estate};

const DEPARTMENTS: &[&str] = &[
    "Infrastructure",
    "Vulnerability Management",
    "Network Operations",
    "Cloud Platform",
    "Internal Audit",
    "Retail Systems",
    "Manufacturing IT",
    "Workplace",
];

/// Every how manyth person is a contractor.
const CONTRACTORS: usize = 17;

/// One line of the roster.
struct Row {
    email: String,
    login: String,
    name: String,
    department: &'static str,
    manager: String,
    status: &'static str,
    end: String,
    kind: &'static str,
}

/// The roster of the people behind the accounts of some consoles, as CSV. In the `former` one, nobody has left yet, and
/// one person works elsewhere.
pub fn roster(estates: &[(String, Estate)], former: bool) -> String {
    let as_of = estates.first().map(|(_, estate)| estate.as_of).unwrap_or_default();
    let mut people: BTreeMap<String, &Account> = BTreeMap::new();
    for account in estates.iter().flat_map(|(_, estate)| estate.users.values()) {
        if let Some(mailbox) = personal(account) {
            people.entry(mailbox).or_insert(account);
        }
    }
    let mut csv = "id,email,login,aliases,name,manager,department,status,start,end,type\n".to_owned();
    let (mut left, mut movers, mut strangers, mut namesakes) = (2, 1, 2, 1);
    for (number, (mailbox, account)) in people.iter().enumerate() {
        let ordinary = account.enabled && !account.is_global_admin();
        if ordinary && account.role == "system-admin" && take(&mut strangers) {
            // Nobody told the directory of these two.
            continue;
        }
        let contractor = number % CONTRACTORS == 5;
        let mut row = Row {
            email: mailbox.clone(),
            login: account.login.clone(),
            name: account.name.clone(),
            department: DEPARTMENTS[number % DEPARTMENTS.len()],
            manager: format!("E{:05}", 10_001 + number / 12 * 12),
            status: "active",
            end: if contractor { day(as_of + TimeDelta::days(90)) } else { String::new() },
            kind: if contractor { "contractor" } else { "employee" },
        };
        if number == 5 {
            row.end.clear();
        }
        if ordinary && account.role == "site-admin" && take(&mut left) && !former {
            (row.status, row.end) = ("left", day(as_of - TimeDelta::days(20)));
        } else if ordinary && account.role == "security-manager" && take(&mut movers) && former {
            row.department = DEPARTMENTS[(number + 3) % DEPARTMENTS.len()];
        } else if ordinary && account.role == "user" && number > 20 && take(&mut namesakes) {
            // Two people, one mailbox, and no login that would tell which of them it is.
            row.login.clear();
            write_row(&mut csv, 9_001, &row);
        }
        write_row(&mut csv, 10_001 + number, &row);
    }
    csv
}

/// The table of users with their last logons, as an administrator exports it. Some have not been seen for months, two
/// never.
pub fn logons(estate: &Estate) -> String {
    let mut csv = "User Name,Full Name,Last Logon\n".to_owned();
    let (mut idle, mut idle_administrators, mut unused) = (3, 1, 2);
    for (id, account) in &estate.users {
        // Spread over the last weeks by the id: no two exports differ.
        let mut days = 1 + id * 7 % 26;
        if !account.enabled {
            days = 200;
        } else if account.is_global_admin() && *id > 1 && take(&mut idle_administrators) {
            days = 60;
        } else if account.role == "system-admin" && take(&mut idle) {
            days = 140;
        }
        let never = account.enabled && account.role == "ReportAuthor" && take(&mut unused);
        let seen = estate.as_of - TimeDelta::days(days) + TimeDelta::minutes(id * 37 % 600);
        let seen = if never { String::new() } else { seen.format("%Y-%m-%d %H:%M:%S").to_string() };
        line(&mut csv, &[&account.login, &account.name, &seen]);
    }
    csv
}

/// The mailbox of an account that is one person's.
fn personal(account: &Account) -> Option<String> {
    let mailbox = account.email.as_deref()?.to_lowercase();
    let local = mailbox.strip_suffix(DOMAIN)?.strip_suffix('@')?;
    local.contains('.').then(|| mailbox.clone())
}

/// One less of what is wrong; false once there was enough of it.
fn take(left: &mut u32) -> bool {
    let some = *left > 0;
    *left = left.saturating_sub(1);
    some
}

fn day(at: DateTime<Utc>) -> String {
    at.format("%F").to_string()
}

fn write_row(csv: &mut String, number: usize, row: &Row) {
    let id = format!("E{number:05}");
    line(
        csv,
        &[
            &id,
            &row.email,
            &row.login,
            "",
            &row.name,
            &row.manager,
            row.department,
            row.status,
            "2021-03-01",
            &row.end,
            row.kind,
        ],
    );
}

fn line(csv: &mut String, cells: &[&str]) {
    let quoted: Vec<String> = cells.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
    // Writing to a string cannot fail.
    let _ = writeln!(csv, "{}", quoted.join(","));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estates() -> Vec<(String, Estate)> {
        Estate::demo(7, 240, super::super::EstateOptions::default().as_of)
    }

    #[test]
    fn the_roster_names_people_and_knows_who_left() {
        let estates = estates();
        let (now, before) = (roster(&estates, false), roster(&estates, true));
        let left = |csv: &str| csv.lines().filter(|line| line.contains("\"left\"")).count();
        assert_eq!((left(&now), left(&before)), (2, 0));
        assert_eq!(now.lines().count(), before.lines().count());
        let moved = now.lines().zip(before.lines()).filter(|(now, before)| now != before).count();
        assert_eq!(moved, 3, "two left, one moved");
        assert!(now.lines().count() > 150, "{}", now.lines().count());
    }

    #[test]
    fn the_export_names_every_account_once() {
        let (_, hq) = estates().remove(0);
        let csv = logons(&hq);
        assert_eq!(csv.lines().count(), hq.users.len() + 1);
        assert_eq!(csv.lines().filter(|line| line.ends_with("\"\"")).count(), 2);
    }
}
