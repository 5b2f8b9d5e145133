//! The walk over the scans: evidence of who works here. A console may hold 100,000 of them, so they are counted by name
//! while they are read, and the walk ends where they are too old to count.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Answer, Asker, Gap, GapReason, Ledger, PAGE_SIZE, Part, gap, instant, is_refusal};
use crate::console::{Error, ErrorKind, Page, PageRequest, Scan};
use crate::model::ScanActivity;

/// How far back a scan counts, from the start of the collection.
const HORIZON: TimeDelta = TimeDelta::days(400);
/// Pages of a console that does not give the newest first, after which the walk ends without having seen all.
const MOST_PAGES: u64 = 400;

/// The recent scans.
#[derive(Debug, Default)]
pub(super) struct Scans {
    /// By name. `None` until the first page came.
    by_name: Option<BTreeMap<String, ScanActivity>>,
    rows: u64,
    gaps: Vec<Gap>,
    refused: bool,
}

/// Reads pages of scans until their end, or until they are older than the horizon. New scans move rows to later pages
/// meanwhile; a scan that is counted twice says nothing else of its starter.
pub(super) async fn read_scans<F>(
    asker: &Asker<'_>,
    started: DateTime<Utc>,
    read: impl Fn(PageRequest) -> F,
) -> Scans
where
    F: Future<Output = Result<Page<Scan>, Error>>,
{
    let endpoint = Part::Scans.endpoint();
    let horizon = started - HORIZON;
    let mut scans = Scans::default();
    let mut order = Order::default();
    let (mut number, mut pages, mut size, mut total) = (0, 1, PAGE_SIZE, 0);
    while number < pages {
        if number == MOST_PAGES {
            scans.miss(number, GapReason::Stopped, 0, None);
            return scans;
        }
        let page = match asker.one(endpoint, read(PageRequest { number, size })).await {
            Ok(page) => page,
            // Scans were deleted meanwhile: nothing may be left of the last page, after pages that were full.
            Err(Error { kind: ErrorKind::NotFound, .. }) if number > 0 => {
                if number + 1 < pages || scans.rows < number * size {
                    scans.miss(number, GapReason::Drifting, 1, Some(404));
                }
                return scans;
            }
            Err(error) => {
                scans.refused = number == 0 && is_refusal(&error);
                scans.gaps.push(gap(&error, Some(format!("page {number}"))));
                return scans;
            }
        };
        if number == 0 {
            // The console may apply a smaller size than was asked for; page numbers count in the size that it applied.
            size = page.page.size.clamp(1, PAGE_SIZE);
        }
        total = page.page.total_resources;
        pages = total.div_ceil(size);
        let is_empty = page.resources.is_empty();
        let times: Vec<_> =
            page.resources.iter().map(|scan| scan.start_time.as_deref().and_then(instant)).collect();
        order.follow(times.iter().flatten());
        let is_old = !is_empty && times.iter().all(|time| time.is_some_and(|time| time < horizon));
        scans.add(page.resources.into_iter().zip(times), horizon);
        if is_old && order.falls() {
            return scans;
        }
        if is_empty {
            // No progress: without this, a console that claims 10¹² scans would be walked to the last page allowed.
            break;
        }
        number += 1;
    }
    if scans.rows < total {
        scans.miss(number, GapReason::Drifting, 1, Some(200));
    }
    scans
}

impl Scans {
    fn add(&mut self, scans: impl Iterator<Item = (Scan, Option<DateTime<Utc>>)>, horizon: DateTime<Utc>) {
        let by_name = self.by_name.get_or_insert_default();
        for (scan, time) in scans {
            self.rows += 1;
            let (Some(name), Some(time)) = (scan.started_by, time.filter(|time| *time >= horizon)) else {
                // Without a name or a time it is no evidence of anybody's work.
                continue;
            };
            let entry = by_name.entry(name).or_insert_with_key(|name| ScanActivity {
                started_by: name.clone(),
                scans: 0,
                last: time,
            });
            entry.scans += 1;
            entry.last = entry.last.max(time);
        }
    }

    fn miss(&mut self, page: u64, reason: GapReason, attempts: u32, last_status: Option<u16>) {
        let endpoint = Part::Scans.endpoint().to_owned();
        self.gaps.push(Gap { endpoint, id: Some(format!("page {page}")), reason, attempts, last_status });
    }

    /// Books what was seen. How many recent scans there should be, the console does not say: its total counts all.
    pub(super) fn record(&self, ledger: &mut Ledger) {
        if self.refused {
            ledger.undetermined(Part::Scans);
        } else {
            ledger.book(Part::Scans, None, self.rows, self.gaps.clone());
        }
    }

    /// The scans by who started them; what is missing, the coverage names.
    pub(super) fn answer(&self) -> Answer<Vec<ScanActivity>> {
        match &self.by_name {
            Some(by_name) => Answer::Known(by_name.values().cloned().collect()),
            None => Answer::Missing,
        }
    }
}

/// Whether the scans came newest first. A console may ignore the order that it is asked for (`console-api.md` §2).
#[derive(Debug, Default)]
struct Order {
    last: Option<DateTime<Utc>>,
    fell: bool,
    rose: bool,
}

impl Order {
    fn follow<'a>(&mut self, times: impl Iterator<Item = &'a DateTime<Utc>>) {
        for time in times {
            let last = self.last.replace(*time);
            self.fell |= last.is_some_and(|last| *time < last);
            self.rose |= last.is_some_and(|last| *time > last);
        }
    }

    /// Never up, and down at least once: equal times prove no order.
    fn falls(&self) -> bool {
        self.fell && !self.rose
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::collect::Progress;
    use crate::console::PageInfo;

    fn started() -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).unwrap()
    }

    fn scan(name: &str, days_ago: i64) -> Scan {
        let time = started() - TimeDelta::days(days_ago);
        Scan { started_by: Some(name.to_owned()), start_time: Some(time.to_rfc3339()) }
    }

    fn failure(kind: ErrorKind) -> Error {
        Error { endpoint: "/api/3/scans", kind, attempts: 1 }
    }

    /// Walks over what `pages` answers, and counts the pages that were asked for.
    async fn walk(pages: impl Fn(PageRequest) -> Result<Page<Scan>, Error>) -> (Scans, u64) {
        let asked = Cell::new(0);
        let progress = Progress::default();
        let scans = read_scans(&Asker::new(1, &progress), started(), |request| {
            asked.set(asked.get() + 1);
            std::future::ready(pages(request))
        })
        .await;
        (scans, asked.get())
    }

    /// A console that shows two scans on a page, whatever it is asked for.
    async fn walk_over(scans: &[Scan]) -> (Scans, u64) {
        let pages: Vec<Vec<Scan>> = scans.chunks(2).map(<[_]>::to_vec).collect();
        walk(|PageRequest { number, .. }| {
            let resources = usize::try_from(number).ok().and_then(|number| pages.get(number)).cloned();
            Ok(page(resources.unwrap_or_default(), number, scans.len() as u64))
        })
        .await
    }

    fn page(resources: Vec<Scan>, number: u64, total_resources: u64) -> Page<Scan> {
        let total_pages = total_resources.div_ceil(2);
        Page { resources, page: PageInfo { number, size: 2, total_resources, total_pages } }
    }

    fn told(scans: &Scans) -> Vec<(String, u64, i64)> {
        let rows = scans.answer().known().cloned().unwrap_or_default();
        rows.into_iter().map(|row| (row.started_by, row.scans, (started() - row.last).num_days())).collect()
    }

    fn days(days: &[i64]) -> Vec<Scan> {
        days.iter().map(|days| scan("mia", *days)).collect()
    }

    #[tokio::test]
    async fn scans_are_counted_by_name_with_the_last_of_each() {
        let (scans, asked) =
            walk_over(&[scan("zoe", 9), scan("mia", 3), scan("mia", 1), scan("mia", 2), scan("zoe", 30)])
                .await;
        assert_eq!(told(&scans), [("mia".to_owned(), 3, 1), ("zoe".to_owned(), 2, 9)]);
        assert_eq!((asked, scans.rows, scans.gaps.len()), (3, 5, 0));
    }

    #[tokio::test]
    async fn a_scan_without_name_or_time_is_nobodys_and_an_old_one_does_not_count() {
        let nobody = Scan { started_by: None, ..scan("", 1) };
        let timeless = Scan { start_time: None, ..scan("mia", 1) };
        let (scans, _) = walk_over(&[nobody, timeless, scan("old", 401), scan("edge", 400)]).await;
        assert_eq!(told(&scans), [("edge".to_owned(), 1, 400)]);
        assert_eq!((scans.rows, scans.gaps.len()), (4, 0));
    }

    #[tokio::test]
    async fn the_walk_ends_at_the_horizon_only_where_the_order_is_proved() {
        for (ages, pages) in [
            (vec![1, 2, 399, 401, 500, 501, 502, 503], 3),
            // Oldest first: the recent ones come last.
            (vec![503, 502, 501, 401, 399, 2, 1], 4),
            // Equal times prove no order.
            (vec![500, 500, 500, 500, 2, 1], 3),
            // One page half old.
            (vec![1, 500, 2, 3], 2),
            // Once risen is not in order.
            (vec![2, 1, 500, 501, 502, 503], 3),
        ] {
            let recent = ages.iter().filter(|days| **days <= 400).count() as u64;
            let (scans, asked) = walk_over(&days(&ages)).await;
            assert_eq!((asked, scans.gaps.len()), (pages, 0), "{ages:?}");
            assert_eq!(told(&scans)[0].1, recent, "{ages:?}");
        }
    }

    #[tokio::test]
    async fn no_console_is_walked_for_ever() {
        let (scans, asked) = walk(|request| Ok(page(days(&[1, 1]), request.number, 1_000_000))).await;
        assert_eq!((asked, scans.rows), (MOST_PAGES, 2 * MOST_PAGES));
        let gap = &scans.gaps[0];
        assert_eq!((gap.id.as_deref(), gap.reason, gap.attempts), (Some("page 400"), GapReason::Stopped, 0));
        let (scans, asked) = walk(|request| {
            Ok(page(if request.number == 0 { days(&[1, 2]) } else { Vec::new() }, request.number, 1_000_000))
        })
        .await;
        assert_eq!((asked, scans.gaps[0].reason), (2, GapReason::Drifting));
    }

    #[tokio::test]
    async fn an_end_that_comes_early_is_a_gap_unless_the_last_page_is_gone() {
        for (total, gaps) in [(3, 0), (5, 1)] {
            let (scans, asked) = walk(|request| match request.number {
                0 => Ok(page(days(&[1, 2]), 0, total)),
                _ => Err(failure(ErrorKind::NotFound)),
            })
            .await;
            assert_eq!((asked, scans.gaps.len(), scans.refused), (2, gaps, false), "{total}");
        }
        let (scans, _) = walk(|_| Ok(page(days(&[1]), 0, 2))).await;
        assert_eq!(scans.gaps[0].reason, GapReason::Drifting, "a page that is not full");
        let (scans, asked) = walk(|_| Ok(page(Vec::new(), 0, 0))).await;
        assert_eq!((asked, scans.answer(), scans.gaps.len()), (1, Answer::Known(Vec::new()), 0));
    }

    #[tokio::test]
    async fn a_refusal_is_told_from_a_failure() {
        for (kind, refused) in [
            (ErrorKind::NotFound, true),
            (ErrorKind::Forbidden { status: 401 }, true),
            (ErrorKind::Forbidden { status: 403 }, true),
            (ErrorKind::Unauthorized, false),
            (ErrorKind::Unavailable { status: Some(500), reason: String::new() }, false),
            (ErrorKind::Malformed { reason: String::new() }, false),
        ] {
            let (scans, asked) = walk(|_| Err(failure(kind.clone()))).await;
            assert_eq!((asked, scans.refused, scans.answer()), (1, refused, Answer::Missing), "{kind}");
            let mut ledger = Ledger::default();
            scans.record(&mut ledger);
            let coverage = ledger.close();
            let part = coverage.part(Part::Scans).unwrap();
            assert_eq!(part.gaps.is_empty(), refused, "{kind}");
        }
    }
}
