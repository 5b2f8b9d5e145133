//! What the configuration declares for judging, beside the rules' own tables: accounts and waivers.

use std::fs;
use std::io;
use std::path::Path;

use serde::Deserialize;

use super::lines::Lines;
use super::{ConfigError, located, utf8};
use crate::analyze::{Analyzers, Configured, DeclaredAccount, Policy};
use crate::waiver::Waiver;

/// What is wrong, and where: the place, and the problem with its mend.
type Misplaced = (String, String);

/// A file of waivers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WaiverFile {
    #[serde(default)]
    waiver: Vec<Waiver>,
}

/// Checks the path of a file of waivers. A file that is not there holds none, so a path that means another file to the
/// daemon would lose all waivers in silence.
pub(super) fn check_waiver_file(path: &Path) -> Result<(), Misplaced> {
    if path.is_absolute() {
        return Ok(());
    }
    let problem = format!(
        "{} must be an absolute path: a relative one would mean another file in another working directory",
        path.display()
    );
    Err(("waiver_file".to_owned(), problem))
}

/// Reads a file of waivers. One that is not there holds none: `recert waive` makes it.
///
/// # Errors
/// If it cannot be read.
pub(super) fn read_waivers(path: &Path) -> Result<Vec<u8>, ConfigError> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read.map_err(|source| ConfigError::UnreadableWaivers { path: path.to_owned(), source }),
    }
}

/// The waivers of a file.
///
/// # Errors
/// If it is not what it should be; the text shows line and caret.
pub(super) fn parse_waivers(path: &Path, bytes: &[u8]) -> Result<Vec<Waiver>, ConfigError> {
    let text = utf8(path, bytes)?;
    let file: WaiverFile = toml::from_str(text)
        .map_err(|error| ConfigError::File { path: path.to_owned(), problem: located(text, &error) })?;
    Ok(named(file.waiver, &format!("{}: ", path.display()), &Lines::of(text)))
}

/// Gives each waiver its place, for messages.
pub(super) fn named(mut waivers: Vec<Waiver>, file: &str, lines: &Lines) -> Vec<Waiver> {
    for (index, waiver) in waivers.iter_mut().enumerate() {
        waiver.place = format!("{file}{}", lines.waiver(index));
    }
    waivers
}

/// Checks what the types cannot: logins are compared in lower case, so that a pattern with a capital fits none.
pub(super) fn check_patterns(analyzers: &Analyzers) -> Result<(), Misplaced> {
    let generic = &analyzers.shared_or_generic_account;
    for (key, patterns) in [
        ("shared_or_generic_account.patterns", &generic.patterns),
        ("shared_or_generic_account.list_addresses", &generic.list_addresses),
        ("service_account_without_owner.patterns", &analyzers.service_account_without_owner.patterns),
        ("temporary_account_without_end.patterns", &analyzers.temporary_account_without_end.patterns),
        ("installer_account.vendor_logins", &analyzers.installer_account.vendor_logins),
    ] {
        if let Some(pattern) = patterns.iter().find(|pattern| **pattern != pattern.to_lowercase()) {
            let lower = pattern.to_lowercase();
            let problem =
                format!("{pattern:?} never fits: logins are compared in lower case; write {lower:?}");
            return Err((format!("analyzers.{key}"), problem));
        }
    }
    Ok(())
}

/// A pattern of a table that fits none of the consoles. Without consoles, snapshots of any are judged.
fn no_console(wanted: Option<&str>, is_on: impl Fn(&str) -> bool, consoles: &[&str]) -> Option<String> {
    let wanted = wanted?;
    if consoles.is_empty() || consoles.iter().any(|console| is_on(console)) {
        return None;
    }
    Some(format!("{wanted:?} is none of the consoles; configured: {}", consoles.join(", ")))
}

/// Checks what the types cannot: every waiver speaks of a rule that there is, says all that it must, and says it once.
/// That one has expired is no mistake: the review tells of it.
pub(super) fn check_waivers(policy: &Policy, consoles: &[&str]) -> Result<(), Misplaced> {
    let rules = policy.rules();
    let mut before: Vec<(&str, &Waiver)> = Vec::new();
    for waiver in &policy.waivers {
        let place = || waiver.place.clone();
        if let Some((key, problem)) = waiver.mistake() {
            return Err((format!("{}: {key}", place()), problem));
        }
        if let Some(problem) =
            no_console(waiver.console.as_deref(), |console| waiver.is_on(console), consoles)
        {
            return Err((format!("{}: console", place()), problem));
        }
        let Some(rule) = rules.iter().map(|rule| rule.about()).find(|rule| waiver.is_of(rule)) else {
            let nearest =
                nearest(&waiver.rule, &rules.iter().map(|rule| &*rule.about().id).collect::<Vec<_>>());
            let problem = format!("there is no rule {:?}{nearest}; `recert rules` lists them", waiver.rule);
            return Err((format!("{}: rule", place()), problem));
        };
        // The code of a rule of one's own is its place among the tables: with another before it, the waiver would speak
        // of another rule.
        if waiver.rule != rule.id && policy.own.iter().any(|own| own.about().id == rule.id) {
            let problem = format!(
                "{:?} is only the position of a [[rule]] table; name it by its id, {:?}",
                waiver.rule, rule.id
            );
            return Err((format!("{}: rule", place()), problem));
        }
        // A pattern would cover what the rule says of this very waiver.
        if rule.id == "waiver_hygiene" && waiver.finding.is_none() {
            let problem = "waives what waiver_hygiene says of this waiver too; name one finding by its id";
            return Err((format!("{}: subject", place()), problem.to_owned()));
        }
        // One may name the rule by its id and the other by its code.
        if let Some((_, other)) = before.iter().find(|(id, other)| *id == rule.id && other.is_same(waiver)) {
            return Err((place(), format!("says the same as {}; keep one of the two", other.place)));
        }
        before.push((&rule.id, waiver));
    }
    Ok(())
}

/// Checks what the types cannot: no account is declared twice for one of the configured consoles, by whatever patterns.
pub(super) fn check_accounts(
    accounts: &[DeclaredAccount],
    consoles: &[&str],
    lines: &Lines,
) -> Result<(), Misplaced> {
    let place =
        |index: usize, account: &DeclaredAccount| format!("{} {:?}", lines.account(index), account.login);
    for (index, account) in accounts.iter().enumerate() {
        if let Some((key, problem)) = account.mistake() {
            return Err((format!("{}: {key}", place(index, account)), problem));
        }
        if let Some(problem) =
            no_console(account.console.as_deref(), |console| account.is_on(console), consoles)
        {
            return Err((format!("{}: console", place(index, account)), problem));
        }
        let console = |account: &DeclaredAccount| account.console.as_deref().map(str::to_lowercase);
        let same_login = |(_, other): &(usize, &DeclaredAccount)| other.is_login(&account.login);
        for (earlier, other) in accounts[..index].iter().enumerate().filter(same_login) {
            let both = consoles.iter().find(|console| other.is_on(console) && account.is_on(console));
            // The same pattern is a mistake even before a console has such a name.
            if both.is_none() && console(other) != console(account) {
                continue;
            }
            let on = both.map(|console| format!(" for the console {console:?}")).unwrap_or_default();
            let problem = format!(
                "this account is declared twice{on}, by {} as well; keep one of the two",
                place(earlier, other)
            );
            return Err((place(index, account), problem));
        }
    }
    Ok(())
}

/// The known name that a wrong one was most likely meant to be, as the end of a sentence; empty if there is none.
pub fn nearest(wrong: &str, known: &[&str]) -> String {
    let wrong = wrong.to_lowercase();
    let close = known.iter().map(|name| (strsim::jaro_winkler(&wrong, name), name));
    let best = close.max_by(|(a, _), (b, _)| a.total_cmp(b)).filter(|(score, _)| *score > 0.8);
    best.map(|(_, name)| format!(", did you mean {name:?}?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::RuleTable;
    use super::*;

    /// A policy with a rule of one's own, and with waivers by the names of their rules.
    fn policy(rules: &[&str]) -> Policy {
        let own: RuleTable = toml::from_str(
            "id = \"our_rule\"\ntitle = \"Ours\"\nseverity = \"low\"\nexpression = \"user.locked\"\n",
        )
        .unwrap();
        let waiver = |rule: &&str| Waiver {
            rule: (*rule).into(),
            ..Waiver::sample("mia", "2026-12-31".parse().unwrap())
        };
        let waivers = named(rules.iter().map(waiver).collect(), "", &Lines::default());
        Policy { own: vec![own.compile(0).unwrap()], waivers, ..Policy::default() }
    }

    #[test]
    fn a_rule_of_ones_own_is_waived_by_its_id_alone() {
        assert_eq!(check_waivers(&policy(&["our_rule", "LIFE-05"]), &[]), Ok(()));
        for code in ["OWN-01", "own-01"] {
            let (place, problem) = check_waivers(&policy(&[code]), &[]).unwrap_err();
            assert_eq!(place, "waiver[0]: rule");
            assert!(
                problem.contains(code) && problem.contains("name it by its id, \"our_rule\""),
                "{problem}"
            );
        }
    }

    #[test]
    fn the_same_by_id_and_by_code_is_the_same() {
        let (place, problem) = check_waivers(&policy(&["locked_account", "life-05"]), &[]).unwrap_err();
        assert_eq!((&*place, &*problem), ("waiver[1]", "says the same as waiver[0]; keep one of the two"));
        assert_eq!(check_waivers(&policy(&["locked_account", "our_rule"]), &[]), Ok(()));
    }

    #[test]
    fn no_account_is_declared_twice_for_one_console() {
        let on = |login: &str, console: Option<&str>| DeclaredAccount {
            console: console.map(Into::into),
            person: Some("E1".into()),
            ..DeclaredAccount::of(login)
        };
        let checked = |one, two| {
            let accounts = [on("other", None), on("ana", one), on("ANA", two)];
            check_accounts(&accounts, &["HQ", "lab-1", "lab-2"], &Lines::default())
        };
        for (one, two, console) in [
            (None, None, "HQ"),
            (None, Some("lab-2"), "lab-2"),
            (Some("lab-*"), Some("*-1"), "lab-1"),
            (Some("hq"), Some("H*"), "HQ"),
        ] {
            let (place, problem) = checked(one, two).unwrap_err();
            assert_eq!(place, "account[2] \"ANA\"");
            let said = format!("declared twice for the console {console:?}, by account[1] \"ana\" as well");
            assert!(problem.contains(&said), "{problem}");
        }
        assert_eq!(checked(Some("hq"), Some("lab-*")), Ok(()));
        let (place, problem) = checked(Some("lab-*"), Some("*-3")).unwrap_err();
        assert_eq!(place, "account[2] \"ANA\": console");
        assert_eq!(problem, "\"*-3\" is none of the consoles; configured: HQ, lab-1, lab-2");
        let twice = [on("ana", Some("gone")), on("ana", Some("GONE"))];
        let (_, problem) = check_accounts(&twice, &[], &Lines::default()).unwrap_err();
        assert!(problem.contains("declared twice"), "the same pattern, without consoles: {problem}");
    }

    #[test]
    fn a_waiver_of_no_console_is_refused_where_consoles_are_known() {
        let mut policy = policy(&["our_rule"]);
        policy.waivers[0].console = Some("h*".into());
        assert_eq!(check_waivers(&policy, &["lab", "HQ"]), Ok(()));
        assert_eq!(check_waivers(&policy, &[]), Ok(()), "snapshots are judged without");
        let (place, problem) = check_waivers(&policy, &["lab", "branch"]).unwrap_err();
        assert_eq!(place, "waiver[0]: console");
        assert_eq!(problem, "\"h*\" is none of the consoles; configured: lab, branch");
    }

    #[test]
    fn a_pattern_that_no_login_can_fit_is_refused() {
        assert_eq!(check_patterns(&Analyzers::default()), Ok(()));
        for key in [
            "shared_or_generic_account.patterns",
            "shared_or_generic_account.list_addresses",
            "service_account_without_owner.patterns",
            "temporary_account_without_end.patterns",
            "installer_account.vendor_logins",
        ] {
            let (rule, knob) = key.split_once('.').unwrap();
            let analyzers: Analyzers =
                toml::from_str(&format!("[{rule}]\n{knob} = [\"ok-*\", \"Team-*\"]\n")).unwrap();
            let (place, problem) = check_patterns(&analyzers).unwrap_err();
            assert_eq!(place, format!("analyzers.{key}"));
            assert!(problem.contains("\"Team-*\" never fits") && problem.contains("write \"team-*\""));
        }
    }

    #[test]
    fn a_file_of_waivers_that_cannot_be_read_is_called_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let said = read_waivers(folder.path()).unwrap_err().to_string();
        let named = format!("waiver_file: cannot read the file of waivers {}: ", folder.path().display());
        assert!(said.starts_with(&named), "{said}");
        assert_eq!(read_waivers(&folder.path().join("none.toml")).unwrap(), b"");
    }

    #[test]
    fn a_file_of_waivers_has_an_absolute_path() {
        assert_eq!(check_waiver_file(Path::new("/etc/recert/waivers.toml")), Ok(()));
        for relative in ["waivers.toml", "./waivers.toml", "../waivers.toml", ""] {
            let (place, problem) = check_waiver_file(Path::new(relative)).unwrap_err();
            assert!(place == "waiver_file" && problem.contains("must be an absolute path"), "{problem}");
        }
    }
}
