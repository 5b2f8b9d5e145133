//! Fictional sites and asset groups, named as security teams name them.

use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;

use super::{GroupRecord, SiteRecord};

const CITIES: &[&str] = &[
    "Frankfurt",
    "Warsaw",
    "Singapore",
    "Dublin",
    "Toronto",
    "São Paulo",
    "Austin",
    "Lyon",
    "Nairobi",
    "Osaka",
    "Stockholm",
    "Mumbai",
    "Cape Town",
    "Melbourne",
    "Madrid",
    "Chicago",
];

const ZONES: &[&str] = &[
    "DC – Servers",
    "office",
    "DC – Network",
    "DMZ",
    "warehouse",
    "branch – Workstations",
    "DC – Storage",
    "lab",
    "call centre",
];

const DEPARTMENTS: &[&str] = &[
    "Payments",
    "Finance",
    "HR",
    "Engineering",
    "Logistics",
    "Retail",
    "Legal",
    "Treasury",
    "Customer service",
    "Manufacturing",
    "Research",
    "Marketing",
];

const KINDS: &[&str] = &[
    "servers",
    "workstations",
    "databases",
    "internet-facing systems",
    "domain controllers",
    "end-of-life systems",
    "network devices",
    "virtual desktops",
];

/// Asset groups that every estate has, before those of the departments.
const COMMON_GROUPS: &[&str] = &[
    "PCI cardholder systems",
    "Domain controllers",
    "Internet-facing systems",
    "Critical assets – no patch > 30 d",
];

/// The `n`-th site of an estate.
pub(super) fn site(n: usize, as_of: DateTime<Utc>, rng: &mut Rng) -> SiteRecord {
    let name = numbered(n, CITIES.len() * ZONES.len(), |place| {
        // Neighbours differ in both words, so that a short list does not read as a table.
        let city = CITIES[place % CITIES.len()];
        let zone = ZONES[(place + place / CITIES.len()) % ZONES.len()];
        format!("{city} {zone}")
    });
    let kind = pick(rng, &["static", "static", "static", "dynamic", "agent"]);
    SiteRecord {
        description: rng.bool().then(|| format!("{name}, scanned by the regional team")),
        name,
        kind: kind.to_owned(),
        importance: pick(rng, &["normal", "normal", "normal", "low", "high", "very_high"]).to_owned(),
        assets: rng.i64(12..2_400),
        risk_score: f64::from(rng.u32(10_000..90_000_000)) / 10.0,
        last_scan: Some(scan(as_of, rng)),
    }
}

/// A time in the two weeks before.
fn scan(as_of: DateTime<Utc>, rng: &mut Rng) -> String {
    let day = as_of - TimeDelta::days(i64::from(rng.u8(1..=13)));
    let (hour, minute, second) = (rng.u8(..24), rng.u8(..60), rng.u8(..60));
    format!("{}T{hour:02}:{minute:02}:{second:02}.{:03}Z", day.format("%F"), rng.u16(..1_000))
}

/// The `n`-th asset group of an estate.
pub(super) fn asset_group(n: usize, rng: &mut Rng) -> GroupRecord {
    let name = COMMON_GROUPS.get(n).map_or_else(
        || {
            numbered(n - COMMON_GROUPS.len(), DEPARTMENTS.len() * KINDS.len(), |place| {
                let department = DEPARTMENTS[place % DEPARTMENTS.len()];
                format!("{department} {}", KINDS[(place + place / DEPARTMENTS.len()) % KINDS.len()])
            })
        },
        |name| (*name).to_owned(),
    );
    GroupRecord {
        description: rng.bool().then(|| format!("{name}: kept by asset management")),
        name,
        kind: pick(rng, &["dynamic", "dynamic", "static"]).to_owned(),
        assets: rng.i64(3..900),
        risk_score: f64::from(rng.u32(1_000..20_000_000)) / 10.0,
    }
}

/// Names repeat with a number once every combination is used.
fn numbered(n: usize, combinations: usize, name: impl Fn(usize) -> String) -> String {
    let base = name(n % combinations);
    match n / combinations {
        0 => base,
        round => format!("{base} {}", round + 1),
    }
}

fn pick<'a>(rng: &mut Rng, of: &[&'a str]) -> &'a str {
    of[rng.usize(..of.len())]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique() {
        let mut rng = Rng::with_seed(1);
        let sites: BTreeSet<_> = (0..500).map(|n| site(n, DateTime::UNIX_EPOCH, &mut rng).name).collect();
        let groups: BTreeSet<_> = (0..500).map(|n| asset_group(n, &mut rng).name).collect();
        assert_eq!((sites.len(), groups.len()), (500, 500));
    }
}
