//! Points at which a test makes the process die, as if the power went: what comes after must mend what came before.
//!
//! `RECERT_CRASH_AT=NAME` dies when the point is reached, `RECERT_CRASH_AT=NAME:3` at the third time.
//! `RECERT_PANIC_AT` panics there instead, once. Only programs that are built for tests have them; in a release each
//! point is nothing.

/// The points of a scheduled run, from the slot to the last recipient, in the order in which they are reached.
pub const POINTS: &[&str] = &[
    "slot-due",
    "slot-claimed",
    "attempt-counted",
    "collected",
    "snapshots-kept",
    "judged",
    "file-written",
    "file-named",
    "files-written",
    "evidence-written",
    "manifest-named",
    "published",
    "letters-written",
    "finishing",
    "finished",
    "pruned",
    "files-pruned",
    "parcel-due",
    "copy-begun",
    "copy-file",
    "copy-done",
    "copy-recorded",
    "mail-connecting",
    "mail-envelope",
    "mail-data",
    "mail-dot-recorded",
    "mail-answered",
    "mail-recorded",
];

/// Dies or panics here if a test asked for it.
#[cfg(debug_assertions)]
pub fn point(name: &str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// A point that was asked for, and how often it is still passed.
    type Asked = LazyLock<Option<(String, AtomicU64)>>;
    static DIE: Asked = LazyLock::new(|| asked("RECERT_CRASH_AT"));
    static PANIC: Asked = LazyLock::new(|| asked("RECERT_PANIC_AT"));

    fn asked(variable: &str) -> Option<(String, AtomicU64)> {
        let text = std::env::var(variable).ok()?;
        let (name, times) = text.split_once(':').unwrap_or((&text, "1"));
        Some((name.to_owned(), AtomicU64::new(times.parse().unwrap_or(1))))
    }

    debug_assert!(POINTS.contains(&name), "{name} is not in the list of points");
    let is_now = |asked: &Asked| {
        let here = asked.as_ref().filter(|(asked, _)| asked == name);
        here.is_some_and(|(_, left)| left.fetch_sub(1, Ordering::SeqCst) == 1)
    };
    if is_now(&DIE) {
        // The one signal that nothing can be done about; the error of a kill that failed has nobody to hear it.
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
    if is_now(&PANIC) {
        std::panic::panic_any(format!("a test asked for a panic at {name}"));
    }
}

/// Nothing, outside of tests.
#[cfg(not(debug_assertions))]
pub fn point(_: &str) {}
