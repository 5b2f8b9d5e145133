//! Configurations that change while the daemon runs: a good one is taken whole, a broken one not at all.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use chrono::TimeDelta;
use recert::store::{Parcel, RunRecord, RunState};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::service::{Machine, RECIPIENTS, Service, now};

/// Once a day, half a day from now: no slot comes by itself while a test runs.
fn daily() -> String {
    (now() - TimeDelta::hours(12)).format("%-M %-H * * *").to_string()
}

/// One way to break a configuration: text of the good one, what stands there instead, and what the refusal names.
struct Broken {
    from: &'static str,
    to: &'static str,
    place: &'static str,
    /// Whether only a running daemon refuses it.
    only_reload: bool,
}

const fn broken(from: &'static str, to: &'static str, place: &'static str) -> Broken {
    Broken { from, to, place, only_reload: false }
}

const fn needs_restart(from: &'static str, to: &'static str, place: &'static str) -> Broken {
    Broken { from, to, place, only_reload: true }
}

const CONSOLE_PASSWORD: &str = "password = { file = \"{dir}/password\" }";
const RELAY: &str = "tls = \"none\"\n";
const EMAIL: &str = "[[job.email]]\n";
const REPORTS: &str = "path = \"{dir}/reports\"";
const CRON: &str = "schedule = \"{cron}\"";
const HTTP: &str = "url = \"http://";
const TO: &str = "to = [\"audit@example.org\", \"owner@example.org\"]";

/// `{dir}` is the machine's directory, `{cron}` its schedule.
const BROKEN: &[Broken] = &[
    // Not TOML.
    broken("[store]", "[store", "line 1"),
    broken("[store]", "[store]]", "line 1"),
    broken("name = \"hq\"", "name = \"hq", "line"),
    broken("name = \"hq\"", "name = hq", "line"),
    broken("name = \"hq\"", "name =", "line"),
    broken("name = \"hq\"", "name", "line"),
    broken("name = \"hq\"", "name = \"hq\"\nname = \"hq\"", "name"),
    broken("[smtp]", "[smtp]\n[smtp]", "smtp"),
    broken("[[console]]", "[console]", "console"),
    broken("[[job]]", "[job]", "job"),
    broken("[store]", "\u{feff}\u{0}[store]", "line 1"),
    // Unknown keys.
    broken("[store]", "unknown = 1\n[store]", "`unknown`"),
    broken("[store]", "[unknown]\n[store]", "`unknown`"),
    broken("[store]", "[store]\nunknown = 1", "`unknown`"),
    broken("[smtp]", "[smtp]\nunknown = 1", "`unknown`"),
    broken("[daemon]", "[daemon]\nunknown = 1", "`unknown`"),
    broken("[[console]]", "[[console]]\nunknown = 1", "`unknown`"),
    broken("[[console]]", "[[console]]\ntls = { unknown = 1 }", "`unknown`"),
    broken("[[job]]", "[[job]]\nunknown = 1", "`unknown`"),
    broken(EMAIL, "[[job.email]]\nunknown = 1\n", "`unknown`"),
    broken("[[job.directory]]", "[[job.directory]]\nunknown = 1", "`unknown`"),
    broken("[analyzers.", "[analyzers.no_such_rule]\nmax = 1\n[analyzers.", "`no_such_rule`"),
    broken("max = 5", "maximum = 5", "`maximum`"),
    broken("[[job]]", "[[job]]\nSchedule = \"@daily\"", "`Schedule`"),
    // Missing keys.
    broken("host = \"127.0.0.1\"\n", "", "`host`"),
    broken("from = \"recert@example.org\"\n", "", "`from`"),
    broken("name = \"hq\"\n", "", "`name`"),
    broken("name = \"weekly\"\n", "", "`name`"),
    broken("username = \"recert\"\n", "", "`username`"),
    broken(CONSOLE_PASSWORD, "", "`password`"),
    broken(REPORTS, "", "`path`"),
    // Wrong types and values.
    broken("port = ", "port = -", "port"),
    broken("port = ", "port = 99999", "port"),
    broken("port = ", "port = 0x", "port"),
    broken("timeout = 20", "timeout = \"20\"", "timeout"),
    broken("timeout = 20", "timeout = 0", "smtp.timeout"),
    broken("timeout = 20", "timeout = 3601", "smtp.timeout"),
    broken("formats = [\"csv\", \"json\", \"html\"]", "formats = \"csv\"", "formats"),
    broken("formats = [\"csv\", \"json\", \"html\"]", "formats = [\"pdf\"]", "pdf"),
    broken("formats = [\"csv\", \"json\", \"html\"]", "formats = []", "\"weekly\": formats"),
    broken("formats = [\"csv\"]", "formats = [\"xlsx\"]", "email.formats"),
    broken(TO, "to = \"audit@example.org\"", "line"),
    broken("[[console]]", "[[console]]\nmax_in_flight = 0", "max_in_flight"),
    broken("[[console]]", "[[console]]\nmax_in_flight = 65", "max_in_flight"),
    broken("[[console]]", "[[console]]\nmax_in_flight = 1.5", "max_in_flight"),
    broken("[[console]]", "[[console]]\ndepth = \"deep\"", "depth"),
    broken("[[console]]", "[[console]]\ntwo_factor = true", "two_factor"),
    broken(RELAY, "tls = \"maybe\"\n", "tls"),
    broken("timeout = 20", "on_ambiguous = \"drop\"", "on_ambiguous"),
    broken("[[job]]", "[[job]]\njitter = -1", "jitter"),
    broken("[[job]]", "[[job]]\njitter = 721", "\"weekly\": jitter"),
    broken("[[job]]", "[[job]]\nkeep = 1", "\"weekly\": keep"),
    broken(EMAIL, "[[job.email]]\nwhen = \"sometimes\"\n", "when"),
    broken(EMAIL, "[[job.email]]\nmax_size = 199999\n", "email.max_size"),
    broken(EMAIL, "[[job.email]]\nheartbeat_days = 0\n", "email.heartbeat_days"),
    broken("[[job.directory]]", "[[job.directory]]\nkeep = 0", "directory.keep"),
    broken("[[job.directory]]", "[[job.directory]]\nredact = [\"phone\"]", "expected `email` or `name`"),
    broken(EMAIL, "[[job.email]]\nredact = \"email\"\n", "redact"),
    // Consoles.
    broken(HTTP, "url = \"", "url"),
    broken(HTTP, "url = \"ftp://", "\"hq\": url"),
    broken(HTTP, "url = \"http://user:secret@", "\"hq\": url"),
    broken(HTTP, "url = \"http://console.example.org:3780/?\" # ", "\"hq\": url"),
    broken(HTTP, "url = \"nonsense\" # ", "url"),
    broken("username = \"recert\"", "username = \"\"", "\"hq\": username"),
    broken("username = \"recert\"", "username = \"a:b\"", "\"hq\": username"),
    broken("name = \"hq\"", "name = \" \"", "name"),
    broken("name = \"hq\"", "name = \"h\\nq\"", "name"),
    broken(
        "[[job]]\nname = \"weekly\"",
        "[[console]]\nname = \"HQ\"\nurl = \"https://127.0.0.1:1\"\nusername = \"a\"\npassword = { env = \"HOME\" }\n\
         [[job]]\nname = \"weekly\"",
        "console[1] \"HQ\"",
    ),
    // Secrets.
    broken(CONSOLE_PASSWORD, "password = \"hunter2\"", "line"),
    broken(CONSOLE_PASSWORD, "password = { file = \"{dir}/none\" }", "console hq: {dir}/none"),
    broken(CONSOLE_PASSWORD, "password = { file = \"{dir}/exposed\" }", "console hq: {dir}/exposed"),
    broken(CONSOLE_PASSWORD, "password = { file = \"{dir}/group\" }", "console hq: {dir}/group"),
    broken(CONSOLE_PASSWORD, "password = { file = \"{dir}/empty\" }", "console hq: {dir}/empty"),
    broken(CONSOLE_PASSWORD, "password = { file = \"{dir}/binary\" }", "console hq: {dir}/binary"),
    broken(CONSOLE_PASSWORD, "password = { file = \"{dir}/large\" }", "console hq: {dir}/large"),
    broken(CONSOLE_PASSWORD, "password = { file = \"{dir}/private\" }", "console hq: {dir}/private"),
    broken(CONSOLE_PASSWORD, "password = { env = \"RECERT_NO_SUCH_VARIABLE\" }", "RECERT_NO_SUCH_VARIABLE"),
    broken(CONSOLE_PASSWORD, "password = { credential = \"hq\" }", "console hq: credential \"hq\""),
    broken(CONSOLE_PASSWORD, "password = { credential = \"../hq\" }", "console hq: credential"),
    broken(CONSOLE_PASSWORD, "password = { vault = \"hq\" }", "line"),
    broken(CONSOLE_PASSWORD, "password = { file = \"{dir}/password\", env = \"HOME\" }", "line"),
    broken(CONSOLE_PASSWORD, "password = {}", "line"),
    // Trust.
    broken("[[console]]", "[[console]]\ntls = {}", "\"hq\": tls"),
    broken("[[console]]", "[[console]]\ntls = { pin_sha256 = [] }", "tls.pin_sha256"),
    broken("[[console]]", "[[console]]\ntls = { pin_sha256 = [\"abc\"] }", "tls.pin_sha256"),
    broken("[[console]]", "[[console]]\ntls = { pin_sha256 = \"abc\" }", "pin_sha256"),
    broken("[[console]]", "[[console]]\ntls = { ca_file = \"/a\", pin_sha256 = [] }", "\"hq\": tls"),
    broken(HTTP, "tls = { ca_file = \"{dir}/none\" }\nurl = \"https://", "console hq"),
    broken(HTTP, "tls = { ca_file = \"{dir}/private\" }\nurl = \"https://", "console hq"),
    broken(HTTP, "tls = { ca_file = \"{dir}/no-certificate.pem\" }\nurl = \"https://", "console hq"),
    broken(RELAY, "tls = \"implicit\"\nca_file = \"{dir}/none\"\n", "smtp: cannot use the CA file"),
    broken(
        RELAY,
        "tls = \"starttls\"\nca_file = \"{dir}/no-certificate.pem\"\n",
        "smtp: cannot use the CA file",
    ),
    broken(RELAY, "tls = \"implicit\"\npin_sha256 = [\"zz\"]\n", "smtp.tls.pin_sha256"),
    broken(RELAY, "tls = \"none\"\nca_file = \"{dir}/none\"\n", "smtp.tls"),
    // The relay.
    broken("host = \"127.0.0.1\"", "host = \"smtp://relay\"", "smtp.host"),
    broken("host = \"127.0.0.1\"", "host = \"\"", "smtp.host"),
    broken("host = \"127.0.0.1\"", "host = \"relay.example.org\"", "smtp.tls"),
    broken("from = \"recert@example.org\"", "from = \"recert\"", "smtp.from"),
    broken("from = \"recert@example.org\"", "from = \"Recert <recert@example.org>\"", "smtp.from"),
    broken("timeout = 20", "hello = \"two words\"", "smtp.hello"),
    broken("timeout = 20", "username = \"a\"\npassword = { env = \"HOME\" }", "smtp.username"),
    broken(RELAY, "tls = \"implicit\"\nusername = \"a\"\n", "smtp.password"),
    broken(RELAY, "tls = \"implicit\"\npassword = { env = \"HOME\" }\n", "smtp.username"),
    broken(
        RELAY,
        "tls = \"implicit\"\nusername = \"a\"\npassword = { file = \"{dir}/none\" }\n",
        "smtp: {dir}/none",
    ),
    broken("[smtp]\n", "[daemon]\n", "duplicate key"),
    // Schedules.
    broken(CRON, "schedule = \"\"", "\"weekly\": schedule"),
    broken(CRON, "schedule = \"61 * * * *\"", "\"weekly\": schedule"),
    broken(CRON, "schedule = \"* * * *\"", "\"weekly\": schedule"),
    broken(CRON, "schedule = \"0 0 1 1 * *\"", "\"weekly\": schedule"),
    broken(CRON, "schedule = \"every monday\"", "\"weekly\": schedule"),
    broken(CRON, "schedule = \"0 0 31 2 *\"", "\"weekly\": schedule"),
    broken(CRON, "schedule = \"*/0 * * * *\"", "\"weekly\": schedule"),
    broken(CRON, "schedule = 5", "schedule"),
    broken(CRON, "schedule = \"{cron}\"\ntimezone = \"Europe/Entenhausen\"", "Entenhausen"),
    broken(CRON, "schedule = \"{cron}\"\ntimezone = \"\"", "\"weekly\": schedule"),
    broken(CRON, "timezone = \"Europe/Berlin\"", "\"weekly\": timezone"),
    broken(CRON, "schedule = \"{cron}\"\ncatch_up = \"some\"", "catch_up"),
    // Recipients and directories.
    broken(TO, "to = []", "\"weekly\": email.to"),
    broken(TO, "to = [\"audit\"]", "\"weekly\": email.to"),
    broken(TO, "to = [\"audit@example.org\", \"Audit@Example.org\"]", "\"weekly\": email.to"),
    broken(TO, "to = [\"audit@example.org\\r\\nBcc: x@example.org\"]", "\"weekly\": email.to"),
    broken(TO, "to = [\"audit@example.org\"]\ncc = [\"<x>\"]", "\"weekly\": email.cc"),
    broken(REPORTS, "path = \"{dir}/nowhere\"", "job weekly: directory {dir}/nowhere"),
    broken(REPORTS, "path = \"reports\"", "\"weekly\": directory.path"),
    broken(REPORTS, "path = \"{dir}/password\"", "job weekly: directory {dir}/password"),
    broken(
        REPORTS,
        "path = \"{dir}/reports\"\n[[job.directory]]\npath = \"{dir}/reports\"",
        "directory.path",
    ),
    // Jobs.
    broken("name = \"weekly\"", "name = \"\"", "name"),
    broken("name = \"weekly\"", "name = \"weekly\"\nconsoles = [\"lab\"]", "\"weekly\": consoles"),
    broken("name = \"weekly\"", "name = \"weekly\"\nconsoles = [\"hq\", \"hq\"]", "\"weekly\": consoles"),
    broken("[daemon]", "[[job]]\nname = \"Weekly\"\n[daemon]", "job[1] \"Weekly\""),
    // Rules.
    broken("max = 5", "max = 0", "analyzers.global_admin_count"),
    broken("max = 5", "max = \"many\"", "max"),
    broken("max = 5", "severity = \"terrible\"", "severity"),
    broken("max = 5", "enabled = \"yes\"", "enabled"),
    broken(
        "[analyzers.",
        "[analyzers.similar_roles]\nthreshold = 1.5\n[analyzers.",
        "analyzers.similar_roles",
    ),
    // Templates.
    broken("[store]", "templates = \"{dir}/none\"\n[store]", "cannot read {dir}/none"),
    broken("[store]", "templates = \"{dir}/password\"\n[store]", "cannot read {dir}/password"),
    broken("[store]", "templates = \"{dir}/page\"\n[store]", "{dir}/page/report.html:1"),
    broken("[store]", "templates = \"{dir}/mail\"\n[store]", "{dir}/mail/email.html:2"),
    broken("[store]", "templates = \"{dir}/text\"\n[store]", "{dir}/text/email.txt:1"),
    // The store and the listener.
    broken("sqlite://{dir}", "postgres://recert@db", "store.url"),
    broken("sqlite://{dir}", "sqlite://state", "store.url"),
    broken("sqlite://{dir}", "mysql://{dir}", "store.url"),
    broken("/recert.db", "/", "store.url"),
    needs_restart("/recert.db", "/other.db", "store.url: needs a restart"),
    needs_restart("/http\"", "/other\"", "daemon.listen: needs a restart"),
    needs_restart("[daemon]\nlisten = ", "[daemon]\n# ", "daemon.listen: needs a restart"),
    broken("unix:{dir}/http", "0.0.0.0:9187", "daemon.listen"),
    broken("unix:{dir}/http", "unix:http", "daemon.listen"),
    broken("unix:{dir}/http", "localhost", "daemon.listen"),
];

/// The machine's configuration with a listener and a knob to turn.
fn good(machine: &Machine) -> String {
    format!(
        "{}[daemon]\nlisten = \"unix:{}\"\n[analyzers.global_admin_count]\nmin = 1\nmax = 5\n",
        machine.configuration(),
        machine.path("http").display(),
    )
}

/// A text of the table on this machine.
fn filled(text: &str, machine: &Machine) -> String {
    text.replace("{dir}", machine.directory.path().to_str().unwrap()).replace("{cron}", &machine.schedule)
}

impl Broken {
    /// The good configuration, broken in this way, with changes that are right as such.
    fn apply(&self, machine: &Machine) -> String {
        let good = good(machine);
        let (from, to) = (filled(self.from, machine), filled(self.to, machine));
        assert!(good.contains(&from), "{from:?} is not in the configuration");
        let broken = good.replacen(&from, &to, 1).replace("owner@example.org", "intruder@example.org");
        format!(
            "{broken}[[job]]\nname = \"intruder\"\nschedule = \"* * * * *\"\n\
             [[job.email]]\nto = [\"intruder@example.org\"]\n"
        )
    }
}

/// What the broken configurations name.
fn prepare(machine: &Machine) {
    let write = |name: &str, content: &[u8], mode: u32| {
        fs::write(machine.path(name), content).unwrap();
        fs::set_permissions(machine.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    write("exposed", b"secret", 0o644);
    write("group", b"secret", 0o640);
    write("empty", b"", 0o600);
    write("binary", b"\xff\xfe\xfd", 0o600);
    write("large", "x".repeat(70_000).as_bytes(), 0o600);
    write("no-certificate.pem", b"-----BEGIN NOTHING-----\n", 0o600);
    for name in ["private", "page", "mail", "text"] {
        fs::create_dir(machine.path(name)).unwrap();
    }
    fs::set_permissions(machine.path("private"), fs::Permissions::from_mode(0o700)).unwrap();
    write("page/report.html", b"{% if %}", 0o600);
    write("mail/email.html", b"<p>\n{{ no.such.value }}", 0o600);
    write("text/email.txt", b"{{ \"x\" | nofilter }}", 0o600);
}

/// What the daemon answers over its socket.
pub(crate) async fn ask(machine: &Machine, path: &str) -> String {
    let mut connection = UnixStream::connect(machine.path("http")).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: recert\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Makes the slots of the last days due.
async fn days_due(machine: &Machine, days: i64) {
    let store = machine.store();
    let mark = now() - TimeDelta::days(days);
    store.set_mark("weekly", mark).await.unwrap();
    store.close().await;
}

/// Waits for so many runs, and for their mail.
pub(crate) async fn settled(
    machine: &Machine,
    service: &mut Service,
    count: usize,
) -> (Vec<RunRecord>, Vec<Parcel>) {
    let until = tokio::time::Instant::now() + crate::service::LIMIT;
    loop {
        let (runs, parcels) = machine.settled(service).await;
        if runs.len() >= count {
            assert_eq!(runs.len(), count, "{runs:#?}");
            return (runs, parcels);
        }
        assert!(tokio::time::Instant::now() < until, "{count} runs, not {runs:#?}:\n{}", service.log());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// Checks one run; of earlier ones the bodies are not kept.
pub(crate) async fn check(machine: &Machine, run: &RunRecord, parcels: &[Parcel]) {
    let own = parcels.iter().filter(|parcel| parcel.run.as_ref() == Some(&run.id));
    machine.check(std::slice::from_ref(run), &own.cloned().collect::<Vec<_>>()).await;
}

/// Asks for a reload, waits for its end, and gives what was logged meanwhile.
async fn reload(service: &mut Service) -> String {
    let before = service.log().len();
    service.signal("HUP");
    service.notice(&["RELOADING=1"]).await;
    service.ready().await;
    service.log()[before..].to_owned()
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_configuration_is_not_taken_not_even_in_part() {
    let mut machine = Machine::new().await;
    machine.schedule = daily();
    prepare(&machine);
    let first = good(&machine);
    fs::write(machine.path("config.toml"), &first).unwrap();
    let mut service = machine.start(&[]);
    service.ready().await;

    let mut wrong = Vec::new();
    for broken in BROKEN {
        let (text, place) = (broken.apply(&machine), filled(broken.place, &machine));
        fs::write(machine.path("config.toml"), &text).unwrap();
        let log = reload(&mut service).await;
        let refused = log.contains("the configuration is not taken; the old one stays");
        let tells = ["hunter2", "user:secret"].iter().any(|secret| log.contains(secret));
        if !refused || !log.contains(&place) || tells {
            wrong.push(format!("{:?} for {:?}, {place:?} expected:\n{log}", broken.to, broken.from));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let metrics = ask(&machine, "/metrics").await;
    let counted = format!("recert_reload_failures_total {}\n", BROKEN.len());
    assert!(BROKEN.len() > 100 && metrics.contains(&counted), "{metrics}");
    assert!(!service.log().contains("configuration reloaded"));

    days_due(&machine, 1).await;
    let (runs, parcels) = settled(&machine, &mut service, 1).await;
    machine.check(&runs, &parcels).await;
    let old: Vec<_> = parcels.iter().filter(|parcel| !parcel.message_id.is_empty()).collect();
    assert!(old.iter().all(|parcel| RECIPIENTS.contains(&&*parcel.recipient)), "{parcels:#?}");
    assert_eq!(configuration_of(&machine, &runs[0]), hash(&first), "the first configuration counts");
    let store = machine.store();
    assert_eq!(store.known_mark("intruder").await.unwrap(), None, "a job that was never configured");
    store.close().await;

    let second = first
        .replace("owner@example.org", "new@example.org")
        .replace("schedule = ", "catch_up = \"all\"\nschedule = ");
    fs::write(machine.path("config.toml"), &second).unwrap();
    let log = reload(&mut service).await;
    assert!(log.contains("configuration reloaded") && log.contains(&hash(&second)), "{log}");
    days_due(&machine, 2).await;
    let (runs, parcels) = settled(&machine, &mut service, 2).await;
    check(&machine, &runs[1], &parcels).await;
    let of = |run: &RunRecord| {
        let own = parcels.iter().filter(|parcel| parcel.run.as_ref() == Some(&run.id));
        let mut recipients: Vec<_> =
            own.filter(|parcel| !parcel.message_id.is_empty()).map(|parcel| &*parcel.recipient).collect();
        recipients.sort_unstable();
        recipients
    };
    assert_eq!(of(&runs[1]), ["audit@example.org", "new@example.org"], "newest first, this one is older");
    assert_eq!(configuration_of(&machine, &runs[1]), hash(&second));
    let counted = ask(&machine, "/metrics").await;
    assert!(counted.contains(&format!("recert_reload_failures_total {}\n", BROKEN.len())));
    service.stop().await;
}

fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

/// The configuration that a run says it ran with.
fn configuration_of(machine: &Machine, run: &RunRecord) -> String {
    assert_eq!(run.state, RunState::Done);
    let report = fs::read(machine.path("reports").join(&run.id).join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    report["run"]["configuration"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_configuration_starts_no_daemon_and_fails_its_check() {
    let mut machine = Machine::new().await;
    machine.schedule = daily();
    prepare(&machine);
    let mut wrong = Vec::new();
    for broken in BROKEN.iter().filter(|broken| !broken.only_reload) {
        let (text, place) = (broken.apply(&machine), filled(broken.place, &machine));
        fs::write(machine.path("config.toml"), &text).unwrap();
        for (command, codes) in [("daemon", &[2][..]), ("check", &[1, 2])] {
            let output = machine.run(&[command]).await;
            let refused = output.status.code().is_some_and(|code| codes.contains(&code));
            if !refused || !told(&output).contains(&place) {
                let (status, told) = (output.status, told(&output));
                wrong.push(format!("{command}: {:?}, {place:?} expected: {status}: {told}", broken.to));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(!machine.path("state").exists(), "nothing was begun");
}

/// A configuration that is being written while it is read: a pipe, which a reader waits for.
#[tokio::test(flavor = "multi_thread")]
async fn a_reload_that_is_asked_for_during_another_one_is_not_lost() {
    let mut machine = Machine::new().await;
    machine.schedule = daily();
    let first = good(&machine);
    fs::write(machine.path("config.toml"), &first).unwrap();
    let mut service = machine.start(&[]);
    service.ready().await;

    let pipe = pipe_in_place_of_the_configuration(&machine);
    service.signal("HUP");
    service.notice(&["RELOADING=1"]).await;
    // A writer is let in when a reader is there: the daemon.
    let writer = move || fs::File::options().write(true).open(pipe).unwrap();
    let mut writer = tokio::task::spawn_blocking(writer).await.unwrap();
    // It waits for what comes through the pipe. Now the file is another one, and it is told so.
    let second = first.replace("max = 5", "max = 6");
    fs::write(machine.path("next"), &second).unwrap();
    fs::rename(machine.path("next"), machine.path("config.toml")).unwrap();
    service.signal("HUP");
    // Some beats later the signal has arrived.
    service.notice(&["WATCHDOG=1"]).await;
    service.notice(&["WATCHDOG=1"]).await;
    writer.write_all(first.as_bytes()).unwrap();
    drop(writer);
    service.ready().await;
    service.notice(&["RELOADING=1"]).await;
    service.ready().await;
    assert!(service.log().contains(&hash(&second)), "{}", service.log());
    service.stop().await;
}

/// Gives the path of the pipe under its other name, which stays.
pub(crate) fn pipe_in_place_of_the_configuration(machine: &Machine) -> std::path::PathBuf {
    let pipe = machine.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fs::remove_file(machine.path("config.toml")).unwrap();
    fs::hard_link(&pipe, machine.path("config.toml")).unwrap();
    pipe
}
