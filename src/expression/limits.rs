//! How large an expression may be: what keeps parsing, checking and evaluating it short, whoever wrote it.

use cel::common::ast::{CallExpr, Expr, IdedExpr, SourceInfo, operators};

use super::{ExpressionError, children, named_at, start};

/// Bytes of an expression.
const MAX_BYTES: usize = 2_000;
/// Brackets inside brackets.
const MAX_BRACKETS: usize = 24;
/// Operations inside operations, brackets or not. Evaluating recurses as deep, on whatever stack the caller has.
const MAX_DEPTH: usize = 20;

/// Steps that one account may take at most. A step is about the time in which two short texts are compared: a hundred
/// thousand accounts with eight privileges each take five seconds of a rule that is just allowed.
const MAX_STEPS: u64 = 5_000;
/// Steps of a function, such as `contains` or `matches`, and of any other operation.
const STEPS_OF_FUNCTION: u64 = 4;
const STEPS_OF_OPERATION: u64 = 2;
/// What is counted as the length of a list of privileges (there are some forty), and of a list of what is granted.
const PRIVILEGES: u64 = 64;
const GRANTS: u64 = 100;

/// Bounds a text before anything parses it.
pub(super) fn bounded(text: &str) -> Result<(), ExpressionError> {
    if text.trim().is_empty() {
        return Err(ExpressionError::at(text, 0, "is empty; write a condition, such as `user.locked`"));
    }
    if text.len() > MAX_BYTES {
        let problem = format!("has {} bytes; at most {MAX_BYTES} are possible", text.len());
        return Err(ExpressionError::at(text, 0, problem));
    }
    match too_deep(text) {
        Some(offset) => {
            let problem = format!("is nested more than {MAX_BRACKETS} brackets deep");
            Err(ExpressionError::at(text, offset, problem))
        }
        None => Ok(()),
    }
}

/// Bounds what the parser made of it.
pub(super) fn shallow(text: &str, root: &IdedExpr, source: &SourceInfo) -> Result<(), ExpressionError> {
    let mut level: Vec<&IdedExpr> = vec![root];
    for _ in 0..MAX_DEPTH {
        level = level.into_iter().flat_map(children).collect();
    }
    match level.first() {
        Some(node) => {
            let problem = format!(
                "is nested more than {MAX_DEPTH} operations deep; use `x in [a, b, …]`, or several rules"
            );
            Err(ExpressionError::at(text, start(node, source), problem))
        }
        None => Ok(()),
    }
}

/// Bounds what judging one account takes, by the text alone: every part costs what it costs if nothing before it decides,
/// as often as a walk around it has elements.
pub(super) fn affordable(text: &str, root: &IdedExpr, source: &SourceInfo) -> Result<(), ExpressionError> {
    let all = steps(root);
    if all <= MAX_STEPS {
        return Ok(());
    }
    let (offset, what) = match dearest(root) {
        Some((walk, name)) => (
            named_at(walk, name, source),
            format!("ask less inside `{name}`, one `matches` with (a|b) instead of several,"),
        ),
        None => (0, "ask less,".to_owned()),
    };
    let problem = format!(
        "the whole may take {all} steps for one account; at most {MAX_STEPS} are possible: {what} or make several rules \
         of it"
    );
    Err(ExpressionError::at(text, offset, problem))
}

/// The walk that takes most.
fn dearest(node: &IdedExpr) -> Option<(&IdedExpr, &str)> {
    let own = match &node.expr {
        Expr::Call(call) if walked(call).is_some() => Some((node, call.func_name.as_str())),
        _ => None,
    };
    own.or_else(|| children(node).filter_map(dearest).max_by_key(|(walk, _)| steps(walk)))
}

/// The list that a call walks over.
fn walked(call: &CallExpr) -> Option<&IdedExpr> {
    let is_walk = matches!(&*call.func_name, "all" | "exists" | "exists_one" | "map" | "filter");
    call.target.as_deref().filter(|_| is_walk)
}

/// What a part takes at most.
fn steps(node: &IdedExpr) -> u64 {
    let Expr::Call(call) = &node.expr else {
        let own = if let Expr::List(list) = &node.expr { list.elements.len() as u64 } else { 0 };
        return children(node).map(steps).fold(own, u64::saturating_add);
    };
    if let Some(list) = walked(call) {
        let body = call.args.iter().map(steps).fold(STEPS_OF_OPERATION, u64::saturating_add);
        return steps(list).saturating_add(length(list).saturating_mul(body));
    }
    let own = match call.func_name.as_str() {
        operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT | operators::CONDITIONAL => 0,
        operators::IN => STEPS_OF_OPERATION + call.args.last().map_or(0, length),
        name if name.starts_with(['_', '-', '@']) => STEPS_OF_OPERATION,
        // What is written out is read when the rule is.
        "has" | "duration" | "timestamp" => STEPS_OF_OPERATION,
        _ => STEPS_OF_FUNCTION,
    };
    children(node).map(steps).fold(own, u64::saturating_add)
}

/// How long a list may be.
fn length(list: &IdedExpr) -> u64 {
    match &list.expr {
        Expr::List(list) => list.elements.len() as u64,
        Expr::Call(call) => {
            let of = walked(call).map(length);
            of.unwrap_or_else(|| call.args.iter().map(length).max().unwrap_or_default())
        }
        Expr::Select(select) if select.field == "privileges" => PRIVILEGES,
        Expr::Select(_) => GRANTS,
        _ => 0,
    }
}

/// The bracket that is one too many, as an offset in characters. Brackets in texts and comments do not count.
fn too_deep(text: &str) -> Option<usize> {
    let chars: Vec<char> = text.chars().collect();
    let (mut depth, mut at) = (0_usize, 0);
    while at < chars.len() {
        match chars[at] {
            '(' | '[' | '{' => {
                depth += 1;
                if depth > MAX_BRACKETS {
                    return Some(at);
                }
            }
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '/' if chars.get(at + 1) == Some(&'/') => {
                at += chars[at..].iter().take_while(|&&c| c != '\n').count();
            }
            '"' | '\'' => at = end_of_text(&chars, at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Where the text literal ends whose first quote is at `at`; it may be tripled, or raw.
fn end_of_text(chars: &[char], at: usize) -> usize {
    let quote = chars[at];
    let raw = chars[at.saturating_sub(2)..at].iter().rev().take_while(|c| c.is_ascii_alphabetic());
    let raw = raw.into_iter().any(|c| c.eq_ignore_ascii_case(&'r'));
    let width = if chars[at..].starts_with(&[quote; 3]) { 3 } else { 1 };
    let mut end = at + width;
    while end < chars.len() && !chars[end..].starts_with(&[quote; 3][..width]) {
        end += if chars[end] == '\\' && !raw { 2 } else { 1 };
    }
    end + width - 1
}
