//! Lengths of time as the console writes them: ISO 8601, such as `PT10M`.

/// The seconds of a duration of days, hours, minutes and whole seconds, or of a plain number of seconds. Months and years
/// have no fixed length: they are `None`, like every text that is no duration.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(seconds.into());
    }
    let parts = text.strip_prefix('P')?;
    let (days, time) = parts.split_once('T').map_or((parts, None), |(days, time)| (days, Some(time)));
    // `P` and `PT10` promise a part that does not come.
    if (days.is_empty() && time.is_none()) || time.is_some_and(str::is_empty) {
        return None;
    }
    let days = sum(days, &[('W', 604_800), ('D', 86_400)])?;
    let time = sum(time.unwrap_or_default(), &[('H', 3_600), ('M', 60), ('S', 1)])?;
    days.checked_add(time)
}

/// The sum of parts such as `10M`, each unit once at most and in this order.
fn sum(mut text: &str, units: &[(char, i64)]) -> Option<i64> {
    let mut sum = 0_i64;
    for (unit, seconds) in units {
        if let Some((count, rest)) = text.split_once(*unit) {
            let count = i64::from(count.parse::<u32>().ok()?);
            sum = sum.checked_add(count.checked_mul(*seconds)?)?;
            text = rest;
        }
    }
    text.is_empty().then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_nothing_else_is() {
        for (text, expected) in [
            ("PT10M", Some(600)),
            ("PT1H30M5S", Some(5_405)),
            ("P1DT12H", Some(129_600)),
            ("P1W", Some(604_800)),
            ("P2D", Some(172_800)),
            ("PT0S", Some(0)),
            (" PT8H ", Some(28_800)),
            ("600", Some(600)),
            ("P4294967295W", Some(4_294_967_295 * 604_800)),
            ("P", None),
            ("PT", None),
            ("P1DT", None),
            ("PT10", None),
            ("PT10M5", None),
            ("PT5S10M", None),
            ("P1M", None),
            ("P1Y", None),
            ("PT1.5H", None),
            ("-600", None),
            ("-PT10M", None),
            ("10 minutes", None),
            ("", None),
        ] {
            assert_eq!(seconds(text), expected, "{text:?}");
        }
    }
}
