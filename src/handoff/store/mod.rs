//! Where files go: a path of this machine, or a key in an object store.
//!
//! Both sides do the same few things, all of them atomic: a file is absent, or what it was, or new and complete.

mod fault;
mod options;
mod upload;

use std::{
    collections::BTreeMap,
    fmt, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, UpdateVersion, path::Path as Key};
use url::Url;

pub use self::options::StorageOptions;
pub(super) use self::upload::Upload;
use super::{atomic::AtomicFile, format::blocking, output::Output};
use crate::error::{Error, Result};

/// A place for a file, or for a tree of them.
#[derive(Clone)]
pub struct Place {
    at: At,
    /// As the caller named it, for messages.
    shown: String,
}

#[derive(Clone)]
enum At {
    Path(PathBuf),
    Object(Arc<dyn ObjectStore>, Key),
}

/// Which state a file was in when it was read, for a later [`Place::replace`]; nothing where files are locked instead.
#[derive(Clone, Debug)]
pub enum Version {
    /// There was none.
    Absent,
    /// The one that the store calls so.
    Of(UpdateVersion),
}

impl Place {
    /// Reads a path, or a url: `s3://bucket/key`, `gs://bucket/key`, `az://container/key`,
    /// `abfss://container@account.dfs.core.windows.net/key`, `file:///path`, and `memory:///key`, which lives as long as
    /// the process.
    ///
    /// A store takes its credentials from its usual environment variables (`AWS_…`, `GOOGLE_…`, `AZURE_…`) and from
    /// `options`, which go first.
    ///
    /// # Errors
    /// `Config` for another scheme, a url with a password or a query in it, and options that mean nothing to the store.
    pub fn parse(place: impl AsRef<Path>, options: &StorageOptions) -> Result<Self> {
        let path = place.as_ref();
        let Some((scheme, _)) = path.to_str().and_then(|text| scheme(text)) else {
            return Ok(Self::local(path));
        };
        let text = path.to_str().unwrap_or_default();
        if !text[scheme.len()..].starts_with("://") {
            return Err(Error::config(format!("`{text}` was a url before it became a path"))
                .hint("give it as a string: a `pathlib.Path` merges its slashes"));
        }
        // Not quoted: what is wrong may be beside a password.
        let url =
            Url::parse(text).map_err(|error| Error::config(format!("the `{scheme}://` url can't be read: {error}")))?;
        let names_container = matches!(scheme, "az" | "azure" | "adl" | "abfs" | "abfss");
        if url.password().is_some() || (!url.username().is_empty() && !names_container) || url.query().is_some() {
            return Err(Error::config(format!("the `{scheme}://` url carries more than a place"))
                .hint("credentials belong in `storage_options` or in the environment"));
        }
        if scheme == "file" {
            let wrong = || Error::config(format!("`{text}` is no path of this machine"));
            return url
                .to_file_path()
                .map(|path| Self { at: At::Path(path), shown: text.to_owned() })
                .map_err(|()| wrong());
        }
        let store = options::connect(&url, options)?;
        let key = Key::from_url_path(url.path())
            .map_err(|error| Error::config(format!("`{text}` can't be a key: {error}")))?;
        Ok(Self { at: At::Object(store, key), shown: text.trim_end_matches('/').to_owned() })
    }

    /// A path of this machine.
    pub fn local(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { shown: path.display().to_string(), at: At::Path(path) }
    }

    /// A place in a store that is at hand.
    pub fn within(store: Arc<dyn ObjectStore>, key: &str) -> Self {
        Self { at: At::Object(store, Key::from(key)), shown: key.to_owned() }
    }

    /// The path, if it is one of this machine.
    pub fn path(&self) -> Option<&Path> {
        match &self.at {
            At::Path(path) => Some(path),
            At::Object(..) => None,
        }
    }

    /// The place of a file in the tree that begins here; `name` has `/` between its parts.
    #[must_use]
    pub fn below(&self, name: &str) -> Self {
        let at = match &self.at {
            At::Path(path) => At::Path(path.join(name)),
            At::Object(store, key) => {
                At::Object(Arc::clone(store), key.parts().chain(Key::from(name).parts()).collect())
            }
        };
        Self { at, shown: format!("{}/{name}", self.shown.trim_end_matches('/')) }
    }

    /// Begins a file here; nothing is to be seen of it until it is committed.
    ///
    /// # Errors
    /// Those of [`AtomicFile::create`] for a path. A store is heard of with the first bytes.
    pub fn begin(&self) -> Result<Output> {
        Ok(match &self.at {
            At::Path(path) => Output::file(AtomicFile::create(path)?),
            At::Object(store, key) => Output::object(self.upload(store, key)),
        })
    }

    /// The same, with the draft of a file in another directory of the same file system, made if it isn't there: beside
    /// its target a reader of the whole tree might take a draft for data.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub fn begin_in(&self, drafts: &Self) -> Result<Output> {
        match (&self.at, &drafts.at) {
            (At::Path(path), At::Path(drafts)) => Ok(Output::file(AtomicFile::create_in(drafts, path)?)),
            _ => self.begin(),
        }
    }

    fn upload(&self, store: &Arc<dyn ObjectStore>, key: &Key) -> Upload {
        Upload::new(Arc::clone(store), key.clone(), self.shown.clone())
    }

    /// The bytes of the file, and its version; `None` when there is none.
    ///
    /// # Errors
    /// A file error.
    pub async fn read(&self) -> Result<Option<(Bytes, Version)>> {
        match &self.at {
            At::Path(path) => {
                let path = path.clone();
                match blocking(move || fs::read(path)).await {
                    Ok(bytes) => Ok(Some((bytes.into(), Version::Absent))),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                    Err(error) => Err(Error::file(self, &error)),
                }
            }
            At::Object(store, key) => match store.get(key).await {
                Ok(found) => {
                    let version =
                        UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
                    let bytes = found.bytes().await.map_err(|error| self.fault(&error))?;
                    Ok(Some((bytes, Version::Of(version))))
                }
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(self.fault(&error)),
            },
        }
    }

    /// Writes the file, if it still is what it was; `None` when somebody else has changed it meanwhile. A path is
    /// written in any case, since who writes there holds a lock; so is an object whose store knows no conditions.
    ///
    /// # Errors
    /// A file error.
    pub async fn replace(&self, bytes: Vec<u8>, known: &Version) -> Result<Option<Version>> {
        match &self.at {
            At::Path(path) => {
                let path = path.clone();
                blocking(move || {
                    let mut file = AtomicFile::create(&path)?;
                    file.write_all(&bytes).map_err(|error| file.fault(&error))?;
                    file.commit()
                })
                .await?;
                Ok(Some(Version::Absent))
            }
            At::Object(store, key) => {
                let mode = match known {
                    Version::Absent => PutMode::Create,
                    Version::Of(version) => PutMode::Update(version.clone()),
                };
                let bytes = Bytes::from(bytes);
                let put = async |mode: PutMode| store.put_opts(key, bytes.clone().into(), mode.into()).await;
                let done = match put(mode).await {
                    Err(object_store::Error::NotImplemented { .. } | object_store::Error::NotSupported { .. }) => {
                        put(PutMode::Overwrite).await
                    }
                    done => done,
                };
                match done {
                    Ok(put) => Ok(Some(Version::Of(UpdateVersion { e_tag: put.e_tag, version: put.version }))),
                    Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                        // An answer that was lost makes the second try meet the success of the first.
                        match self.read().await? {
                            Some((found, version)) if found == bytes => Ok(Some(version)),
                            _ => Ok(None),
                        }
                    }
                    Err(error) => Err(self.fault(&error)),
                }
            }
        }
    }

    /// The files of the tree that begins here, by name, with their sizes in bytes; empty when there is none.
    ///
    /// # Errors
    /// A file error.
    pub async fn files(&self) -> Result<BTreeMap<String, u64>> {
        match &self.at {
            At::Path(path) => {
                let path = path.clone();
                blocking(move || {
                    let mut found = BTreeMap::new();
                    collect(&path, "", &mut found).map(|()| found)
                })
                .await
                .map_err(|error| Error::file(self, &error))
            }
            At::Object(store, key) => {
                let prefix = (key.parts_count() > 0).then_some(key);
                let names = store.list(prefix).try_fold(BTreeMap::new(), async |mut found, object| {
                    if let Some(parts) = object.location.prefix_match(key) {
                        let name: Vec<String> = parts.map(|part| part.as_ref().to_owned()).collect();
                        found.insert(name.join("/"), object.size);
                    }
                    Ok(found)
                });
                names.await.map_err(|error| self.fault(&error))
            }
        }
    }

    fn fault(&self, error: &object_store::Error) -> Error {
        fault::fault(&self.shown, error)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// The place alone: a store knows its credentials.
impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place({})", self.shown)
    }
}

/// The scheme of a text that is a url, or was one before its slashes were merged.
fn scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(":/")?;
    let is_scheme = scheme.len() > 1
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    is_scheme.then_some((scheme, rest))
}

fn collect(directory: &Path, before: &str, found: &mut BTreeMap<String, u64>) -> io::Result<()> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = format!("{before}{}", entry.file_name().to_string_lossy());
        match fs::metadata(entry.path()) {
            Ok(metadata) if metadata.is_dir() => collect(&entry.path(), &format!("{name}/"), found)?,
            Ok(metadata) => drop(found.insert(name, metadata.len())),
            // It went meanwhile, or is a link to nowhere: no file in any case.
            Err(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
