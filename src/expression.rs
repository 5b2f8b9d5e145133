//! Expressions of users' own rules: a condition on one account in CEL, checked whole before anything is judged.
//!
//! A text becomes an [`Expression`] in four steps: its size is bounded, it is parsed, its types are checked against
//! [`FIELDS`], and every field in it becomes one flat variable. Evaluating it has three ends: it holds, it does not, or
//! it cannot be told. A fact that is not known is a variable that is not there; CEL's `||` and `&&` then find out
//! whether the other side decides.
//!
//! `has(user.email)` asks whether a fact exists. It is false where its absence is known (the console leaves the key out
//! for an account without an address; nobody in the roster answers to the account; no logon where every logon would
//! show) and cannot be told where nothing was asked or answered.

mod check;
mod fields;
mod limits;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};
use std::{fmt, thread};

use cel::common::ast::{EntryExpr, Expr, IdedExpr, SourceInfo};
use cel::common::types::CelBool;
use cel::common::value::Val;
use cel::extractors::This;
use cel::parser::Parser;
use cel::{Context, Env, ParseErrors, Value};
use chrono::{DateTime, Utc};
use regex::Regex;
use thiserror::Error;

use crate::graph::AccessGraph;
use crate::model::User;

pub use fields::FIELDS;

use check::check;
use limits::{affordable, bounded, shallow};

/// The parser recurses deeply in debug builds; an ordinary stack is too small for what the limits allow.
const STACK: usize = 64 * 1024 * 1024;

/// The functions and types of CEL, without its macros: the check wants them as they are written.
static STANDARD: LazyLock<Arc<Env>> =
    LazyLock::new(|| Arc::new(Env::default().with_optional_support(false).with_stdlib()));

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// `true` or `false`.
    Bool,
    /// A whole number of 64 bits.
    Int,
    /// A text.
    String,
    /// A time span.
    Duration,
    /// A point in time.
    Timestamp,
    /// A list of one type.
    List(&'static Type),
    /// `[]`, which is a list of any type.
    EmptyList,
}

impl Type {
    /// With its article, in a sentence.
    fn indefinite(self) -> String {
        let article = if self == Self::Int { "an" } else { "a" };
        format!("{article} {self}")
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::String => f.write_str("string"),
            Self::Duration => f.write_str("duration"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::List(element) => write!(f, "list({element})"),
            Self::EmptyList => f.write_str("list"),
        }
    }
}

/// Something that an expression can ask about an account.
#[derive(Debug)]
pub struct Field {
    /// Its name in an expression, such as `user.login`.
    pub name: &'static str,
    /// Its type.
    pub kind: Type,
    /// What it is, in one sentence.
    pub doc: &'static str,
    /// Every value that it can have; empty if that is not a closed set.
    pub values: &'static [&'static str],
    /// What is known of it.
    fact: for<'a> fn(&Subject<'a>) -> Fact<'a>,
}

/// The account that is judged, in its world.
#[derive(Debug, Clone, Copy)]
struct Subject<'a> {
    graph: &'a AccessGraph,
    user: &'a User,
    now: DateTime<Utc>,
}

/// What is known of one field of one account.
enum Fact<'a> {
    /// Its value.
    Known(Box<dyn Val + 'a>),
    /// That there is none.
    Absent,
    /// Nothing.
    Unknown,
}

/// A field that an expression asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Used {
    /// Its index in [`FIELDS`].
    field: usize,
    /// Whether it stands in `has(…)`.
    presence: bool,
}

impl Used {
    fn field(self) -> &'static Field {
        &FIELDS[self.field]
    }

    /// The variable that stands for it.
    fn variable(self) -> String {
        let name = self.field().name;
        if self.presence { format!("has({name})") } else { name.to_owned() }
    }
}

/// What is wrong with an expression, and where in it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct ExpressionError {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong and what is possible.
    pub problem: String,
}

impl ExpressionError {
    /// An error at a character of the text.
    fn at(text: &str, offset: usize, problem: impl Into<String>) -> Self {
        let (mut line, mut column) = (1, 1);
        for c in text.chars().take(offset) {
            (line, column) = if c == '\n' { (line + 1, 1) } else { (line, column + 1) };
        }
        Self { line, column, problem: problem.into() }
    }
}

/// A condition on an account, checked and ready to be evaluated.
pub struct Expression {
    text: String,
    /// The macros expanded, every field a variable of its own.
    root: IdedExpr,
    used: Vec<Used>,
    /// The functions; each evaluation puts its variables into a scope of its own.
    base: Context<'static, 'static>,
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.text).finish()
    }
}

impl Expression {
    /// Checks an expression. Everything that can be wrong with it but for the facts is found here.
    pub fn compile(text: &str) -> Result<Self, ExpressionError> {
        bounded(text)?;
        thread::scope(|scope| {
            let compiling = thread::Builder::new()
                .name("expression".to_owned())
                .stack_size(STACK)
                .spawn_scoped(scope, || compile(text));
            let problem = match compiling.map(thread::ScopedJoinHandle::join) {
                Ok(Ok(compiled)) => return compiled,
                Ok(Err(_)) => "the parser broke on it; this is a bug, write it in another way".to_owned(),
                Err(error) => format!("cannot be compiled now: no thread: {error}"),
            };
            Err(ExpressionError::at(text, 0, problem))
        })
    }

    /// The text that it was made from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The names of the fields that it asks for, in the order of [`FIELDS`].
    pub fn references(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.used.iter().map(|used| used.field().name).collect();
        names.dedup();
        names
    }

    /// Whether it holds for an account; `None` if that cannot be told: a fact that decides is not known, or a number
    /// does not fit (division by zero, overflow).
    pub fn holds(&self, graph: &AccessGraph, user: &User, now: DateTime<Utc>) -> Option<bool> {
        let subject = Subject { graph, user, now };
        // A panic in the evaluator is a bug of its own; it must not end the review.
        catch_unwind(AssertUnwindSafe(|| self.evaluate(&subject))).ok().flatten()
    }

    /// What is known of the fields that it asks for, for people; the order is that of [`FIELDS`].
    pub fn facts(&self, graph: &AccessGraph, user: &User, now: DateTime<Utc>) -> Vec<(&'static str, String)> {
        let subject = Subject { graph, user, now };
        let mut fields: Vec<&'static Field> = self.used.iter().map(|used| used.field()).collect();
        fields.dedup_by_key(|field| field.name);
        let shown = |field: &'static Field| match (field.fact)(&subject) {
            Fact::Known(value) => {
                (field.name, Value::try_from(&*value).map_or_else(|_| "?".to_owned(), |value| shown(&value)))
            }
            Fact::Absent => (field.name, "none".to_owned()),
            Fact::Unknown => (field.name, "unknown".to_owned()),
        };
        fields.into_iter().map(shown).collect()
    }

    fn evaluate<'a>(&'a self, subject: &Subject<'a>) -> Option<bool> {
        let base: &Context<'a, 'a> = &self.base;
        let mut scope = base.new_inner_scope();
        for used in &self.used {
            let fact = (used.field().fact)(subject);
            let value: Box<dyn Val + 'a> = match (fact, used.presence) {
                (Fact::Known(value), false) => value,
                (Fact::Known(_), true) => Box::new(CelBool::from(true)),
                (Fact::Absent, true) => Box::new(CelBool::from(false)),
                (Fact::Absent, false) | (Fact::Unknown, _) => continue,
            };
            scope.add_variable_as_val(used.variable(), value);
        }
        let value = Value::resolve_val(&self.root, &scope).ok()?;
        value.downcast_ref::<CelBool>().map(|held| *held.inner())
    }
}

/// A value in a line of evidence; of a long list, the first few.
fn shown(value: &Value) -> String {
    const MOST: usize = 12;
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::String(value) => value.to_string(),
        Value::Timestamp(at) => at.format("%F %R UTC").to_string(),
        Value::List(values) => {
            let first: Vec<String> = values.iter().take(MOST).map(shown).collect();
            match values.len().saturating_sub(MOST) {
                0 => first.join(", "),
                more => format!("{} and {more} more", first.join(", ")),
            }
        }
        _ => "?".to_owned(),
    }
}

/// Needs a large stack.
fn compile(text: &str) -> Result<Expression, ExpressionError> {
    let (written, source) =
        STANDARD.parser().parse_with_source_info(text).map_err(|e| unreadable(text, &e))?;
    shallow(text, &written, &source)?;
    let checked = check(text, &written, &source)?;
    affordable(text, &written, &source)?;
    let mut root = Parser::new().parse(text).map_err(|errors| unreadable(text, &errors))?;
    flatten(&mut root);
    let base = functions(checked.patterns)
        .map_err(|problem| ExpressionError::at(text, 0, format!("cannot be compiled: {problem}")))?;
    Ok(Expression { text: text.to_owned(), root, used: checked.used, base })
}

/// The parser's first complaint, without its list of every token that it would take.
fn unreadable(text: &str, errors: &ParseErrors) -> ExpressionError {
    let Some(error) = errors.errors.first() else { return ExpressionError::at(text, 0, "cannot be read") };
    let position = |place: isize| usize::try_from(place).unwrap_or(1).max(1);
    let (line, column) = (position(error.pos.0), position(error.pos.1));
    let rest: String =
        text.lines().nth(line - 1).unwrap_or_default().chars().skip(column - 1).take(40).collect();
    let word = rest.split(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    let before = text.lines().nth(line - 1).unwrap_or_default().chars().take(column - 1).collect::<String>();
    let word = if before.trim_end().to_ascii_lowercase().ends_with("not") { "not" } else { word };
    let problem = match word.to_ascii_lowercase().as_str() {
        "and" => "\"and\" is written &&".to_owned(),
        "or" => "\"or\" is written ||".to_owned(),
        "not" => "\"not\" is written !".to_owned(),
        "=" => "\"is equal\" is written ==".to_owned(),
        _ => {
            let message = error.msg.trim_start_matches("Syntax error: ");
            let message = message.split(" expecting ").next().unwrap_or(message);
            let message: String = message.chars().take(120).flat_map(visible).collect();
            format!("cannot be read from here: {message}").replace("'<EOF>'", "end of the expression")
        }
    };
    ExpressionError { line, column, problem }
}

/// A character as it can be shown: control and direction characters as their escapes.
fn visible(c: char) -> impl Iterator<Item = char> {
    let shown = matches!(c, '\'' | '"' | '\\').then_some(c);
    shown.into_iter().chain(c.escape_debug().filter(move |_| shown.is_none()))
}

/// Puts one variable in the place of every field and of every `has(…)`, so that each fact is known or not on its own.
fn flatten(node: &mut IdedExpr) {
    if let Expr::Select(select) = &node.expr
        && let Expr::Ident(record) = &select.operand.expr
    {
        let name = format!("{record}.{}", select.field);
        node.expr = Expr::Ident(if select.test { format!("has({name})") } else { name });
        return;
    }
    match &mut node.expr {
        Expr::Call(call) => call.target.as_deref_mut().into_iter().chain(&mut call.args).for_each(flatten),
        Expr::Comprehension(walk) => {
            let parts = [&mut walk.iter_range, &mut walk.accu_init, &mut walk.loop_cond];
            parts.into_iter().chain([&mut walk.loop_step, &mut walk.result]).for_each(flatten);
        }
        Expr::List(list) => list.elements.iter_mut().for_each(flatten),
        Expr::Select(select) => flatten(&mut select.operand),
        Expr::Map(_) | Expr::Struct(_) | Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => {}
    }
}

/// The functions that an expression may call. CEL's own `matches` compiles its pattern at each call; here it is done.
fn functions(patterns: Vec<Regex>) -> Result<Context<'static, 'static>, String> {
    let mut base = Context::with_env(Arc::clone(&STANDARD));
    let matches = move |This(text): This<Arc<String>>, pattern: Arc<String>| {
        patterns.iter().any(|known| known.as_str() == pattern.as_str() && known.is_match(&text))
    };
    base.add_function("matches", matches).map_err(|error| error.to_string())?;
    Ok(base)
}

/// Where the parser places a node: the offset in characters of its operator, dot or bracket. The parser counts bytes.
fn place(node: &IdedExpr, source: &SourceInfo) -> Option<usize> {
    let (from, _) = source.offset_for(node.id)?;
    source.source.get(..from as usize).map(|before| before.chars().count())
}

/// Where a part of an expression begins: the offset of its first character.
fn start(node: &IdedExpr, source: &SourceInfo) -> usize {
    let own = match &node.expr {
        Expr::Call(call) if call.target.is_none() && call.func_name.starts_with(char::is_alphabetic) => {
            named_at(node, &call.func_name, source)
        }
        _ => place(node, source).unwrap_or(usize::MAX),
    };
    children(node).map(|child| start(child, source)).fold(own, usize::min)
}

/// Where the name of a function begins: the place of a call is its bracket.
fn named_at(node: &IdedExpr, name: &str, source: &SourceInfo) -> usize {
    let bracket = place(node, source).unwrap_or_default();
    let before: Vec<char> = source.source.chars().take(bracket).collect();
    let blank = before.iter().rev().take_while(|c| c.is_whitespace()).count();
    bracket.saturating_sub(blank + name.chars().count())
}

/// The parts of an expression.
fn children(node: &IdedExpr) -> Box<dyn Iterator<Item = &IdedExpr> + '_> {
    match &node.expr {
        Expr::Call(call) => Box::new(call.target.as_deref().into_iter().chain(&call.args)),
        Expr::List(list) => Box::new(list.elements.iter()),
        Expr::Select(select) => Box::new(std::iter::once(&*select.operand)),
        Expr::Map(map) => Box::new(map.entries.iter().flat_map(|entry| match &entry.expr {
            EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
            EntryExpr::StructField(field) => vec![&field.value],
        })),
        Expr::Comprehension(_) | Expr::Struct(_) | Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => {
            Box::new(std::iter::empty())
        }
    }
}
