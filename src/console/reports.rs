//! `/reports`: configured reports, a second way to the console's data (`console-api.md` §9.6).

use super::{Call, Console, Error, Page, PageRequest, Report};

impl Console {
    /// `GET /reports`. The owner may be a user that is gone.
    pub async fn get_reports(&self, page: PageRequest) -> Result<Page<Report>, Error> {
        self.read(Call::get("/api/3/reports", &[]).page(page)).await
    }
}
