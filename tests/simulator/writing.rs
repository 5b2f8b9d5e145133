//! Writes: each one's effect on the state, and what is refused.

use recert::simulator::Seed;
use serde_json::json;

use crate::client::{Client, clean, edit, start};

#[tokio::test]
async fn a_user_is_created_logs_in_and_is_deleted() {
    let (simulator, client) = start(clean(5)).await;
    let created = client.post("/users", edit("nadia")).await;
    assert_eq!(created.status, 201);
    let id = created.json()["id"].as_i64().unwrap();
    let account = simulator.estate().users[&id].clone();
    assert_eq!((account.login.as_str(), account.source, account.role.as_str()), ("nadia", 2, "user"));
    assert!(client.get("/roles/user/users").await.ids().contains(&id), "the index is built anew");
    let nadia = Client::as_user(&simulator, "nadia", "correct horse battery");
    assert_eq!(nadia.get(&format!("/users/{id}")).await.status, 200);
    assert_eq!(client.delete(&format!("/users/{id}")).await.status, 200);
    assert_eq!(client.get(&format!("/users/{id}")).await.status, 404);
    assert_eq!(nadia.get("/users").await.status, 401);
    assert_eq!(client.delete(&format!("/users/{id}")).await.status, 404);
}

#[tokio::test]
async fn creation_is_refused_with_reason() {
    let (simulator, client) = start(clean(5)).await;
    let before = simulator.estate();
    let with = |key: &str, value: serde_json::Value| {
        let mut body = edit("nadia");
        body[key] = value;
        body
    };
    for body in [
        json!({ "login": "nadia" }),
        with("password", json!(null)),
        with("login", json!("nxadmin")),
        with("role", json!({ "id": "nothing" })),
        with("role", json!({ "id": "user", "superuser": true })),
        with("role", json!({ "id": "global-admin", "superuser": true })),
        with("authentication", json!({ "type": "admin" })),
        with("authentication", json!({ "type": "kerberos" })),
    ] {
        let refused = client.post("/users", body.clone()).await;
        assert_eq!((refused.status, refused.json()["status"].clone()), (400, json!(400)), "{body}");
    }
    assert_eq!(simulator.estate(), before);
    let mut administrator = with("role", json!({ "id": "global-admin", "superuser": true }));
    administrator["authentication"] = json!({ "type": "admin" });
    assert_eq!(client.post("/users", administrator).await.status, 201);
}

#[tokio::test]
async fn replacing_a_user_drops_the_grants() {
    let mut estate = clean(8);
    let former = estate.users.get_mut(&6).unwrap();
    (former.sites, former.asset_groups) = ([1, 2].into(), [3].into());
    (former.locked, former.two_factor) = (true, Seed::Present);
    let login = former.login.clone();
    let (simulator, client) = start(estate).await;
    let mut body = edit(&login);
    body["enabled"] = json!(false);
    body.as_object_mut().unwrap().remove("password");
    assert_eq!(client.put("/users/6", body).await.status, 200);
    let account = simulator.estate().users[&6].clone();
    assert!(!account.enabled && account.sites.is_empty() && account.asset_groups.is_empty());
    assert!(account.locked && account.two_factor == Seed::Present, "an edit cannot say these");
    assert_eq!(client.get("/users/6/sites").await.ids(), [0; 0]);
    assert_eq!(client.put("/users/6", edit("nxadmin")).await.status, 400, "the login is taken");
    assert_eq!(client.put("/users/77", edit("nobody")).await.status, 404);
}

#[tokio::test]
async fn grants_are_set_added_and_removed() {
    for (kind, place) in [("sites", "site"), ("asset_groups", "group")] {
        let mut estate = clean(8);
        let account = estate.users.get_mut(&6).unwrap();
        (account.sites, account.asset_groups) = ([9].into(), [9].into());
        let (simulator, client) = start(estate).await;
        let path = format!("/users/6/{kind}");
        assert_eq!(client.put(&path, json!([1, 4])).await.status, 200, "{place}");
        assert_eq!(client.get(&path).await.ids(), [1, 4]);
        assert_eq!(client.put(&format!("{path}/2"), json!(null)).await.status, 200);
        assert_eq!(client.delete(&format!("{path}/1")).await.status, 200);
        assert_eq!(client.get(&path).await.ids(), [2, 4]);
        assert!(client.get(&format!("/{kind}/4/users")).await.ids().contains(&6));
        assert_eq!(client.delete(&format!("{path}/1")).await.status, 404, "it is gone already");
        assert_eq!(client.put(&path, json!([1, 999])).await.status, 404);
        assert_eq!(client.put(&path, json!({ "ids": [1] })).await.status, 400);
        assert_eq!(client.get(&path).await.ids(), [2, 4], "a refused write changes nothing");
        assert_eq!(client.delete(&path).await.status, 200);
        assert_eq!(client.get(&path).await.ids(), [0; 0]);
        assert_eq!(client.put(&format!("/users/1/{kind}/2"), json!(null)).await.status, 400, "reaches all");
        let account = simulator.estate().users[&6].clone();
        assert_eq!(
            (account.sites.is_empty(), account.asset_groups.is_empty()),
            (place == "site", place == "group")
        );
    }
}

#[tokio::test]
async fn seeds_are_set_and_regenerated() {
    let mut estate = clean(8);
    let account = estate.users.get_mut(&6).unwrap();
    (account.source, account.two_factor) = (2, Seed::Absent);
    estate.users.get_mut(&7).unwrap().source = 3;
    let (simulator, client) = start(estate).await;
    let first = client.post("/users/6/2FA", json!(null)).await.json()["key"].clone();
    assert_eq!(simulator.estate().users[&6].two_factor, Seed::Present);
    assert_eq!(client.get("/users/6/2FA").await.json()["key"], first);
    assert_ne!(client.post("/users/6/2FA", json!(null)).await.json()["key"], first);
    let chosen = "A".repeat(32);
    assert_eq!(client.put("/users/6/2FA", json!(chosen)).await.status, 200);
    assert_eq!(client.get("/users/6/2FA").await.json()["key"], chosen);
    assert_eq!(client.post("/users/7/2FA", json!(null)).await.status, 400, "external");
    assert_eq!(client.put("/users/6/2FA", json!("")).await.status, 400);
}

#[tokio::test]
async fn locks_are_opened_unless_disabled() {
    let mut estate = clean(8);
    for (id, enabled) in [(6, true), (7, false)] {
        let account = estate.users.get_mut(&id).unwrap();
        (account.locked, account.enabled) = (true, enabled);
    }
    let (simulator, client) = start(estate).await;
    assert_eq!(client.delete("/users/6/lock").await.status, 200);
    assert_eq!(client.delete("/users/7/lock").await.status, 400);
    let users = simulator.estate().users;
    assert_eq!((users[&6].locked, users[&7].locked), (false, true));
}

#[tokio::test]
async fn everybody_changes_their_own_password_only() {
    let (simulator, client) = start(clean(8)).await;
    let own = simulator.estate().user_by_login(simulator.username()).unwrap();
    assert_eq!(client.put("/users/1/password", json!("new one")).await.status, 401);
    assert_eq!(client.put(&format!("/users/{own}/password"), json!("new one")).await.status, 200);
    assert_eq!(client.get("/users").await.status, 401);
    let renewed = Client::as_user(&simulator, simulator.username(), "new one");
    assert_eq!(renewed.get("/users").await.status, 200);
}

#[tokio::test]
async fn roles_are_written_within_the_rules() {
    let (simulator, client) = start(clean(40)).await;
    let role = |id: &str, privileges: &[&str]| json!({ "id": id, "name": "New", "description": "New.", "privileges": privileges });
    assert_eq!(client.put("/roles/New%20Role", role("New Role", &["manage-tags"])).await.status, 200);
    assert_eq!(client.get("/roles/New%20Role").await.json()["privileges"], json!(["manage-tags"]));
    assert_eq!(client.put("/roles/New%20Role", role("New Role", &["create-reports"])).await.status, 200);
    assert!(simulator.estate().roles["New Role"].privileges.contains("create-reports"));
    let unknown = client.put("/roles/New%20Role", role("New Role", &["fly"])).await;
    assert!(unknown.status == 400 && unknown.text.contains("create-reports"), "names the valid values");
    assert_eq!(client.put("/roles/Other", role("New Role", &[])).await.status, 400);
    assert_eq!(client.put("/roles/user", role("user", &["manage-tags"])).await.status, 400, "built in");
    assert_eq!(client.delete("/roles/New%20Role").await.status, 200);
    assert_eq!(client.delete("/roles/New%20Role").await.status, 404);
    assert_eq!(client.delete("/roles/site-admin").await.status, 400, "built in");
    assert_eq!(client.delete("/roles/ReportAuthor").await.status, 400, "in use");
    assert!(simulator.estate().roles.contains_key("ReportAuthor"));
}

#[tokio::test]
async fn nobody_deletes_themselves() {
    let (simulator, client) = start(clean(3)).await;
    let own = simulator.estate().user_by_login(simulator.username()).unwrap();
    assert_eq!(client.delete(&format!("/users/{own}")).await.status, 400);
}
