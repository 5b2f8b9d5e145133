//! The unit as systemd reads it: every key known, the sandbox as tight as promised, the user and the directories of
//! its fragments as documented.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

#[path = "artifacts/programs.rs"]
mod programs;

use programs::{finished, program, program_of_root};

/// The exposure that `systemd-analyze security` may give the unit at most, in tenths.
const THRESHOLD: &str = "--threshold=15";

/// What the sandbox leaves open, as `systemd-analyze` names it: the network and name resolution, the host's own
/// libraries and certificates, the clock's device that `ProtectClock=` lists, and files that the group may read. The
/// list of addresses is the site's.
const OPEN: [&str; 7] = [
    "RootDirectoryOrRootImage",
    "RestrictAddressFamilies_AF_UNIX",
    "RestrictAddressFamilies_AF_INET_INET6",
    "PrivateNetwork",
    "DeviceAllow",
    "IPAddressDeny",
    "UMask",
];

/// What names the binary in the unit.
const EXEC: &str = "ExecStart=/usr/local/bin/recert ";

#[test]
fn systemd_finds_nothing_to_say_about_the_unit() {
    let Some(analyze) = program("systemd-analyze") else { return };
    for drop_in in [None, Some(source("recert.service.d/site.conf.example"))] {
        let unit = Unit::copy(|text| text, drop_in.as_deref());
        let said = unit.verify(&analyze);
        // It ends with 0 after unknown keys and bad values as well; what it says tells them.
        assert!(said.status.success(), "{said:?}");
        assert_eq!(String::from_utf8_lossy(&said.stderr), "");
    }
}

#[test]
fn the_sandbox_is_as_tight_as_promised() {
    let Some(analyze) = program("systemd-analyze") else { return };
    for drop_in in [None, Some(source("recert.service.d/site.conf.example"))] {
        let unit = Unit::copy(|text| text, drop_in.as_deref());
        let said = unit.security(&analyze, THRESHOLD);
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
        // The sum has room for a line or two to go missing; this has none.
        let more: Vec<String> =
            unit.open(&analyze).into_iter().filter(|name| !OPEN.contains(&name.as_str())).collect();
        assert_eq!(more, [] as [String; 0]);
    }
}

/// Without this, the two tests above could pass because systemd looks at nothing.
#[test]
fn systemd_sees_what_is_broken() {
    let Some(analyze) = program("systemd-analyze") else { return };
    let unknown = Unit::copy(|text| text.replace("NoNewPrivileges=", "NoMorePrivileges="), None);
    let said = String::from_utf8(unknown.verify(&analyze).stderr).unwrap();
    assert!(said.contains("NoMorePrivileges"), "{said}");
    assert!(unknown.open(&analyze).contains(&"NoNewPrivileges".to_owned()));
    let bad = Unit::copy(|text| text.replace("WatchdogSec=90", "WatchdogSec=soon"), None);
    let said = String::from_utf8(bad.verify(&analyze).stderr).unwrap();
    assert!(said.contains("soon"), "{said}");
    let absent = Unit::copy(|text| text.replace(env!("CARGO_BIN_EXE_recert"), "/nonexistent/recert"), None);
    assert!(!absent.verify(&analyze).status.success());
    let able = Unit::copy(|text| text.replace("CapabilityBoundingSet=\n", ""), None);
    assert!(!able.security(&analyze, THRESHOLD).status.success());
}

#[test]
fn the_example_configuration_names_only_credentials_that_the_unit_loads() {
    let unit = source("recert.service");
    let example = include_str!("../config.example.toml");
    let named: Vec<&str> = example
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once("{ credential = \"")?.1.split('"').next())
        .collect();
    assert!(!named.is_empty());
    for name in named {
        assert!(unit.contains(&format!("\nLoadCredential={name}:/etc/recert/{name}.password\n")), "{name}");
    }
}

#[test]
fn the_fragments_make_the_user_and_close_the_directory() {
    let Some(sysusers) = program_of_root("systemd-sysusers") else { return };
    let Some(tmpfiles) = program_of_root("systemd-tmpfiles") else { return };
    let root = tempfile::tempdir().unwrap();
    let etc = root.path().join("etc");
    fs::create_dir(&etc).unwrap();
    let at_root = |program: PathBuf| {
        let mut command = Command::new(program);
        command.arg(format!("--root={}", root.path().display()));
        command
    };
    finished(at_root(sysusers).arg(place("recert.sysusers")));
    let passwd = fs::read_to_string(etc.join("passwd")).unwrap();
    let user: Vec<&str> = passwd.trim_end().split(':').collect();
    assert_eq!((user[0], user[5], user[6]), ("recert", "/var/lib/recert", "/usr/sbin/nologin"));
    let group: u32 = user[3].parse().unwrap();

    // Once on an empty system, then over files as an editor leaves them.
    let said = finished(at_root(tmpfiles.clone()).arg("--create").arg(place("recert.tmpfiles")));
    assert_eq!(String::from_utf8_lossy(&said.stderr), "");
    let files = [("config.toml", 0o640, group), ("hq.password", 0o600, 0), ("lab.cred", 0o600, 0)];
    for (file, ..) in files {
        let path = etc.join("recert").join(file);
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    }
    finished(at_root(tmpfiles).arg("--create").arg(place("recert.tmpfiles")));
    for (name, mode, group) in [("", 0o750, group)].into_iter().chain(files) {
        let seen = fs::metadata(etc.join("recert").join(name)).unwrap();
        assert_eq!((seen.mode() & 0o7777, seen.uid(), seen.gid()), (mode, 0, group), "{name:?}");
    }
}

/// The unit in a directory of its own, started from the built binary.
struct Unit {
    directory: TempDir,
}

impl Unit {
    fn copy(edit: impl Fn(String) -> String, drop_in: Option<&str>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let shipped = source("recert.service");
        assert_eq!(shipped.matches(EXEC).count(), 1);
        let built = shipped.replace(EXEC, concat!("ExecStart=", env!("CARGO_BIN_EXE_recert"), " "));
        fs::write(directory.path().join("recert.service"), edit(built)).unwrap();
        if let Some(text) = drop_in {
            fs::create_dir(directory.path().join("recert.service.d")).unwrap();
            fs::write(directory.path().join("recert.service.d/site.conf"), text).unwrap();
        }
        Self { directory }
    }

    fn verify(&self, analyze: &Path) -> Output {
        Command::new(analyze)
            .args(["verify", "--recursive-errors=no"])
            .arg(self.directory.path().join("recert.service"))
            .output()
            .unwrap()
    }

    fn security(&self, analyze: &Path, option: &str) -> Output {
        Command::new(analyze)
            .args(["security", "--offline=true", "--no-pager", option])
            .arg(self.directory.path().join("recert.service"))
            .output()
            .unwrap()
    }

    /// What the sandbox leaves open.
    fn open(&self, analyze: &Path) -> Vec<String> {
        let said = self.security(analyze, "--json=short");
        let rows: Vec<serde_json::Value> = serde_json::from_slice(&said.stdout).unwrap();
        let open = rows.iter().filter(|row| row["set"] == false);
        open.map(|row| row["json_field"].as_str().unwrap().to_owned()).collect()
    }
}

fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd").join(name)
}

fn source(name: &str) -> String {
    fs::read_to_string(place(name)).unwrap()
}
