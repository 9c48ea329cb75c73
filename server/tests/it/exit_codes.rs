//! What `socle user …` tells scripts by its exit code.

use crate::harness::{EMAIL, Server, run, socle};

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_tell_what_went_wrong() {
    let mut server = Server::start().await;
    server.admin().await;
    let code = |arguments: &[&str]| {
        let output = run(socle(&server.folder.path()).args(arguments));
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for (arguments, expected) in [
        (&["user", "list", "--json"][..], 0),
        (&["user", "show", "--email", "nobody@example.org"], 3),
        (&["user", "list", "--workspace", "nowhere"], 3),
        (&["user", "show", "--email", "no address"], 2),
        (&["user", "show"], 2),
        (&["user", "delete", "--email", EMAIL], 4),
        (&["user", "set-role", "--email", EMAIL, "--role", "root"], 2),
        (&["user", "import", "missing.csv"], 1),
    ] {
        let (told, stderr) = code(arguments);
        assert_eq!(told, expected, "{arguments:?}: {stderr}");
    }
}
