//! The arrows of the architecture: which module may import which. Read from the sources, so that a forbidden import
//! fails here and not in a review.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each top-level module and what it may import of the others. A new arrow is a decision, made here.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("untrusted", &[]),
    ("pattern", &[]),
    ("day", &[]),
    ("amount", &[]),
    ("identity", &[]),
    ("secret", &[]),
    ("trust", &["untrusted"]),
    ("crash", &[]),
    ("schedule", &[]),
    ("simulator", &[]),
    ("console", &["model", "trust"]),
    ("graph", &["identity", "model"]),
    ("people", &["identity", "model", "secret", "trust", "untrusted"]),
    ("logon", &["amount", "model"]),
    ("expression", &["graph", "model"]),
    ("finding", &["model"]),
    ("collect", &["console", "model"]),
    ("history", &["finding", "model"]),
    ("waiver", &["day", "finding", "model", "pattern"]),
    (
        "analyze",
        &[
            "amount",
            "day",
            "expression",
            "graph",
            "finding",
            "history",
            "identity",
            "model",
            "pattern",
            "waiver",
        ],
    ),
    ("report", &["amount", "graph", "finding", "history", "identity", "model", "waiver"]),
    ("render", &["amount", "report", "finding", "graph", "model", "untrusted"]),
    ("store", &["report", "finding", "history", "logon", "model", "crash"]),
    ("evidence", &["finding", "model", "report", "store"]),
    ("deliver", &["render", "report", "store", "evidence", "trust", "untrusted", "crash"]),
    ("review", &["analyze", "collect", "console", "graph", "history", "model", "people", "report"]),
    (
        "config",
        &[
            "analyze",
            "collect",
            "console",
            "deliver",
            "evidence",
            "expression",
            "finding",
            "logon",
            "model",
            "people",
            "render",
            "report",
            "schedule",
            "secret",
            "store",
            "trust",
            "waiver",
        ],
    ),
    (
        "job",
        &[
            "collect", "config", "console", "crash", "deliver", "evidence", "finding", "history", "logon",
            "model", "people", "render", "report", "review", "schedule", "secret", "store",
        ],
    ),
    (
        "daemon",
        &[
            "config",
            "crash",
            "deliver",
            "finding",
            "job",
            "report",
            "review",
            "schedule",
            "store",
            "untrusted",
        ],
    ),
    (
        "cli",
        &[
            "amount",
            "analyze",
            "collect",
            "config",
            "console",
            "daemon",
            "deliver",
            "evidence",
            "finding",
            "graph",
            "history",
            "job",
            "logon",
            "model",
            "people",
            "render",
            "report",
            "review",
            "schedule",
            "secret",
            "simulator",
            "store",
            "trust",
            "untrusted",
            "waiver",
        ],
    ),
];

/// Modules whose files must not import each other: what two of them share is in the module itself.
const APART: &[&str] = &[
    "analyze",
    "collect",
    "console",
    "daemon",
    "deliver",
    "evidence",
    "graph",
    "job",
    "logon",
    "people",
    "render",
    "report",
    "schedule",
    "simulator",
    "store",
];

struct Source {
    path: String,
    module: Vec<String>,
    /// Without comments, strings and unit tests.
    code: String,
}

#[test]
fn imports_follow_the_arrows() {
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut forbidden = Vec::new();
    for source in sources() {
        let from = source.module[0].as_str();
        let Some(allowed) = allowed.get(from) else {
            assert!(matches!(from, "main" | "lib"), "{}: give the module {from} its arrows", source.path);
            continue;
        };
        for to in crate_imports(&source.code) {
            if to[0] != from && !allowed.contains(&to[0].as_str()) {
                forbidden.push(format!("{}: {from} → {}", source.path, to[0]));
            }
        }
    }
    assert_eq!(forbidden, [] as [String; 0]);
}

#[test]
fn files_of_one_stage_do_not_import_each_other() {
    let sources = sources();
    let files: BTreeSet<Vec<String>> = sources.iter().map(|source| source.module.clone()).collect();
    let mut forbidden = Vec::new();
    for source in sources.iter().filter(|source| source.module.len() == 2) {
        let stage = source.module[0].as_str();
        if !APART.contains(&stage) {
            continue;
        }
        let siblings = sibling_imports(&source.code).into_iter().chain(
            crate_imports(&source.code)
                .into_iter()
                .filter(|to| to[0] == stage)
                .filter_map(|to| to.get(1).cloned()),
        );
        for sibling in siblings {
            // An item may be named like its file; only a path through the name reaches into the file.
            let reached_into = source.code.contains(&format!("{sibling}::"));
            let is_file = files.contains(&vec![stage.to_owned(), sibling.clone()]);
            if sibling != source.module[1] && is_file && reached_into {
                forbidden.push(format!("{} → {stage}::{sibling}", source.path));
            }
        }
    }
    assert_eq!(forbidden, [] as [String; 0]);
}

#[test]
fn every_module_has_its_arrows_and_none_is_circular() {
    let modules: BTreeSet<String> = sources().into_iter().map(|source| source.module[0].clone()).collect();
    let named: BTreeSet<String> = ARROWS.iter().map(|(module, _)| (*module).to_owned()).collect();
    let stale: Vec<_> = named.difference(&modules).collect();
    assert_eq!(stale, [] as [&String; 0], "arrows of modules that do not exist");
    // In the order of the table, every module imports earlier ones alone: no circle can be drawn.
    for (index, (module, imports)) in ARROWS.iter().enumerate() {
        for import in *imports {
            let at = ARROWS.iter().position(|(name, _)| name == import).expect(import);
            assert!(at < index, "{module} → {import} points backwards");
        }
    }
}

#[test]
fn nothing_is_called_by_a_name_that_says_nothing() {
    let empty = ["utils", "util", "common", "helpers", "helper", "misc", "manager"];
    for source in sources() {
        assert!(source.module.iter().all(|name| !empty.contains(&name.as_str())), "{}", source.path);
    }
}

#[test]
fn the_reader_of_imports_sees_every_form() {
    let code = "use crate::{model::{User, Site}, graph, report::Run};\nuse crate::render::csv;\nfn f() { crate::cli::run() }";
    let heads: Vec<String> = crate_imports(code).into_iter().map(|path| path.join("::")).collect();
    assert_eq!(heads, ["model::User", "model::Site", "graph", "report::Run", "render::csv", "cli::run"]);
    let code = "use super::{Error, walk::Walk};\nuse super::ledger::Ledger;\nfn f() { super::gap::g() }";
    assert_eq!(sibling_imports(code), ["Error", "walk", "ledger", "gap"]);
    assert_eq!(
        crate_imports(&strip("// use crate::model;\nlet s = \"crate::graph::x\";")),
        [] as [Vec<String>; 0]
    );
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&root, &mut files);
    files.sort();
    files
        .into_iter()
        .map(|file| {
            let relative = file.strip_prefix(&root).unwrap().with_extension("");
            let module = relative.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
            let text = fs::read_to_string(&file).unwrap();
            // Unit tests stand at the end of a file and may build their worlds from anywhere.
            let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            Source { path: relative.display().to_string(), module, code: strip(text) }
        })
        .collect()
}

fn walk(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Takes comments and string literals away, as far as the sources use them.
fn strip(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let line = line.split("//").next().unwrap_or_default();
        line.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Every path behind `crate::`, braces opened.
fn crate_imports(code: &str) -> Vec<Vec<String>> {
    code.match_indices("crate::").flat_map(|(at, key)| open(&code[at + key.len()..])).collect()
}

/// The first segment behind every `super::` that stands alone, braces opened.
fn sibling_imports(code: &str) -> Vec<String> {
    code.match_indices("super::")
        .filter(|(at, key)| !code[..*at].ends_with("::") && !code[at + key.len()..].starts_with("super"))
        .flat_map(|(at, key)| open(&code[at + key.len()..]))
        .map(|path| path[0].clone())
        .collect()
}

/// The paths at the start of a text: `a::{b, c::d}` is `a::b` and `a::c`; two segments are enough.
fn open(text: &str) -> Vec<Vec<String>> {
    let text = text.trim_start();
    if let Some(group) = text.strip_prefix('{') {
        return split(group).iter().flat_map(|part| open(part)).collect();
    }
    let name: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    if name.is_empty() {
        return Vec::new();
    }
    let Some(rest) = text[name.len()..].strip_prefix("::") else { return vec![vec![name]] };
    let inner = open(rest);
    if inner.is_empty() {
        return vec![vec![name]];
    }
    inner.into_iter().map(|path| vec![name.clone(), path[0].clone()]).collect()
}

/// The parts of a group, up to its closing brace.
fn split(group: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().unwrap().push(c);
    }
    parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}
