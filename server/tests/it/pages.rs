//! Which paths are pages of the console, which are files, and which are neither.

use crate::harness::Server;

#[tokio::test(flavor = "multi_thread")]
async fn names_with_dots_are_pages_and_missing_files_are_missing() {
    let server = Server::start().await;
    let visitor = server.stranger();
    // A tree without a built console answers every page with one and the same sentence.
    let page = visitor.get("/admin/schedules").await;
    assert!(matches!(page.status, 200 | 503), "{}", page.status);
    let pages = [
        "/admin/schedules/admin.forget_old",
        "/account/notifications",
        "/admin/tasks/task_1.x",
        "/signup",
        "/verify",
        "/consent",
        "/device",
    ];
    for path in pages {
        let answer = visitor.get(path).await;
        assert_eq!((answer.status, answer.text()), (page.status, page.text()), "{path}");
        assert!(answer.header("content-type").starts_with("text/html"), "{path}");
    }
    for path in
        ["/favicon.ico", "/.env", "/assets/none.js", "/reference/none.js", "/api/v1/none", "/index.php/x"]
    {
        assert_eq!(visitor.get(path).await.status, 404, "{path}");
    }
}
