//! AUTH-04: failed logins that do not lock an account, or lock it late.

use super::{Context, Outcome, Rule};
use crate::finding::{Finding, Severity};
use crate::model::Part;

about! {
    id: "login_lock_threshold",
    code: "AUTH-04",
    title: "Failed logins do not lock accounts soon enough",
    flags: "A console that locks no account after failed logins, or only after more of them than max.",
    evidence: "The console's setting authentication.loginLockThreshold.",
    why: "Whoever may try without end guesses a password in the end.",
    severity: Severity::Medium,
    click_path: "Administration > Console > Administer > Authentication: let failed logins lock an account after ten or \
                 fewer.",
    api_call: "GET /api/3/administration/settings shows authentication.loginLockThreshold; the API cannot change it.",
    needs: &[Part::Settings],
    version: 1,
}

rule! {
    /// `[analyzers.login_lock_threshold]`: AUTH-04.
    LoginLockThreshold {
        /// The most failed logins before an account is locked.
        max: u32 = 10,
    }
}

impl Rule for LoginLockThreshold {
    fn mistake(&self) -> Option<String> {
        (self.max == 0).then(|| "max is 0, but one login has to be allowed to fail".to_owned())
    }

    fn examine(&self, Context { graph, .. }: Context<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        let snapshot = graph.snapshot();
        let threshold = snapshot.settings.login_lock_threshold;
        let wrong = match threshold {
            Some(threshold) => Some(threshold <= 0 || threshold > i64::from(self.max)),
            // Settings that were read and do not name it: the console has none.
            None => snapshot.coverage.was_seen(Part::Settings).then_some(true),
        };
        outcome.judge(wrong, || {
            let (says, setting) = match threshold {
                None => ("never lock an account".to_owned(), "missing".to_owned()),
                Some(threshold @ ..=0) => ("never lock an account".to_owned(), threshold.to_string()),
                Some(threshold) => {
                    let tries = if threshold == 1 { "1 try".to_owned() } else { format!("{threshold} tries") };
                    (format!("lock an account only after {tries}"), threshold.to_string())
                },
            };
            Finding::new(&ABOUT, &snapshot.console, Severity::Medium, format!("Failed logins {says}"))
                .with("authentication.loginLockThreshold", setting)
                .with("agreed", format!("1 to {}", self.max))
        });
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Expect, check, findings};
    use crate::model::sample::{incomplete, snapshot};
    use crate::model::{PartState, Snapshot};

    fn rule() -> LoginLockThreshold {
        LoginLockThreshold::default()
    }

    fn world(threshold: Option<i64>) -> Snapshot {
        let mut world = snapshot(Vec::new());
        world.settings.login_lock_threshold = threshold;
        world
    }

    #[test]
    fn the_threshold_is_between_one_and_max() {
        for (threshold, expected) in [
            (Some(-1), Expect::Fail(&["hq"])),
            (Some(0), Expect::Fail(&["hq"])),
            (Some(1), Expect::Pass),
            (Some(9), Expect::Pass),
            (Some(10), Expect::Pass),
            (Some(11), Expect::Fail(&["hq"])),
            (None, Expect::Fail(&["hq"])),
        ] {
            check(&rule(), world(threshold), expected);
        }
        check(&LoginLockThreshold { max: 6, ..rule() }, world(Some(7)), Expect::Fail(&["hq"]));
    }

    #[test]
    fn settings_that_were_not_read_tell_nothing() {
        check(&rule(), incomplete(world(None), Part::Settings), Expect::Unknown);
        check(&rule(), incomplete(world(Some(5)), Part::Settings), Expect::Unknown);
        let mut not_asked = world(None);
        let settings = not_asked.coverage.parts.iter_mut().find(|entry| entry.part == Part::Settings).unwrap();
        settings.state = PartState::NotAsked;
        check(&rule(), not_asked, Expect::Unknown);
    }

    #[test]
    fn one_finding_whatever_the_threshold() {
        let console = world(None).console;
        let id = |threshold| findings(&rule(), world(threshold)).remove(0).id(&console);
        assert!(id(None) == id(Some(0)) && id(None) == id(Some(20)));
    }

    #[test]
    fn refuses_a_band_without_room() {
        assert!(LoginLockThreshold { max: 0, ..rule() }.mistake().is_some() && rule().mistake().is_none());
    }
}
