use std::path::PathBuf;

/// A file or folder of the third-party test data, below `SOCLE_TEST_DATA` or `../shared/data` beside the checkout.
/// `None`, with a line on standard error, where it is not there: the test then has nothing to say.
pub fn test_data(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("SOCLE_TEST_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    );
    let found = root.join(path);
    if found.exists() {
        return Some(found);
    }
    eprintln!("skipped: {path} is not among the test data (SOCLE_TEST_DATA)");
    None
}
