//! The console itself: its name, its version and its settings.

use super::{Notes, Pair, cut, two_factor_switched};
use crate::model::{Part, TwoFactor};

pub(super) fn compare(pair: &Pair<'_>, notes: &mut Notes) {
    let (then, now) = (pair.before.snapshot, pair.now.snapshot);
    if then.console.name != now.console.name {
        let what = format!("was called {} in the earlier run", cut(&then.console.name));
        notes.add_console("renamed", now, &what);
    }
    if let Some(upgrade) = pair.upgrade() {
        notes.add_console("version_changed", now, &format!("runs another version: {upgrade}"));
    }
    if let Some(on) = two_factor_switched(pair) {
        let told = pair.now.snapshot.users.iter().filter(|user| {
            let was = pair.before.users.get(&user.id).map(|then| then.two_factor);
            let (without, with) = (Some(TwoFactor::NotConfigured), Some(TwoFactor::Configured));
            let is = Some(user.two_factor);
            (was, is) == if on { (without, with) } else { (with, without) }
        });
        let accounts = match told.count() {
            1 => "1 account".to_owned(),
            count => format!("{count} accounts"),
        };
        let (change, what) = if on {
            (
                "two_factor_switched_on",
                format!("has two-factor authentication switched on: counts for {accounts} now"),
            )
        } else {
            (
                "two_factor_switched_off",
                format!("has two-factor authentication switched off: {accounts} lost it"),
            )
        };
        notes.add_console(change, now, &what);
    }
    if let (Some(was), Some(is)) = (then.settings.login_lock_threshold, now.settings.login_lock_threshold)
        && was != is
    {
        let what = format!("has a login lock threshold of {is} now, not {was}");
        notes.add_console("lock_threshold_changed", now, &what);
    }
    for (part, what) in
        [(Part::Info, "identity and version"), (Part::Settings, "two-factor switch and lock threshold")]
    {
        if !(then.coverage.is_complete(part) && now.coverage.is_complete(part)) {
            let reason = format!("not read in both runs: {what} of the console are not compared");
            notes.uncompared(part.as_str(), reason);
        }
    }
}
