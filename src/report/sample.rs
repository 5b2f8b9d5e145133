//! The one sample that every renderer's unit tests read: two consoles, one incomplete, findings, odd text.

use super::{Completeness, History, Report, Reviewed, Run, assemble};
use crate::finding::{About, Control, Finding, Framework, Judgement, Severity, Verdict};
use crate::graph::AccessGraph;
use crate::model::sample::{global_admin, incomplete, local_user, snapshot, user};
use crate::model::{Answer, Part, SiteId, TwoFactor};

static ADMIN_RULE: About = About {
    id: "local_admin_without_2fa",
    code: "AUTH-01",
    title: "Local administrator without two-factor authentication",
    flags: "Enabled local accounts with administrative power and no second factor.",
    why: "A password alone opens the console.",
    severity: Severity::Critical,
    click_path: "Administration > Users.",
    api_call: "POST /api/3/users/{id}/2FA.",
    controls: &[Control { framework: Framework::PciDss, id: "8.4.1" }],
    needs: &[Part::Users],
    version: 1,
};

static LOCKED_RULE: About = About {
    id: "locked_account",
    code: "LIFE-05",
    title: "Locked account",
    flags: "Accounts that are locked now.",
    why: "An attack, or a job with an old password.",
    severity: Severity::Medium,
    click_path: "Administration > Users.",
    api_call: "DELETE /api/3/users/{id}/lock.",
    controls: &[],
    needs: &[Part::Users],
    version: 1,
};

impl Report {
    /// A small report with something in every table.
    pub(crate) fn sample() -> Self {
        let mut admin = global_admin(1, "nxadmin");
        admin.two_factor = TwoFactor::NotConfigured;
        let mut hostile = local_user(2, "=HYPERLINK(\"http://evil\",\"x\")");
        hostile.name = "<script>alert(1)</script>\r\nBcc: x\u{202e}\u{1b}[31m,\"q\";'".into();
        hostile.locked = Some(true);
        let hq = snapshot(vec![admin.clone(), hostile.clone(), user(3, "mia")]);
        let mut unseen = user(7, "noor");
        unseen.sites = Answer::Missing;
        let mut granted = user(8, "ola");
        granted.sites = Answer::Known(vec![SiteId(1), SiteId(3)]);
        let mut lab = incomplete(snapshot(vec![unseen, granted]), Part::UserSites);
        lab.console.name = "lab".into();
        lab.console.uuid = Some("lab-uuid".into());
        let run = Run {
            id: "5f2a9c01d3b4e6f7".into(),
            job: None,
            slot: None,
            collapsed: 0,
            started: hq.started,
            finished: hq.finished,
            verdict: Completeness::Complete,
            version: "0.1.0",
            configuration: "c".repeat(64),
        };
        let critical = Finding::new(
            ADMIN_RULE.id,
            &admin,
            Severity::Critical,
            "nxadmin is an administrator with a password alone",
        )
        .with("type", "admin")
        .with("two-factor", "not configured");
        let locked = Finding::new(LOCKED_RULE.id, &hostile, Severity::Medium, "an account is locked");
        let judgement = |rule: &'static About, verdict, findings| Judgement {
            rule,
            verdict,
            examined: 3,
            expected: 3,
            note: None,
            findings,
        };
        let hq = Reviewed {
            graph: AccessGraph::build(hq),
            judgements: vec![
                judgement(&ADMIN_RULE, Verdict::Fail, vec![critical]),
                judgement(&LOCKED_RULE, Verdict::Fail, vec![locked]),
            ],
        };
        let lab = Reviewed {
            graph: AccessGraph::build(lab),
            judgements: vec![
                judgement(&ADMIN_RULE, Verdict::Pass, Vec::new()),
                judgement(&LOCKED_RULE, Verdict::Unknown, Vec::new()),
            ],
        };
        assemble(run, vec![lab, hq], &History::default())
    }
}
