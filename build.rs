//! Gives Python's classes and functions their documentation at run time: what their stubs say, `help()` and a notebook say
//! too. Each docstring of the stubs becomes a file that `stub!` in `src/python` includes; a name without one doesn't compile.

use std::{env, fs, path::Path};

const STUBS: &str = "python/insightframe/_core.pyi";

fn main() {
    println!("cargo:rerun-if-changed={STUBS}");
    println!("cargo:rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_PYTHON").is_none() {
        return;
    }
    let stubs = fs::read_to_string(STUBS).unwrap_or_else(|error| panic!("{STUBS}: {error}"));
    let directory = Path::new(&env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("stubs");
    fs::create_dir_all(&directory).expect("OUT_DIR can be written");
    for (name, text) in docstrings(&stubs) {
        fs::write(directory.join(name), text).expect("OUT_DIR can be written");
    }
}

/// The docstrings by name, `Class` or `Class.method`. The stubs are formatted by ruff, so their lines can be relied on.
fn docstrings(stubs: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let (mut class, mut pending) = (String::new(), None);
    let mut lines = stubs.lines();
    while let Some(line) = lines.next() {
        let inner = line.trim_start();
        let indent = line.len() - inner.len();
        if let Some(name) = name_after(inner, "class ") {
            class.clone_from(&name);
            pending = Some(name);
        } else if let Some(name) = name_after(inner, "def ").or_else(|| name_after(inner, "async def ")) {
            pending = Some(if indent == 0 { name } else { format!("{class}.{name}") });
        } else if let Some(first) = inner.strip_prefix("\"\"\"")
            && let Some(name) = pending.take()
        {
            let mut text = vec![first];
            while !text[text.len() - 1].ends_with("\"\"\"") {
                let line = lines.next().unwrap_or_else(|| panic!("{STUBS}: the docstring of {name} has no end"));
                text.push(line.get(indent..).unwrap_or_default());
            }
            let text = text.join("\n");
            found.push((name, text.trim_end_matches('"').trim_end().to_owned()));
        }
    }
    found
}

fn name_after(line: &str, keyword: &str) -> Option<String> {
    let rest = line.strip_prefix(keyword)?;
    let end = rest.find(|letter: char| letter != '_' && !letter.is_alphanumeric())?;
    Some(rest[..end].to_owned())
}
