//! What parsers say, in words of the configuration: nobody who writes one needs to know what a `usize` is.

/// A parser's message with the types that it wants in words.
pub(super) fn plain(message: &str) -> String {
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
}
