//! A file that is absent or complete.
//!
//! The bytes go to a draft in the directory of the target (or another one of the same file system), and the draft takes
//! the target's name when all of them are on the disk. On Linux the draft has no name until then, so that not even a killed process leaves one behind; where
//! the file system can't do that, and on other systems, it is a hidden temporary file that goes when it is dropped.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use tempfile::{Builder, NamedTempFile};

use crate::{Error, Result};

/// How much is collected before the operating system is called.
const BUFFER: usize = 256 << 10;

/// A file under way: [`Write`] to it, then [`commit`](Self::commit). Dropped before, it leaves nothing.
#[derive(Debug)]
pub struct AtomicFile {
    path: PathBuf,
    target: PathBuf,
    drafts: PathBuf,
    draft: Draft,
}

#[derive(Debug)]
enum Draft {
    #[cfg(target_os = "linux")]
    Unnamed(BufWriter<File>),
    Named(BufWriter<NamedTempFile>),
}

impl AtomicFile {
    /// Begins a file that will stand at `path`, in place of one that may be there.
    ///
    /// A new file gets the permissions that any new file gets (0666 without the umask), a replaced one keeps its own.
    /// A symbolic link stays, and what it points to is replaced.
    ///
    /// # Errors
    /// A configuration error for a URL; a file error when `path` is a directory, a device or a pipe, when the file
    /// there is read-only, or when its directory is missing or can't be written to.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        refuse_url(path)?;
        begin(path, None).map_err(|error| Error::file(path.display(), &error))
    }

    /// The same with the draft in another directory of the same file system. Both directories are made if they aren't
    /// there.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn create_in(drafts: &Path, path: &Path) -> Result<Self> {
        let begun = create_directory(directory(path))
            .and_then(|()| create_directory(drafts))
            .and_then(|()| begin(path, Some(drafts)));
        begun.map_err(|error| Error::file(path.display(), &error))
    }

    /// The path as the caller gave it, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts the file in its place, on the disk, and returns its size in bytes.
    ///
    /// # Errors
    /// A file error; the target is then as it was before.
    pub fn commit(self) -> Result<u64> {
        let Self { path, target, drafts, draft } = self;
        draft.settle(&target, &drafts).map_err(|error| Error::file(path.display(), &error))
    }

    /// The error of this file for what went wrong while it was written.
    pub(super) fn fault(&self, error: &io::Error) -> Error {
        Error::file(self.path.display(), error)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.draft {
            #[cfg(target_os = "linux")]
            Draft::Unnamed(file) => file.write(bytes),
            Draft::Named(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.draft {
            #[cfg(target_os = "linux")]
            Draft::Unnamed(file) => file.flush(),
            Draft::Named(file) => file.flush(),
        }
    }
}

/// Without this, `s3://bucket/key` would become a directory called `s3:`.
fn refuse_url(path: &Path) -> Result<()> {
    let Some((scheme, _)) = path.to_str().and_then(|path| path.split_once("://")) else { return Ok(()) };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if !is_scheme {
        return Ok(());
    }
    Err(Error::config(format!("`{scheme}://` can't be written to: only local files can"))
        .hint("write to a local file and copy it"))
}

fn begin(path: &Path, drafts: Option<&Path>) -> io::Result<AtomicFile> {
    let present = match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(metadata) if !metadata.is_file() => {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file, so it can't be replaced"));
        }
        Ok(metadata) => {
            // The rename would replace a read-only file without asking; writing in place would not.
            OpenOptions::new().write(true).open(path)?;
            Some(metadata.permissions())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let target = follow(path)?;
    let draft = Draft::begin(&target, drafts.unwrap_or(directory(&target)))?;
    if let Some(permissions) = present {
        draft.file().set_permissions(permissions)?;
    }
    Ok(AtomicFile { path: path.to_owned(), drafts: drafts.unwrap_or(directory(&target)).to_owned(), target, draft })
}

/// What `path` stands for when all symbolic links at its end are followed, whether or not there is anything.
fn follow(path: &Path) -> io::Result<PathBuf> {
    // As many as Linux follows.
    const LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let Ok(next) = fs::read_link(&path) else { return Ok(path) };
        path = directory(&path).join(next);
    }
    Err(io::Error::other("too many symbolic links"))
}

/// Makes a directory whose name is on the disk too.
fn create_directory(path: &Path) -> io::Result<()> {
    if !path.is_dir() {
        fs::create_dir_all(path)?;
        let _ = File::open(directory(path)).and_then(|parent| parent.sync_all());
    }
    Ok(())
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

impl Draft {
    fn begin(target: &Path, drafts: &Path) -> io::Result<Self> {
        if target.file_name().is_none() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        #[cfg(target_os = "linux")]
        let draft = match unnamed::create(drafts) {
            Ok(file) => Self::Unnamed(BufWriter::with_capacity(BUFFER, file)),
            // Not every file system can do without a name. When a name doesn't help, the first error says why.
            Err(error) => Self::Named(BufWriter::with_capacity(BUFFER, named(drafts).map_err(|_| error)?)),
        };
        #[cfg(not(target_os = "linux"))]
        let draft = Self::Named(BufWriter::with_capacity(BUFFER, named(drafts)?));
        Ok(draft)
    }

    fn file(&self) -> &File {
        match self {
            #[cfg(target_os = "linux")]
            Self::Unnamed(file) => file.get_ref(),
            Self::Named(file) => file.get_ref().as_file(),
        }
    }

    fn settle(mut self, target: &Path, drafts: &Path) -> io::Result<u64> {
        match &mut self {
            #[cfg(target_os = "linux")]
            Self::Unnamed(file) => file.flush()?,
            Self::Named(file) => file.flush()?,
        }
        self.file().sync_all()?;
        let bytes = self.file().metadata()?.len();
        match self {
            #[cfg(target_os = "linux")]
            Self::Unnamed(file) => unnamed::settle(file.get_ref(), target, drafts)?,
            Self::Named(file) => {
                // Emptied above, so nothing can be lost with the buffer.
                let (draft, _) = file.into_parts();
                draft.persist(target).map_err(|error| error.error)?;
            }
        }
        // The name is as durable as the bytes only when the directory is on the disk too. Some file systems can't
        // do that for directories; the file is complete all the same.
        let _ = File::open(directory(target)).and_then(|directory| directory.sync_all());
        Ok(bytes)
    }
}

fn named(drafts: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(".insightframe-").suffix(".part");
    #[cfg(unix)]
    {
        // Private by default; a result is as public as the umask says.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    // The builder puts the path of the draft into the message; ours names the target.
    builder.tempfile_in(drafts).map_err(|error| error.kind().into())
}

/// A file without a name (`O_TMPFILE`, see open(2)): the kernel takes it away with the process that had it open.
#[cfg(target_os = "linux")]
mod unnamed {
    use std::{
        fs::{self, File},
        io,
        os::fd::AsRawFd,
        path::Path,
    };

    use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, open};

    const OPEN_FILES: &str = "/proc/self/fd";

    pub(super) fn create(directory: &Path) -> io::Result<File> {
        // Where the draft is found again when it gets its name; better to know before it is written.
        fs::metadata(OPEN_FILES)?;
        Ok(open(directory, OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC, Mode::from_raw_mode(0o666))?.into())
    }

    /// A link can't replace a file but a rename can, so the draft gets a name of its own in between.
    pub(super) fn settle(file: &File, target: &Path, drafts: &Path) -> io::Result<()> {
        let draft = format!("{OPEN_FILES}/{}", file.as_raw_fd());
        let name = loop {
            let name = drafts.join(format!(".insightframe-{:016x}.part", fastrand::u64(..)));
            match linkat(CWD, &draft, CWD, &name, AtFlags::SYMLINK_FOLLOW) {
                Ok(()) => break name,
                Err(rustix::io::Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        };
        fs::rename(&name, target).inspect_err(|_| {
            let _ = fs::remove_file(&name);
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::error::Kind;

    fn write(path: &Path, bytes: &[u8]) -> Result<u64> {
        let mut file = AtomicFile::create(path)?;
        file.write_all(bytes).map_err(|error| file.fault(&error))?;
        file.commit()
    }

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_file_is_absent_until_it_is_complete() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("report.csv");
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(&vec![b'x'; 3 * BUFFER]).unwrap();
        assert!(!path.exists());
        assert_eq!(file.commit().unwrap(), 3 * BUFFER as u64);
        assert_eq!(fs::read(&path).unwrap().len(), 3 * BUFFER);
        assert_eq!(names(room.path()), ["report.csv"]);
    }

    #[test]
    fn a_dropped_file_leaves_nothing_and_the_old_one_alone() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("report.csv");
        fs::write(&path, "old").unwrap();
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(&vec![b'x'; 3 * BUFFER]).unwrap();
        drop(file);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(room.path()), ["report.csv"]);
    }

    #[test]
    fn a_named_draft_is_hidden_and_leaves_nothing_either() {
        let room = tempfile::tempdir().unwrap();
        let target = room.path().join("report.csv");
        let draft = named(room.path()).unwrap();
        assert!(names(room.path())[0].starts_with(".insightframe-"));
        drop(draft);
        assert!(names(room.path()).is_empty());

        let mut draft = Draft::Named(BufWriter::new(named(room.path()).unwrap()));
        let Draft::Named(file) = &mut draft else { unreachable!() };
        file.write_all(b"new").unwrap();
        assert_eq!(draft.settle(&target, room.path()).unwrap(), 3);
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert_eq!(names(room.path()), ["report.csv"]);
        fs::write(room.path().join("plain"), "").unwrap();
        assert_eq!(mode(&target), mode(&room.path().join("plain")));
    }

    #[test]
    fn a_draft_elsewhere_is_never_beside_its_target() {
        let room = tempfile::tempdir().unwrap();
        let (drafts, path) = (room.path().join("drafts"), room.path().join("day").join("part.csv"));
        let mut file = AtomicFile::create_in(&drafts, &path).unwrap();
        file.write_all(b"1").unwrap();
        assert!(names(&room.path().join("day")).is_empty());
        file.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"1");
        assert!(names(&drafts).is_empty());

        let draft = Draft::Named(BufWriter::new(named(&drafts).unwrap()));
        assert_eq!((names(&drafts).len(), names(&room.path().join("day")).len()), (1, 1));
        draft.settle(&path, &drafts).unwrap();
        assert!(names(&drafts).is_empty());
    }

    #[test]
    fn a_new_file_has_the_permissions_of_any_new_file_and_a_replaced_one_its_own() {
        let room = tempfile::tempdir().unwrap();
        let (plain, path) = (room.path().join("plain"), room.path().join("report.csv"));
        fs::write(&plain, "").unwrap();
        write(&path, b"1").unwrap();
        assert_eq!(mode(&path), mode(&plain));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        write(&path, b"2").unwrap();
        assert_eq!(mode(&path), 0o640);
    }

    #[test]
    fn a_link_stays_and_what_it_points_to_is_replaced() {
        let room = tempfile::tempdir().unwrap();
        let (link, target) = (room.path().join("latest.csv"), room.path().join("data").join("1.csv"));
        fs::create_dir(room.path().join("data")).unwrap();
        symlink("data/1.csv", &link).unwrap();
        for bytes in [b"1", b"2"] {
            write(&link, bytes).unwrap();
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
            assert_eq!(fs::read(&target).unwrap(), bytes);
        }
        symlink("loop", room.path().join("loop")).unwrap();
        assert!(write(&room.path().join("loop"), b"1").is_err());
    }

    #[test]
    fn what_is_no_place_for_a_file_is_refused_by_name() {
        let room = tempfile::tempdir().unwrap();
        let display = room.path().display().to_string();
        let message = |path: &str| AtomicFile::create(path).unwrap_err().to_string();
        assert_eq!(message(&display), format!("`{display}`: is a directory"));
        assert_eq!(message("/dev/null"), "`/dev/null`: not a regular file, so it can't be replaced");
        let missing = format!("{display}/missing/report.csv");
        assert_eq!(message(&missing), format!("`{missing}`: No such file or directory (os error 2)"));
        assert!(matches!(AtomicFile::create(".."), Err(error) if matches!(error.kind(), Kind::File { .. })));
    }

    #[test]
    fn a_url_is_refused_for_what_it_is() {
        let error = AtomicFile::create("s3://bucket/report.parquet").unwrap_err();
        assert!(matches!(error.kind(), Kind::Config(_)));
        insta::assert_snapshot!(error, @"
        `s3://` can't be written to: only local files can
        hint: write to a local file and copy it
        ");
        assert!(refuse_url(Path::new("./odd://name")).is_ok());
    }

    #[test]
    fn a_killed_process_leaves_nothing() {
        const ROOM: &str = "INSIGHTFRAME_TEST_ROOM";
        if let Some(room) = std::env::var_os(ROOM) {
            let mut file = AtomicFile::create(Path::new(&room).join("report.csv")).unwrap();
            file.write_all(&vec![b'x'; 3 * BUFFER]).unwrap();
            std::process::abort();
        }
        let room = tempfile::tempdir().unwrap();
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "handoff::atomic::tests::a_killed_process_leaves_nothing"])
            .env(ROOM, room.path())
            .output()
            .unwrap()
            .status;
        assert!(!status.success());
        if cfg!(target_os = "linux") {
            assert!(names(room.path()).is_empty());
        }
    }
}
