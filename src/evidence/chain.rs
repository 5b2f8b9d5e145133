//! Checking links together: that each follows the one before it, and that the last is the one that somebody remembers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{
    Broken, Checked, Fault, Place, PublicKey, SignatureState, check_file, check_run, check_statement_file,
    check_unpacked,
};

/// What the checker knows from elsewhere.
#[derive(Debug, Clone, Default)]
pub struct Anchors {
    /// SHA-256 of statements that must be the last of their chains, hex.
    pub heads: Vec<String>,
    /// Keys that must have signed.
    pub keys: Vec<PublicKey>,
}

/// A link that is whole by itself, and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Where.
    pub path: PathBuf,
    /// What it is.
    #[serde(flatten)]
    pub link: Checked,
}

/// A chain that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Span {
    /// Its id; `None` for a run that stands alone.
    pub id: Option<String>,
    /// The number of its first link here.
    pub first: u64,
    /// The number of its last link here.
    pub last: u64,
    /// SHA-256 of the last link's statement, hex.
    pub head: String,
    /// How many links are signed.
    pub signed: usize,
    /// How many are not.
    pub unsigned: usize,
    /// How many are statements alone, without their files.
    pub statements_only: usize,
}

/// A link that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct BadLink {
    /// Its number, where it is known.
    pub index: Option<u64>,
    /// Its run, where it is known.
    pub run: Option<String>,
    /// Where it is; `None` if it is not there.
    pub path: Option<PathBuf>,
    /// The file in it; `None` where it is the whole.
    pub file: Option<String>,
    /// What is wrong.
    pub problem: String,
}

/// What a check came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ChainReport {
    /// The links that are whole, by chain and number.
    pub links: Vec<Verified>,
    /// The chains that they are of.
    pub chains: Vec<Span>,
    /// What is wrong, the first link first.
    pub faults: Vec<BadLink>,
}

/// Checks every piece of evidence by itself, and then all of them together.
pub fn verify(places: &[Place], anchors: &Anchors) -> ChainReport {
    let (mut links, mut faults, mut broken) = (Vec::new(), Vec::new(), Numbers::new());
    for place in places {
        let alone = |checked: Result<Checked, Broken>| checked.map_err(|broken| vec![broken]);
        let checked = match place {
            Place::Pack(path) => alone(check_file(path, &anchors.keys)),
            Place::Run(path) => check_run(path, &anchors.keys),
            Place::Unpacked(path) => check_unpacked(path, &anchors.keys),
            Place::Statement(path) => alone(check_statement_file(path, &anchors.keys)),
            Place::Unseen(_, why) => alone(Err(Fault::new(format!("is not looked into: {why}")).into())),
        };
        match checked {
            Ok(link) => links.push(Verified { path: place.path().to_owned(), link }),
            Err(all) => {
                for one in &all {
                    note(&mut broken, one.chain.as_ref(), one.index);
                }
                faults.extend(all.into_iter().map(|one| told(place.path(), one)));
            }
        }
    }
    let mut report = together(links, broken, anchors);
    report.faults.extend(faults);
    report.faults.sort_by(|a, b| (a.index.is_none(), a).cmp(&(b.index.is_none(), b)));
    report
}

fn told(path: &Path, broken: Broken) -> BadLink {
    BadLink {
        index: broken.index,
        run: broken.run,
        path: Some(path.to_owned()),
        file: broken.fault.file,
        problem: broken.fault.problem,
    }
}

impl ChainReport {
    /// Holds links that are whole by themselves against each other and against what is known from elsewhere.
    pub fn of(links: Vec<Verified>, anchors: &Anchors) -> Self {
        let mut report = together(links, Numbers::new(), anchors);
        report.faults.sort();
        report
    }
}

/// The numbers of links, by the id of their chain.
type Numbers = BTreeMap<String, BTreeSet<u64>>;

/// Notes that a link is here. One that stands alone has no neighbours.
fn note(numbers: &mut Numbers, chain: Option<&String>, index: Option<u64>) {
    if let (Some(chain), Some(index)) = (chain, index) {
        numbers.entry(chain.clone()).or_default().insert(index);
    }
}

/// `here` are the links that are broken: they are told as that, and are not missing as well.
fn together(links: Vec<Verified>, mut here: Numbers, anchors: &Anchors) -> ChainReport {
    let mut chains: BTreeMap<(Option<String>, String), Vec<Verified>> = BTreeMap::new();
    for link in links {
        let id = link.link.chain.id.clone();
        note(&mut here, id.as_ref(), Some(link.link.chain.index));
        // What stands alone is a chain of its own.
        let own = if id.is_none() { link.link.sha256.clone() } else { String::new() };
        chains.entry((id, own)).or_default().push(link);
    }
    let mut report = ChainReport { faults: holes(&here), ..ChainReport::default() };
    for ((id, _), mut links) in chains {
        links.sort_by(|a, b| order(a).cmp(&order(b)));
        let unique = without_doubles(links, &mut report.faults);
        succession(&unique, &mut report.faults);
        signatures(&unique, anchors, &mut report.faults);
        report.chains.extend(span(id, &unique));
        report.links.extend(unique);
    }
    heads(&mut report, anchors);
    report
}

/// By number; an archive before what was unpacked of it, and that before a statement alone.
fn order(link: &Verified) -> (u64, &str, bool, bool, &Path) {
    let Checked { chain, sha256, files, unpacked, .. } = &link.link;
    (chain.index, sha256, files.is_none(), *unpacked, &link.path)
}

fn bad(link: &Verified, problem: String) -> BadLink {
    BadLink {
        index: Some(link.link.chain.index),
        run: Some(link.link.run.clone()),
        path: Some(link.path.clone()),
        file: None,
        problem,
    }
}

/// One link for each number. A statement beside its own archive is no double, and neither is what was unpacked of it.
fn without_doubles(links: Vec<Verified>, faults: &mut Vec<BadLink>) -> Vec<Verified> {
    let mut unique: Vec<Verified> = Vec::new();
    for link in links {
        let former = unique.last().filter(|former| former.link.chain.index == link.link.chain.index);
        match former {
            Some(former) if former.link.sha256 != link.link.sha256 => {
                let problem = format!(
                    "is another statement than the one in {}, and both claim to be link {}",
                    former.path.display(),
                    link.link.chain.index
                );
                faults.push(bad(&link, problem));
            }
            Some(former) if link.link.files.is_some() && !link.link.unpacked => {
                let place = former.path.display();
                faults.push(bad(&link, format!("the same archive lies in two places, also in {place}")));
            }
            Some(_) => {}
            None => unique.push(link),
        }
    }
    unique
}

/// The links that are missing between those that are here, one fault for each stretch. A chain may start late, and only a
/// head tells where it ends.
fn holes(here: &Numbers) -> Vec<BadLink> {
    let pairs = here.values().flat_map(|numbers| numbers.iter().zip(numbers.iter().skip(1)));
    let hole = |(former, next): (&u64, &u64)| {
        let (first, last) = (former + 1, next - 1);
        let what = if first == last { "is".to_owned() } else { format!("and the links up to {last} are") };
        (first <= last).then(|| BadLink {
            index: Some(first),
            run: None,
            path: None,
            file: None,
            problem: format!("{what} not here: removed, or beyond retention"),
        })
    };
    pairs.filter_map(hole).collect()
}

/// Each statement is the one that the next link names.
fn succession(links: &[Verified], faults: &mut Vec<BadLink>) {
    for pair in links.windows(2) {
        let [former, next] = pair else { continue };
        let (at, then) = (former.link.chain.index, next.link.chain.index);
        if then == at + 1 && next.link.chain.previous.as_ref() != Some(&former.link.sha256) {
            let problem =
                format!("is not the statement that link {then} names as the one before it: it was replaced");
            faults.push(bad(former, problem));
        }
    }
}

/// Where keys are given, the last link is signed, and no link after a signed one is not. What is unsigned before that is
/// vouched for by the signed link that follows.
fn signatures(links: &[Verified], anchors: &Anchors, faults: &mut Vec<BadLink>) {
    if anchors.keys.is_empty() {
        return;
    }
    let is_signed = |link: &&Verified| link.link.signature != SignatureState::Unsigned;
    let first = links.iter().position(|link| is_signed(&link)).unwrap_or(links.len().saturating_sub(1));
    for link in links[first..].iter().filter(|link| !is_signed(link)) {
        faults.push(bad(link, "is unsigned, and a public key was given".to_owned()));
    }
}

fn span(id: Option<String>, links: &[Verified]) -> Option<Span> {
    let (first, last) = (links.first()?, links.last()?);
    let signed = links.iter().filter(|link| link.link.signature != SignatureState::Unsigned).count();
    Some(Span {
        id,
        first: first.link.chain.index,
        last: last.link.chain.index,
        head: last.link.sha256.clone(),
        signed,
        unsigned: links.len() - signed,
        statements_only: links.iter().filter(|link| link.link.files.is_none()).count(),
    })
}

fn heads(report: &mut ChainReport, anchors: &Anchors) {
    if anchors.heads.is_empty() {
        return;
    }
    let is_head = |sha256: &str| anchors.heads.iter().any(|head| head.eq_ignore_ascii_case(sha256));
    for chain in report.chains.iter().filter(|chain| !is_head(&chain.head)) {
        let of_chain = |link: &&Verified| link.link.chain.id == chain.id;
        let links = || report.links.iter().filter(of_chain);
        let Some(last) = links().find(|link| link.link.sha256 == chain.head) else { continue };
        let problem = match links().find(|link| is_head(&link.link.sha256)) {
            Some(known) => format!(
                "came after the given head: give a newer head, or check the links up to {} alone",
                known.link.chain.index
            ),
            None => "is the last link here, and is not the given head: links were removed from the end, or replaced"
                .to_owned(),
        };
        report.faults.push(bad(last, problem));
    }
    for head in &anchors.heads {
        if !report.links.iter().any(|link| link.link.sha256.eq_ignore_ascii_case(head)) {
            report.faults.push(BadLink {
                index: None,
                run: None,
                path: None,
                file: None,
                problem: format!("no link here is the given head {head}"),
            });
        }
    }
}
