//! What parsers say, in words of the configuration: nobody who writes one needs to know what a `usize` is.

use super::nearest;
use crate::analyze::IDS;

/// A parser's message with the types that it wants in words.
pub(super) fn plain(message: &str) -> String {
    if let Some(told) = unknown(message) {
        return told;
    }
    let Some((said, rest)) = message.rsplit_once("expected ") else { return message.to_owned() };
    let word = |rest: &str| rest.find(|c: char| c.is_whitespace() || c == ',').unwrap_or(rest.len());
    let (wanted, after) = rest.split_at(word(rest));
    let (wanted, after) = match wanted {
        "u8" => ("a whole number from 0 to 255", after),
        "u16" => ("a whole number from 0 to 65535", after),
        "u32" => ("a whole number from 0 to 4294967295", after),
        "u64" | "usize" => ("a whole number from 0 on", after),
        "i8" | "i16" | "i32" | "i64" | "isize" => ("a whole number", after),
        "f32" | "f64" => ("a number", after),
        "char" => ("one character", after),
        "path" => ("a path", after.strip_prefix(" string").unwrap_or(after)),
        "struct" => ("a table", after.trim_start().split_at(word(after.trim_start())).1),
        _ => (wanted, after),
    };
    let said = said.replacen("unit value, ", "nothing, ", 1);
    format!("{said}expected {wanted}{after}")
}

/// What is said of a key or a word that there is not: with the nearest that there is. The rules are too many to list.
fn unknown(message: &str) -> Option<String> {
    let (said, rest) = message.rsplit_once("unknown ")?;
    let (kind, rest) = rest.split_once(" `")?;
    let what = match kind {
        "variant" => "word",
        "field" => kind,
        _ => return None,
    };
    let (wrong, rest) = rest.split_once('`')?;
    let list = rest.strip_prefix(", expected ")?;
    let end = list.find(" for key ").unwrap_or(list.len());
    let end = list[..end].rfind('`')? + 1;
    let known: Vec<&str> = list[..end].split('`').skip(1).step_by(2).collect();
    let nearest = nearest(wrong, &known);
    let or = |mark: &'static str| if nearest.is_empty() { mark } else { "" };
    Some(if known.iter().all(|name| IDS.contains(name)) {
        let (mark, rest) = (or(";"), &list[end..]);
        format!("{said}there is no rule `{wrong}`{nearest}{mark} `recert rules` lists them{rest}")
    } else {
        format!("{said}unknown {what} `{wrong}`{nearest}{} expected {list}", or(","))
    })
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn types_are_told_in_words() {
        for (message, told) in [
            (
                "invalid type: string \"x\", expected u32",
                "invalid type: string \"x\", expected a whole number from 0 to 4294967295",
            ),
            (
                "invalid value: integer `-1`, expected usize\n",
                "invalid value: integer `-1`, expected a whole number from 0 on\n",
            ),
            (
                "invalid type: unit value, expected struct ConsoleTable for key `console[2]`",
                "invalid type: nothing, expected a table for key `console[2]`",
            ),
            ("invalid type: integer `7`, expected path string", "invalid type: integer `7`, expected a path"),
            ("unknown field `a`, expected one of `b`, `c`", "unknown field `a`, expected one of `b`, `c`"),
            ("invalid type: integer `1`, expected a string", "invalid type: integer `1`, expected a string"),
            ("missing field `id`", "missing field `id`"),
        ] {
            assert_eq!(plain(message), told);
        }
    }

    #[test]
    fn an_unknown_word_is_told_with_the_nearest_that_is_known() {
        for (message, told) in [
            ("unknown field `x`, expected `login`", "unknown field `x`, expected `login`"),
            (
                "unknown field `idd`, expected `id` or `name`",
                "unknown field `idd`, did you mean \"id\"? expected `id` or `name`",
            ),
            (
                "TOML parse error\n  |\nunknown variant `High`, expected one of `critical`, `high`\n",
                "TOML parse error\n  |\nunknown word `High`, did you mean \"high\"? expected one of `critical`, `high`\n",
            ),
            (
                "unknown variant `High`, expected one of `critical`, `high` for key `a.b`",
                "unknown word `High`, did you mean \"high\"? expected one of `critical`, `high` for key `a.b`",
            ),
            ("unknown field `a`, there are no fields", "unknown field `a`, there are no fields"),
        ] {
            assert_eq!(plain(message), told);
        }
        let wrong = |name: &str| {
            let error =
                toml::from_str::<crate::config::Config>(&format!("[analyzers.{name}]\n")).unwrap_err();
            plain(error.message())
        };
        assert_eq!(
            wrong("loked_account"),
            "there is no rule `loked_account`, did you mean \"locked_account\"? `recert rules` lists them"
        );
        assert_eq!(wrong("x"), "there is no rule `x`; `recert rules` lists them");
    }
}
