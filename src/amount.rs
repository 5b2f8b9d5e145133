//! Counts in words.

use std::fmt::Display;

/// A count with its noun, in the plural where it should be: `1 day`, `2 days`.
pub fn amount<N: Copy + Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    if count == N::from(1) { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// A count of people.
pub fn amount_of_people(count: u64) -> String {
    if count == 1 { "1 person".to_owned() } else { format!("{count} people") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_a_thing_is_not_several() {
        assert_eq!((amount(1_usize, "day"), amount(1_i64, "day")), ("1 day".to_owned(), "1 day".to_owned()));
        assert_eq!((amount(0_u32, "day"), amount(2_u64, "day")), ("0 days".to_owned(), "2 days".to_owned()));
    }

    #[test]
    fn one_of_the_people_is_a_person() {
        assert_eq!([0, 1, 2].map(amount_of_people), ["0 people", "1 person", "2 people"]);
    }
}
