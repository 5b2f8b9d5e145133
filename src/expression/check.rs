//! The types of an expression, before anything is judged: every name exists, every operator fits its operands.

mod calls;

use std::collections::BTreeSet;

use cel::common::ast::{CallExpr, Expr, IdedExpr, ListExpr, LiteralValue, SelectExpr, SourceInfo, operators};
use regex::Regex;

use super::{ExpressionError, FIELDS, Type, Used, place, start};

/// Characters of an expression that an error quotes at most.
const QUOTED: usize = 40;

/// What the check finds out beside the types.
pub(super) struct Checked {
    /// The fields that the expression asks for, in the order of the table.
    pub(super) used: Vec<Used>,
    /// Its patterns, compiled.
    pub(super) patterns: Vec<Regex>,
}

/// Checks an expression as it is written, its macros not expanded.
pub(super) fn check(text: &str, root: &IdedExpr, source: &SourceInfo) -> Result<Checked, ExpressionError> {
    let mut checker = Checker { text, source, used: BTreeSet::new(), patterns: Vec::new(), element: None };
    let kind = checker.kind(root)?;
    if kind != Type::Bool {
        let problem = format!("is {}; the whole must be a condition, true or false", kind.indefinite());
        return Err(checker.error(root, problem));
    }
    Ok(Checked { used: checker.used.into_iter().collect(), patterns: checker.patterns })
}

struct Checker<'a> {
    text: &'a str,
    source: &'a SourceInfo,
    used: BTreeSet<Used>,
    patterns: Vec<Regex>,
    /// The variable of the macro that is being checked, if one is.
    element: Option<(String, Type)>,
}

type Checking<T> = Result<T, ExpressionError>;

impl Checker<'_> {
    /// An error at the beginning of a part.
    fn error(&self, node: &IdedExpr, problem: impl Into<String>) -> ExpressionError {
        ExpressionError::at(self.text, start(node, self.source), problem)
    }

    /// An error at an operator or a function's name.
    fn error_at(&self, node: &IdedExpr, problem: impl Into<String>) -> ExpressionError {
        let offset = place(node, self.source).unwrap_or_default();
        // The place of a field or a method is its dot.
        let rest = self.text.chars().skip(offset);
        let gap = rest.take_while(|&c| c == '.' || c.is_whitespace()).count();
        ExpressionError::at(self.text, offset + gap, problem)
    }

    fn kind(&mut self, node: &IdedExpr) -> Checking<Type> {
        match &node.expr {
            Expr::Literal(value) => self.literal(node, value),
            Expr::Ident(name) => self.name(node, name),
            Expr::Select(select) => {
                let field = self.field(node, select)?;
                self.used.insert(Used { field, presence: false });
                Ok(FIELDS[field].kind)
            }
            Expr::List(list) => self.list(list),
            Expr::Call(call) => match call.func_name.as_str() {
                operators::INDEX | operators::OPT_INDEX => {
                    let problem = "one element cannot be taken out; ask with `in`, `exists` or `all`";
                    Err(self.error_at(node, problem))
                }
                operators::CONDITIONAL => self.conditional(node, call),
                name if name.starts_with(['_', '!', '-', '@']) => self.operator(node, call),
                _ => self.call(node, call),
            },
            Expr::Map(_) | Expr::Struct(_) => {
                Err(self.error(node, "maps and structures are not possible here"))
            }
            Expr::Comprehension(_) | Expr::Unspecified => Err(self.error(node, "is not an expression")),
        }
    }

    /// The type of a part that must be of one type.
    fn expect(&mut self, node: &IdedExpr, wanted: Type, what: &str) -> Checking<()> {
        let kind = self.kind(node)?;
        if kind == wanted {
            return Ok(());
        }
        Err(self.error(node, format!("{what} {}; this is {}", wanted.indefinite(), kind.indefinite())))
    }

    fn literal(&self, node: &IdedExpr, value: &LiteralValue) -> Checking<Type> {
        let problem = match value {
            LiteralValue::Boolean(_) => return Ok(Type::Bool),
            LiteralValue::Int(_) => return Ok(Type::Int),
            LiteralValue::String(_) => return Ok(Type::String),
            LiteralValue::Double(_) => "numbers are whole here; leave the fraction out",
            LiteralValue::UInt(_) => "write the number without the u",
            LiteralValue::Bytes(_) => "bytes are not possible here; write a text without the b",
            LiteralValue::Null => "there is no null; `has(user.email)` tells whether a fact is there",
        };
        Err(self.error(node, problem))
    }

    fn name(&mut self, node: &IdedExpr, name: &str) -> Checking<Type> {
        if let Some((element, kind)) = &self.element
            && element == name
        {
            return Ok(*kind);
        }
        if let Some(field) = FIELDS.iter().position(|field| field.name == name) {
            self.used.insert(Used { field, presence: false });
            return Ok(FIELDS[field].kind);
        }
        if records().contains(&name) {
            let problem =
                format!("`{name}` is a record; name one of its fields: {}", fields_of(name).join(", "));
            return Err(self.error(node, problem));
        }
        let mut known = records();
        known.extend(self.element.iter().map(|(element, _)| element.as_str()));
        Err(self.error(node, unknown(&format!("`{}`", quote(name)), name, &known)))
    }

    /// The index of a field.
    fn field(&mut self, node: &IdedExpr, select: &SelectExpr) -> Checking<usize> {
        let name = select.field.as_str();
        let record = match &select.operand.expr {
            Expr::Ident(record) if self.element.as_ref().is_none_or(|(element, _)| element != record) => {
                record
            }
            _ => {
                let kind = self.kind(&select.operand)?;
                let problem = format!("{} has no field `{}`", kind.indefinite(), quote(name));
                return Err(self.error_at(node, problem));
            }
        };
        let full = format!("{record}.{name}");
        if let Some(field) = FIELDS.iter().position(|field| field.name == full) {
            return Ok(field);
        }
        let known = fields_of(record);
        if known.is_empty() {
            // `now` and names that do not exist have no fields; the latter say so themselves.
            let kind = self.name(&select.operand, record)?;
            return Err(self.error_at(node, format!("{} has no field `{}`", kind.indefinite(), quote(name))));
        }
        let problem = if records().contains(&name) {
            format!("`{record}.{name}` does not exist; `{name}` stands alone, such as `{}`", example(name))
        } else {
            unknown(&format!("`{record}.{}`", quote(name)), name, &known)
        };
        Err(self.error_at(node, problem))
    }

    fn list(&mut self, list: &ListExpr) -> Checking<Type> {
        let Some((first, rest)) = list.elements.split_first() else { return Ok(Type::EmptyList) };
        let element = self.kind(first)?;
        for other in rest {
            self.expect(
                other,
                element,
                "the list begins with a value of another type; every element must be",
            )?;
        }
        list_of(element).ok_or_else(|| self.error(first, "a list of lists is not possible here"))
    }

    fn conditional(&mut self, node: &IdedExpr, call: &CallExpr) -> Checking<Type> {
        let [condition, yes, no] = &call.args[..] else { return Err(self.error(node, "is not complete")) };
        self.expect(condition, Type::Bool, "what stands before ? must be")?;
        let (kind, other) = (self.kind(yes)?, self.kind(no)?);
        joined(kind, other).ok_or_else(|| {
            self.error(
                no,
                format!("the one side of : is {}, the other {}", kind.indefinite(), other.indefinite()),
            )
        })
    }

    fn operator(&mut self, node: &IdedExpr, call: &CallExpr) -> Checking<Type> {
        let sign = sign(&call.func_name);
        let (left, right) = match &call.args[..] {
            [only] if sign == "!" => return self.expect(only, Type::Bool, "! needs").map(|()| Type::Bool),
            [only] if sign == "-" => return self.expect(only, Type::Int, "- needs").map(|()| Type::Int),
            [left, right] => (left, right),
            _ => return Err(self.error_at(node, "is not possible here")),
        };
        if matches!(sign, "&&" | "||") {
            let needs = format!("{sign} needs on each side");
            self.expect(left, Type::Bool, &needs)?;
            return self.expect(right, Type::Bool, &needs).map(|()| Type::Bool);
        }
        let (one, other) = (self.kind(left)?, self.kind(right)?);
        let fits = match sign {
            "==" | "!=" => joined(one, other).map(|_| Type::Bool),
            "<" | "<=" | ">" | ">=" => (one == other && is_ordered(one)).then_some(Type::Bool),
            "in" => match other {
                Type::List(element) => (*element == one).then_some(Type::Bool),
                Type::EmptyList => Some(Type::Bool),
                _ => None,
            },
            "+" | "-" | "*" | "/" | "%" => sum(sign, one, other),
            _ => return Err(self.error_at(node, format!("the operator {sign} is not possible here"))),
        };
        let Some(kind) = fits else {
            let hint = hint(sign, one, other);
            return Err(self.error_at(node, format!("{one} {sign} {other} is not possible{hint}")));
        };
        self.closed_set(left, right)?;
        self.closed_set(right, left)?;
        Ok(kind)
    }

    /// A field with a closed set of values is compared with one of them.
    fn closed_set(&self, field: &IdedExpr, with: &IdedExpr) -> Checking<()> {
        let Expr::Select(select) = &field.expr else { return Ok(()) };
        let Expr::Ident(record) = &select.operand.expr else { return Ok(()) };
        let full = format!("{record}.{}", select.field);
        let values = FIELDS.iter().find(|field| field.name == full).map_or(&[][..], |field| field.values);
        let texts = match &with.expr {
            Expr::List(list) => list.elements.iter().collect(),
            _ => vec![with],
        };
        for node in texts.into_iter().filter(|_| !values.is_empty()) {
            if let Expr::Literal(LiteralValue::String(text)) = &node.expr
                && !values.contains(&text.inner())
            {
                let problem =
                    unknown(&format!("`{full}` == {:?}", quote(text.inner())), text.inner(), values);
                return Err(self.error(node, problem.replacen("does not exist", "is never true", 1)));
            }
        }
        Ok(())
    }
}

/// The records and the names that stand alone.
fn records() -> Vec<&'static str> {
    let mut records: Vec<_> = FIELDS.iter().map(|f| f.name.split('.').next().unwrap_or(f.name)).collect();
    records.dedup();
    records
}

/// The fields of a record, without its name.
fn fields_of(record: &str) -> Vec<&'static str> {
    let of = |name: &'static str| name.strip_prefix(record)?.strip_prefix('.');
    FIELDS.iter().filter_map(|field| of(field.name)).collect()
}

fn example(record: &str) -> &'static str {
    FIELDS.iter().map(|field| field.name).find(|name| name.starts_with(record)).unwrap_or("now")
}

/// What does not exist, what may be meant, and what exists.
fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let score = |candidate: &&&str| strsim::jaro_winkler(&name.to_lowercase(), candidate);
    let nearest = known.iter().max_by(|a, b| score(a).total_cmp(&score(b))).filter(|near| score(near) > 0.8);
    let meant = nearest.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    format!("{what} does not exist; {meant}known: {}", known.join(", "))
}

/// The beginning of what an error quotes.
fn quote(text: &str) -> String {
    let more = if text.chars().nth(QUOTED).is_some() { "…" } else { "" };
    text.chars().take(QUOTED).chain(more.chars()).collect()
}

/// The one type of two that can be compared.
fn joined(one: Type, other: Type) -> Option<Type> {
    match (one, other) {
        (Type::EmptyList, Type::List(_)) => Some(other),
        (Type::List(_), Type::EmptyList) => Some(one),
        _ => (one == other).then_some(one),
    }
}

fn is_ordered(kind: Type) -> bool {
    matches!(kind, Type::Int | Type::String | Type::Duration | Type::Timestamp)
}

fn list_of(element: Type) -> Option<Type> {
    match element {
        Type::Bool => Some(Type::List(&Type::Bool)),
        Type::Int => Some(Type::List(&Type::Int)),
        Type::String => Some(Type::List(&Type::String)),
        Type::Duration => Some(Type::List(&Type::Duration)),
        Type::Timestamp => Some(Type::List(&Type::Timestamp)),
        Type::List(_) | Type::EmptyList => None,
    }
}

/// The type of a calculation.
fn sum(sign: &str, one: Type, other: Type) -> Option<Type> {
    match (one, sign, other) {
        (Type::Int, _, Type::Int) => Some(Type::Int),
        (Type::Duration, "+" | "-", Type::Duration) | (Type::Timestamp, "-", Type::Timestamp) => {
            Some(Type::Duration)
        }
        (Type::Timestamp, "+" | "-", Type::Duration) | (Type::Duration, "+", Type::Timestamp) => {
            Some(Type::Timestamp)
        }
        _ => None,
    }
}

/// An operator as it is written.
fn sign(function: &str) -> &str {
    if function == operators::IN { "in" } else { function.trim_matches('_') }
}

/// The way out of a mistake that many make.
fn hint(sign: &str, one: Type, other: Type) -> &'static str {
    match (sign, one, other) {
        ("in", Type::String, Type::String) => "; a part of a text is found by `a.contains(b)`",
        ("in", _, _) => "; `in` needs a value and a list of such values",
        ("+", Type::String, _) | ("+", _, Type::String) => "; texts are compared, not put together",
        (_, Type::Duration, Type::Int | Type::String) | (_, Type::Int | Type::String, Type::Duration) => {
            "; a time span is written duration(\"2160h\")"
        }
        (_, Type::Timestamp, Type::String) | (_, Type::String, Type::Timestamp) => {
            "; a point in time is written timestamp(\"2026-01-31T00:00:00Z\")"
        }
        ("<" | "<=" | ">" | ">=", Type::List(_), _) => "; size(…) is the number of elements",
        ("==" | "!=" | "<" | "<=" | ">" | ">=", _, _) => {
            "; both sides must be of one type that can be compared"
        }
        _ => "",
    }
}
