//! Waivers that ended since the earlier run, or came close to their end.
//!
//! Earlier waivers are not kept: what is told follows from the waivers of now and the two runs' times alone.

use chrono::{DateTime, Utc};

use super::{Change, ENDS_NOW, ENDS_SOON, Seen, Waiver, cut};

/// What stands for the console of a waiver that speaks of several.
const SEVERAL: &str = "*";

pub(super) fn changes(then: DateTime<Utc>, now: &[Seen<'_>], waivers: &[Waiver]) -> Vec<Change> {
    let Some(finished) = now.iter().map(|console| console.snapshot.finished).max() else {
        return Vec::new();
    };
    let consoles: Vec<&str> = now.iter().map(|console| &*console.snapshot.console.name).collect();
    let change = |waiver: &Waiver| {
        let on: Vec<&str> = consoles.iter().copied().filter(|console| waiver.is_on(console)).collect();
        let console = match on[..] {
            [] => return None,
            [one] => one,
            _ => SEVERAL,
        };
        let (change, how) = happened(waiver.days_left(then), waiver.days_left(finished))?;
        let id = waiver.finding.clone().or_else(|| waiver.subject.clone()).unwrap_or_default();
        let kind = if waiver.finding.is_some() { "finding " } else { "" };
        let (rule, of, by) = (cut(&waiver.rule), cut(&id), cut(&waiver.approved_by));
        Some(Change {
            console: console.into(),
            kind: "waiver",
            change,
            name: format!("{kind}{of}"),
            administrator: false,
            summary: format!(
                "The waiver of {rule} for {kind}{of} {how}: {}, approved by {by}",
                waiver.expires
            ),
            id,
            resolved: None,
        })
    };
    waivers.iter().filter_map(change).collect()
}

/// What the days that were left in the earlier run and those that are left now say together.
fn happened(then: i64, now: i64) -> Option<(&'static str, String)> {
    if now < 0 {
        return (then >= 0).then(|| ("expired", "has expired".to_owned()));
    }
    let crossed = [ENDS_NOW, ENDS_SOON].into_iter().any(|days| then > days && now <= days);
    crossed.then(|| {
        let left = match now {
            0 => "ends today".to_owned(),
            1 => "ends tomorrow".to_owned(),
            days => format!("ends in {days} days"),
        };
        ("ends_soon", left)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Snapshot;
    use crate::model::sample::snapshot;

    fn waiver(expires: &str, console: Option<&str>) -> Waiver {
        Waiver {
            rule: "locked_account".into(),
            console: console.map(str::to_owned),
            subject: Some("mia".into()),
            finding: None,
            reason: "on leave".into(),
            approved_by: "Maria Boss".into(),
            expires: expires.parse().unwrap(),
            ticket: None,
            place: String::new(),
        }
    }

    fn snapshots(names: &[&str]) -> Vec<Snapshot> {
        let console = |name: &&str| {
            let mut snapshot = snapshot(Vec::new());
            snapshot.console.name = (*name).into();
            snapshot.finished = "2026-09-21T14:00:00Z".parse().unwrap();
            snapshot
        };
        names.iter().map(console).collect()
    }

    #[test]
    fn a_change_is_a_bound_that_was_crossed_between_the_runs() {
        let cases = [
            (31, 30, Some("ends_soon")),
            (31, 31, None),
            (30, 24, None),
            (30, 8, None),
            (8, 7, Some("ends_soon")),
            (7, 0, None),
            (40, 3, Some("ends_soon")),
            (0, -1, Some("expired")),
            (90, -1, Some("expired")),
            (-1, -8, None),
        ];
        for (then, now, change) in cases {
            assert_eq!(happened(then, now).map(|(change, _)| change), change, "{then} → {now}");
        }
    }

    #[test]
    fn a_waiver_of_one_console_stands_there_and_one_of_several_stands_apart() {
        let then = "2026-09-14T14:00:00Z".parse().unwrap();
        let told = |waiver: Waiver, names: &[&str]| {
            let snapshots = snapshots(names);
            let seen = |snapshot| Seen { snapshot, judged: Vec::new() };
            changes(then, &snapshots.iter().map(seen).collect::<Vec<_>>(), &[waiver])
        };
        let one = told(waiver("2026-09-20", Some("h*")), &["hq", "lab"]);
        assert_eq!((one.len(), &*one[0].console, one[0].kind, one[0].change), (1, "hq", "waiver", "expired"));
        let said = "The waiver of locked_account for mia has expired: 2026-09-20, approved by Maria Boss";
        assert_eq!(one[0].summary, said);
        let several = told(waiver("2026-09-28", None), &["hq", "lab"]);
        assert_eq!((&*several[0].console, several[0].change), ("*", "ends_soon"));
        assert!(several[0].summary.contains("ends in 7 days: 2026-09-28"), "{}", several[0].summary);
        assert_eq!(told(waiver("2026-09-20", Some("prod")), &["hq", "lab"]), []);
        assert_eq!(told(waiver("2026-09-20", None), &[]), []);
    }
}
