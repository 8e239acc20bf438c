//! The house: a file imports only from the layers above it in the table of `src/lib.rs`.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The rooms and their layers, as the crate's documentation has them.
fn layers() -> HashMap<String, usize> {
    let text = std::fs::read_to_string(source().join("lib.rs")).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("//! | L"));
    rows.flat_map(|row| {
        let (layer, rooms) = row.split_once(' ').unwrap();
        let layer = layer.parse().unwrap();
        let names = rooms.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        names.into_iter().map(move |room| (room, layer))
    })
    .collect()
}

fn files(below: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(below).unwrap().map(|entry| entry.unwrap().path());
    let found = entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] });
    found.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// The room of a file: the first part of its path.
fn room(file: &Path) -> String {
    let first = file.strip_prefix(source()).unwrap().components().next().unwrap();
    Path::new(first.as_os_str()).file_stem().unwrap().to_str().unwrap().to_owned()
}

/// The rooms that a source text names after `crate::`, alone or in braces, with the line of each.
fn imports(text: &str) -> Vec<(usize, String)> {
    let code: String = text
        .lines()
        .map(|line| if line.trim_start().starts_with("//") { "\n".to_owned() } else { format!("{line}\n") })
        .collect();
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let line = code[..at].matches('\n').count() + 1;
        let rest = &code[at + "crate::".len()..];
        let Some(list) = rest.strip_prefix('{') else {
            found.push((line, word(rest)));
            continue;
        };
        let (mut depth, mut begins) = (0, true);
        for (at, char) in list.char_indices() {
            match char {
                '}' if depth == 0 => break,
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => begins = true,
                _ if begins && !char.is_whitespace() => {
                    found.push((line, word(&list[at..])));
                    begins = false;
                }
                _ => {}
            }
        }
    }
    // What the root gives again lives in `error`.
    found
        .iter_mut()
        .filter(|(_, name)| name.starts_with(char::is_uppercase))
        .for_each(|(_, name)| *name = "error".into());
    found
}

#[test]
fn imports_are_found_in_every_form() {
    let text = "use crate::{\n    a::{b, c},\n    d::e,\n    Error,\n};\n// use crate::no;\nlet x = crate::f::g(); pub(crate) fn h() {}";
    let names: Vec<_> = imports(text).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["a", "d", "error", "f"]);
}

#[test]
fn a_file_imports_only_from_the_layers_above_it() {
    let layers = layers();
    let mut seen = 0;
    for file in files(&source()) {
        let room = room(&file);
        if ["lib", "main"].contains(&room.as_str()) {
            continue;
        }
        let own = *layers.get(&room).unwrap_or_else(|| panic!("`{room}` is not in the table of `src/lib.rs`"));
        for (line, name) in imports(&std::fs::read_to_string(&file).unwrap()) {
            let other = layers.get(&name).unwrap_or_else(|| panic!("{}:{line}: no room `{name}`", file.display()));
            seen += 1;
            assert!(*other <= own, "{}:{line}: `{room}` (L{own}) imports from `{name}` (L{other})", file.display());
            // The sandbox shares nothing with the client, and the decoder knows no network.
            assert!(room != "sandbox" || name == room || *other == 0, "{}:{line}: `{name}`", file.display());
            assert!(room != "csv" || name == room || *other == 0, "{}:{line}: `{name}`", file.display());
        }
    }
    assert!(seen > 100, "only {seen} imports were found");
}
