//! The made-up past: earlier runs in a real store, one of them signed off, and an account whose lock comes and goes.

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::analyze::Policy;
use crate::history::{History, Revocation, Revoked};
use crate::model::{Snapshot, UserId};
use crate::review::{self, Occasion};
use crate::store::{Finished, Store};

use super::JOB;

/// The runs: days ago, and whether the restless account was locked.
const RUNS: [(i64, bool); 6] = [(100, false), (27, true), (21, false), (17, true), (12, false), (7, true)];

/// Who signed the first of them off.
const SIGNATORY: &str = "Head of Internal Audit";

/// Lets the store remember what the consoles looked like some months ago, and gives what a run of today is held
/// against.
pub(super) async fn history(
    earlier: &[Snapshot],
    policy: &Policy,
    home: &Path,
    now: DateTime<Utc>,
) -> anyhow::Result<History> {
    let store = Store::open(&home.join("past/recert.db"), now)?;
    let restless = restless(earlier);
    for (index, (days, locked)) in RUNS.into_iter().enumerate() {
        let snapshots = back_then(earlier, TimeDelta::days(days), restless, locked);
        let occasion = Occasion { job: Some(JOB.to_owned()), ..Occasion::default() };
        let history = store.history(JOB, &review::run_id(&snapshots, &occasion)).await?;
        let report = review::report(snapshots.clone(), policy, occasion, &history);
        let (run, at) = (report.run.id.clone(), report.run.finished);
        let finished = Finished {
            report: Arc::new(report),
            snapshots: Some(snapshots),
            parcels: Vec::new(),
            link: None,
            now: at,
        };
        store.finish(finished).await?;
        if index == 0 {
            store.sign_off(&run, SIGNATORY, None, at + TimeDelta::hours(4)).await?;
        }
    }
    let mut history = store.history(JOB, "").await?;
    history.revocations = revocations(earlier, now);
    store.close().await;
    Ok(history)
}

/// An ordinary enabled account of the first console.
fn restless(snapshots: &[Snapshot]) -> Option<UserId> {
    let users = snapshots.first().map(|snapshot| &snapshot.users);
    let ordinary = |user: &&crate::model::User| {
        user.enabled == Some(true) && user.locked == Some(false) && user.id.0 > 1
    };
    users.into_iter().flatten().find(ordinary).map(|user| user.id)
}

/// The same consoles so long ago.
fn back_then(
    snapshots: &[Snapshot],
    ago: TimeDelta,
    restless: Option<UserId>,
    locked: bool,
) -> Vec<Snapshot> {
    let mut snapshots = snapshots.to_vec();
    for snapshot in &mut snapshots {
        snapshot.started -= ago;
        snapshot.finished -= ago;
    }
    let users = snapshots.first_mut().map(|snapshot| &mut snapshot.users);
    for user in users.into_iter().flatten().filter(|user| Some(user.id) == restless) {
        user.locked = Some(locked);
    }
    snapshots
}

/// What a reviewer decided to take away and nobody did: reviews do not collect decisions yet, so the demo says one.
fn revocations(snapshots: &[Snapshot], now: DateTime<Utc>) -> Vec<Revocation> {
    let revoked = snapshots.iter().find_map(|snapshot| {
        let granted = |user: &&crate::model::User| {
            user.is_enabled() && user.sites.known().is_some_and(|sites| !sites.is_empty())
        };
        let user = snapshot.users.iter().rfind(granted)?;
        Some((snapshot, user.id, *user.sites.known()?.first()?))
    });
    let revocation = revoked.map(|(snapshot, user, site)| Revocation {
        console: snapshot.console.key().to_owned(),
        user,
        what: Revoked::Site(site),
        by: SIGNATORY.to_owned(),
        decided: now - TimeDelta::days(40),
        done: None,
    });
    revocation.into_iter().collect()
}
