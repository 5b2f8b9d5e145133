//! The end of a review on a terminal: hostile names stand there as data.

use recert::model::Snapshot;
use recert::store::write_snapshots;

use super::review::HOSTILE;

/// Findings that the summary tells one by one; each of this many users is the subject of one.
const TOLD: usize = 8;

/// What `recert review --from` says of these users as administrators without a second factor.
fn said(users: &[recert::model::User]) -> String {
    let mut snapshot: Snapshot = HOSTILE.snapshot.clone();
    snapshot.users = users.to_vec();
    snapshot.roles.clear();
    snapshot.privileges.clear();
    snapshot.sites.clear();
    snapshot.asset_groups.clear();
    snapshot.anomalies.clear();
    for user in &mut snapshot.users {
        user.enabled = Some(true);
        user.role.superuser = true;
        user.two_factor = recert::model::TwoFactor::NotConfigured;
        if let Some(authentication) = &mut user.authentication {
            authentication.external = Some(false);
        }
    }
    let directory = tempfile::tempdir().unwrap();
    write_snapshots(&directory.path().join("snapshot.json"), &[snapshot]).unwrap();
    let mut review = assert_cmd::Command::cargo_bin("recert").unwrap();
    review.args(["review", "--from", "snapshot.json", "--out", "report", "--format", "json"]);
    let output = review.current_dir(directory.path()).env_remove("RECERT_CONFIG").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[test]
fn names_do_nothing_on_a_terminal() {
    let mut all = String::new();
    let plain = |login: &str| login.len() < 100 && login.chars().all(|c| matches!(c, ' '..='~'));
    let users: Vec<_> = HOSTILE.snapshot.users.iter().filter(|user| !plain(&user.login)).cloned().collect();
    for users in users.chunks(TOLD / 2) {
        all.push_str(&said(users));
    }
    let acts =
        |c: &char| (c.is_control() && *c != '\n') || "\u{61c}\u{200b}\u{200e}\u{200f}\u{feff}".contains(*c);
    let reorders =
        |c: &char| matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}');
    let found: Vec<char> = all.chars().filter(|c| acts(c) || reorders(c)).collect();
    assert!(found.is_empty(), "{found:?}");
    for shown in
        [r"\u{1b}[31mred", r"over\u{d}written", r"nimda\u{202e}txt.exe", r"\u{9b}31mred", r"x\u{d}\u{a}Bcc:"]
    {
        assert!(all.contains(shown), "{shown} is not shown");
    }
    assert!(all.lines().all(|line| line.chars().count() < 250), "a long name is cut");
    assert!(!all.lines().any(|line| line.starts_with("Bcc:") || line == "."));
}
