//! The profile file: TOML with a section for each login, for its owner's eyes alone.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use toml_edit::{DocumentMut, Item, Table, TableLike};

use crate::{
    error::{Error, Result},
    secret::Secret,
};

/// The variable that names the file.
pub const PATH: &str = "INSIGHTFRAME_CONFIG";
/// The variable that names the section.
pub const NAME: &str = "INSIGHTFRAME_PROFILE";
/// The section when none is named.
pub const DEFAULT: &str = "default";

/// What a section may hold.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// Login of the Analytics Portal.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// The default workspace.
    pub workspace: Option<String>,
    /// The service.
    pub base_url: Option<String>,
}

/// What was found under the name of a section.
#[derive(Clone, Debug)]
pub enum Reading {
    /// The section.
    Found(Section),
    /// There is no file.
    NoFile,
    /// There is no such section, but these.
    NoSection(Vec<String>),
}

/// Where the file is: `INSIGHTFRAME_CONFIG`, else `insightframe/config.toml` in `XDG_CONFIG_HOME`, else in `.config` of
/// the home directory; nowhere on a machine without one.
pub fn path(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    if let Some(path) = variable(PATH) {
        return Some(path.into());
    }
    let home = || variable("HOME").or_else(|| variable("USERPROFILE")).map(|home| Path::new(&home).join(".config"));
    let directory = variable("XDG_CONFIG_HOME").map(PathBuf::from).or_else(home)?;
    Some(directory.join("insightframe").join("config.toml"))
}

/// Reads a section.
///
/// # Errors
/// `Config` for a file that others may read, or that isn't what it should be; `OSError` for one that can't be read. No
/// message shows a value.
pub fn read(path: &Path, section: &str) -> Result<Reading> {
    let Some(document) = open(path)? else { return Ok(Reading::NoFile) };
    let Some(item) = document.get(section) else {
        return Ok(Reading::NoSection(names(&document)));
    };
    let Some(table) = item.as_table_like() else { return Err(damaged(path, &format!("`{section}` is no section"))) };
    let mut values = Section::default();
    for (key, value) in table.iter() {
        let Some(text) = value.as_str() else {
            return Err(damaged(path, &format!("`{key}` of section `{section}` is no text")));
        };
        match key {
            "username" => values.username = Some(text.into()),
            "password" => values.password = Some(Secret::new(text)),
            "workspace" => values.workspace = Some(text.into()),
            "base_url" => values.base_url = Some(text.into()),
            // A misspelt key would otherwise be a value that is silently missing.
            _ => return Err(damaged(path, &format!("section `{section}` has the unknown key `{key}`"))),
        }
    }
    Ok(Reading::Found(values))
}

/// The names of the sections; none when there is no file.
///
/// # Errors
/// As [`read`].
pub fn sections(path: &Path) -> Result<Option<Vec<String>>> {
    Ok(open(path)?.map(|document| names(&document)))
}

fn names(document: &DocumentMut) -> Vec<String> {
    document.iter().map(|(name, _)| name.to_owned()).collect()
}

/// Puts a section into the file, in place of one of the same name. Other sections and all comments stay as they are.
/// The file is for its owner alone, and is replaced at once or not at all.
///
/// # Errors
/// As [`read`], and `OSError` when the file can't be written.
pub fn store(path: &Path, section: &str, values: &Section) -> Result<()> {
    let mut document = open(path)?.unwrap_or_default();
    let item = document.entry(section).or_insert_with(|| Item::Table(Table::new()));
    let Some(table) = item.as_table_like_mut() else {
        return Err(damaged(path, &format!("`{section}` is no section")));
    };
    put(table, "username", values.username.as_deref());
    put(table, "password", values.password.as_ref().map(Secret::expose));
    put(table, "workspace", values.workspace.as_deref());
    put(table, "base_url", values.base_url.as_deref());
    write(path, &document)
}

/// Takes a section out of the file, and says whether there was one.
///
/// # Errors
/// As [`store`].
pub fn remove(path: &Path, section: &str) -> Result<bool> {
    let Some(mut document) = open(path)? else { return Ok(false) };
    if document.remove(section).is_none() {
        return Ok(false);
    }
    write(path, &document)?;
    Ok(true)
}

/// Sets or removes a key; a comment behind its value stays.
fn put(table: &mut dyn TableLike, key: &str, value: Option<&str>) {
    let Some(value) = value else {
        table.remove(key);
        return;
    };
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(present) => {
            let decor = present.decor().clone();
            *present = value.into();
            *present.decor_mut() = decor;
        }
        None => _ = table.insert(key, toml_edit::value(value)),
    }
}

fn open(path: &Path) -> Result<Option<DocumentMut>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::file(path.display(), &error)),
    };
    refuse_readable_by_others(path)?;
    // The parser's own message quotes the file's lines, which hold the password.
    let document = text.parse::<DocumentMut>().map_err(|error| {
        let lines =
            |start: usize| text.as_bytes()[..start.min(text.len())].iter().filter(|byte| **byte == b'\n').count();
        damaged(path, &error.span().map_or("it is no TOML".into(), |span| format!("line {}", lines(span.start) + 1)))
    })?;
    Ok(Some(document))
}

fn damaged(path: &Path, why: &str) -> Error {
    Error::config(format!("the profile file `{}` can't be read: {why}", path.display()))
        .hint("it has sections like `[default]` with `username`, `password`, `workspace` and `base_url`")
}

fn write(path: &Path, document: &DocumentMut) -> Result<()> {
    // A link to a file elsewhere stays one.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let fault = |error: &io::Error| Error::file(path.display(), error);
    let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make(directory).map_err(|error| fault(&error))?;
    // Born with mode 0600.
    let mut file = tempfile::Builder::new()
        .prefix(".insightframe-")
        .tempfile_in(directory)
        .map_err(|error| fault(&error.kind().into()))?;
    let written = file.write_all(document.to_string().as_bytes()).and_then(|()| file.as_file().sync_all());
    written.map_err(|error| fault(&error))?;
    file.persist(&target).map_err(|error| fault(&error.error))?;
    Ok(())
}

/// Makes a directory for its owner alone, unless it is there.
fn make(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

#[cfg(unix)]
fn refuse_readable_by_others(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let shown = path.display();
    let mode = fs::metadata(path).map_err(|error| Error::file(shown, &error))?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(Error::config(format!("the profile file `{}` may be read by others (mode {:o})", path.display(), mode & 0o777))
        .hint(format!("chmod 600 {}", path.display())))
}

#[cfg(not(unix))]
fn refuse_readable_by_others(_: &Path) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn section(username: &str, password: &str) -> Section {
        Section { username: Some(username.into()), password: Some(Secret::new(password)), ..Section::default() }
    }

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("config.toml");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        (room, path)
    }

    #[test]
    fn a_first_profile_makes_a_file_for_its_owner_alone() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("insightframe").join("config.toml");
        store(&path, "default", &section("u@example.com", "p'\"\\#")).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        let Reading::Found(found) = read(&path, "default").unwrap() else { panic!("it is missing") };
        assert_eq!((found.username.as_deref(), found.password.unwrap().expose()), (Some("u@example.com"), "p'\"\\#"));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_person_wrote_beside_it_stays() {
        let (_room, path) = file(
            "# mine\n[eu]   # Europe\nusername = 'a' # night shift\npassword = 'b'\nworkspace = 'w'\n\n# the other\n[us]\nusername = 'c'\n",
        );
        store(&path, "eu", &Section { base_url: Some("https://h".into()), ..section("d", "e") }).unwrap();
        store(&path, "a.b c", &section("f", "g")).unwrap();
        insta::assert_snapshot!(fs::read_to_string(&path).unwrap(), @r##"
        # mine
        [eu]   # Europe
        username = "d" # night shift
        password = "e"
        base_url = "https://h"

        # the other
        [us]
        username = 'c'

        ["a.b c"]
        username = "f"
        password = "g"
        "##);
        assert!(remove(&path, "us").unwrap() && !remove(&path, "us").unwrap());
        insta::assert_snapshot!(fs::read_to_string(&path).unwrap(), @r##"
        # mine
        [eu]   # Europe
        username = "d" # night shift
        password = "e"
        base_url = "https://h"

        ["a.b c"]
        username = "f"
        password = "g"
        "##);
        assert!(matches!(read(&path, "a.b c").unwrap(), Reading::Found(_)));
        assert!(!remove(Path::new("/nowhere/config.toml"), "eu").unwrap());
    }

    #[test]
    fn a_link_stays_a_link() {
        let (room, path) = file("");
        let link = room.path().join("link.toml");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        store(&link, "default", &section("a", "b")).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(matches!(read(&path, "default").unwrap(), Reading::Found(_)));
    }

    #[test]
    fn a_file_that_is_not_one_of_profiles_is_refused_and_kept_without_being_shown() {
        for (text, words) in [
            ("[default]\npassword='canary\n", "can't be read: line 2"),
            ("[default]\npasword='canary'\n", "section `default` has the unknown key `pasword`"),
            ("[default]\npassword=['canary']\n", "`password` of section `default` is no text"),
            ("default='canary'\n", "`default` is no section"),
        ] {
            let (_room, path) = file(text);
            let error = read(&path, "default").unwrap_err().to_string();
            assert!(error.contains(words) && !error.contains("canary"), "{error}");
        }
        for text in ["[default]\npassword='canary\n", "default='canary'\n"] {
            let (_room, path) = file(text);
            assert!(store(&path, "default", &section("a", "b")).is_err());
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        let (_room, path) = file("[other]\n");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(store(&path, "default", &section("a", "b")).unwrap_err().to_string().contains("may be read by others"));
    }
}
