//! A plain client: one call, its status and its body.

use recert::simulator::{Estate, EstateOptions, Options, Simulator};
use reqwest::{Method, RequestBuilder, header::HeaderMap};
use serde_json::{Value, json};

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// The ids of the rows: of objects, or bare.
    pub(crate) fn ids(&self) -> Vec<i64> {
        let body = self.json();
        let rows = body["resources"].as_array().unwrap();
        rows.iter().map(|row| row["id"].as_i64().or(row.as_i64()).unwrap()).collect()
    }
}

/// A client that logs in, by default as the service account.
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
    login: String,
    password: String,
}

impl Client {
    pub(crate) fn of(simulator: &Simulator) -> Self {
        Self::as_user(simulator, simulator.username(), simulator.password())
    }

    pub(crate) fn as_user(simulator: &Simulator, login: &str, password: &str) -> Self {
        // The first test of the process installs it; the others find it there.
        let _installed_before = rustls::crypto::ring::default_provider().install_default();
        Self {
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            url: simulator.url(),
            login: login.to_owned(),
            password: password.to_owned(),
        }
    }

    /// A request without a credential, to a path from the root.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> reqwest::Result<Answer> {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Answer { status, headers, text: response.text().await? })
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = self
            .request(method, &format!("/api/3{path}"))
            .basic_auth(&self.login, Some(&self.password))
            .body(body.map(|body| body.to_string()).unwrap_or_default());
        self.send(request).await.unwrap()
    }

    /// A read that may fail to finish.
    pub(crate) async fn try_get(&self, path: &str) -> reqwest::Result<Answer> {
        let request = self.request(Method::GET, &format!("/api/3{path}"));
        self.send(request.basic_auth(&self.login, Some(&self.password))).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }
}

/// A clean estate with so many users; the service account comes on top.
pub(crate) fn clean(users: usize) -> Estate {
    Estate::generate(&EstateOptions { users, blemishes: false, ..EstateOptions::default() })
}

pub(crate) async fn start(estate: Estate) -> (Simulator, Client) {
    start_with(estate, Options::default()).await
}

pub(crate) async fn start_with(estate: Estate, options: Options) -> (Simulator, Client) {
    let simulator = Simulator::start(estate, options).await.unwrap();
    let client = Client::of(&simulator);
    (simulator, client)
}

/// The body of an edit for an ordinary local user.
pub(crate) fn edit(login: &str) -> Value {
    json!({
        "login": login,
        "name": "Nadia Example",
        "email": format!("{login}@corp.example"),
        "enabled": true,
        "password": "correct horse battery",
        "authentication": { "type": "normal" },
        "role": { "id": "user", "allSites": false, "allAssetGroups": false },
    })
}
