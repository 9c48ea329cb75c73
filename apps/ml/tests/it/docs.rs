//! The list of endpoints in `docs/mlflow.md` is made from the table. `SOCLE_TEST_WRITE=1` brings it up to date.

use std::{fmt::Write as _, path::Path};

use ml::{Base, ROUTES};

const BEGIN: &str = "<!-- endpoints: made by `SOCLE_TEST_WRITE=1 cargo test -p ml docs` -->\n";
const END: &str = "<!-- end of endpoints -->\n";

fn table() -> String {
    let mut text = "| endpoint | permission | what it does |\n| --- | --- | --- |\n".to_owned();
    for route in ROUTES {
        let path = match route.base {
            Base::V2 => route.path.to_owned(),
            Base::V3 => format!("{} (3.0)", route.path),
            Base::Ajax => format!("{} (ajax-api only)", route.path),
            Base::Root => format!("{} (at the top)", route.path),
        };
        let needs = route.needs.permission().map_or("none".to_owned(), |name| format!("`{name}`"));
        writeln!(text, "| {} `{}` | {needs} | {} |", route.method, path.replace(" (", "` ("), route.does)
            .unwrap();
    }
    text.replace(")` |", ") |")
}

#[test]
fn the_documentation_lists_every_endpoint() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/mlflow.md");
    let text = std::fs::read_to_string(&file).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the page has a place for the endpoints");
    let (found, after) = rest.split_once(END).expect("the endpoints end somewhere");
    if std::env::var_os("SOCLE_TEST_WRITE").is_some() {
        std::fs::write(file, format!("{before}{BEGIN}{}{END}{after}", table())).unwrap();
        return;
    }
    assert!(found == table(), "docs/mlflow.md is stale: SOCLE_TEST_WRITE=1 cargo test -p ml docs");
}
