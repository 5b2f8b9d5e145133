//! `recert evidence export`: archives into a folder for an auditor; of runs whose files are gone, their statements.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use super::super::open::{load, store};
use super::{Mistake, Outcome, Screen, World};
use crate::amount::amount;
use crate::deliver::{DIRECTORY_MODE, FILE_MODE};
use crate::evidence::{Anchors, PACK, places, verify};
use crate::store::{Linked, Store};

/// Copy evidence into a folder that `recert evidence verify` checks anywhere
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Runs, as `recert evidence list` shows them; the first characters are enough [default: all]
    #[arg(value_name = "RUN")]
    runs: Vec<String>,
    /// The folder, or for one run the new file
    #[arg(long, value_name = "DIR|FILE")]
    out: PathBuf,
    /// Only archives of this job; of the runs between them, the statements come along
    #[arg(long, value_name = "JOB")]
    job: Option<String>,
    /// From runs of this day on, in UTC
    #[arg(long, value_name = "DAY")]
    since: Option<NaiveDate>,
    /// Up to runs of this day, in UTC
    #[arg(long, value_name = "DAY")]
    until: Option<NaiveDate>,
    #[command(flatten)]
    config: super::super::ConfigArgument,
}

pub(crate) async fn run(arguments: Arguments, world: &World, screen: &mut Screen) -> anyhow::Result<Outcome> {
    let config = load(&arguments.config.config, world)?;
    let store = store(&config)?;
    let links = store.links().await?;
    let chosen = chosen(&arguments, &links)?;
    let runs = config.store.home().join("runs");
    let written = if let ([link], Some("zip")) = (&chosen[..], ending(&arguments.out)) {
        let pack = runs.join(&link.run).join(PACK);
        if !pack.is_file() {
            let problem = format!(
                "{}: the files of run {} are gone; name a folder to get its statement",
                arguments.out.display(),
                link.run
            );
            return Err(Mistake(problem).into());
        }
        copy(&pack, &arguments.out)?;
        (1, 0)
    } else {
        folder(&arguments.out, &links, &chosen, &runs, &store).await?
    };
    store.close().await;
    let (archives, statements) = written;
    let (Some(first), Some(last)) = (chosen.first(), chosen.last()) else { return Ok(Outcome::Done) };
    let archives = amount(archives, "archive");
    let also = match statements {
        0 => String::new(),
        1 => ", 1 statement without its files".to_owned(),
        some => format!(", {some} statements without their files"),
    };
    let span = match (first.index, last.index) {
        (first, last) if first == last => format!("link {first}"),
        (first, last) => format!("links {first} to {last}"),
    };
    let out = arguments.out.display();
    screen.line(format!("{out}: {span}: {archives}{also}"))?;
    screen.line(format!("The head is {}", last.sha256))?;
    // What is handed out is what the store remembers, or its reader should know first.
    let anchors = Anchors { heads: vec![last.sha256.clone()], keys: Vec::new() };
    let faults = verify(&places(&arguments.out)?, &anchors).faults;
    if faults.is_empty() {
        return Ok(Outcome::Done);
    }
    screen.error(&format!(
        "{} found in it: `recert evidence verify {out}` names each",
        amount(faults.len(), "fault")
    ));
    Ok(Outcome::Failed)
}

fn ending(path: &Path) -> Option<&str> {
    path.extension().and_then(|ending| ending.to_str())
}

/// The links that are asked for, in order.
fn chosen<'a>(arguments: &Arguments, links: &'a [Linked]) -> Result<Vec<&'a Linked>, Mistake> {
    for run in &arguments.runs {
        match links.iter().filter(|link| link.run.starts_with(run)).count() {
            0 => {
                return Err(Mistake(format!("no link is of run {run:?}; `recert evidence list` shows them")));
            }
            1 => {}
            _ => return Err(Mistake(format!("several runs start with {run:?}; give more of the id"))),
        }
    }
    let wanted = |link: &&Linked| {
        let day = link.finished.date_naive();
        let named = arguments.runs.is_empty() || arguments.runs.iter().any(|run| link.run.starts_with(run));
        named
            && (arguments.job.is_none() || link.job == arguments.job)
            && arguments.since.is_none_or(|since| since <= day)
            && arguments.until.is_none_or(|until| day <= until)
    };
    let chosen: Vec<&Linked> = links.iter().filter(wanted).collect();
    if chosen.is_empty() {
        return Err(Mistake(
            "no run is of this job and period; `recert evidence list` shows them".to_owned(),
        ));
    }
    Ok(chosen)
}

/// Every link from the first that is wanted to the last: its archive if it is wanted and there, else its statement, so
/// that the chain has no hole. Gives how many of each.
async fn folder(
    out: &Path,
    links: &[Linked],
    chosen: &[&Linked],
    runs: &Path,
    store: &Store,
) -> anyhow::Result<(usize, usize)> {
    if fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) {
        let problem = format!(
            "{}: is not empty; name a new folder, so that no other evidence is mixed in",
            out.display()
        );
        return Err(Mistake(problem).into());
    }
    make(out).map_err(|error| at(out, &error))?;
    let (first, last) = (chosen.first().map(|link| link.index), chosen.last().map(|link| link.index));
    let (mut archives, mut statements) = (0, 0);
    for link in links.iter().filter(|link| Some(link.index) >= first && Some(link.index) <= last) {
        let pack = runs.join(&link.run).join(PACK);
        let name = format!("link-{:06}-{}", link.index, link.run);
        if chosen.iter().any(|chosen| chosen.index == link.index) && pack.is_file() {
            copy(&pack, &out.join(format!("{name}.zip")))?;
            archives += 1;
        } else {
            let (statement, signature) = store.statement(link.index).await?;
            write(&out.join(format!("{name}.json")), &statement)?;
            if let Some(signature) = signature {
                write(&out.join(format!("{name}.json.minisig")), signature.as_bytes())?;
            }
            statements += 1;
        }
    }
    Ok((archives, statements))
}

/// A new folder, or one that is there; what is made is as closed as a run's.
fn make(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(folder)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(DIRECTORY_MODE))
}

fn create(path: &Path) -> io::Result<fs::File> {
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path)?;
    file.set_permissions(fs::Permissions::from_mode(FILE_MODE))?;
    Ok(file)
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let mut source = fs::File::open(from).map_err(|error| at(from, &error))?;
    let mut file = create(to).map_err(|error| at(to, &error))?;
    io::copy(&mut source, &mut file).map_err(|error| at(to, &error))?;
    Ok(file.sync_all().map_err(|error| at(to, &error))?)
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut file = create(path).map_err(|error| at(path, &error))?;
    Ok(file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|error| at(path, &error))?)
}

/// An error of the system, with its place.
fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
