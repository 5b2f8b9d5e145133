//! `/authentication_sources`: where users prove who they are.

use super::{AuthenticationSource, Call, Console, Error};
use crate::model::{AuthenticationSourceId, UserId};

impl Console {
    /// `GET /authentication_sources`. Unpaged. Types `admin` and `normal` are both local.
    pub async fn get_authentication_sources(&self) -> Result<Vec<AuthenticationSource>, Error> {
        self.list(Call::get("/api/3/authentication_sources", &[])).await
    }

    /// `GET /authentication_sources/{id}`.
    pub async fn get_authentication_source(
        &self,
        id: AuthenticationSourceId,
    ) -> Result<AuthenticationSource, Error> {
        self.read(Call::get("/api/3/authentication_sources/{id}", &[&id])).await
    }

    /// `GET /authentication_sources/{id}/users`. Unpaged ids.
    pub async fn get_authentication_source_users(
        &self,
        id: AuthenticationSourceId,
    ) -> Result<Vec<UserId>, Error> {
        self.list(Call::get("/api/3/authentication_sources/{id}/users", &[&id])).await
    }
}
