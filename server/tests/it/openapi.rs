//! The API's description is the one that is kept in the project, and complete.

use std::path::Path;

use serde_json::Value;

use crate::harness::{Folder, run};

fn description() -> Value {
    let folder = Folder::new();
    let output = run(folder.socle().arg("openapi"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_kept_description_is_current() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/api/openapi.json");
    let kept: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert!(kept == description(), "docs/api/openapi.json is stale: run `make gen`");
}

#[test]
fn every_operation_is_named_described_and_answers_problems() {
    let api = description();
    assert_eq!(api["openapi"], "3.1.0");
    let mut names = std::collections::BTreeSet::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let place = format!("{method} {path}");
            let name =
                operation["operationId"].as_str().unwrap_or_else(|| panic!("{place} has no operationId"));
            assert!(names.insert(name.to_owned()), "{name} names two operations");
            assert!(operation["summary"].is_string(), "{place} has no summary");
            assert!(operation["tags"].as_array().is_some_and(|tags| !tags.is_empty()), "{place} has no tag");
            assert!(operation["responses"]["default"].is_object(), "{place} answers no problems");
            // A file that is JSON, however long.
            let is_file = path.ends_with("/export");
            let lists = !is_file
                && operation["responses"]["200"]["content"]["application/json"]["schema"]["type"] == "array";
            assert!(!lists, "{place} answers a bare list: every list is a page or a feed");
        }
    }
    assert!(names.len() > 40, "{names:?}");
}

#[test]
fn the_command_line_reads_as_documented() {
    let folder = Folder::new();
    let help = run(folder.socle().arg("--help"));
    assert!(help.status.success());
    insta::assert_snapshot!("help", String::from_utf8_lossy(&help.stdout));
}
