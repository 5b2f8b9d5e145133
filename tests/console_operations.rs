//! Each operation of the client: its verb, its path, its body, its answer.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use recert::console::{
    AuthenticationEdit, CallError, Console, ConsoleAdmin, PageRequest, READ_OPERATIONS, Role, RoleEdit,
    Settings, TwoFactorKey, UserEdit,
};
use recert::model::{AssetGroupId, AuthenticationSourceId, PrivilegeId, RoleId, SiteId, UserId};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

const PAGE: PageRequest = PageRequest { number: 1, size: 500 };

/// Runs one operation against a console that answers `answer` to everything, and checks the one request that it sent.
async fn operation<T>(
    request: &str,
    body: Option<Value>,
    answer: Value,
    call: impl AsyncFnOnce(&ConsoleAdmin) -> T,
) -> T {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_json(answer)).mount(&server).await;
    let admin = ConsoleAdmin::connect(settings(&server)).unwrap();
    let outcome = call(&admin).await;

    let received = server.received_requests().await.unwrap();
    assert_eq!(received.len(), 1, "{request}");
    let received = &received[0];
    let query = received.url.query().map(|query| format!("?{query}")).unwrap_or_default();
    assert_eq!(format!("{} {}{query}", received.method, received.url.path()), request);
    let sent = (!received.body.is_empty()).then(|| serde_json::from_slice::<Value>(&received.body).unwrap());
    assert_eq!(sent, body, "{request}");
    assert_eq!(
        received.headers.get("content-type").map(|kind| kind.to_str().unwrap()),
        sent.map(|_| "application/json")
    );
    assert_eq!(received.headers["authorization"], "Basic cmV2aWV3ZXI6b3BlbiBzZXNhbWU=");
    assert!(received.headers["user-agent"].to_str().unwrap().starts_with("recert/"));
    outcome
}

fn settings(server: &MockServer) -> Settings {
    Settings::new(server.uri().parse().unwrap(), "reviewer".to_owned(), "open sesame".into())
}

fn page_of(row: &Value) -> Value {
    json!({ "resources": [row], "page": { "number": 1, "size": 500, "totalPages": 2, "totalResources": 501 }, "links": [] })
}

fn user() -> Value {
    json!({
        "id": 7, "login": "mia", "name": "Mia Example", "enabled": true, "locked": false, "surprise": { "new": [1] },
        "authentication": { "id": 1, "name": "Builtin Administrators", "type": "admin", "external": false },
        "role": { "id": "Site Admin Custom", "name": "Custom", "privileges": ["manage-advpolicies"], "allSites": true,
                  "allAssetGroups": false, "superuser": false },
        "links": [{ "href": "https://elsewhere.example/api/3/users/7", "rel": "self" }],
    })
}

fn edit() -> UserEdit {
    UserEdit {
        login: "mia".to_owned(),
        name: "Mia Example".to_owned(),
        email: None,
        enabled: false,
        password: Some("initial".into()),
        password_reset_on_login: Some(true),
        authentication: Some(AuthenticationEdit { id: None, kind: "normal".to_owned() }),
        role: RoleEdit { id: "user".into(), all_sites: false, all_asset_groups: true, superuser: None },
    }
}

fn edit_body() -> Value {
    json!({
        "login": "mia", "name": "Mia Example", "enabled": false, "password": "initial", "passwordResetOnLogin": true,
        "authentication": { "type": "normal" },
        "role": { "id": "user", "allSites": false, "allAssetGroups": true },
    })
}

#[tokio::test]
async fn reads_users() {
    let page = operation("GET /api/3/users?page=1&size=500", None, page_of(&user()), async |it| {
        it.reads().get_users(PAGE).await.unwrap()
    })
    .await;
    assert_eq!((page.page.total_resources, page.resources.len()), (501, 1));
    let mia = operation("GET /api/3/users/7", None, user(), async |it| {
        it.reads().get_user(UserId(7)).await.unwrap()
    })
    .await;
    assert_eq!(mia.role.unwrap().id.unwrap().as_str(), "Site Admin Custom");
    assert_eq!(mia.authentication.unwrap().external, Some(false));

    let privileges = operation(
        "GET /api/3/users/7/privileges",
        None,
        json!({ "resources": ["create-reports", "from-the-future"], "links": [] }),
        async |it| it.reads().get_user_privileges(UserId(7)).await.unwrap(),
    )
    .await;
    assert_eq!(privileges, [PrivilegeId::from("create-reports"), "from-the-future".into()]);
    let sites = operation("GET /api/3/users/7/sites", None, json!({ "resources": [3, 1] }), async |it| {
        it.reads().get_user_sites(UserId(7)).await.unwrap()
    })
    .await;
    assert_eq!(sites, [SiteId(3), SiteId(1)]);
    let groups = operation("GET /api/3/users/7/asset_groups", None, json!({ "links": [] }), async |it| {
        it.reads().get_user_asset_groups(UserId(7)).await.unwrap()
    })
    .await;
    assert_eq!(groups, [], "an absent key is an empty collection");
}

#[tokio::test]
async fn writes_users() {
    let created =
        operation("POST /api/3/users", Some(edit_body()), json!({ "id": 12, "links": [] }), async |it| {
            it.create_user(&edit()).await.unwrap()
        })
        .await;
    assert_eq!(created.id, UserId(12));
    operation("PUT /api/3/users/7", Some(edit_body()), json!({ "links": [] }), async |it| {
        it.update_user(UserId(7), &edit()).await.unwrap();
    })
    .await;
    operation("DELETE /api/3/users/7", None, json!({ "links": [] }), async |it| {
        it.delete_user(UserId(7)).await.unwrap();
    })
    .await;
    operation("DELETE /api/3/users/7/lock", None, json!({ "links": [] }), async |it| {
        it.unlock_user(UserId(7)).await.unwrap();
    })
    .await;
    operation("PUT /api/3/users/7/password", Some(json!("n\"ew")), json!({ "links": [] }), async |it| {
        it.reset_password(UserId(7), &"n\"ew".into()).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn writes_site_grants() {
    let links = || json!({ "links": [] });
    operation("PUT /api/3/users/7/sites", Some(json!([1, 2])), links(), async |it| {
        it.set_user_sites(UserId(7), &[SiteId(1), SiteId(2)]).await.unwrap();
    })
    .await;
    operation("PUT /api/3/users/7/sites", Some(json!([])), links(), async |it| {
        it.set_user_sites(UserId(7), &[]).await.unwrap();
    })
    .await;
    operation("PUT /api/3/users/7/sites/2", None, links(), async |it| {
        it.add_user_site(UserId(7), SiteId(2)).await.unwrap();
    })
    .await;
    operation("DELETE /api/3/users/7/sites/2", None, links(), async |it| {
        it.remove_user_site(UserId(7), SiteId(2)).await.unwrap();
    })
    .await;
    operation("DELETE /api/3/users/7/sites", None, links(), async |it| {
        it.remove_all_user_sites(UserId(7)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn writes_asset_group_grants() {
    let links = || json!({ "links": [] });
    operation("PUT /api/3/users/7/asset_groups", Some(json!([4])), links(), async |it| {
        it.set_user_asset_groups(UserId(7), &[AssetGroupId(4)]).await.unwrap();
    })
    .await;
    operation("PUT /api/3/users/7/asset_groups/4", None, links(), async |it| {
        it.add_user_asset_group(UserId(7), AssetGroupId(4)).await.unwrap();
    })
    .await;
    operation("DELETE /api/3/users/7/asset_groups/4", None, links(), async |it| {
        it.remove_user_asset_group(UserId(7), AssetGroupId(4)).await.unwrap();
    })
    .await;
    operation("DELETE /api/3/users/7/asset_groups", None, links(), async |it| {
        it.remove_all_user_asset_groups(UserId(7)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn second_factors() {
    for (answer, expected) in [
        (json!({ "key": "JBSWY3DPEHPK3PXP", "links": [] }), TwoFactorKey::Present),
        (json!({ "key": "" }), TwoFactorKey::Absent),
        (json!({ "links": [] }), TwoFactorKey::Absent),
    ] {
        let key = operation("GET /api/3/users/7/2FA", None, answer, async |it| {
            it.reads().get_two_factor_authentication_key(UserId(7)).await.unwrap()
        })
        .await;
        assert_eq!(key, expected);
    }
    let seed = operation("POST /api/3/users/7/2FA", None, json!({ "key": "NEWSEED" }), async |it| {
        it.regenerate_two_factor_authentication(UserId(7)).await.unwrap()
    })
    .await;
    assert_eq!(seed.expose_secret(), "NEWSEED");
    operation("PUT /api/3/users/7/2FA", Some(json!("GIVEN")), json!({ "links": [] }), async |it| {
        it.set_two_factor_authentication(UserId(7), &"GIVEN".into()).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn roles() {
    let id = RoleId::from("Site Admin Custom");
    let body = json!({ "id": "Site Admin Custom", "name": "Custom", "description": "d", "privileges": ["manage-sites"] });
    let role = Role {
        id: id.clone(),
        name: "Custom".to_owned(),
        description: Some("d".to_owned()),
        privileges: vec!["manage-sites".into()],
    };
    let roles = operation(
        "GET /api/3/roles",
        None,
        json!({ "resources": [{ "id": "custom", "name": "Custom" }], "links": [] }),
        async |it| it.reads().get_roles().await.unwrap(),
    )
    .await;
    assert_eq!(roles[0].privileges, [], "the key is absent for a role without privileges");
    let read = operation("GET /api/3/roles/Site%20Admin%20Custom", None, body.clone(), async |it| {
        it.reads().get_role(&id).await.unwrap()
    })
    .await;
    assert_eq!(read, role);
    let users = operation(
        "GET /api/3/roles/Site%20Admin%20Custom/users",
        None,
        json!({ "resources": [7] }),
        async |it| it.reads().get_role_users(&id).await.unwrap(),
    )
    .await;
    assert_eq!(users, [UserId(7)]);
    operation("PUT /api/3/roles/Site%20Admin%20Custom", Some(body), json!({ "links": [] }), async |it| {
        it.update_role(&role).await.unwrap();
    })
    .await;
    operation("DELETE /api/3/roles/Site%20Admin%20Custom", None, json!({ "links": [] }), async |it| {
        it.delete_role(&id).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn privileges_and_authentication_sources() {
    let manage = PrivilegeId::from("manage-sites");
    let all =
        operation("GET /api/3/privileges", None, json!({ "resources": ["manage-sites"] }), async |it| {
            it.reads().get_privileges().await.unwrap()
        })
        .await;
    assert_eq!(all, std::slice::from_ref(&manage));
    operation("GET /api/3/privileges/manage-sites", None, json!({ "links": [] }), async |it| {
        it.reads().get_privilege(&manage).await.unwrap();
    })
    .await;
    let users = operation(
        "GET /api/3/privileges/manage-sites/users",
        None,
        json!({ "resources": [7] }),
        async |it| it.reads().get_users_with_privilege(&manage).await.unwrap(),
    )
    .await;
    assert_eq!(users, [UserId(7)]);

    let source = json!({ "id": 5, "name": "Directory", "type": "ldap", "external": true, "links": [] });
    let sources = operation(
        "GET /api/3/authentication_sources",
        None,
        json!({ "resources": [source.clone()] }),
        async |it| it.reads().get_authentication_sources().await.unwrap(),
    )
    .await;
    assert_eq!(sources[0].kind.as_deref(), Some("ldap"));
    let one = operation("GET /api/3/authentication_sources/5", None, source, async |it| {
        it.reads().get_authentication_source(AuthenticationSourceId(5)).await.unwrap()
    })
    .await;
    assert_eq!(one.external, Some(true));
    let users = operation(
        "GET /api/3/authentication_sources/5/users",
        None,
        json!({ "resources": [7] }),
        async |it| it.reads().get_authentication_source_users(AuthenticationSourceId(5)).await.unwrap(),
    )
    .await;
    assert_eq!(users, [UserId(7)]);
}

#[tokio::test]
async fn sites_and_asset_groups() {
    let site = json!({ "id": 3, "name": "Plant", "type": "static", "importance": "high", "assets": 12,
                       "lastScanTime": "2026-10-01T02:03:04.005Z", "riskScore": 1e7 });
    let page = operation("GET /api/3/sites?page=1&size=500", None, page_of(&site), async |it| {
        it.reads().get_sites(PAGE).await.unwrap()
    })
    .await;
    assert_eq!(page.resources[0].id, SiteId(3));
    let one =
        operation("GET /api/3/sites/3", None, site, async |it| it.reads().get_site(SiteId(3)).await.unwrap())
            .await;
    assert_eq!(one.last_scan_time.as_deref(), Some("2026-10-01T02:03:04.005Z"));
    let row = json!({ "id": 7, "login": "mia", "role": { "allSites": true } });
    let users = operation("GET /api/3/sites/3/users", None, json!({ "resources": [row] }), async |it| {
        it.reads().get_site_users(SiteId(3)).await.unwrap()
    })
    .await;
    assert_eq!(users[0].id, UserId(7));

    let group = json!({ "id": 4, "name": "Servers", "type": "dynamic", "searchCriteria": { "filters": [{ "value": "x" }] } });
    let page = operation("GET /api/3/asset_groups?page=1&size=500", None, page_of(&group), async |it| {
        it.reads().get_asset_groups(PAGE).await.unwrap()
    })
    .await;
    assert_eq!(page.resources[0].kind.as_deref(), Some("dynamic"));
    let one = operation("GET /api/3/asset_groups/4", None, group, async |it| {
        it.reads().get_asset_group(AssetGroupId(4)).await.unwrap()
    })
    .await;
    assert_eq!(one.description, None);
    let users =
        operation("GET /api/3/asset_groups/4/users", None, json!({ "resources": [7, 9] }), async |it| {
            it.reads().get_asset_group_users(AssetGroupId(4)).await.unwrap()
        })
        .await;
    assert_eq!(users, [UserId(7), UserId(9)]);
}

#[tokio::test]
async fn administration() {
    let settings = operation(
        "GET /api/3/administration/settings",
        None,
        json!({ "uuid": "u", "serialNumber": "s", "authentication": { "2fa": true, "loginLockThreshold": 4 } }),
        async |it| it.reads().get_administration_settings().await.unwrap(),
    )
    .await;
    let authentication = settings.authentication.unwrap();
    assert_eq!((authentication.two_factor, authentication.login_lock_threshold), (Some(true), Some(4)));
    let info = operation(
        "GET /api/3/administration/info",
        None,
        json!({ "serial": "s", "host": "h", "version": { "semantic": "6.6.210" } }),
        async |it| it.reads().get_administration_info().await.unwrap(),
    )
    .await;
    assert_eq!(info.version.unwrap().semantic.as_deref(), Some("6.6.210"));
    let license = operation(
        "GET /api/3/administration/license",
        None,
        json!({ "edition": "InsightVM", "limits": { "users": 25 } }),
        async |it| it.reads().get_administration_license().await.unwrap(),
    )
    .await;
    assert_eq!(license.limits.unwrap().users, Some(25));
    operation("GET /api/3", None, json!({ "links": [] }), async |it| it.reads().probe().await.unwrap()).await;
}

#[tokio::test]
async fn exceptions_and_overrides() {
    let row = json!({
        "id": 12, "state": "Approved", "expires": "2027-01-31T00:00:00Z",
        "scope": { "type": "Site", "id": 3, "vulnerability": "tlsv1_0-enabled" },
        "submit": { "user": 5, "name": "mia", "date": "2026-05-01T10:00:00.000Z", "comment": "CANARY", "reason": "Other" },
        "review": { "user": "noor", "name": "9", "date": "2026-05-02", "comment": "CANARY" },
        "links": [],
    });
    let page =
        operation("GET /api/3/vulnerability_exceptions?page=1&size=500", None, page_of(&row), async |it| {
            it.reads().get_vulnerability_exceptions(PAGE).await.unwrap()
        })
        .await;
    assert!(!format!("{page:?}").contains("CANARY"), "a comment is not kept");
    let exception = &page.resources[0];
    assert_eq!((exception.id, exception.state.as_deref()), (12, Some("Approved")));
    assert_eq!(exception.expires.as_deref(), Some("2027-01-31T00:00:00Z"));
    let scope = exception.scope.as_ref().unwrap();
    assert_eq!(
        (scope.kind.as_deref(), scope.vulnerability.as_deref()),
        (Some("Site"), Some("tlsv1_0-enabled"))
    );
    let submit = exception.submit.as_ref().unwrap();
    assert_eq!((submit.user, submit.name.as_deref()), (Some(UserId(5)), Some("mia")));
    let review = exception.review.as_ref().unwrap();
    assert_eq!((review.user, review.name.as_deref()), (Some(UserId(9)), Some("noor")), "described swapped");
    assert_eq!(review.date.as_deref(), Some("2026-05-02"));

    let row = json!({
        "id": "77", "state": "under-review", "scope": { "type": "all-assets", "rule": 4711, "newResult": "novel" },
        "submit": { "user": 5, "name": "mia", "comment": "CANARY" },
    });
    let page = operation("GET /api/3/policy_overrides?page=1&size=500", None, page_of(&row), async |it| {
        it.reads().get_policy_overrides(PAGE).await.unwrap()
    })
    .await;
    assert!(!format!("{page:?}").contains("CANARY"), "a comment is not kept");
    let policy = &page.resources[0];
    assert_eq!((policy.id, policy.scope.as_ref().unwrap().rule, &policy.review), (77, Some(4711), &None));
}

#[tokio::test]
async fn scans_and_reports() {
    let row =
        json!({ "id": 1, "startedBy": "mia", "startTime": "2026-05-01T10:00:00.000Z", "status": "novel" });
    let page =
        operation("GET /api/3/scans?page=1&size=500&sort=startTime,DESC", None, page_of(&row), async |it| {
            it.reads().get_scans(PAGE).await.unwrap()
        })
        .await;
    let scan = &page.resources[0];
    assert_eq!(
        (scan.started_by.as_deref(), scan.start_time.as_deref()),
        (Some("mia"), Some("2026-05-01T10:00:00.000Z"))
    );

    let row = json!({
        "id": 4, "name": "Monthly", "owner": 7, "users": [3, 9], "scope": "novel",
        "email": { "access": "novel", "additional": "zip", "additionalRecipients": ["audit@partner.example"] },
        "database": { "credentials": { "password": "CANARY" } },
    });
    let page = operation("GET /api/3/reports?page=1&size=500", None, page_of(&row), async |it| {
        it.reads().get_reports(PAGE).await.unwrap()
    })
    .await;
    assert!(!format!("{page:?}").contains("CANARY"));
    let report = &page.resources[0];
    assert_eq!((report.id, report.name.as_deref(), report.owner), (4, Some("Monthly"), Some(7)));
    assert_eq!(report.users, [3, 9]);
    let email = report.email.as_ref().unwrap();
    assert_eq!(email.additional_recipients, ["audit@partner.example"]);

    let raw = operation("GET /api/3/reports?page=0&size=500", None, page_of(&row), async |it| {
        it.reads().call("get_reports", None, None).await.unwrap()
    })
    .await;
    assert_eq!(raw["resources"][0]["database"], json!({}), "the login of a database is not shown");
    assert_eq!(raw["resources"][0]["email"]["access"], "novel");
}

#[tokio::test]
async fn session_timeouts() {
    for (web, expected) in [
        (json!({ "sessionTimeout": "PT10M" }), Some(600)),
        (json!({ "sessionTimeout": 900 }), Some(900)),
        (json!({ "sessionTimeout": "900" }), Some(900)),
        (json!({ "sessionTimeout": "ten minutes" }), None),
        (json!({ "sessionTimeout": ["PT10M"] }), None),
        (json!({}), None),
        (json!("none"), None),
    ] {
        let settings = json!({ "uuid": "u", "web": web });
        let settings = operation("GET /api/3/administration/settings", None, settings, async |it| {
            it.reads().get_administration_settings().await.unwrap()
        })
        .await;
        assert_eq!(settings.web.and_then(|web| web.session_timeout), expected, "{web}");
    }
}

#[tokio::test]
async fn a_base_path_is_kept_and_links_are_not_followed() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_json(user())).mount(&server).await;
    let base = format!("{}/behind/a/gateway/", server.uri()).parse().unwrap();
    let console = Console::connect(Settings { base, ..settings(&server) }).unwrap();
    console.get_user(UserId(7)).await.unwrap();
    let received = server.received_requests().await.unwrap();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].url.path(), "/behind/a/gateway/api/3/users/7");
}

#[tokio::test]
async fn every_reading_operation_can_be_called_by_its_name() {
    let server = MockServer::start().await;
    let raw =
        json!({ "resources": [], "key": "JBSWY3DPEHPK3PXP", "page": { "number": 0 }, "unknown": [1, null] });
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_json(raw.clone()))
        .mount(&server)
        .await;
    let console = Console::connect(settings(&server)).unwrap();
    for &name in READ_OPERATIONS {
        let answer = match console.call(name, None, None).await {
            Err(CallError::NeedsId(_)) => console.call(name, Some("7"), None).await.unwrap(),
            answer => answer.unwrap(),
        };
        let expected = if name == "get_two_factor_authentication_key" {
            json!({ "key": "present" })
        } else {
            raw.clone()
        };
        assert_eq!(answer, expected, "{name}");
    }
    let received = server.received_requests().await.unwrap();
    assert_eq!(received.len(), READ_OPERATIONS.len());
    assert!(received.iter().all(|request| request.method.as_str() == "GET"));

    console.call("get_role", Some("Site Admin Custom"), None).await.unwrap();
    console.call("get_sites", None, Some(PAGE)).await.unwrap();
    let received = server.received_requests().await.unwrap();
    assert_eq!(received[received.len() - 2].url.path(), "/api/3/roles/Site%20Admin%20Custom");
    assert_eq!(received[received.len() - 1].url.query(), Some("page=1&size=500"));
}

#[tokio::test]
async fn a_call_by_name_that_makes_no_sense_is_not_sent() {
    let server = MockServer::start().await;
    let console = Console::connect(settings(&server)).unwrap();
    let refused = async |name, id, page| console.call(name, id, page).await.unwrap_err().to_string();
    assert_eq!(
        refused("delete_user", Some("7"), None).await,
        "no reading operation is called \"delete_user\""
    );
    assert_eq!(refused("get_user", None, None).await, "get_user needs an id");
    assert_eq!(refused("get_user", Some("7/../8"), None).await, "get_user needs a number as its id");
    assert_eq!(refused("get_users", Some("7"), None).await, "get_users takes no id");
    assert_eq!(refused("get_roles", None, Some(PAGE)).await, "get_roles has no pages");
    assert!(refused("get_role", Some(".."), None).await.contains("cannot stand in a path"));
    assert_eq!(server.received_requests().await.unwrap().len(), 0);
}
