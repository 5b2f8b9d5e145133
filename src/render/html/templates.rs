//! The templates: compiled in, each replaceable by a file of the same name in a directory, all checked when loaded.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, ErrorKind, UndefinedBehavior};
use serde::Serialize;
use thiserror::Error;

use super::page::Page;
use super::{TEMPLATE, counted};

/// The compiled-in page.
const BUILTIN: &str = include_str!("../../../templates/report.html");

/// What one rendering may cost, so that a replaced template cannot keep the daemon busy for ever. The compiled-in page
/// with every table at its limit needs about a tenth of it.
const FUEL: u64 = 25_000_000;

/// The templates of the artifacts.
///
/// A template's name is one of the names that are compiled in: no other file of the directory is ever read, and a
/// template cannot name another one. Text of a report is never taken for a template.
pub struct Templates {
    environment: Environment<'static>,
}

/// Why the templates of a directory cannot be used.
#[derive(Debug, Error)]
pub enum TemplateError {
    /// The directory, or a template in it, cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The template does not compile, or does not render.
    #[error("{}:{line}: {reason}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// The line, from 1; 0 if the error has none.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
}

impl Templates {
    /// The templates that are compiled in.
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "a constant; every test of the page compiles it"
    )]
    pub fn builtin() -> Self {
        Self::compile(BUILTIN.to_owned()).expect("the compiled-in template compiles")
    }

    /// The templates of a directory; those that are not in it are the compiled-in ones. Each is compiled and rendered
    /// once with small made-up reports, so that a mistake shows now and not at night.
    ///
    /// # Errors
    /// If the directory cannot be read, or a template in it does not compile or names something that does not exist.
    pub fn from_directory(path: impl AsRef<Path>) -> Result<Self, TemplateError> {
        let directory = path.as_ref();
        std::fs::read_dir(directory)
            .map_err(|source| TemplateError::Read { path: directory.to_owned(), source })?;
        let path = directory.join(TEMPLATE);
        let source = match std::fs::read_to_string(&path) {
            Ok(source) => source,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::builtin()),
            Err(source) => return Err(TemplateError::Read { path, source }),
        };
        Self::checked(source).map_err(|error| broken(path, &error))
    }

    fn checked(source: String) -> Result<Self, minijinja::Error> {
        let templates = Self::compile(source)?;
        for probe in [Page::with_everything(), Page::with_nothing()] {
            templates.environment.get_template(TEMPLATE)?.render(Serde(probe))?;
        }
        Ok(templates)
    }

    fn compile(source: String) -> Result<Self, minijinja::Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        // Names the variable in an error; costs nothing as long as there is none.
        environment.set_debug(true);
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        // Nothing in a report is markup.
        environment.remove_filter("safe");
        environment.add_filter("count", counted);
        environment.add_filter("words", |name: &str| name.replace('_', " "));
        environment.add_template_owned(TEMPLATE, source)?;
        Ok(Self { environment })
    }

    /// Renders one template. Its errors are those of the sink, and those of a replaced template that the check at load
    /// could not foresee.
    pub(super) fn render(&self, name: &str, view: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
        let template = self.environment.get_template(name).map_err(io::Error::other)?;
        template.render_captured_to(Serde(view), out).map_err(to_io)?;
        Ok(())
    }
}

impl Default for Templates {
    fn default() -> Self {
        Self::builtin()
    }
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.environment.templates().map(|(name, _)| name);
        f.debug_list().entries(names).finish()
    }
}

/// Keeps the kind of the sink's own error, which callers tell apart (a full disk, a closed pipe).
fn to_io(error: minijinja::Error) -> io::Error {
    let sink = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<io::Error>());
    match (error.kind(), sink.map(io::Error::kind)) {
        (ErrorKind::WriteFailure, Some(kind)) => io::Error::new(kind, error),
        _ => io::Error::other(error),
    }
}

fn broken(path: PathBuf, error: &minijinja::Error) -> TemplateError {
    let reason = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    TemplateError::Broken { path, line: error.line().unwrap_or(0), reason }
}
