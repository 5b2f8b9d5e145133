//! `recert waive`: accepts one finding for a time, by a table in the file of waivers.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use anyhow::Context;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::open::{load, store};
use super::{ConfigArgument, Mistake, Outcome, Screen, World};
use crate::config::Config;
use crate::finding::{Subject, SubjectKind};
use crate::report::SCHEMA;
use crate::untrusted::{shortened, visible};
use crate::waiver::Waiver;

/// Nobody accepts anything for longer without looking at it again.
const LONGEST: TimeDelta = TimeDelta::days(400);

/// The fewest characters of a finding's id that name it.
const SHORTEST: usize = 6;

/// The mode of a new file: the daemon's group reads it.
const MODE: u32 = 0o640;

/// What stands at the top of a new file.
const HEADER: &str = "# Waivers: accepted findings, each with its reason, its approver and its last day.\n\
                      # `recert waive` adds to this file; edit it as you like, and reload the daemon afterwards.\n";

/// Accept one finding until a day: write a waiver into the configured file of waivers
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The finding's id, or at least its first 6 characters
    finding: String,
    /// The last day on which it counts, such as 2026-12-31; at most 400 days ahead
    #[arg(long, value_name = "DAY", value_parser = day)]
    until: NaiveDate,
    /// Why the finding is accepted
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who accepts it
    #[arg(long, value_name = "NAME")]
    approved_by: String,
    /// Where it was agreed
    #[arg(long, value_name = "TICKET")]
    ticket: Option<String>,
    /// Find it in this report.json instead of the newest runs of the store
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArgument,
}

/// A finding, as far as a waiver speaks of it.
#[derive(Deserialize)]
struct Found {
    id: String,
    console: String,
    rule: String,
    subject_kind: SubjectKind,
    subject_id: String,
    subject_name: String,
}

/// `report.json`, as far as it is read here.
#[derive(Deserialize)]
struct Document {
    schema: String,
    findings: Vec<Found>,
}

/// One table of the file, in the order in which it is read.
#[derive(Serialize)]
struct Table<'a> {
    finding: &'a str,
    console: &'a str,
    rule: &'a str,
    reason: &'a str,
    approved_by: &'a str,
    expires: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<&'a str>,
}

#[derive(Serialize)]
struct Tables<'a> {
    waiver: [Table<'a>; 1],
}

pub(super) async fn run(arguments: Arguments, world: &World, screen: &mut Screen) -> anyhow::Result<Outcome> {
    let config = load(&arguments.config.config, world)?;
    let now = (world.clock)();
    check_texts(&arguments)?;
    check_day(arguments.until, now)?;
    let file = config.waiver_file.clone().ok_or_else(|| no_file(&arguments.config.config))?;
    let found = find(&arguments, &config).await?;
    refuse_another_console(&config, &found)?;
    refuse_what_is_covered(&config, &found, now)?;
    let table = table(&arguments, &found)?;
    append(&file, &table, &arguments.config.config, world)?;
    screen.line(format!("{}: added", file.display()))?;
    screen.line("")?;
    for line in table.trim().lines() {
        screen.line(format!("  {}", visible(line)))?;
    }
    screen.line("")?;
    screen.line("A running daemon takes it up with `systemctl reload recert`.")?;
    Ok(Outcome::Done)
}

fn day(text: &str) -> Result<NaiveDate, String> {
    text.parse().map_err(|_| "a day is wanted, such as 2026-12-31".to_owned())
}

fn check_texts(arguments: &Arguments) -> Result<(), Mistake> {
    let given = [
        ("--reason", Some(&arguments.reason), "say why the finding is accepted"),
        ("--approved-by", Some(&arguments.approved_by), "name who accepts it"),
        ("--ticket", arguments.ticket.as_ref(), "name it or leave it out"),
    ];
    match given.into_iter().find(|(_, text, _)| text.is_some_and(|text| text.trim().is_empty())) {
        Some((name, _, mend)) => Err(Mistake(format!("{name} is empty; {mend}"))),
        None => Ok(()),
    }
}

fn check_day(until: NaiveDate, now: DateTime<Utc>) -> Result<(), Mistake> {
    let today = now.date_naive();
    let latest = today + LONGEST;
    if until < today {
        return Err(Mistake(format!("--until {until} has passed; today is {today}")));
    }
    if until > latest {
        let days = LONGEST.num_days();
        return Err(Mistake(format!("--until {until} is more than {days} days ahead; at most {latest}")));
    }
    Ok(())
}

fn no_file(config: &Path) -> Mistake {
    // The configuration takes no relative path.
    let config = std::path::absolute(config).unwrap_or_else(|_| config.to_owned());
    let place = config.with_file_name("waivers.toml");
    let line = toml::Value::String(place.display().to_string());
    Mistake(format!(
        "no file of waivers is configured; add this line at the top of {}:\nwaiver_file = {line}",
        config.display()
    ))
}

/// The one finding that is meant.
async fn find(arguments: &Arguments, config: &Config) -> anyhow::Result<Found> {
    let id = arguments.finding.trim().to_ascii_lowercase();
    if id.len() < SHORTEST || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let wanted = format!("the id of a finding, or at least {SHORTEST} characters of its start");
        return Err(Mistake(format!("{:?} is not {wanted}", arguments.finding)).into());
    }
    let (found, place) = if let Some(path) = &arguments.report {
        let found = of_report(path)?.into_iter().filter(|found| found.id.starts_with(&id)).collect();
        (found, path.display().to_string())
    } else {
        (of_store(config, &id).await?, "the newest runs of the store".to_owned())
    };
    one(found, &id, &place).map_err(Into::into)
}

fn one(mut found: Vec<Found>, id: &str, place: &str) -> Result<Found, Mistake> {
    found.sort_by(|a, b| a.id.cmp(&b.id));
    found.dedup_by(|a, b| a.id == b.id);
    match (found.pop(), found.len()) {
        (Some(found), 0) => Ok(found),
        (Some(_), more) => {
            Err(Mistake(format!("{} findings start with {id:?} in {place}; give more of it", more + 1)))
        }
        (None, _) => Err(Mistake(format!(
            "there is no finding {id:?} in {place}; its id is in every report, in the column \"Finding id\""
        ))),
    }
}

fn of_report(path: &Path) -> anyhow::Result<Vec<Found>> {
    let text = fs::read(path).map_err(|error| Mistake(format!("{}: {error}", path.display())))?;
    let no_report = |why: String| Mistake(format!("{}: is no report.json: {why}", path.display()));
    let document: Document = serde_json::from_slice(&text).map_err(|error| no_report(error.to_string()))?;
    if document.schema != SCHEMA {
        return Err(no_report(format!("its schema is {:?}, not {SCHEMA:?}", document.schema)).into());
    }
    Ok(document.findings)
}

async fn of_store(config: &Config, id: &str) -> anyhow::Result<Vec<Found>> {
    let store = store(config).context("without --report, the finding is looked for in the store")?;
    let found = store.newest_findings(id).await?;
    store.close().await;
    let found = found.into_iter().map(|finding| Found {
        id: finding.id,
        console: finding.console.to_string(),
        rule: finding.rule,
        subject_kind: finding.subject_kind,
        subject_id: finding.subject_id,
        subject_name: finding.subject_name,
    });
    Ok(found.collect())
}

/// A report can be of consoles that this configuration does not review.
fn refuse_another_console(config: &Config, found: &Found) -> Result<(), Mistake> {
    if config.console(&found.console).is_some() {
        return Ok(());
    }
    let known: Vec<&str> = config.console.iter().map(|console| &*console.name).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Err(Mistake(format!(
        "the finding is of the console {:?}, which is not configured: a waiver of it would never count; configured: {known}",
        found.console
    )))
}

/// A finding needs one waiver. One that has ended is to be renewed where it stands: two that say the same are refused.
fn refuse_what_is_covered(config: &Config, found: &Found, now: DateTime<Utc>) -> Result<(), Mistake> {
    let rules = config.policy.rules();
    let rule = rules.iter().find(|rule| *rule.about().id == found.rule);
    let rule = rule.ok_or_else(|| {
        let mend = "the finding is of another configuration or version; review again first";
        Mistake(format!("there is no rule {:?}; {mend}", found.rule))
    })?;
    let subject =
        Subject { kind: found.subject_kind, id: found.subject_id.clone(), name: found.subject_name.clone() };
    let covers = |waiver: &&Waiver| {
        waiver.is_of(rule.about()) && waiver.names(&found.console, || found.id.clone(), &subject)
    };
    let covering: Vec<&Waiver> = config.policy.waivers.iter().filter(covers).collect();
    if let Some(waiver) = covering.iter().find(|waiver| waiver.is_active(now)) {
        let (place, expires) = (&waiver.place, waiver.expires);
        return Err(Mistake(format!(
            "{place} covers this finding already, until {expires}; to accept it for longer, change its `expires`"
        )));
    }
    if let Some(waiver) = covering.iter().find(|waiver| waiver.finding.is_some()) {
        let (place, expires) = (&waiver.place, waiver.expires);
        return Err(Mistake(format!(
            "{place} covered this finding until {expires}; to renew it, change its `expires` and `approved_by`"
        )));
    }
    Ok(())
}

/// The text that is added: a comment that names the subject to people, and the table.
fn table(arguments: &Arguments, found: &Found) -> anyhow::Result<String> {
    let kind = found.subject_kind.as_str().replace('_', " ");
    // Nothing in it can end the line or hide what follows.
    let name = visible(&shortened(&found.subject_name, 120)).into_owned();
    let tables = Tables {
        waiver: [Table {
            finding: &found.id,
            console: &found.console,
            rule: &found.rule,
            reason: arguments.reason.trim(),
            approved_by: arguments.approved_by.trim(),
            expires: arguments.until.to_string(),
            ticket: arguments.ticket.as_deref().map(str::trim),
        }],
    };
    Ok(format!("# {kind} {name}\n{}", toml::to_string(&tables)?))
}

/// Adds a table at the end of the file, if the configuration is right with it.
fn append(file: &Path, table: &str, config: &Path, world: &World) -> anyhow::Result<()> {
    let place =
        |error: io::Error| anyhow::Error::new(error).context(format!("cannot write {}", file.display()));
    // What a link points to is changed, and the link stays.
    let target = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    let lock = File::open(directory).map_err(place)?;
    // Two that add at the same time do it one after the other.
    lock.lock().map_err(place)?;
    let before = match fs::read(&target) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(place(error)),
    };
    let mut bytes = before.as_ref().map_or_else(|| HEADER.into(), Clone::clone);
    if !bytes.is_empty() && !bytes.ends_with(b"\n") {
        bytes.push(b'\n');
    }
    if !bytes.is_empty() {
        bytes.push(b'\n');
    }
    bytes.extend_from_slice(table.as_bytes());
    // Tried out in memory: whoever reads the file meanwhile must not meet what is refused afterwards.
    Config::load_with_waivers(config, world.texts(), &bytes).map_err(|error| {
        let problem = "nothing was added, because the configuration is wrong with it";
        anyhow::Error::new(error).context(format!("{}: {problem}", file.display()))
    })?;
    // Whoever reads the configuration must be able to read a new file beside it.
    let like = fs::metadata(if before.is_some() { &target } else { config }).map_err(place)?;
    let mode = if before.is_some() { like.permissions().mode() & 0o7777 } else { MODE };
    replace(&target, directory, &bytes, &like, mode).map_err(place)
}

/// Writes a file aside and puts it in place whole, with the owner of another.
fn replace(target: &Path, directory: &Path, bytes: &[u8], like: &fs::Metadata, mode: u32) -> io::Result<()> {
    let mut aside = tempfile::NamedTempFile::new_in(directory)?;
    aside.write_all(bytes)?;
    let file = aside.as_file();
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (like.uid(), like.gid()) {
        fchown(file, Some(like.uid()), Some(like.gid()))?;
    }
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.sync_all()?;
    aside.persist(target).map_err(|error| error.error)?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(id: &str, name: &str) -> Found {
        Found {
            id: id.into(),
            console: "hq".into(),
            rule: "locked_account".into(),
            subject_kind: SubjectKind::User,
            subject_id: "7".into(),
            subject_name: name.into(),
        }
    }

    fn arguments(reason: &str) -> Arguments {
        Arguments {
            finding: "abcdef".into(),
            until: "2026-12-31".parse().unwrap(),
            reason: reason.into(),
            approved_by: "Maria Boss".into(),
            ticket: None,
            report: None,
            config: ConfigArgument { config: "/etc/recert/config.toml".into() },
        }
    }

    #[test]
    fn the_days_that_can_be_meant_end_after_400() {
        let now: DateTime<Utc> = "2026-11-25T23:59:59Z".parse().unwrap();
        let said = |day: &str| check_day(day.parse().unwrap(), now).map_err(|mistake| mistake.0);
        assert_eq!((said("2026-11-25"), said("2027-12-30")), (Ok(()), Ok(())));
        assert_eq!(said("2026-11-24").unwrap_err(), "--until 2026-11-24 has passed; today is 2026-11-25");
        assert!(said("2027-12-31").unwrap_err().contains("more than 400 days ahead; at most 2027-12-30"));
    }

    #[test]
    fn what_is_no_day_is_refused_with_an_example() {
        assert_eq!(day("2026-12-31").unwrap().to_string(), "2026-12-31");
        for text in ["31.03.2027", "2026-02-30", "soon", ""] {
            assert_eq!(day(text).unwrap_err(), "a day is wanted, such as 2026-12-31", "{text}");
        }
    }

    #[test]
    fn what_the_configuration_refuses_never_stands_in_the_file() {
        let world = World { clock: || DateTime::UNIX_EPOCH, variables: Vec::new() };
        let directory = tempfile::tempdir().unwrap();
        let (file, config) = (directory.path().join("waivers.toml"), directory.path().join("config.toml"));
        fs::write(&config, format!("waiver_file = {:?}\n", file.display().to_string())).unwrap();
        let good = table(&arguments("x"), &found("836e54e1e2e7889571c2", "mia")).unwrap();
        let seen = |path: &Path| fs::metadata(path).ok().map(|known| (known.ino(), known.mtime_nsec()));
        let folder = seen(directory.path());
        let wrong = good.replace("locked_account", "no_such_rule");
        let error = format!("{:#}", append(&file, &wrong, &config, &world).unwrap_err());
        assert!(error.contains("nothing was added") && error.contains("no_such_rule"), "{error}");
        assert!(!file.exists() && seen(directory.path()) == folder, "nothing was ever there");
        append(&file, &good, &config, &world).unwrap();
        let (before, known) = (fs::read(&file).unwrap(), seen(&file));
        append(&file, &good, &config, &world).unwrap_err();
        assert_eq!((fs::read(&file).unwrap(), seen(&file)), (before, known), "not even replaced by the same");
        let other = good.replace("836e", "936e");
        append(&file, &other, &config, &world).unwrap();
        let both = fs::read_to_string(&file).unwrap();
        assert!(both.starts_with(HEADER) && both.contains("836e") && both.contains("936e"), "{both}");
    }

    #[test]
    fn a_finding_of_a_console_that_is_not_configured_is_refused() {
        let with = |names: &[&str]| {
            let console = |name: &&str| {
                format!(
                    "[[console]]\nname = {name:?}\nurl = \"https://127.0.0.1:1\"\nusername = \"x\"\npassword = {{ env = \"X\" }}\n"
                )
            };
            let config: Config = toml::from_str(&names.iter().map(console).collect::<String>()).unwrap();
            refuse_another_console(&config, &found("abcdef01", "mia")).map_err(|mistake| mistake.0)
        };
        assert_eq!(with(&["lab", "hq"]), Ok(()));
        let said = with(&["lab", "branch"]).unwrap_err();
        assert!(said.contains("\"hq\", which is not configured") && said.contains("never count"), "{said}");
        assert!(said.ends_with("configured: lab, branch"), "{said}");
        assert!(with(&[]).unwrap_err().ends_with("configured: none"));
    }

    #[test]
    fn the_line_to_be_added_has_an_absolute_path() {
        let place = std::env::current_dir().unwrap().join("waivers.toml");
        let line = format!("waiver_file = {:?}", place.display().to_string());
        assert!(no_file(Path::new("config.toml")).0.ends_with(&line), "{line}");
    }

    #[test]
    fn one_finding_must_be_meant() {
        let of = |ids: &[&str]| {
            one(ids.iter().map(|id| found(id, "mia")).collect(), "abcdef", "here").map(|found| found.id)
        };
        assert_eq!(of(&["abcdef01", "abcdef01"]).unwrap(), "abcdef01", "the same in two runs is one");
        assert!(of(&["abcdef01", "abcdef02"]).unwrap_err().0.starts_with("2 findings start with \"abcdef\""));
        assert!(of(&[]).unwrap_err().0.starts_with("there is no finding \"abcdef\" in here"));
    }

    #[test]
    fn whatever_is_said_comes_back_and_the_name_cannot_leave_its_comment() {
        #[derive(Deserialize)]
        struct File {
            waiver: Vec<Waiver>,
        }
        for text in [
            "\"quoted\" \\ 'x'",
            "a\nb = 1\n[[waiver]]",
            "'''",
            "\"\"\"",
            "\u{202e}ü\u{0}\u{7f}",
            "# no comment",
        ] {
            let written = table(&arguments(text), &found("abcdef", text)).unwrap();
            let read: File = toml::from_str(&written).unwrap_or_else(|error| panic!("{written}: {error}"));
            assert_eq!((read.waiver.len(), &*read.waiver[0].reason), (1, text), "{written}");
            assert_eq!(written.lines().filter(|line| line.starts_with("# user")).count(), 1);
            let comment = written.lines().next().unwrap();
            assert!(comment.starts_with("# user ") && !comment.contains(['\u{202e}', '\u{0}']), "{comment}");
        }
    }
}
