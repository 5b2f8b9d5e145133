//! How large an expression may be: what keeps parsing, checking and evaluating it short, whoever wrote it.

use cel::common::ast::{IdedExpr, SourceInfo};

use super::{ExpressionError, children, start};

/// Bytes of an expression.
const MAX_BYTES: usize = 2_000;
/// Brackets inside brackets.
const MAX_BRACKETS: usize = 24;
/// Operations inside operations, brackets or not. Evaluating recurses as deep, on whatever stack the caller has.
const MAX_DEPTH: usize = 20;

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
