//! Points at which a test makes the process die, as if the power went: what comes after must mend what came before.
//!
//! `RECERT_CRASH_AT=NAME` dies when the point is reached, `RECERT_CRASH_AT=NAME:3` at the third time. Only programs
//! that are built for tests have them; in a release each point is nothing.

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

/// Dies here if a test asked for it.
#[cfg(debug_assertions)]
pub fn point(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// The point that was asked for, and how often it is still passed.
    static ASKED: OnceLock<Option<(String, AtomicU64)>> = OnceLock::new();
    debug_assert!(POINTS.contains(&name), "{name} is not in the list of points");
    let asked = ASKED.get_or_init(|| {
        let text = std::env::var("RECERT_CRASH_AT").ok()?;
        let (name, times) = text.split_once(':').unwrap_or((&text, "1"));
        Some((name.to_owned(), AtomicU64::new(times.parse().unwrap_or(1))))
    });
    if let Some((asked, left)) = asked
        && asked == name
        && left.fetch_sub(1, Ordering::SeqCst) == 1
    {
        // The one signal that nothing can be done about; the error of a kill that failed has nobody to hear it.
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

/// Nothing, outside of tests.
#[cfg(not(debug_assertions))]
pub fn point(_: &str) {}
