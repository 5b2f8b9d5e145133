//! A review of a console whose every text is hostile, over HTTP, into every artifact.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use chrono::DateTime;
use recert::analyze::Policy;
use recert::collect::{Focus, Options, Progress, TwoFactorPolicy};
use recert::console::{Console, Settings};
use recert::history::{Before, History};
use recert::model::{Answer, AuthenticationSourceId, Depth, Snapshot};
use recert::render::{Format, Templates, artifacts};
use recert::review::{self, Occasion, Source};
use recert::simulator::{
    self, Account, Estate, EstateOptions, GroupRecord, RoleDefinition, Seed, Simulator, SiteRecord,
};
use secrecy::SecretString;
use serde_json::Value;

use super::corpus::corpus;

/// What a review of the hostile console gave.
pub(crate) struct Reviewed {
    /// The truth.
    pub(crate) estate: Estate,
    /// What was collected of it.
    pub(crate) snapshot: Snapshot,
    /// Every artifact, by name.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

/// The review, made once for all tests.
pub(crate) static HOSTILE: LazyLock<Reviewed> = LazyLock::new(|| {
    // A thread of its own: a test may have a runtime already.
    std::thread::spawn(|| tokio::runtime::Runtime::new().unwrap().block_on(reviewed())).join().unwrap()
});

impl Reviewed {
    pub(crate) fn text(&self, name: &str) -> &str {
        std::str::from_utf8(&self.files[name]).expect("UTF-8")
    }

    /// `report.json`, parsed.
    pub(crate) fn document(&self) -> Value {
        serde_json::from_slice(&self.files["report.json"]).expect("JSON")
    }
}

/// A console, and what was collected of it over HTTP.
pub(crate) async fn collected(estate: Estate) -> (Estate, Snapshot) {
    let simulator = Simulator::start(estate, simulator::Options::default()).await.unwrap();
    let password = SecretString::from(simulator.password());
    let mut settings =
        Settings::new(simulator.url().parse().unwrap(), simulator.username().to_owned(), password);
    settings.max_in_flight = 8;
    let source = Source {
        console: Console::connect(settings).unwrap(),
        options: Options {
            name: "hq".into(),
            login: simulator.username().to_owned(),
            depth: Depth::Full,
            two_factor: TwoFactorPolicy::Auto,
            concurrency: 16,
            focus: Focus::Everyone,
            also: BTreeSet::new(),
        },
        progress: Arc::new(Progress::default()),
    };
    let clock = || DateTime::from_timestamp(1_790_000_000, 0).unwrap();
    let snapshot = review::collect(&[source], clock).await.unwrap().remove(0);
    let estate = simulator.estate();
    tokio::time::timeout(Duration::from_secs(10), simulator.stop()).await.unwrap();
    (estate, snapshot)
}

async fn reviewed() -> Reviewed {
    let (estate, snapshot) = collected(hostile()).await;
    let report = review::report(
        vec![snapshot.clone()],
        &Policy::default(),
        Occasion::default(),
        &History { before: Some(before(snapshot.clone())), ..History::default() },
    );
    let templates = Templates::builtin();
    let render = |artifact: &recert::render::Artifact<'_>| {
        let mut file = Vec::new();
        artifact.render(&mut file).unwrap();
        (artifact.name.clone().into_owned(), file)
    };
    let files = artifacts(&report, &templates, &Format::ALL).iter().map(render).collect();
    Reviewed { estate, snapshot, files }
}

/// The run before: everyone in another state, with other roles, flags and grants, and half of everything not there yet or
/// gone since, so that every text of the console stands in the changes too.
fn before(mut then: Snapshot) -> Before {
    then.console.version = Some("=1+1 {{7*7}} \u{202e}".into());
    for (index, user) in then.users.iter_mut().enumerate() {
        user.enabled = user.enabled.map(|enabled| !enabled);
        user.role.superuser = !user.role.superuser;
        user.login.push_str(" then");
        user.sites = Answer::Known(Vec::new());
        user.asset_groups = Answer::Known(Vec::new());
        if index % 2 == 0 {
            user.role.id = Some("user".into());
            if let Some(source) = &mut user.authentication {
                source.id = Some(AuthenticationSourceId(-1));
            }
        }
    }
    let gone = then.users.len() / 4;
    then.users.drain(..gone);
    for (index, role) in then.roles.iter_mut().enumerate() {
        role.name.push_str(" then");
        if index % 2 == 0 {
            role.privileges.clear();
        }
    }
    for index in (0..then.sites.len()).step_by(2) {
        then.sites[index].id.0 += 100_000;
        then.roles.truncate(then.roles.len() - usize::from(index % 8 == 0));
    }
    for group in then.asset_groups.iter_mut().step_by(2) {
        group.id.0 += 100_000;
    }
    Before {
        run: "\"><img src=http://evil.example/run>".into(),
        slot: None,
        finished: then.finished,
        snapshots: vec![then],
        findings: Vec::new(),
        rules: Vec::new(),
    }
}

/// A console on which every text that a person could have typed comes from the corpus.
fn hostile() -> Estate {
    let options = EstateOptions {
        users: 12,
        sites: 2,
        asset_groups: 2,
        grants_per_user: 1,
        blemishes: false,
        ..EstateOptions::default()
    };
    let mut estate = Estate::generate(&options);
    estate.uuid = "\"><img src=http://evil.example/x>\r\n\u{202e}".into();
    estate.serial = "=cmd|'/C calc'!A0".into();
    estate.version = "<script>\u{1b}[31m{{7*7}}".into();
    for (number, text) in (100..).zip(corpus()) {
        // An id stands in a path, whose length has a bound.
        let id: String = text.chars().take(1_000).collect();
        estate.privileges.insert(id.clone());
        estate.sources.insert(
            number,
            simulator::Source { name: text.clone(), kind: text.clone(), external: number % 2 == 0 },
        );
        estate.roles.insert(
            id.clone(),
            RoleDefinition {
                name: text.clone(),
                description: text.clone(),
                privileges: BTreeSet::from([id.clone(), "create-reports".to_owned()]),
            },
        );
        estate.sites.insert(number, site(&text));
        estate.asset_groups.insert(number, group(&text));
        estate.users.insert(number, account(number, text, id));
        if number % 7 == 0 {
            estate.quirks.site_users_omitted.insert(number, BTreeSet::from([number]));
        }
    }
    estate
}

fn account(number: i64, text: String, role: String) -> Account {
    Account {
        login: text.clone(),
        name: text.clone(),
        email: Some(text),
        enabled: number % 5 != 0,
        locked: number % 11 == 0,
        source: number,
        // What the console says of an account need not be what its role says.
        privileges: (number % 13 == 0).then(|| BTreeSet::from(["=1+1".to_owned(), role.clone()])),
        role,
        all_sites: number % 6 == 0,
        all_asset_groups: number % 6 == 1,
        superuser: number % 4 == 1,
        sites: BTreeSet::from([number]),
        asset_groups: BTreeSet::from([number]),
        two_factor: Seed::Absent,
    }
}

fn site(text: &str) -> SiteRecord {
    SiteRecord {
        name: text.to_owned(),
        description: Some(text.to_owned()),
        kind: text.to_owned(),
        importance: text.to_owned(),
        assets: 1,
        risk_score: 1.0,
        last_scan: Some(text.to_owned()),
    }
}

fn group(text: &str) -> GroupRecord {
    GroupRecord {
        name: text.to_owned(),
        description: Some(text.to_owned()),
        kind: text.to_owned(),
        assets: 1,
        risk_score: 1.0,
    }
}
