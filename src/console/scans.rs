//! `/scans`: what was scanned, and who started it.

use super::{Call, Console, Error, Page, PageRequest, Scan};

impl Console {
    /// `GET /scans`, asked for with the newest first. A console may ignore the order (`console-api.md` §2).
    pub async fn get_scans(&self, page: PageRequest) -> Result<Page<Scan>, Error> {
        self.read(Call::get("/api/3/scans", &[]).page(page).sort("startTime,DESC")).await
    }
}
