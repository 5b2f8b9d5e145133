//! `/administration`: which console this is, and how it is set up.

use super::{AdministrationSettings, Call, Console, Error, Info, License};

impl Console {
    /// `GET /administration/settings`. Needs a Global Administrator.
    pub async fn get_administration_settings(&self) -> Result<AdministrationSettings, Error> {
        self.read(Call::get("/api/3/administration/settings", &[])).await
    }

    /// `GET /administration/info`. Single values have been missing on real consoles.
    pub async fn get_administration_info(&self) -> Result<Info, Error> {
        self.read(Call::get("/api/3/administration/info", &[])).await
    }

    /// `GET /administration/license`. Needs a Global Administrator.
    pub async fn get_administration_license(&self) -> Result<License, Error> {
        self.read(Call::get("/api/3/administration/license", &[])).await
    }
}
