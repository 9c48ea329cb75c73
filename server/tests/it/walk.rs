//! Every operation of the API, called by a stranger and by a member without any permission.

use db::{Config, Db};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::Client;

use crate::harness::Server;

/// Open to anybody, and why.
const OPEN: &[(&str, &str)] = &[
    ("login", "one signs in here"),
    ("register", "one asks for an account here, where that is open"),
    ("sign_in_options", "the sign-in page shows what it may offer"),
    ("verify_email", "the one-time link is the credential"),
    ("resend_verification", "answers everybody alike, and writes to the owner alone"),
    ("forgot_password", "answers everybody alike, and writes to the owner alone"),
    ("confirm_email", "the one-time link is the credential"),
    ("password_strength", "who registers is nobody yet"),
    ("sign_in_form", "one signs in here"),
    ("sign_out_page", "takes cookies back, whoever brings them"),
    ("refresh", "the refresh token is the credential"),
    ("sign_in", "one signs in here"),
    ("first_run_required", "the first visitor is nobody yet"),
    ("first_run", "the one-time link is the credential"),
    ("reset_password", "the one-time link is the credential"),
    ("look_at_invitation", "the one-time link is the credential"),
    ("accept_invitation", "the one-time link is the credential"),
    ("show_unsubscribe_page", "the link of a mail is the credential"),
    ("unsubscribe", "mail programs press it for their users; the link is the credential"),
    ("health", "probes have no account"),
    ("health_live", "probes have no account"),
    ("health_ready", "probes have no account"),
    ("get_installation", "the sign-in page shows it"),
    ("metrics", "scrapers have no account; keep the port private"),
    ("answer_second_factor", "the challenge of a right password is the credential"),
    ("answer_second_factor_in_browser", "the challenge of a right password is the credential"),
    ("begin_second_factor_passkey", "the challenge of a right password is the credential"),
    ("begin_passkey_sign_in", "one signs in here"),
    ("sign_in_by_passkey", "one signs in here"),
    ("key_set", "public keys are public"),
    ("oauth_token", "the client's secret or the code is the credential"),
    ("begin_provider_sign_in", "one signs in here"),
    ("end_provider_sign_in", "the provider sends browsers back here; its answer is the credential"),
    ("oauth_authorize", "sends browsers to sign in"),
    ("oauth_authorize_form", "sends browsers to the same by GET"),
    ("oauth_device_authorization", "the device's user says who they are elsewhere"),
    ("oauth_register", "clients register by themselves unless a setting closes it"),
    ("oauth_revoke", "the token, and the client's secret, are the credentials"),
    ("oauth_introspect", "the client's secret is the credential"),
    ("oauth_userinfo", "the token is the credential; it answers in OpenID's words"),
    ("oauth_userinfo_post", "the token is the credential; it answers in OpenID's words"),
    ("oauth_logout", "asks whom it does not know to be the user"),
    ("oauth_logout_form", "asks whom it does not know to be the user"),
    ("openid_configuration", "what programs read first"),
    ("oauth_authorization_server", "what programs read first"),
    ("oauth_protected_resource", "what programs read first"),
];

/// For every signed-in caller, and why.
const OF_ONESELF: &[(&str, &str)] = &[
    ("logout", "ends one's own session"),
    ("sign_out", "ends one's own session"),
    ("me", "tells about oneself"),
    ("update_me", "changes oneself"),
    ("delete_me", "asks for one's own password"),
    ("change_email", "asks for one's own password"),
    ("cancel_email_change", "one's own"),
    ("change_password", "asks for one's own old password"),
    ("switch_workspace", "only into a workspace that one is a member of"),
    ("list_sessions", "one's own"),
    ("end_session", "one's own"),
    ("end_other_sessions", "one's own"),
    ("list_workspaces", "those that one is a member of"),
    ("get_workspace", "one that one is a member of"),
    ("leave_workspace", "one that one is a member of"),
    ("list_notifications", "one's own"),
    ("count_unread_notifications", "one's own"),
    ("read_notification", "one's own"),
    ("read_all_notifications", "one's own"),
    ("delete_notification", "one's own"),
    ("get_notification_preferences", "one's own"),
    ("set_notification_preferences", "one's own"),
    ("connect", "rooms are checked at join"),
    ("create_realtime_ticket", "rooms are checked at join"),
    ("get_security", "one's own"),
    ("begin_totp", "one's own"),
    ("confirm_totp", "one's own"),
    ("disable_totp", "one's own"),
    ("make_recovery_codes", "one's own"),
    ("confirm", "one's own session"),
    ("begin_confirm", "one's own session"),
    ("list_passkeys", "one's own"),
    ("begin_passkey", "one's own"),
    ("add_passkey", "one's own"),
    ("rename_passkey", "one's own"),
    ("delete_passkey", "one's own"),
    ("get_oauth_request", "asked of oneself"),
    ("approve_oauth_request", "asked of oneself"),
    ("deny_oauth_request", "asked of oneself"),
    ("look_up_device", "one's own device"),
    ("approve_device", "one's own device"),
    ("deny_device", "one's own device"),
    ("list_applications", "those that one let in"),
    ("revoke_application", "those that one let in"),
    ("list_api_keys", "one's own"),
    ("create_api_key", "holds no more than oneself"),
    ("revoke_api_key", "one's own"),
    ("unlink_provider", "one's own"),
];

struct Operation {
    name: String,
    method: Method,
    path: String,
    is_open: bool,
}

async fn operations(client: &Client) -> Vec<Operation> {
    let api = client.get("/openapi.json").await.expect(200).json();
    let mut operations = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let security = &operation["security"];
            operations.push(Operation {
                name: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase().parse().unwrap(),
                path: concrete(path),
                is_open: security.as_array().is_some_and(|list| list.iter().all(|item| item == &json!({}))),
            });
        }
    }
    operations
}

/// A path that could be right: an id in every place of one.
fn concrete(path: &str) -> String {
    let prefix = match path {
        path if path.contains("/cameras/") => "cam",
        path if path.contains("/events/") => "evt",
        path if path.contains("/models/") => "mdl",
        path if path.contains("/users/")
            || path.contains("/members/")
            || path.contains("/service-accounts/") =>
        {
            "usr"
        }
        path if path.contains("/api-keys/") => "key",
        path if path.contains("/oauth/clients/") || path.contains("/applications/") => "app",
        path if path.contains("/oauth/requests/") => "ask",
        path if path.contains("/workspaces/") => "ws",
        path if path.contains("/invitations/") => "inv",
        path if path.contains("/roles/") => "role",
        path if path.contains("/sessions/") => "ses",
        path if path.contains("/webhooks/") => "wh",
        path if path.contains("/passkeys/") => "pky",
        path if path.contains("/notifications/") => "ntf",
        path if path.contains("/settings/changes/") => "chg",
        _ => "task",
    };
    path.split('/')
        .map(|part| {
            if part.starts_with('{') {
                format!("{prefix}_00000000000000000000000000")
            } else {
                part.to_owned()
            }
        })
        .collect::<Vec<_>>()
        .join("/")
}

async fn call(client: &Client, operation: &Operation) -> (u16, Value) {
    let body = (operation.method != Method::GET && operation.method != Method::DELETE).then(|| json!({}));
    let answer = client.send(operation.method.clone(), &operation.path, body).await;
    let body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    (answer.status, body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_gets_nowhere() {
    let server = Server::start().await;
    let stranger = server.stranger();
    let mut open = Vec::new();
    for operation in operations(&stranger).await {
        if operation.is_open {
            open.push(operation.name);
            continue;
        }
        let (status, body) = call(&stranger, &operation).await;
        assert_eq!(status, 401, "{} {}: {body}", operation.method, operation.path);
        assert_eq!(body["error"], "unauthenticated", "{}", operation.name);
    }
    let mut expected: Vec<_> = OPEN.iter().map(|(name, _)| (*name).to_owned()).collect();
    open.sort();
    expected.sort();
    assert_eq!(open, expected, "open operations stand in OPEN, with a reason");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_without_permissions_sees_only_oneself() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let member = server.member(&admin, "student").await;
    // A role that grants nothing: none of the built-in ones is that poor.
    let id = member.get("/auth/me").await.json()["id"].as_str().unwrap().to_owned();
    let db = Db::open(&Config::default(), server.folder.path().join("socle.db")).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    tx.query(
        "INSERT INTO identity_roles (id, name, description, permissions)
         VALUES ('role_0000000000000000000000000z', 'nobody', 'Nothing', '[]')",
    )
    .execute()
    .await
    .unwrap();
    let changed = tx
        .query("UPDATE identity_memberships SET role = 'nobody' WHERE user_id = $1")
        .bind(&id)
        .execute()
        .await
        .unwrap();
    tx.commit().await.unwrap();
    db.close().await;
    assert_eq!(changed, 1);
    let member = server.sign_in("a.student@example.org").await;

    for operation in operations(&admin).await {
        let of_oneself = OF_ONESELF.iter().any(|(name, _)| *name == operation.name);
        if operation.is_open || of_oneself {
            continue;
        }
        let (status, body) = call(&member, &operation).await;
        assert_eq!(status, 403, "{} {} ({}): {body}", operation.method, operation.path, operation.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_are_not_there_are_not_found() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    for operation in operations(&admin).await {
        if !operation.path.contains("_00000000000000000000000000")
            || operation.method == Method::POST
            || operation.method == Method::PUT
            || operation.method == Method::PATCH
        {
            continue;
        }
        let (status, body) = call(&admin, &operation).await;
        assert_eq!(status, 404, "{} {}: {body}", operation.method, operation.path);
    }
}

/// For who looks after the installation: to others it is no secret that workspaces exist.
const BEYOND: &[&str] = &["restore_workspace", "get_workspace_quotas", "set_workspace_quotas"];

/// The first workspace's administrator, with one thing of each kind that can be made without a camera; and another
/// workspace's administrator, who must see none of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_of_another_workspace_finds_nothing() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let camera =
        json!({"name": "Yard", "enabled": false, "source": {"kind": "rtsp", "url": "rtsp://10.9.8.7/live"}});
    let camera = admin.post("/api/v1/surveillance/cameras", camera).await.expect(201).json();
    let member = server.member(&admin, "operator").await;
    let user = member.get("/auth/me").await.expect(200).json();
    let sessions = admin.get("/auth/sessions").await.expect(200).json();
    let webhook = json!({"url": "https://example.org/hook", "topics": ["surveillance.*"]});
    let webhook = admin.post("/api/v1/webhooks", webhook).await.expect(201).json();
    let role = json!({"name": "ours", "permissions": []});
    admin.post("/api/v1/roles", role).await.expect(201);
    let me = admin.get("/auth/me").await.expect(200).json();
    let invitation = json!({"email": "joan@example.org", "role": "user"});
    let invitation = admin.post("/api/v1/invitations", invitation).await.expect(201).json();
    let known = [
        ("inv", invitation["id"].clone()),
        ("ws", me["workspace"]["id"].clone()),
        ("role", json!("ours")),
        ("cam", camera["id"].clone()),
        ("wh", webhook["id"].clone()),
        ("usr", user["id"].clone()),
        ("ses", sessions["items"][0]["id"].clone()),
    ];

    let made = admin.post("/api/v1/workspaces", json!({"name": "Elsewhere"})).await.expect(201).json();
    let there = admin.post("/auth/workspace", json!({"workspace_id": made["id"]})).await.expect(200).json();
    let founder = Client { token: there["access_token"].as_str().map(str::to_owned), ..server.stranger() };
    let foreign = server.member(&founder, "admin").await;

    for mut operation in operations(&admin).await {
        let Some((prefix, id)) =
            known.iter().find(|(prefix, _)| operation.path.contains(&format!("/{prefix}_0")))
        else {
            continue;
        };
        operation.path =
            operation.path.replace(&format!("{prefix}_00000000000000000000000000"), id.as_str().unwrap());
        let body = (operation.method != Method::GET && operation.method != Method::DELETE)
            .then(|| if operation.name == "set_zones" { json!([]) } else { json!({}) });
        let answer = foreign.send(operation.method.clone(), &operation.path, body).await;
        let expected = if BEYOND.contains(&operation.name.as_str()) { 403 } else { 404 };
        assert_eq!(answer.status, expected, "{} {}: {}", operation.method, operation.path, answer.text());
    }
    for list in ["surveillance/cameras", "surveillance/models", "tasks", "webhooks"] {
        let page = foreign.get(&format!("/api/v1/{list}")).await.expect(200).json();
        assert_eq!(page["total"], 0, "{list}");
    }
    let users = foreign.get("/api/v1/users").await.expect(200).json();
    assert!(users["items"].as_array().unwrap().iter().all(|other| other["id"] != user["id"]), "{users}");
    assert_eq!(
        admin.get(&format!("/api/v1/surveillance/cameras/{}", camera["id"].as_str().unwrap())).await.status,
        200
    );
}
