//! The one sample that every renderer's unit tests read: two consoles, one incomplete, findings, odd text, and a run of
//! the week before to compare with.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use chrono::Duration;

use super::{Completeness, Declared, Report, Reviewed, Run, assemble};
use crate::finding::{About, Control, Finding, Framework, Judgement, Severity, SubjectKind, Verdict};
use crate::graph::AccessGraph;
use crate::history::{Before, BeforeFinding, BeforeRule, History, PastRun, Sighting};
use crate::model::sample::{global_admin, incomplete, local_user, snapshot, user, with_role};
use crate::model::{Answer, Part, SiteId, Snapshot, TwoFactor};

static ADMIN_RULE: LazyLock<About> = LazyLock::new(|| About {
    flags: Cow::Borrowed("Enabled local accounts with administrative power and no second factor."),
    why: Cow::Borrowed("A password alone opens the console."),
    severity: Severity::Critical,
    api_call: Cow::Borrowed("POST /api/3/users/{id}/2FA."),
    ..About::sample(
        "local_admin_without_2fa",
        "AUTH-01",
        "Local administrator without two-factor authentication",
    )
});

static LOCKED_RULE: About = About::sample("locked_account", "LIFE-05", "Locked account");

impl Report {
    /// A small report with something in every table.
    pub(crate) fn sample() -> Self {
        Self::small(before)
    }

    /// The same report as a first run gives it: nothing to compare with.
    pub(crate) fn first_sample() -> Self {
        Self::small(|_, _| History::default())
    }

    /// `history` is made from the snapshots of the two consoles.
    fn small(history: impl FnOnce(&Snapshot, &Snapshot) -> History) -> Self {
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
            &ADMIN_RULE,
            &admin,
            Severity::Critical,
            "nxadmin is an administrator with a password alone",
        )
        .with("type", "admin")
        .with("two-factor", "not configured");
        let locked = Finding::new(&LOCKED_RULE, &hostile, Severity::Medium, "an account is locked");
        let served = Control { framework: Framework::PciDss, id: "8.4.1".into() };
        let judgement = |rule: &About, verdict, findings| Judgement {
            rule: rule.clone(),
            controls: if rule.id == ADMIN_RULE.id { [served.clone()].into() } else { Arc::default() },
            verdict,
            examined: 3,
            expected: 3,
            note: None,
            lacks_input: false,
            findings,
        };
        let history = history(&hq, &lab);
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
        assemble(run, vec![lab, hq], &[], &Declared::default(), &history)
    }
}

/// The week before: another version, another role definition, other people and grants, and a finding that is gone.
fn before(hq: &Snapshot, lab: &Snapshot) -> History {
    let week = Duration::days(7);
    let (mut hq, mut lab) = (hq.clone(), lab.clone());
    for snapshot in [&mut hq, &mut lab] {
        snapshot.started -= week;
        snapshot.finished -= week;
    }
    hq.console.version = Some("6.6.209".into());
    hq.roles[2].privileges.remove("view-asset-group-asset-data");
    hq.users[0].two_factor = TwoFactor::Configured;
    hq.users[1].role.all_sites = true;
    hq.users[2] = with_role(user(3, "mia"), "Auditors", &["view-site-asset-data", "create-reports"]);
    hq.users[2].sites = Answer::Known(vec![SiteId(2), SiteId(3)]);
    hq.users.push(user(4, "+zoe"));
    let locked = |subject: &str, name: &str, console: &Snapshot| {
        let subject =
            crate::finding::Subject { kind: SubjectKind::User, id: subject.into(), name: name.into() };
        let finding = Finding::new(&LOCKED_RULE, subject, Severity::Medium, format!("{name} is locked"));
        BeforeFinding {
            id: finding.id(&console.console),
            console: console.console.name.as_str().into(),
            rule: LOCKED_RULE.id.clone().into_owned(),
            severity: finding.severity,
            subject_kind: finding.subject.kind,
            subject_id: finding.subject.id,
            subject_name: finding.subject.name,
            summary: finding.summary,
        }
    };
    let findings =
        vec![locked("2", &hq.users[1].login, &hq), locked("4", "+zoe", &hq), locked("7", "noor", &lab)];
    let rule = |about: &About, console: &str, verdict| BeforeRule {
        id: about.id.clone().into_owned(),
        console: console.into(),
        verdict,
        examined: 3,
        expected: 3,
    };
    let past = |weeks: i64, findings: &[(Severity, u64)]| PastRun {
        run: format!("{weeks:x}c6e0d4b8a92f357"),
        finished: hq.finished - week * i32::try_from(weeks - 1).unwrap(),
        is_complete: weeks != 2,
        users: 6,
        findings: findings.iter().copied().collect(),
    };
    let past = vec![
        past(3, &[(Severity::Critical, 1), (Severity::High, 2), (Severity::Medium, 4)]),
        past(2, &[(Severity::High, 2), (Severity::Medium, 4)]),
        past(1, &[(Severity::Medium, 3)]),
    ];
    let sighting = Sighting { first: hq.finished - Duration::days(21), last: hq.finished };
    History {
        kept: true,
        past,
        sightings: HashMap::from([(findings[0].id.clone(), sighting)]),
        before: Some(Before {
            run: "1c6e0d4b8a92f357".into(),
            slot: None,
            finished: hq.finished,
            rules: vec![
                rule(&ADMIN_RULE, "hq", Verdict::Pass),
                rule(&LOCKED_RULE, "hq", Verdict::Fail),
                rule(&ADMIN_RULE, "lab", Verdict::Pass),
                rule(&LOCKED_RULE, "lab", Verdict::Fail),
            ],
            findings,
            snapshots: vec![hq, lab],
        }),
        ..History::default()
    }
}
