//! What is due after a time away: a minute, one slot, thirty slots, two years; for each policy.

use chrono::{DateTime, TimeDelta, Utc};
use recert::schedule::{CAP, CatchUp, Due, DueSlot, Schedule, due};

use super::{at, schedule, slots};

/// What is due, reckoned from the list of all slots alone.
fn reckoned(schedule: &Schedule, mark: DateTime<Utc>, now: DateTime<Utc>, policy: CatchUp) -> Due {
    let missed = slots(schedule, mark, now + TimeDelta::seconds(1));
    let Some(newest) = missed.last().copied() else { return Due { slots: vec![], mark } };
    let late = newest < now - TimeDelta::minutes(5);
    let runs = match policy {
        CatchUp::All => missed.len().min(CAP),
        CatchUp::Skip if late => 0,
        CatchUp::Latest | CatchUp::Skip => 1,
    };
    let mut due: Vec<_> =
        missed[missed.len() - runs..].iter().map(|slot| DueSlot { slot: *slot, collapsed: 0 }).collect();
    let before = match policy {
        CatchUp::Skip => missed.iter().filter(|slot| **slot >= now - TimeDelta::minutes(5)).count(),
        CatchUp::Latest | CatchUp::All => missed.len(),
    };
    if let Some(first) = due.first_mut() {
        first.collapsed = (before - runs) as u64;
    }
    Due { slots: due, mark: newest }
}

#[test]
fn a_time_away_has_its_exact_counts() {
    let daily = schedule("0 6 * * *", "Europe/Berlin");
    let mark = at("2026-11-01T05:00:00Z");
    // (now, runs under latest, all and skip, slots that the first stands for under latest and all)
    for (now, runs, collapsed) in [
        ("2026-11-01T05:01:00Z", [0, 0, 0], None),
        // One slot, on time and late.
        ("2026-11-02T05:01:00Z", [1, 1, 1], Some((0, 0))),
        ("2026-11-02T05:06:00Z", [1, 1, 0], Some((0, 0))),
        ("2026-12-01T05:06:00Z", [1, 12, 0], Some((29, 18))),
        ("2026-12-01T05:00:30Z", [1, 12, 1], Some((29, 18))),
        // 730 days, over four changes of the clock.
        ("2028-10-31T04:00:00Z", [1, 12, 0], Some((728, 717))),
        ("2028-10-31T05:00:00Z", [1, 12, 1], Some((729, 718))),
    ] {
        for (policy, runs) in [CatchUp::Latest, CatchUp::All, CatchUp::Skip].into_iter().zip(runs) {
            let due = due(&daily, mark, at(now), policy);
            assert_eq!(due, reckoned(&daily, mark, at(now), policy), "{policy:?} at {now}");
            assert_eq!(due.slots.len(), runs, "{policy:?} at {now}");
            let first = due.slots.first().map(|slot| slot.collapsed);
            match policy {
                CatchUp::Latest => assert_eq!(first, collapsed.map(|(latest, _)| latest), "at {now}"),
                CatchUp::All => assert_eq!(first, collapsed.map(|(_, all)| all), "at {now}"),
                CatchUp::Skip => assert!(first.is_none_or(|collapsed| collapsed == 0), "at {now}"),
            }
        }
    }
}

#[test]
fn two_years_of_minutes_are_counted_to_the_last_one() {
    let minutely = schedule("* * * * *", "America/New_York");
    let mark = at("2026-03-01T00:00:00Z");
    let now = at("2028-03-01T00:00:20Z");
    let minutes = u64::try_from((now - mark).num_minutes()).unwrap();
    let newest = at("2028-03-01T00:00:00Z");
    let latest = due(&minutely, mark, now, CatchUp::Latest);
    assert_eq!(latest, Due { slots: vec![DueSlot { slot: newest, collapsed: minutes - 1 }], mark: newest });
    let all = due(&minutely, mark, now, CatchUp::All);
    assert_eq!(all.slots[0], DueSlot { slot: at("2028-02-29T23:49:00Z"), collapsed: minutes - 12 });
    let expected: Vec<_> =
        (0..12).map(|minute| at("2028-02-29T23:49:00Z") + TimeDelta::minutes(minute)).collect();
    assert_eq!(all.slots.iter().map(|slot| slot.slot).collect::<Vec<_>>(), expected);
    let skip = due(&minutely, mark, now, CatchUp::Skip);
    assert_eq!(skip, Due { slots: vec![DueSlot { slot: newest, collapsed: 4 }], mark: newest });
}

#[test]
fn the_short_way_to_count_is_the_long_way() {
    let mut random = fastrand::Rng::with_seed(28);
    let patterns = [
        "* * * * *",
        "*/7 * * * *",
        "15 1-3 * * *",
        "*/30 2 * * *",
        "30 2 * * *",
        "0 0 * * *",
        "0,59 0,23 * * *",
        "5 */6 1,15 * *",
        "* 0 1 1 *",
        "0 6 * * MON-FRI",
        "0 6 L * *",
        "0 12 29 2 *",
    ];
    let zones =
        ["UTC", "Europe/Berlin", "Africa/Cairo", "America/Havana", "Asia/Beirut", "Australia/Lord_Howe"];
    for pattern in patterns {
        for zone in zones {
            let schedule = schedule(pattern, zone);
            for policy in [CatchUp::Latest, CatchUp::All, CatchUp::Skip] {
                let mark = at("2026-02-01T00:00:00Z") + TimeDelta::seconds(random.i64(0..30_000_000));
                let most = if pattern.starts_with('*') { 3_000_000 } else { 80_000_000 };
                let now = mark + TimeDelta::seconds(random.i64(0..most));
                let expected = reckoned(&schedule, mark, now, policy);
                assert_eq!(
                    due(&schedule, mark, now, policy),
                    expected,
                    "{pattern} in {zone}, {policy:?}, {mark} to {now}"
                );
            }
        }
    }
}

#[test]
fn a_beat_every_second_runs_each_slot_once_whatever_the_policy() {
    // The night of the change, with a machine that is sometimes slow.
    let mut random = fastrand::Rng::with_seed(13);
    for policy in [CatchUp::Latest, CatchUp::All, CatchUp::Skip] {
        for pattern in ["30 2 * * *", "*/30 * * * *", "15 1-3 * * *"] {
            let schedule = schedule(pattern, "Europe/Berlin");
            let start = at("2027-10-30T22:00:00Z");
            let (mut now, mut mark, mut claimed) = (start, start, Vec::new());
            let mut last = start;
            while now < at("2027-10-31T03:00:10Z") {
                last = now;
                let due = due(&schedule, mark, now, policy);
                assert!(
                    due.slots.iter().all(|slot| slot.collapsed == 0),
                    "{pattern}: called missed at {now}"
                );
                claimed.extend(due.slots.iter().map(|slot| slot.slot));
                mark = due.mark;
                now += TimeDelta::seconds(if random.u8(0..50) == 0 { random.i64(1..200) } else { 1 });
            }
            assert_eq!(
                claimed,
                slots(&schedule, start, last + TimeDelta::seconds(1)),
                "{pattern} {policy:?}"
            );
        }
    }
}
