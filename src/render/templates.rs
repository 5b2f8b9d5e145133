//! The templates: compiled in, each replaceable by a file of the same name in a directory, all checked when loaded.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, ErrorKind, UndefinedBehavior};
use serde::Serialize;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{INLINED, TEMPLATES, counted};

/// What one rendering may cost, so that a replaced template cannot keep the daemon busy for ever. The compiled-in page
/// with every table at its limit needs about a tenth of it.
const FUEL: u64 = 25_000_000;

/// The columns of a text mail.
const COLUMNS: usize = 72;

/// One template, as it is compiled in.
pub(super) struct Template {
    /// Its name, which is the name of the file that replaces it. What ends in `.html` is escaped for markup.
    pub(super) name: &'static str,
    /// What is compiled in.
    pub(super) source: &'static str,
    /// Made-up values that a file which replaces it is rendered with before it is used.
    pub(super) probes: fn() -> Vec<Value>,
}

/// A style sheet or a script that a template writes out as it stands.
pub(super) struct Inlined {
    /// Its name, which is the name of the file that replaces it.
    pub(super) name: &'static str,
    /// The variable that holds it. The variable with `_hash` at its end holds what a Content-Security-Policy asks for.
    pub(super) variable: &'static str,
    /// What is compiled in.
    pub(super) source: &'static str,
    /// The start of a tag that would end the element it stands in, in lower case.
    pub(super) end: &'static str,
}

/// The templates of the page and of the mails.
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
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The template does not compile or does not render, or the style sheet or script cannot stand in a page.
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
        reason = "constants; every test of the page and of the mails compiles them"
    )]
    pub fn builtin() -> Self {
        let mut templates = Self::empty().expect("the syntax is a constant");
        for file in INLINED {
            templates.inline(file, file.source.to_owned());
        }
        for template in TEMPLATES {
            templates.environment.add_template(template.name, template.source).expect("it compiles");
        }
        templates
    }

    /// The templates of a directory; those that are not in it are the compiled-in ones. Each is compiled and rendered
    /// with small made-up reports, so that a mistake shows now and not at night.
    ///
    /// # Errors
    /// If the directory cannot be read, or a template in it does not compile or names something that does not exist.
    pub fn from_directory(path: impl AsRef<Path>) -> Result<Self, TemplateError> {
        let directory = path.as_ref();
        std::fs::read_dir(directory)
            .map_err(|source| TemplateError::Read { path: directory.to_owned(), source })?;
        let mut templates = Self::builtin();
        // Before the templates, which are tried with them.
        for file in INLINED {
            let Some((path, source)) = replacement(directory, file.name)? else { continue };
            // As a browser reads it, which is what the hash is of.
            let source = source.replace("\r\n", "\n");
            if let Some(line) = source.to_lowercase().lines().position(|line| line.contains(file.end)) {
                let reason = format!("{} would end the element that it stands in", file.end);
                return Err(TemplateError::Broken { path, line: line + 1, reason });
            }
            templates.inline(file, source);
        }
        for template in TEMPLATES {
            let Some((path, source)) = replacement(directory, template.name)? else { continue };
            templates.replace(template, source).map_err(|error| broken(path, &error))?;
        }
        Ok(templates)
    }

    /// Offers a style sheet or a script to every template. It is no text of a report, and is not escaped.
    fn inline(&mut self, file: &Inlined, source: String) {
        let hash = format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(&source)));
        self.environment.add_global(format!("{}_hash", file.variable), Value::from_safe_string(hash));
        self.environment.add_global(file.variable, Value::from_safe_string(source));
    }

    fn replace(&mut self, template: &Template, source: String) -> Result<(), minijinja::Error> {
        self.environment.add_template_owned(template.name, source)?;
        for probe in (template.probes)() {
            self.environment.get_template(template.name)?.render(probe)?;
        }
        Ok(())
    }

    fn empty() -> Result<Self, minijinja::Error> {
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
        environment.add_filter("wrap", |text: &str, indent: usize| wrapped(text, indent, COLUMNS));
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

/// The file of a directory that replaces a compiled-in one, if there is one.
fn replacement(directory: &Path, name: &str) -> Result<Option<(PathBuf, String)>, TemplateError> {
    let path = directory.join(name);
    match std::fs::read_to_string(&path) {
        Ok(source) => Ok(Some((path, source))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(TemplateError::Read { path, source }),
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

/// A text in lines that end before `columns`. The first line begins at column `indent`, where its caller stands, and so
/// do the others. Line ends and repeated spaces of the text are no more than spaces; a word that no line holds is broken.
fn wrapped(text: &str, indent: usize, columns: usize) -> String {
    let room = columns.saturating_sub(indent).max(1);
    let (mut lines, mut taken) = (String::with_capacity(text.len()), 0);
    let start = |lines: &mut String| {
        lines.truncate(lines.trim_end_matches(' ').len());
        lines.push('\n');
        lines.extend(std::iter::repeat_n(' ', indent));
    };
    for word in text.split([' ', '\n']).filter(|word| !word.is_empty()) {
        let length = word.chars().count();
        if taken > 0 && taken + 1 + length > room {
            start(&mut lines);
            taken = 0;
        } else if taken > 0 {
            lines.push(' ');
            taken += 1;
        }
        for character in word.chars() {
            if taken == room {
                start(&mut lines);
                taken = 0;
            }
            lines.push(character);
            taken += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_within_its_columns() {
        assert_eq!(wrapped("one two three", 0, 8), "one two\nthree");
        assert_eq!(wrapped("one two three", 2, 9), "one two\n  three");
        assert_eq!(wrapped("  one\n two  ", 0, 20), "one two");
        assert_eq!(wrapped("abcdefghij k", 2, 6), "abcd\n  efgh\n  ij k");
        assert_eq!(wrapped("a bcdefghij", 0, 4), "a\nbcde\nfghi\nj");
        assert_eq!(wrapped("ßßß ßßß", 0, 7), "ßßß ßßß");
        assert_eq!(wrapped("", 4, 8), "");
    }

    #[test]
    fn an_indentation_past_the_columns_does_not_hang() {
        assert_eq!(wrapped("ab", 9, 4), "a\n         b");
    }
}
