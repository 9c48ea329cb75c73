//! Each wrong start ends with a message that says what to do, and opens no port.

use std::net::TcpListener;

use crate::harness::{Folder, Server, failure};

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_named() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();
    let folder = Folder::new();
    let said = failure(folder.socle().args(["serve", "--listen", &address]));
    assert!(said.contains(&address) && said.contains("--listen"), "{said}");
    assert!(!folder.path().join("socle.db").exists(), "a server that cannot listen touches no database");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_that_is_a_file_is_named() {
    let folder = Folder::new();
    let file = folder.path().join("a-file");
    std::fs::write(&file, "x").unwrap();
    let said = failure(folder.socle().arg("--data").arg(file.join("data")).args([
        "serve",
        "--listen",
        "127.0.0.1:0",
    ]));
    assert!(said.contains("a-file") && said.contains("--data"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_without_the_right_to_write_is_named() {
    // The superuser may write everywhere but to places like this.
    let folder = Folder::new();
    let said =
        failure(folder.socle().args(["--data", "/proc/socle-data", "serve", "--listen", "127.0.0.1:0"]));
    assert!(said.contains("/proc/socle-data") && said.contains("--data"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_setting_is_told_at_once_with_its_place() {
    let folder = Folder::new();
    let file = folder.path().join("socle.toml");
    let text = "[server]\nlisten = \"nowhere\"\nlisen = \"127.0.0.1:1\"\nroles = [\"web\", \"chef\"]\n\n[databas]\nurl = \"x\"\n\n[http]\ntimeout_s = \"soon\"\n\n[log]\nfilter = \"a=b=c\"\n";
    std::fs::write(&file, text).unwrap();
    let said = failure(folder.socle().arg("--config").arg(&file).arg("serve"));
    for (setting, line) in [
        ("server.listen", 2),
        ("server.lisen", 3),
        ("server.roles", 4),
        ("databas", 6),
        ("http.timeout_s", 10),
        ("log.filter", 13),
    ] {
        let told = said.lines().any(|told| {
            told.contains(&format!("{setting}: ")) && told.contains(&format!("socle.toml:{line}"))
        });
        assert!(told, "{setting} on line {line} is missing in:\n{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_variable_is_told() {
    let folder = Folder::new();
    let said = failure(folder.socle().env("SOCLE_SERVER__LISEN", "127.0.0.1:0").arg("serve"));
    assert!(said.contains("server.lisen") && said.contains("SOCLE_SERVER__LISEN"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_there_is_named_without_its_password() {
    let folder = Folder::new();
    let mut command = folder.socle();
    command.env("SOCLE_DATABASE_URL", "postgres://me:hunter2@127.0.0.1:1/none").args([
        "serve",
        "--listen",
        "127.0.0.1:0",
    ]);
    let said = failure(&mut command);
    assert!(said.contains("127.0.0.1:1/none") && said.contains("database.url"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_the_same_folder_is_refused() {
    let server = Server::start().await;
    let said = failure(server.folder.socle().args(["serve", "--listen", "127.0.0.1:0"]));
    assert!(said.contains("another socle serves"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_database_is_refused() {
    let folder = Folder::new();
    std::fs::write(
        folder.path().join("socle.db"),
        "this is no database, but it is long enough to be taken for one".repeat(40),
    )
    .unwrap();
    let said = failure(folder.socle().args(["serve", "--listen", "127.0.0.1:0"]));
    assert!(said.contains("socle.db") && said.contains("not a database"), "{said}");
}
