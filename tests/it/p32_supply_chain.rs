//! P32: what may come in. The lock file against `deny.toml`, and where `unsafe` may stand. Licences and sources of what came
//! in are `make audit`'s.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use toml_edit::DocumentMut;

/// Where `unsafe` may stand: kernels of the decoder, which the properties of `csv::tests` and the fuzzers go through, and
/// what a fork, Arrow's interface and the interpreter's own leave no other way for. Clippy asks each for its reason.
const UNSAFE: [&str; 9] = [
    "csv/cells.rs",
    "csv/column.rs",
    "csv/dictionary.rs",
    "csv/infer.rs",
    "csv/scan.rs",
    "csv/text.rs",
    "python/arrow.rs",
    "python/gate.rs",
    "python/process.rs",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> DocumentMut {
    std::fs::read_to_string(root().join(name)).unwrap().parse().unwrap()
}

#[test]
fn p32_no_crate_that_is_denied_comes_in_and_all_are_locked() {
    let (lock, deny) = (read("Cargo.lock"), read("deny.toml"));
    let denied = deny["bans"]["deny"].as_array().unwrap().iter();
    let denied: BTreeSet<_> = denied.map(|entry| entry.as_inline_table().unwrap()["crate"].as_str().unwrap()).collect();
    assert!(denied.len() >= 5);
    let packages = lock["package"].as_array_of_tables().unwrap();
    assert!(packages.len() > 100);
    let mut providers = 0;
    for package in packages {
        let name = package["name"].as_str().unwrap();
        assert!(!denied.contains(name), "{name} came in: `cargo tree --invert {name}` tells by whom");
        providers += usize::from(name == "ring");
        let of_a_registry =
            package.get("source").and_then(|source| source.as_str()).map(|it| it.starts_with("registry+"));
        let checked = package.get("checksum").is_some();
        assert!(name == "insightframe" || of_a_registry == Some(true) && checked, "{name} isn't from a registry");
    }
    assert_eq!(providers, 1, "one provider of TLS's cryptography");
}

#[test]
fn p32_unsafe_stands_only_where_it_is_meant_to() {
    let source = root().join("src");
    let found: BTreeSet<_> = files(&source)
        .into_iter()
        .filter(|file| {
            let text = std::fs::read_to_string(file).unwrap();
            let code = text.lines().map(|line| line.split("//").next().unwrap());
            code.flat_map(str::split_whitespace)
                .any(|word| word.trim_start_matches(['(', '!', '{']).starts_with("unsafe"))
        })
        .map(|file| file.strip_prefix(&source).unwrap().to_str().unwrap().replace('\\', "/"))
        .collect();
    assert_eq!(found, UNSAFE.map(str::to_owned).into());
}

fn files(below: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(below).unwrap().map(|entry| entry.unwrap().path());
    let found = entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] });
    found.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}
