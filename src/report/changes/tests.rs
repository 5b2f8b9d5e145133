//! Each kind of change, and each case in which nothing is claimed.

mod access;
mod findings;
mod properties;

use chrono::{DateTime, Utc};

use super::*;
use crate::finding::{About, Finding, Judgement, Severity, Verdict};
use crate::graph::AccessGraph;
use crate::model::sample::{global_admin, incomplete, local_user, snapshot, user, with_role};
use crate::model::{Answer, Depth, SiteId, TwoFactor};

static RULE: About = About::sample("locked_account", "LIFE-05", "Locked account");

/// Mia, Noor and a Global Administrator.
fn world() -> Snapshot {
    snapshot(vec![global_admin(1, "root"), user(2, "mia"), local_user(3, "noor")])
}

fn at(day: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000 + day * 86_400, 0).unwrap()
}

/// The world after one change of it.
fn with(change: impl FnOnce(&mut Snapshot)) -> Snapshot {
    let mut world = world();
    change(&mut world);
    world
}

fn before(snapshots: Vec<Snapshot>) -> Before {
    Before {
        run: "earlier".into(),
        slot: None,
        finished: at(0),
        snapshots,
        findings: Vec::new(),
        rules: Vec::new(),
    }
}

fn reviewed(snapshot: Snapshot, judgements: Vec<Judgement>) -> Reviewed {
    Reviewed { graph: AccessGraph::build(snapshot), judgements }
}

/// What differs between two snapshots, without any rule.
fn between(then: Snapshot, now: Snapshot) -> Differences {
    changes(&before(vec![then]), &[reviewed(now, Vec::new())], &[], &HashMap::new())
}

/// Kind, change and summary of each change.
fn told(differences: &Differences) -> Vec<String> {
    let line = |change: &Change| format!("{} {}: {}", change.kind, change.change, change.summary);
    differences.changes.iter().map(line).collect()
}

/// Part and reason of what could not be compared.
fn open(differences: &Differences) -> Vec<String> {
    differences.uncompared.iter().map(|open| format!("{}: {}", open.part, open.reason)).collect()
}

#[test]
fn equal_runs_differ_in_nothing() {
    let same = between(world(), world());
    assert_eq!((told(&same), open(&same)), (Vec::new(), Vec::new()));
    assert_eq!(same.counts, FindingCounts::default());
}

#[test]
fn consoles_come_and_go() {
    let named = |name: &str| {
        with(|world| {
            world.console.name = name.into();
            world.console.uuid = Some(format!("uuid of {name}"));
        })
    };
    let now = [reviewed(named("hq"), Vec::new()), reviewed(named("new"), Vec::new())];
    let differences = changes(&before(vec![named("old"), named("hq")]), &now, &[], &HashMap::new());
    assert_eq!(
        told(&differences),
        [
            "console added: Console new was not in the earlier run: nothing on it can be compared",
            "console not_reviewed: Console old was in the earlier run and is not in this one: \
             nothing on it is claimed to be resolved",
        ]
    );
}

#[test]
fn a_console_is_known_by_what_it_says_of_itself_and_not_by_its_name() {
    let renamed = between(world(), with(|world| world.console.name = "headquarters".into()));
    assert_eq!(told(&renamed), ["console renamed: Console headquarters was called hq in the earlier run"]);
    let replaced = between(world(), with(|world| world.console.uuid = Some("another".into())));
    let kinds: Vec<_> = replaced.changes.iter().map(|change| change.change).collect();
    assert_eq!(kinds, ["not_reviewed", "added"], "another machine under the old name");
    let silent = between(world(), with(|world| world.console.uuid = None));
    assert_eq!(told(&silent), Vec::<String>::new(), "a console that says less is the same by name");
}

#[test]
fn a_console_that_was_not_seen_at_all_is_compared_in_nothing() {
    let unseen = || {
        with(|world| {
            world.users.clear();
            world.roles.clear();
            world.coverage.parts.iter_mut().for_each(|part| part.state = PartState::Incomplete);
        })
    };
    let gone = between(world(), unseen());
    assert_eq!(
        (told(&gone), open(&gone)),
        (Vec::new(), vec!["everything: nothing of this console was seen in this run".to_owned()],)
    );
    let back = between(unseen(), world());
    assert_eq!(
        (told(&back), open(&back)),
        (Vec::new(), vec!["everything: nothing of this console was seen in the earlier run".to_owned()],)
    );
}

#[test]
fn the_console_s_version_and_settings_are_told() {
    let differences = between(
        world(),
        with(|world| {
            world.console.version = Some("6.6.211".into());
            world.settings.login_lock_threshold = Some(10);
        }),
    );
    assert_eq!(
        told(&differences),
        [
            "console lock_threshold_changed: Console hq has a login lock threshold of 10 now, not 5",
            "console version_changed: Console hq runs another version: 6.6.210 → 6.6.211",
        ]
    );
    let silent = between(world(), incomplete(with(|world| world.console.version = None), Part::Info));
    assert_eq!(told(&silent), Vec::<String>::new());
    assert!(open(&silent)[0].starts_with("info: not read in both runs"));
}

#[test]
fn waivers_stand_among_the_changes_of_their_console_behind_rules() {
    let waiver = |console: Option<&str>| crate::waiver::Waiver {
        rule: "locked_account".into(),
        console: console.map(str::to_owned),
        subject: Some("mia".into()),
        finding: None,
        reason: "x".into(),
        approved_by: "Maria Boss".into(),
        expires: (world().finished + chrono::TimeDelta::days(3)).date_naive(),
        ticket: None,
        place: String::new(),
    };
    let now = with(|world| {
        world.console.version = Some("6.6.211".into());
        world.users.push(user(12, "added"));
    });
    let mut earlier = before(vec![world()]);
    earlier.finished = now.finished - chrono::TimeDelta::days(7);
    let waivers = [waiver(Some("hq")), waiver(Some("elsewhere"))];
    let differences = changes(&earlier, &[reviewed(now, Vec::new())], &waivers, &HashMap::new());
    let kinds: Vec<_> = differences.changes.iter().map(|change| (change.kind, change.change)).collect();
    assert_eq!(kinds, [("console", "version_changed"), ("waiver", "ends_soon"), ("user", "added")]);
}

#[test]
fn the_order_is_console_findings_administrators_kind_and_id() {
    let change = |world: &mut Snapshot| {
        for user in &mut world.users {
            user.locked = Some(true);
            user.enabled = Some(false);
        }
        world.users.push(user(12, "added"));
        world.roles[0].name = "Renamed".into();
        world.sites.remove(0);
        world.console.version = Some("6.6.211".into());
    };
    let now = with(change);
    let findings: Vec<Finding> =
        now.users.iter().map(|user| Finding::new(&RULE, user, Severity::Medium, "x")).collect();
    let mut earlier = before(vec![world()]);
    earlier.rules = vec![findings::earlier(Verdict::Pass, 3, 3)];
    let judgements = vec![findings::judgement(Verdict::Fail, 4, 4, findings)];
    let differences = changes(&earlier, &[reviewed(now, judgements)], &[], &HashMap::new());
    let order: Vec<String> =
        differences.changes.iter().map(|row| format!("{} {} {}", row.kind, row.change, row.name)).collect();
    assert_eq!(
        order,
        [
            "finding new root",
            "finding new mia",
            "finding new noor",
            "finding new added",
            "user disabled root",
            "user locked root",
            "console version_changed hq",
            "user disabled mia",
            "user locked mia",
            "user disabled noor",
            "user locked noor",
            "user added added",
            "role renamed Renamed",
            "site removed Site 1",
        ]
    );
}
