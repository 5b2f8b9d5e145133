//! The functions of an expression: which there are, what they take, and the macros that walk a list.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue};
use cel::{Context, Value};
use regex::RegexBuilder;

use super::{Checker, Checking, joined, list_of, quote, records, unknown};
use crate::expression::{ExpressionError, STANDARD, Type, Used, named_at};

/// Functions that stand alone.
const FUNCTIONS: &[&str] = &["has", "size", "duration", "timestamp"];
/// Functions behind the dot of a text.
const OF_TEXTS: &[&str] = &["startsWith", "endsWith", "contains", "matches", "size"];
/// Functions behind the dot of a list.
const OF_LISTS: &[&str] = &["all", "exists", "exists_one", "map", "filter", "size"];
/// Bytes that a compiled pattern may take; `\w{1,64}` fits.
const PATTERN_SIZE: usize = 4 * 1024 * 1024;

impl Checker<'_> {
    pub(super) fn call(&mut self, node: &IdedExpr, call: &CallExpr) -> Checking<Type> {
        match &call.target {
            None => self.function(node, call),
            Some(target) if OF_LISTS[..5].contains(&call.func_name.as_str()) => self.walk(node, call, target),
            Some(target) => self.method(node, call, target),
        }
    }

    fn function(&mut self, node: &IdedExpr, call: &CallExpr) -> Checking<Type> {
        let name = call.func_name.as_str();
        if !FUNCTIONS.contains(&name) {
            return Err(self.error_at_name(node, name, no_function(name)));
        }
        let [argument] = &call.args[..] else {
            let problem = format!("`{name}` takes one argument; here are {}", call.args.len());
            return Err(self.error_at_name(node, name, problem));
        };
        match name {
            "has" => self.presence(argument),
            "size" => self.size(argument),
            _ => self.constant(node, name, argument),
        }
    }

    fn error_at_name(&self, node: &IdedExpr, name: &str, problem: String) -> ExpressionError {
        ExpressionError::at(self.text, named_at(node, name, self.source), problem)
    }

    fn presence(&mut self, argument: &IdedExpr) -> Checking<Type> {
        let Expr::Select(select) = &argument.expr else {
            return Err(self.error(argument, "`has` takes one field, such as has(user.email)"));
        };
        let field = self.field(argument, select)?;
        self.used.insert(Used { field, presence: true });
        Ok(Type::Bool)
    }

    fn size(&mut self, argument: &IdedExpr) -> Checking<Type> {
        match self.kind(argument)? {
            Type::String | Type::List(_) | Type::EmptyList => Ok(Type::Int),
            kind => Err(self
                .error(argument, format!("`size` takes a string or a list; this is {}", kind.indefinite()))),
        }
    }

    /// A time span or a point in time, which must be written out.
    fn constant(&mut self, node: &IdedExpr, name: &str, argument: &IdedExpr) -> Checking<Type> {
        let (kind, form) = if name == "duration" {
            (Type::Duration, "duration(\"2160h\"); the units are h, m, s and ms, and a day is 24h")
        } else {
            (Type::Timestamp, "timestamp(\"2026-01-31T00:00:00Z\")")
        };
        let Expr::Literal(LiteralValue::String(text)) = &argument.expr else {
            return Err(self.error(argument, format!("`{name}` takes a text that is written out: {form}")));
        };
        let value = Value::resolve(node, &Context::with_env(STANDARD.clone()));
        if matches!(value, Ok(Value::Duration(_) | Value::Timestamp(_))) {
            return Ok(kind);
        }
        let problem = format!("{:?} is not a {name}; write {form}", quote(text.inner()));
        Err(self.error(argument, problem))
    }

    fn method(&mut self, node: &IdedExpr, call: &CallExpr, target: &IdedExpr) -> Checking<Type> {
        let name = call.func_name.as_str();
        let kind = self.kind(target)?;
        let known = match kind {
            Type::String => OF_TEXTS,
            Type::List(_) | Type::EmptyList => OF_LISTS,
            _ => &[],
        };
        if !known.contains(&name) {
            let problem = if known == OF_LISTS && name == "contains" {
                "a list is asked with `in`: \"create-reports\" in user.privileges".to_owned()
            } else if known.is_empty() {
                format!("{} has no functions", kind.indefinite())
            } else {
                unknown(&format!("the function `{}` of {}", quote(name), kind.indefinite()), name, known)
            };
            return Err(self.error_at_name(node, name, problem));
        }
        let wanted = usize::from(name != "size");
        if call.args.len() != wanted {
            let takes = if wanted == 0 { "no argument" } else { "one argument" };
            let problem = format!("`{name}` takes {takes}; here are {}", call.args.len());
            return Err(self.error_at_name(node, name, problem));
        }
        let Some(argument) = call.args.first() else { return Ok(Type::Int) };
        self.expect(argument, Type::String, &format!("`{name}` takes"))?;
        if name == "matches" {
            self.pattern(argument)?;
        }
        Ok(Type::Bool)
    }

    /// A pattern is compiled here, once, and its size is bounded; matching is linear in the text.
    fn pattern(&mut self, argument: &IdedExpr) -> Checking<()> {
        let Expr::Literal(LiteralValue::String(text)) = &argument.expr else {
            return Err(self.error(argument, "`matches` takes a pattern that is written out"));
        };
        match RegexBuilder::new(text.inner()).size_limit(PATTERN_SIZE).nest_limit(24).build() {
            Ok(pattern) => {
                self.patterns.push(pattern);
                Ok(())
            }
            Err(regex::Error::CompiledTooBig(_)) => {
                Err(self.error(argument, "the pattern is too large; repeat less in it"))
            }
            Err(error) => {
                // The last line says what is wrong; those before it draw where.
                let error = error.to_string();
                let reason = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
                Err(self.error(argument, format!("the pattern is not a regular expression: {reason}")))
            }
        }
    }

    /// A macro that walks a list: its variable has the type of the elements.
    fn walk(&mut self, node: &IdedExpr, call: &CallExpr, target: &IdedExpr) -> Checking<Type> {
        let name = call.func_name.as_str();
        if self.element.is_some() {
            let problem = format!("`{name}` inside of another walk over a list is not possible");
            return Err(self.error_at_name(node, name, problem));
        }
        let list = self.kind(target)?;
        let element = match list {
            Type::List(element) => *element,
            Type::EmptyList => {
                return Err(self.error(target, format!("`{name}` of an empty list says nothing")));
            }
            kind => {
                return Err(
                    self.error(target, format!("`{name}` needs a list; this is {}", kind.indefinite()))
                );
            }
        };
        let (variable, parts) = match &call.args[..] {
            [variable, parts @ ..] if parts.len() == 1 || (name == "map" && parts.len() == 2) => {
                (variable, parts)
            }
            _ => {
                let problem = format!("`{name}` takes a variable and what is asked of it: {name}(x, …)");
                return Err(self.error_at_name(node, name, problem));
            }
        };
        let Expr::Ident(word) = &variable.expr else {
            return Err(self.error(variable, format!("`{name}` takes a variable first: {name}(x, …)")));
        };
        if records().contains(&word.as_str()) || word.starts_with('.') {
            let problem = format!("`{}` has a meaning already; call the variable otherwise", quote(word));
            return Err(self.error(variable, problem));
        }
        self.element = Some((word.clone(), element));
        let kind = self.body(name, list, parts);
        self.element = None;
        kind
    }

    fn body(&mut self, name: &str, list: Type, parts: &[IdedExpr]) -> Checking<Type> {
        let Some((asked, conditions)) = parts.split_last() else { return Ok(Type::Bool) };
        for condition in conditions {
            self.expect(condition, Type::Bool, "the second argument of `map` must be")?;
        }
        if name == "map" {
            let kind = self.kind(asked)?;
            return list_of(kind).ok_or_else(|| self.error(asked, "a list of lists is not possible here"));
        }
        self.expect(asked, Type::Bool, &format!("`{name}` asks for"))?;
        Ok(if name == "filter" { joined(list, list).unwrap_or(list) } else { Type::Bool })
    }
}

/// A function that does not stand alone, or not at all.
fn no_function(name: &str) -> String {
    let quoted = quote(name);
    if OF_TEXTS.contains(&name) {
        return format!("`{quoted}` stands behind a text: user.login.{quoted}(\"…\")");
    }
    if OF_LISTS.contains(&name) {
        return format!("`{quoted}` stands behind a list: user.privileges.{quoted}(x, …)");
    }
    unknown(&format!("the function `{quoted}`"), name, FUNCTIONS)
}
