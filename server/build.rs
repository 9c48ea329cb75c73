//! The console is embedded from `console/dist`; without a build of it the server still compiles, and says so in a page.

fn main() {
    let dist = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../console/dist");
    std::fs::create_dir_all(&dist).expect("console/dist can be made beside the sources");
    println!("cargo::rerun-if-changed=../console/dist");
}
