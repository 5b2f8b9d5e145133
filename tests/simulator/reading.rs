//! Reads: pages, shapes, credentials, and who may see what.

use recert::simulator::{Options, Rights, Seed, UnsetTwoFactor};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, clean, start, start_with};

#[tokio::test]
async fn pages_are_cut_as_described() {
    let (simulator, client) = start(clean(22)).await;
    let all: Vec<i64> = simulator.estate().users.into_keys().collect();
    assert_eq!(all.len(), 23, "the service account is one of them");
    let first = client.get("/users").await;
    assert_eq!(first.ids(), all[..10]);
    assert_eq!(
        first.json()["page"],
        json!({ "number": 0, "size": 10, "totalPages": 3, "totalResources": 23 })
    );
    let last = client.get("/users?page=2&size=10").await;
    assert_eq!(last.ids(), all[20..]);
    assert_eq!(client.get("/users?page=3&size=10").await.status, 404);
    let exact = client.get("/users?page=0&size=23").await;
    assert_eq!((exact.ids().len(), exact.json()["page"]["totalPages"].as_i64()), (23, Some(1)));
    assert_eq!(client.get("/users?page=1&size=23").await.status, 404);
    assert_eq!(client.get("/users?size=5000").await.json()["page"]["size"], 500);
    assert_eq!(client.get("/users?page=minus").await.status, 400);
    let falling = client.get("/users?size=4&sort=id,DESC").await.ids();
    assert_eq!(falling, all.iter().rev().take(4).copied().collect::<Vec<_>>());
}

#[tokio::test]
async fn an_empty_collection_has_no_pages() {
    let (_simulator, client) = start(clean(1)).await;
    let reports = client.get("/reports").await;
    assert_eq!((reports.status, reports.ids().len()), (200, 0));
    assert_eq!(reports.json()["page"]["totalPages"], 0);
    assert_eq!(reports.json()["links"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn links_follow_the_host_but_the_next_one_leads_astray() {
    let (simulator, client) = start(clean(30)).await;
    let page = client.get("/users?page=1&size=10").await.json();
    let links: Vec<(&str, &str)> = page["links"]
        .as_array()
        .unwrap()
        .iter()
        .map(|link| (link["rel"].as_str().unwrap(), link["href"].as_str().unwrap()))
        .collect();
    assert_eq!(
        links.iter().map(|(rel, _)| *rel).collect::<Vec<_>>(),
        ["first", "prev", "self", "next", "last"]
    );
    let host = simulator.url().replace("http://", "https://");
    for (rel, href) in links {
        assert_eq!(href.starts_with(&host), rel != "next", "{rel} is {href}");
    }
}

#[tokio::test]
async fn unpaged_collections_ignore_the_page() {
    let (simulator, client) = start(clean(5)).await;
    let roles = client.get("/roles?page=9&size=1").await.json();
    assert_eq!(roles["resources"].as_array().unwrap().len(), simulator.estate().roles.len());
    assert!(roles.get("page").is_none());
    assert!(roles["links"][0]["href"].as_str().unwrap().ends_with("/roles"));
}

#[tokio::test]
async fn sites_come_by_name_under_a_link_that_says_id() {
    let (simulator, client) = start(clean(3)).await;
    let body = client.get("/sites?size=100").await.json();
    let names: Vec<_> = body["resources"].as_array().unwrap().iter().map(|site| &site["name"]).collect();
    assert!(names.is_sorted_by_key(|name| name.as_str().unwrap()));
    assert_eq!(names.len(), simulator.estate().sites.len());
    assert!(body["links"][0]["href"].as_str().unwrap().ends_with("sort=id,asc"));
}

#[tokio::test]
async fn headers_and_style_are_a_consoles() {
    let (_simulator, client) = start(clean(3)).await;
    let answer = client.get("/users/1").await;
    assert_eq!(answer.headers["server"], "Security Console");
    assert_eq!(answer.headers["content-type"], "application/json;charset=UTF-8");
    assert_eq!(answer.headers["cache-control"], "no-store, must-revalidate");
    assert!(answer.text.starts_with("{\n"));
    assert!(answer.json().get("email").is_none(), "the installer's account has no address");
}

#[tokio::test]
async fn wrong_credentials_are_counted_and_lock_the_account() {
    let mut estate = clean(3);
    estate.login_lock_threshold = 3;
    let (simulator, client) = start(estate).await;
    let bare = client.send(client.request(Method::GET, "/api/3/users")).await.unwrap();
    assert_eq!((bare.status, bare.json()["status"].clone()), (401, json!(401)));
    let stranger = Client::as_user(&simulator, "nobody", "x");
    assert_eq!(stranger.get("/users").await.status, 401);
    let clumsy = Client::as_user(&simulator, simulator.username(), "wrong");
    for _ in 0..2 {
        assert_eq!(clumsy.get("/users").await.status, 401);
    }
    assert_eq!(client.get("/users").await.status, 200, "a right password ends the row");
    for _ in 0..3 {
        assert_eq!(clumsy.get("/users").await.status, 401);
    }
    assert_eq!(client.get("/users").await.status, 401, "three in a row lock");
    assert_eq!(simulator.authentication_failures(), 8);
    assert_eq!(simulator.log().iter().filter(|request| request.authorised).count(), 1);
    let estate = simulator.estate();
    assert!(estate.users[&estate.user_by_login(simulator.username()).unwrap()].locked);
}

#[tokio::test]
async fn a_token_can_be_required() {
    let options = Options { token: Some("135790".to_owned()), ..Options::default() };
    let (simulator, client) = start_with(clean(3), options).await;
    assert_eq!(client.get("/users").await.status, 401);
    let with_token = client
        .request(Method::GET, "/api/3/users")
        .basic_auth(simulator.username(), Some(simulator.password()))
        .header("Token", "135790");
    assert_eq!(client.send(with_token).await.unwrap().status, 200);
}

#[tokio::test]
async fn the_login_page_needs_no_credential() {
    let (simulator, client) = start(clean(3)).await;
    let page = client.send(client.request(Method::GET, "/")).await.unwrap();
    assert_eq!((page.status, page.text.contains("maintenance")), (200, false));
    assert!(page.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    assert_eq!(simulator.authentication_failures(), 0);
}

#[tokio::test]
async fn two_factor_answers_have_three_shapes() {
    let (withheld, unset) = (3, 4);
    let mut estate = clean(8);
    estate.users.get_mut(&withheld).unwrap().two_factor = Seed::Present;
    estate.users.get_mut(&unset).unwrap().two_factor = Seed::Absent;
    estate.quirks.two_factor_unauthorized.insert(withheld);
    for (quirk, status) in
        [(UnsetTwoFactor::NoKey, 200), (UnsetTwoFactor::NotFound, 404), (UnsetTwoFactor::Unauthorized, 401)]
    {
        estate.quirks.two_factor_unset = quirk;
        let (_simulator, client) = start(estate.clone()).await;
        let answer = client.get(&format!("/users/{unset}/2FA")).await;
        assert_eq!((answer.status, answer.json().get("key").is_none()), (status, true));
        let set = client.get("/users/1/2FA").await.json();
        assert_eq!(set["key"].as_str().unwrap().len(), 32);
        assert_eq!(set, client.get("/users/1/2FA").await.json(), "the same until it is regenerated");
        assert_eq!(client.get(&format!("/users/{withheld}/2FA")).await.status, 401);
    }
}

#[tokio::test]
async fn lists_of_users_at_places_are_asymmetric() {
    let (simulator, client) = start(clean(60)).await;
    let estate = simulator.estate();
    let at_site = client.get("/sites/1/users").await;
    let users: Vec<i64> = estate
        .users
        .iter()
        .filter(|(_, account)| account.all_sites || account.sites.contains(&1))
        .map(|(id, _)| *id)
        .collect();
    assert_eq!(at_site.ids(), users);
    let row = &at_site.json()["resources"][0];
    assert!(row["role"].get("id").is_none() && row["role"].get("name").is_none());
    assert_eq!(row["role"]["superuser"], true);
    let last = row["links"].as_array().unwrap().last().unwrap();
    assert!(last["href"].as_str().unwrap().ends_with("/roles/{id}"));
    let at_group = client.get("/asset_groups/1/users").await.json();
    assert!(at_group["resources"].as_array().unwrap().iter().all(Value::is_i64));
}

#[tokio::test]
async fn inverse_lists_can_forget_people_and_administrators() {
    let mut estate = clean(60);
    let forgotten = *estate.users.iter().find(|(_, account)| account.asset_groups.contains(&1)).unwrap().0;
    estate.quirks.asset_group_users_omitted.entry(1).or_default().insert(forgotten);
    estate.quirks.inverse_lists_name_admins = false;
    let (_simulator, client) = start(estate).await;
    let users = client.get("/asset_groups/1/users").await.ids();
    assert!(!users.contains(&1) && !users.contains(&forgotten));
    assert!(client.get(&format!("/users/{forgotten}/asset_groups")).await.ids().contains(&1));
}

#[tokio::test]
async fn users_are_found_by_role_privilege_and_source() {
    let (simulator, client) = start(clean(80)).await;
    let estate = simulator.estate();
    let expect = |wanted: &dyn Fn(&recert::simulator::Account) -> bool| -> Vec<i64> {
        estate.users.iter().filter(|(_, account)| wanted(account)).map(|(id, _)| *id).collect()
    };
    let custom = "Site Admin Custom";
    let by_role = client.get("/roles/Site%20Admin%20Custom/users").await.ids();
    assert_eq!(by_role, expect(&|account| account.role == custom));
    assert!(!by_role.is_empty());
    assert_eq!(client.get("/roles/site%20admin%20custom").await.status, 404, "ids are case-sensitive");
    let by_privilege = client.get("/privileges/manage-tags/users").await.ids();
    assert_eq!(
        by_privilege,
        expect(&|account| estate.privileges_of(account).unwrap().contains("manage-tags"))
    );
    let by_source = client.get("/authentication_sources/1/users").await.ids();
    assert_eq!(by_source, expect(&|account| account.source == 1));
    let privilege = client.get("/privileges/manage-tags").await.json();
    assert_eq!(privilege.as_object().unwrap().keys().collect::<Vec<_>>(), ["links"]);
}

#[tokio::test]
async fn a_role_without_privileges_lacks_the_key_and_an_override_shows() {
    let mut estate = clean(30);
    estate.roles.get_mut("ReportAuthor").unwrap().privileges.clear();
    estate.users.get_mut(&5).unwrap().privileges = Some(["manage-tags".to_owned()].into());
    let (_simulator, client) = start(estate).await;
    assert!(client.get("/roles/ReportAuthor").await.json().get("privileges").is_none());
    assert_eq!(client.get("/users/5/privileges").await.json()["resources"], json!(["manage-tags"]));
    assert_eq!(client.get("/users/5").await.json()["role"]["privileges"], json!(["manage-tags"]));
}

#[tokio::test]
async fn leftover_grants_show_under_the_flag() {
    let mut estate = clean(30);
    let account = estate.users.get_mut(&9).unwrap();
    account.all_sites = true;
    account.sites = [2, 3].into();
    let (_simulator, client) = start(estate).await;
    assert_eq!(client.get("/users/9/sites").await.ids(), [2, 3]);
    assert!(client.get("/sites/8/users").await.ids().contains(&9));
}

#[tokio::test]
async fn asset_groups_filter() {
    let (simulator, client) = start(clean(3)).await;
    let dynamic = client.get("/asset_groups?type=dynamic&size=500").await.ids();
    let truth = simulator.estate().asset_groups;
    assert_eq!(dynamic.len(), truth.values().filter(|group| group.kind == "dynamic").count());
    assert_eq!(client.get("/asset_groups?name=PCI%20cardholder%20systems").await.ids(), [1]);
    assert!(client.get(&format!("/asset_groups/{}", dynamic[0])).await.json()["searchCriteria"].is_object());
}

#[tokio::test]
async fn the_console_names_itself() {
    let (simulator, client) = start(clean(3)).await;
    let estate = simulator.estate();
    let info = client.get("/administration/info").await.json();
    assert_eq!((&info["serial"], &info["version"]["semantic"]), (&json!(estate.serial), &json!("6.6.210")));
    let settings = client.get("/administration/settings").await.json();
    assert_eq!(settings["uuid"], estate.uuid);
    assert_eq!(settings["authentication"], json!({ "2fa": true, "loginLockThreshold": 5 }));
    assert_eq!(client.get("/administration/license").await.json()["edition"], "InsightVM");
    for path in ["", "/", "/privileges", "/authentication_sources", "/authentication_sources/3", "/sites/1"] {
        assert_eq!(client.get(path).await.status, 200, "{path}");
    }
    for path in ["/users/999", "/users/one", "/sites/999/users", "/nothing", "/privileges/none/users"] {
        assert_eq!(client.get(path).await.status, 404, "{path}");
    }
    assert_eq!(client.post("/roles", json!({})).await.status, 405);
}

#[tokio::test]
async fn a_limited_collector_sees_a_smaller_world() {
    let options = Options { collector: Rights::Limited, ..Options::default() };
    let (simulator, client) = start_with(clean(30), options).await;
    let estate = simulator.estate();
    let own = estate.user_by_login(simulator.username()).unwrap();
    let sites = client.get("/sites?size=500").await;
    assert_eq!(sites.ids().len(), estate.users[&own].sites.len());
    assert!(sites.ids().len() < estate.sites.len());
    assert_eq!(client.get("/users").await.status, 200);
    assert_eq!(client.get(&format!("/users/{own}/privileges")).await.status, 200);
    for path in [
        "/users/4/privileges",
        "/users/4/sites",
        "/roles/user/users",
        "/administration/settings",
        "/sites/2",
        "/vulnerability_exceptions",
        "/policy_overrides",
        "/scans",
        "/reports",
    ] {
        assert_eq!(client.get(path).await.status, 404, "{path}");
    }
    assert_eq!(client.get("/users/1/2FA").await.status, 401);
    assert_eq!(client.delete("/users/4").await.status, 404);
    assert_eq!(simulator.authentication_failures(), 0, "a missing right is no failed login");
}

#[tokio::test]
async fn the_service_account_is_an_ordinary_administrator() {
    let (simulator, client) = start(clean(30)).await;
    let estate = simulator.estate();
    let id = estate.user_by_login(simulator.username()).unwrap();
    let account = &estate.users[&id];
    assert!(account.enabled && account.superuser && estate.is_external(account));
    assert_eq!(client.get(&format!("/users/{id}")).await.json()["role"]["id"], "global-admin");
}
