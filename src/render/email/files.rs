//! How to get the rest: what is attached, and where the files lie.

use std::path::Path;

use serde::Serialize;

use super::{Attached, LeftFile, MailContext, Table, Text, words};

/// The most files that are named.
const FILES: usize = 12;

/// The files of the run.
#[derive(Debug, Default, Serialize)]
pub(super) struct FilesView {
    /// `files`, `zip`, `left` or `nothing`.
    how: &'static str,
    /// The names of what is attached.
    names: Table<Text>,
    /// What a mail may carry, if that was too little.
    limit: Option<String>,
    /// What stayed on the host.
    left: Table<FileView>,
    /// Where the files lie on the host.
    lies_at: Option<Text>,
}

/// A file that stayed on the host.
#[derive(Debug, Default, Serialize)]
pub(super) struct FileView {
    name: Text,
    size: String,
    sha256: Text,
}

impl FilesView {
    pub(super) fn of(context: &MailContext<'_>) -> Self {
        let view = match context.attached {
            Attached::Files([]) | Attached::Nothing => Self { how: "nothing", ..Self::default() },
            Attached::Files(files) => Self { how: "files", names: names(files), ..Self::default() },
            Attached::Zip(file) => Self { how: "zip", names: names(&[file]), ..Self::default() },
            Attached::Left { limit, files } => Self {
                how: "left",
                limit: Some(words::size(limit)),
                left: Table::of(files.iter(), FILES, "", FileView::of),
                ..Self::default()
            },
        };
        Self { lies_at: context.lies_at.map(place), ..view }
    }

    /// Something in every place.
    pub(super) fn probe(how: &'static str) -> Self {
        let left = vec![FileView::default()];
        Self {
            how,
            names: names(&["probe"]),
            limit: Some(String::new()),
            left: Table { total: 2, more: 1, files: "", rows: left },
            lies_at: Some(Text::name("probe")),
        }
    }
}

impl FileView {
    fn of(file: &LeftFile<'_>) -> Self {
        Self {
            name: Text::line(file.name, words::NAME),
            size: words::size(file.size),
            sha256: Text::line(file.sha256, 64),
        }
    }
}

fn names(files: &[&str]) -> Table<Text> {
    Table::of(files.iter(), FILES, "", |name| Text::line(name, words::NAME))
}

/// A path is copied, so all of it is shown; the longest that the system takes is cut.
fn place(path: &Path) -> Text {
    Text::line(&path.display().to_string(), 500)
}
