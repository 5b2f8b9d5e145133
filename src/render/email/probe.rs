//! Made-up mails with something in every place, to try a template with before it is used.

use super::{AlarmView, Email, Evidence, ReviewView, Table, Text};

impl Email {
    /// One for each path through a template: nothing missing, and nothing there.
    pub(super) fn probes() -> Vec<Self> {
        let text = || Text::name("probe");
        let mail = |kind| Self {
            kind,
            names: text(),
            job: Some(text()),
            run: text(),
            host: text(),
            version: "0",
            evidence: Some(Evidence { index: 1, ..Evidence::default() }),
            ..Self::default()
        };
        let full = |attached| Some(ReviewView::probe(attached));
        let empty = || ReviewView { complete: true, ..ReviewView::default() };
        let alarm = AlarmView {
            error: Table { rows: vec![text()], total: 2, more: 1, files: "probe" },
            consoles: Table { rows: vec![text()], total: 2, more: 1, files: "" },
            last_success: Some(String::new()),
            next_slot: Some(String::new()),
            ..AlarmView::default()
        };
        vec![
            Self { review: full("files"), ..mail("report") },
            Self { review: full("left"), ..mail("report") },
            Self { review: full("zip"), ..mail("heartbeat") },
            Self { kind: "report", review: Some(empty()), ..Self::default() },
            Self {
                kind: "heartbeat",
                review: Some(ReviewView { nothing_new: true, ..ReviewView::probe("nothing") }),
                ..Self::default()
            },
            Self { kind: "heartbeat", review: Some(empty()), ..Self::default() },
            Self { alarm: Some(alarm), ..mail("alarm") },
            Self { kind: "alarm", alarm: Some(AlarmView::default()), ..Self::default() },
        ]
    }
}
