//! A store with runs, as the daemon keeps them: everything but the console is real.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use recert::config::Config;
use recert::job::{Host, Plan, complete};
use recert::model::{
    Answer, Collector, CollectorRights, ConsoleIdentity, ConsoleSettings, Coverage, Depth, Requests,
    Snapshot, Totals,
};
use recert::store::Store;
use tempfile::TempDir;

/// Made by `minisign -G -W` for these tests.
pub(crate) const SECRET: &str = "untrusted comment: minisign encrypted secret key\n\
    RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEgp6S4WhIeJr1c4N3QhRyu4gfDtpfbVMkA7uBonYiZvSwYoLn+X2pZ+iy2rhM5ZKV8XQOOtNFe+eYyC38wuiUWlVbtgHNAfHAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
pub(crate) const PUBLIC: &str = "RWQSCnpLhaEh4p+iy2rhM5ZKV8XQOOtNFe+eYyC38wuiUWlVbtgHNAfH";

/// The key of somebody else, made in the same way.
pub(crate) const OTHER: &str = include_str!("other.key");

/// Runs and their chain.
pub(crate) struct Kept {
    home: TempDir,
    host: Host,
    plan: Arc<Plan>,
    done: i64,
}

fn start() -> DateTime<Utc> {
    "2026-01-05T06:00:00Z".parse().unwrap()
}

impl Kept {
    /// A store without runs; `keys` are further lines of the job and further tables.
    pub(crate) fn new(key: Option<&str>, job: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let secret = |name: &str, content: &str| {
            let path = home.path().join(name);
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            path.display().to_string()
        };
        let password = secret("password", "correct horse");
        let evidence =
            key.map(|key| format!("[evidence]\nkey = {{ file = {:?} }}\n", secret("evidence.key", key)));
        let text = format!(
            "[store]\nurl = \"sqlite://{}/data/recert.db\"\n{}[[console]]\nname = \"hq\"\nurl = \"https://127.0.0.1:9\"\n\
             username = \"svc\"\npassword = {{ file = {password:?} }}\n[[job]]\nname = \"weekly\"\nformats = [\"json\"]\n{job}",
            home.path().display(),
            evidence.unwrap_or_default(),
        );
        let path = home.path().join("config.toml");
        fs::write(&path, text).unwrap();
        let config = Config::load(&path, []).unwrap();
        let store = Store::open(config.store.database(), start()).unwrap();
        let host = Host::new(store, config.store.home(), start);
        Self { host, plan: Arc::new(Plan::make(config).unwrap()), done: 0, home }
    }

    /// A chain of so many links.
    pub(crate) async fn of(links: usize, key: Option<&str>) -> Self {
        let mut kept = Self::new(key, "keep = 400\n");
        for _ in 0..links {
            kept.run("weekly").await;
        }
        kept
    }

    /// One more run of a job, a week later. Gives its id.
    pub(crate) async fn run(&mut self, job: &str) -> String {
        self.done += 1;
        let job = self.plan.job(job).unwrap().clone();
        let seen = snapshot(start() + TimeDelta::weeks(self.done));
        complete(&self.host, &self.plan, &job, None, vec![seen]).await.unwrap().run.id.clone()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.host.store
    }

    /// The directories of the runs that are there, by link.
    pub(crate) async fn runs(&self) -> Vec<PathBuf> {
        let links = self.store().links().await.unwrap();
        let directory = |run: &String| self.folder().join(run);
        links.iter().map(|link| directory(&link.run)).filter(|path| path.exists()).collect()
    }

    /// The archives that are there, by link.
    pub(crate) async fn packs(&self) -> Vec<Vec<u8>> {
        self.runs().await.iter().map(|run| fs::read(run.join("evidence.zip")).unwrap()).collect()
    }

    /// The folder of all runs.
    pub(crate) fn folder(&self) -> PathBuf {
        self.host.runs()
    }

    pub(crate) async fn head(&self) -> String {
        self.store().head().await.unwrap().unwrap().sha256
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.home.path().join("config.toml")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }
}

/// Copies a folder with everything in it.
pub(crate) fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (from, to) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if from.is_dir() { copied(&from, &to) } else { assert!(fs::copy(&from, &to).is_ok()) }
    }
}

/// Unpacks an archive, as `unzip` does.
pub(crate) fn unpacked(pack: &Path, to: &Path) {
    let mut archive = zip::ZipArchive::new(fs::File::open(pack).unwrap()).unwrap();
    archive.extract(to).unwrap();
}

fn snapshot(at: DateTime<Utc>) -> Snapshot {
    Snapshot {
        console: ConsoleIdentity { name: "hq".into(), uuid: None, serial: None, version: None },
        started: at,
        finished: at,
        depth: Depth::Full,
        collector: Collector { login: "svc".into(), user: None, rights: CollectorRights::Unknown },
        settings: ConsoleSettings::default(),
        totals: Totals::default(),
        requests: Requests::default(),
        users: Vec::new(),
        roles: Vec::new(),
        privileges: Vec::new(),
        authentication_sources: Vec::new(),
        sites: Vec::new(),
        asset_groups: Vec::new(),
        exceptions: Answer::NotAsked,
        scans: Answer::NotAsked,
        reports: Answer::NotAsked,
        roster: None,
        logon_sources: Vec::new(),
        coverage: Coverage::default(),
        anomalies: Vec::new(),
    }
}
