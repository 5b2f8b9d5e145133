//! The daemon as a process, with everything that it talks to: simulated consoles, a mail relay, a notification socket.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use recert::evidence::{Anchors, places, verify};
use recert::schedule::Schedule;
use recert::simulator::{Estate, EstateOptions, Options, Simulator};
use recert::store::{Parcel, ParcelState, RunRecord, RunState, Store, StoreError};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::net::UnixDatagram;

use crate::faked::forget;
use crate::relay::{Message, Relay};

/// How long anything may take before a test gives up.
pub(crate) const LIMIT: Duration = Duration::from_secs(90);
/// How long a command may take; one that does not end is killed.
const COMMAND: Duration = Duration::from_secs(30);
/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(25);
/// The recipients of the job.
pub(crate) const RECIPIENTS: [&str; 2] = ["audit@example.org", "owner@example.org"];

/// A machine: its directories, its console and its relay.
pub(crate) struct Machine {
    pub(crate) directory: TempDir,
    pub(crate) simulator: Simulator,
    pub(crate) relay: Relay,
    /// What stands in the job's table.
    pub(crate) schedule: String,
    pub(crate) job: String,
}

/// The daemon on a machine.
pub(crate) struct Service {
    pub(crate) child: Child,
    notices: UnixDatagram,
    log: PathBuf,
}

impl Machine {
    pub(crate) async fn new() -> Self {
        Self::with(Options { log: false, ..Options::default() }).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let estate = Estate::generate(&EstateOptions {
            seed: 3,
            users: 8,
            sites: 3,
            asset_groups: 2,
            grants_per_user: 2,
            blemishes: false,
            ..EstateOptions::default()
        });
        let machine = Self {
            directory: tempfile::tempdir().unwrap(),
            simulator: Simulator::start(estate, options).await.unwrap(),
            relay: Relay::start().await,
            schedule: "0 * * * *".to_owned(),
            job: String::new(),
        };
        fs::write(machine.path("password"), machine.simulator.password()).unwrap();
        fs::set_permissions(machine.path("password"), fs::Permissions::from_mode(0o600)).unwrap();
        fs::create_dir(machine.path("reports")).unwrap();
        machine.configure("");
        machine
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes the configuration; `more` is appended.
    pub(crate) fn configure(&self, more: &str) {
        fs::write(self.path("config.toml"), format!("{}\n{more}", self.configuration())).unwrap();
    }

    pub(crate) fn configuration(&self) -> String {
        let Self { simulator, relay, schedule, job, .. } = self;
        let (database, password) = (self.path("state/recert.db"), self.path("password"));
        format!(
            "[store]\nurl = \"sqlite://{}\"\n\
             [smtp]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nfrom = \"recert@example.org\"\ntimeout = 20\n\
             [[console]]\nname = \"hq\"\nurl = \"{}\"\nusername = \"{}\"\npassword = {{ file = \"{}\" }}\n\
             [[job]]\nname = \"weekly\"\nschedule = \"{schedule}\"\nformats = [\"csv\", \"json\", \"html\"]\n{job}\n\
             [[job.email]]\nto = [\"{}\", \"{}\"]\nformats = [\"csv\"]\n\
             [[job.directory]]\npath = \"{}\"\n",
            database.display(),
            relay.port(),
            simulator.url(),
            simulator.username(),
            password.display(),
            RECIPIENTS[0],
            RECIPIENTS[1],
            self.path("reports").display(),
        )
    }

    /// Makes the job owe the slots since a time: the daemon was there then, and was away since.
    pub(crate) async fn away_since(&self, since: DateTime<Utc>) {
        let store = Store::open(&self.path("state/recert.db"), since).unwrap();
        let definition = Schedule::parse(&self.schedule, "UTC").unwrap().definition();
        store.mark("weekly", &definition, since).await.unwrap();
        store.close().await;
    }

    /// Makes exactly one slot due: the one at the start of this hour, or of the one before.
    pub(crate) async fn one_slot_due(&self) -> DateTime<Utc> {
        let now = now();
        let slot =
            Schedule::parse(&self.schedule, "UTC").unwrap().next_after(now - TimeDelta::hours(1)).unwrap();
        self.away_since(slot - TimeDelta::minutes(1)).await;
        slot
    }

    /// Starts the daemon.
    pub(crate) fn start(&self, variables: &[(&str, &str)]) -> Service {
        let socket = self.path("notify");
        drop(fs::remove_file(&socket));
        let notices = UnixDatagram::bind(&socket).unwrap();
        let log = self.path("log");
        let appended = || File::options().create(true).append(true).open(&log).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_recert"));
        command.arg("daemon").arg("--config").arg(self.path("config.toml"));
        command.current_dir(self.directory.path()).env("NOTIFY_SOCKET", &socket);
        command.env_remove("JOURNAL_STREAM").envs(variables.iter().copied());
        command.stdout(appended()).stderr(appended());
        Service { child: command.spawn().unwrap(), notices, log }
    }

    /// Changes something on the console, as an administrator would with its API.
    pub(crate) async fn writes(&self, method: reqwest::Method, path: &str, body: &serde_json::Value) {
        // The first test of the process installs it; the others find it there.
        let _installed_before = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client
            .request(method, format!("{}/api/3{path}", self.simulator.url()))
            .basic_auth(self.simulator.username(), Some(self.simulator.password()))
            .header("content-type", "application/json")
            .body(body.to_string());
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {answer:?}");
    }

    /// Runs a command on this machine to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_recert"));
        command.args(arguments).current_dir(self.directory.path()).timeout(COMMAND);
        command.env("RECERT_CONFIG", self.path("config.toml")).env_remove("NOTIFY_SOCKET");
        // Beside the runtime: the console and the relay answer from it.
        tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap()
    }

    /// The store, read beside the daemon.
    pub(crate) fn store(&self) -> Store {
        Store::open_existing(&self.path("state/recert.db")).unwrap()
    }

    /// Waits until every run has ended and the outbox holds nothing that will still be tried.
    pub(crate) async fn settled(&self, service: &mut Service) -> (Vec<RunRecord>, Vec<Parcel>) {
        tokio::select! {
            settled = self.all_settled() => settled,
            status = service.ended() => panic!("the daemon ended, {status}:\n{}", service.log()),
        }
    }

    /// The same, whether or not the daemon lives.
    pub(crate) async fn all_settled(&self) -> (Vec<RunRecord>, Vec<Parcel>) {
        let until = Instant::now() + LIMIT;
        loop {
            if let Ok(store) = Store::open_existing(&self.path("state/recert.db")) {
                let runs = store.runs(None, 1000).await.unwrap();
                let parcels = store.outbox(true).await.unwrap();
                store.close().await;
                let ended = |run: &RunRecord| matches!(run.state, RunState::Done | RunState::Failed);
                let over = |parcel: &Parcel| parcel.state.is_settled() || parcel.held;
                if !runs.is_empty() && runs.iter().all(ended) && parcels.iter().all(over) {
                    return (runs, parcels);
                }
                assert!(Instant::now() < until, "not settled: {runs:#?} {parcels:#?}");
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What must hold after every fault: each run is terminal, the store is whole, the files are what their manifest
    /// says, the relay has what the outbox says, and nothing twice unless an answer was lost.
    pub(crate) async fn check(&self, runs: &[RunRecord], parcels: &[Parcel]) {
        let store = self.store();
        store.check().await.unwrap();
        for run in runs.iter().filter(|run| run.state == RunState::Done) {
            for directory in [self.path("state/runs"), self.path("reports")] {
                check_files(&directory.join(&run.id));
            }
            let own = parcels.iter().filter(|parcel| parcel.run.as_ref() == Some(&run.id));
            assert_eq!(own.count(), RECIPIENTS.len() + 1, "{run:?}: {parcels:?}");
        }
        if let Some(head) = store.head().await.unwrap() {
            let anchors = Anchors { heads: vec![head.sha256], keys: Vec::new() };
            let evidence = verify(&places(&self.path("state/runs")).unwrap(), &anchors);
            assert_eq!(evidence.faults, [], "the chain of evidence is whole");
        }
        let mails = self.relay.messages();
        for parcel in parcels.iter().filter(|parcel| !parcel.message_id.is_empty()) {
            assert_eq!(parcel.state, ParcelState::Accepted, "{parcel:?}");
            let body = match store.body(&parcel.id).await {
                Ok(body) => Some(body),
                // The next run of the job takes the bytes of what has arrived out of the store.
                Err(StoreError::BodyGone(_)) => None,
                Err(error) => panic!("{error}"),
            };
            let copies: Vec<_> = mails
                .iter()
                .filter(|mail| mail.to == [parcel.recipient.clone()])
                .filter(|mail| String::from_utf8_lossy(&mail.body).contains(&parcel.message_id))
                .collect();
            assert!(!copies.is_empty(), "{parcel:?} never arrived");
            let lost = parcel.lost_answers as usize;
            assert!(copies.len() <= 1 + lost, "{} copies, {lost} lost answers: {parcel:?}", copies.len());
            let as_sent = |copy: &&Message| match &body {
                Some(body) => same(&copy.body, body),
                None => hex::encode(Sha256::digest(&copy.body)) == parcel.sha256,
            };
            assert!(copies.iter().all(as_sent), "a copy with other bytes");
        }
        store.close().await;
    }
}

/// Equal but for line ends at the end, which belong to the protocol.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.trim_ascii_end() == other.trim_ascii_end()
}

/// Every file of a run is there with its hash, and nothing else.
fn check_files(directory: &Path) {
    let manifest = fs::read(directory.join("manifest.json"))
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let mut expected = vec!["manifest.json".to_owned()];
    for file in manifest["files"].as_array().unwrap() {
        let name = file["name"].as_str().unwrap();
        let content = fs::read(directory.join(name)).unwrap();
        assert_eq!(hex::encode(Sha256::digest(&content)), file["sha256"], "{name}");
        expected.push(name.to_owned());
    }
    expected.sort();
    let mut found: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    assert_eq!(found, expected, "{}", directory.display());
}

impl Service {
    /// Waits for the first notice that one of the texts begins.
    pub(crate) async fn notice(&mut self, starts: &[&str]) -> String {
        let until = tokio::time::Instant::now() + LIMIT;
        let mut buffer = vec![0; 4096];
        loop {
            let received = tokio::time::timeout_at(until, self.notices.recv(&mut buffer)).await;
            let Ok(received) = received else { panic!("no notice {starts:?}:\n{}", self.log()) };
            let text = String::from_utf8_lossy(&buffer[..received.unwrap()]).into_owned();
            if let Some(line) = text.lines().find(|line| starts.iter().any(|start| line.starts_with(start))) {
                return line.to_owned();
            }
        }
    }

    pub(crate) async fn ready(&mut self) {
        self.notice(&["READY=1"]).await;
    }

    /// Takes what has been told meanwhile: the socket holds few notices, and the daemon waits for room.
    pub(crate) fn drain(&self) {
        while self.notices.try_recv(&mut [0; 4096]).is_ok() {}
    }

    pub(crate) fn signal(&self, name: &str) {
        let status =
            Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the end of the process.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let until = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            self.drain();
            assert!(Instant::now() < until, "the daemon does not end:\n{}", self.log());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Stops it as the service manager does.
    pub(crate) async fn stop(mut self) {
        self.signal("TERM");
        let status = self.ended().await;
        assert!(status.success(), "{status}:\n{}", self.log());
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        forget(self.child.id());
    }
}

#[expect(clippy::disallowed_methods, reason = "the daemon under test lives in real time")]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}
