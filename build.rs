//! Lists `config/rules/*.yaml` for `scrub::rule::pack` to embed.

use std::fmt::Write;
use std::path::Path;

fn main() {
    let folder = Path::new(&env("CARGO_MANIFEST_DIR")).join("config/rules");
    println!("cargo::rerun-if-changed={}", folder.display());
    let entries = std::fs::read_dir(&folder).expect("config/rules is part of the source");
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();

    let mut list = String::from("const PACKS: &[(&str, &str)] = &[\n");
    for file in &files {
        let name = file.file_name().and_then(|name| name.to_str()).expect("names are ASCII");
        writeln!(list, "    ({name:?}, include_str!({:?})),", file.display().to_string())
            .expect("a string takes all");
    }
    list.push_str("];\n");
    let target = Path::new(&env("OUT_DIR")).join("packs.rs");
    std::fs::write(target, list).expect("OUT_DIR is writable");
}

fn env(name: &str) -> String {
    std::env::var(name).expect("cargo sets it")
}
