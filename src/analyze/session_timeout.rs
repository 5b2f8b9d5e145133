//! AUTH-05: sessions that stay open too long without their user.

use super::{Context, Outcome, Rule, amount};
use crate::finding::{Finding, Severity};
use crate::model::Part;

about! {
    id: "session_timeout",
    code: "AUTH-05",
    title: "Idle sessions stay open too long",
    flags: "A console that ends an idle session later than after max_minutes.",
    evidence: "The console's setting web.sessionTimeout, in seconds.",
    why: "Whoever passes an unattended screen works with the rights of the one who left it.",
    severity: Severity::Low,
    click_path: "Administration > Console > Administer > Web Server: shorten the session timeout.",
    api_call: "GET /api/3/administration/settings shows web.sessionTimeout; the API cannot change it.",
    needs: &[Part::Settings],
    version: 1,
}

rule! {
    /// `[analyzers.session_timeout]`: AUTH-05.
    SessionTimeout {
        /// The most minutes that an idle session may stay open.
        max_minutes: u32 = 15,
    }
}

impl Rule for SessionTimeout {
    fn mistake(&self) -> Option<String> {
        (self.max_minutes == 0).then(|| "max_minutes is 0, but a session has to stay open for a while".to_owned())
    }

    fn examine(&self, Context { graph, .. }: Context<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        let snapshot = graph.snapshot();
        // What a console makes of no seconds or fewer is not known.
        let seconds = snapshot.settings.session_timeout.filter(|seconds| *seconds > 0);
        let wrong = seconds.map(|seconds| seconds > i64::from(self.max_minutes) * 60);
        outcome.judge(wrong, || {
            let seconds = seconds.unwrap_or_default();
            // Both in one unit.
            let told = |time: i64| {
                if seconds % 60 == 0 { amount(time / 60, "minute") } else { amount(time, "second") }
            };
            let (open, limit) = (told(seconds), told(i64::from(self.max_minutes) * 60));
            let summary = format!("Idle sessions stay open for {open}; the limit is {limit}");
            Finding::new(&ABOUT, &snapshot.console, Severity::Low, summary)
                .with("web.sessionTimeout", amount(seconds, "second"))
                .with("agreed", format!("at most {}", amount(u64::from(self.max_minutes) * 60, "second")))
        });
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Expect, check, findings};
    use crate::model::Snapshot;
    use crate::model::sample::{incomplete, snapshot};

    fn rule() -> SessionTimeout {
        SessionTimeout::default()
    }

    fn world(seconds: Option<i64>) -> Snapshot {
        let mut world = snapshot(Vec::new());
        world.settings.session_timeout = seconds;
        world
    }

    #[test]
    fn the_limit_is_included() {
        for (seconds, expected) in [
            (Some(899), Expect::Pass),
            (Some(900), Expect::Pass),
            (Some(901), Expect::Fail(&["hq"])),
            (Some(i64::MAX), Expect::Fail(&["hq"])),
            (Some(0), Expect::Unknown),
            (Some(-1), Expect::Unknown),
            (None, Expect::Unknown),
        ] {
            check(&rule(), world(seconds), expected);
        }
        check(&SessionTimeout { max_minutes: 30, ..rule() }, world(Some(1_800)), Expect::Pass);
    }

    #[test]
    fn does_not_pass_settings_with_a_gap() {
        check(&rule(), incomplete(world(Some(600)), Part::Settings), Expect::Unknown);
    }

    #[test]
    fn one_finding_however_long() {
        let console = world(None).console;
        let id = |seconds| findings(&rule(), world(Some(seconds))).remove(0).id(&console);
        assert_eq!(id(1_000), id(100_000));
    }

    #[test]
    fn refuses_no_time_at_all() {
        assert!(SessionTimeout { max_minutes: 0, ..rule() }.mistake().is_some() && rule().mistake().is_none());
    }
}
