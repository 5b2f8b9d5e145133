//! `recert evidence verify`: every byte, every signature and the chain, without configuration, store or network.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use owo_colors::OwoColorize;
use serde::Serialize;

use super::{Mistake, Outcome, Screen, amount};
use crate::evidence::{Anchors, BadLink, ChainReport, PublicKey, SignatureState, Span, places_of, verify};
use crate::untrusted::visible;

/// Check evidence offline: every byte, the signatures, the chain
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Archives, packed or unpacked, statements, directories of runs, or folders that hold any of them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The head of the chain as you know it from elsewhere, such as the newest mail: the last link must be this one
    #[arg(long, value_name = "SHA256")]
    head: Vec<String>,
    /// The public key that must have signed: minisign's file, or its line; repeat it if the key was changed
    #[arg(long, value_name = "KEY|FILE")]
    public_key: Vec<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    ok: bool,
    head: &'static str,
    public_key: &'static str,
    #[serde(flatten)]
    report: &'a ChainReport,
}

pub(crate) fn run(arguments: &Arguments, screen: &mut Screen) -> anyhow::Result<Outcome> {
    let anchors = Anchors {
        heads: arguments.head.iter().map(|head| hash(head)).collect::<Result<_, _>>()?,
        keys: arguments.public_key.iter().map(|key| public_key(key)).collect::<Result<_, _>>()?,
    };
    let found = places_of(&arguments.paths)?;
    let mut report = verify(&found, &anchors);
    if found.is_empty() {
        report.faults.push(BadLink {
            index: None,
            run: None,
            path: arguments.paths.first().cloned(),
            file: None,
            problem: "there is no evidence here".to_owned(),
        });
    }
    let is_sound = report.faults.is_empty();
    let checked = |given: bool| if given { "checked" } else { "not_checked" };
    if arguments.json {
        screen.json(&Document {
            schema: "recert.evidence-check/1",
            ok: is_sound,
            head: checked(!anchors.heads.is_empty()),
            public_key: checked(!anchors.keys.is_empty()),
            report: &report,
        })?;
    } else {
        tell(&report, &anchors, screen)?;
    }
    Ok(if is_sound { Outcome::Done } else { Outcome::Failed })
}

fn hash(head: &str) -> Result<String, Mistake> {
    let head = head.trim();
    if head.len() == 64 && head.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(head.to_ascii_lowercase());
    }
    Err(Mistake("--head needs a SHA-256 in full, 64 hexadecimal digits".to_owned()))
}

fn public_key(given: &str) -> Result<PublicKey, Mistake> {
    if let Ok(key) = PublicKey::parse(given) {
        return Ok(key);
    }
    let text =
        fs::read_to_string(given).map_err(|error| Mistake(format!("--public-key: {given}: {error}")))?;
    PublicKey::parse(&text).map_err(|error| Mistake(format!("--public-key: {given}: it {error}")))
}

fn tell(report: &ChainReport, anchors: &Anchors, screen: &mut Screen) -> io::Result<()> {
    for chain in &report.chains {
        tell_chain(chain, report, screen)?;
    }
    for fault in &report.faults {
        tell_fault(fault, screen)?;
    }
    if anchors.keys.is_empty() && report.chains.iter().any(|chain| chain.signed > 0) {
        screen.line("Key: not checked. The signatures are whole, but anyone could have made the key: give --public-key.")?;
    }
    if anchors.heads.is_empty() && !report.chains.is_empty() {
        screen.line(
            "Head: not checked. Links that were removed from the end do not show: give --head from the newest mail.",
        )?;
    }
    let links = amount(report.links.len() as u64, "link");
    match report.faults.len() {
        0 => screen.line(format!("{}  {}", "WHOLE".green().bold(), what_is_whole(report))),
        some => {
            let (label, faults) = ("NOT WHOLE".red(), amount(some as u64, "fault"));
            screen.line(format!("{}  {faults}; whole by themselves: {links}", label.bold()))
        }
    }
}

/// How much was looked at: of a statement alone, no file was.
fn what_is_whole(report: &ChainReport) -> String {
    let (all, alone) = (report.links.len(), report.chains.iter().map(|chain| chain.statements_only).sum());
    let packs = all - alone;
    match (packs, alone) {
        (1, 0) => "1 link, every byte of it".to_owned(),
        (_, 0) => format!("{all} links, every byte of them"),
        (0, 1) => "1 statement, its files not among what was given".to_owned(),
        (0, _) => format!("{all} statements, their files not among what was given"),
        _ => format!("{all} links: every byte of {packs}, of {alone} the statement alone"),
    }
}

fn tell_chain(chain: &Span, report: &ChainReport, screen: &mut Screen) -> io::Result<()> {
    match &chain.id {
        None => screen.line("A run that stands alone, in no chain:")?,
        Some(id) if chain.first == chain.last => {
            screen.line(format!("Chain {}: link {}", visible(id), chain.first))?;
        }
        Some(id) => screen.line(format!("Chain {}: links {} to {}", visible(id), chain.first, chain.last))?,
    }
    let of_chain = |link: &&crate::evidence::Verified| {
        link.link.chain.id == chain.id && (chain.id.is_some() || link.link.sha256 == chain.head)
    };
    if let Some(last) = report.links.iter().rfind(of_chain) {
        let link = &last.link;
        let by = match &link.signature {
            SignatureState::Unsigned => "unsigned".to_owned(),
            SignatureState::Unconfirmed(key) | SignatureState::Good(key) => format!("signed by {key}"),
        };
        let job = link.job.as_deref().map(|job| format!(" of {}", visible(job))).unwrap_or_default();
        let (run, finished) = (visible(&link.run), link.finished.format("%F %R UTC"));
        screen.line(format!("  last: run {run}{job}, {finished}, {by}"))?;
        screen.line(format!("  head: {}", chain.head))?;
    }
    if chain.first > 1 {
        let first = chain.first;
        screen.line(format!("  proven from link {first} on; the links before it are not here"))?;
    }
    if chain.unsigned > 0 && chain.signed > 0 {
        screen.line(format!("  {} signed, {} unsigned", chain.signed, chain.unsigned))?;
    }
    match chain.statements_only {
        0 => {}
        1 => screen.line("  1 of them by its statement alone: its files are not among what was given")?,
        some => screen.line(format!(
            "  {some} of them by their statements alone: their files are not among what was given"
        ))?,
    }
    Ok(())
}

fn tell_fault(fault: &BadLink, screen: &mut Screen) -> io::Result<()> {
    let link = fault.index.map(|index| format!("link {index}"));
    let run = fault.run.as_deref().map(|run| format!("run {}", visible(run)));
    let path = fault.path.as_deref().map(|path| shown(path, fault.file.as_deref()));
    let of: Vec<String> = [link, run, path].into_iter().flatten().collect();
    let place = if of.is_empty() { String::new() } else { format!("{}: ", of.join(", ")) };
    screen.line(format!("{}  {place}{}", "bad".red().bold(), visible(&fault.problem)))
}

fn shown(path: &Path, file: Option<&str>) -> String {
    let path = visible(&path.display().to_string()).into_owned();
    file.map_or_else(|| path.clone(), |file| format!("{path}: {}", visible(file)))
}
