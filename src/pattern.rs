//! Patterns as people write them into a configuration: `*` stands for any text, everything else for itself.

/// Whether a text matches a pattern in which `*` stands for any text.
pub fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// What is wrong with a name or pattern that has spaces at its ends: it fits nothing, and nobody sees why.
pub fn spaces(text: &str) -> Option<String> {
    let trimmed = text.trim();
    (trimmed != text)
        .then(|| format!("{text:?} has spaces at its ends, so that it fits nothing; write {trimmed:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text() {
        for (pattern, text) in [("a*", "a"), ("*a", "ba"), ("a*b*c", "axbyc"), ("a*a", "aa"), ("ab", "ab")] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a*", "ba"), ("a*a", "a"), ("ab", "abc"), ("a*b*c", "acb")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
