//! `/policy_overrides`: policy results that are replaced, and who agreed to it.

use super::{Call, Console, Error, Page, PageRequest, PolicyOverride};

impl Console {
    /// `GET /policy_overrides`. An edition without the policy manager may refuse it.
    pub async fn get_policy_overrides(&self, page: PageRequest) -> Result<Page<PolicyOverride>, Error> {
        self.read(Call::get("/api/3/policy_overrides", &[]).page(page)).await
    }
}
