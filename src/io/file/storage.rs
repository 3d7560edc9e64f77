//! Drafts, which are files under a temporary name, and what the file system can promise.

use std::fmt::Display;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind::Unsupported, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::io::file::system;

/// A file being written beside its final place, by the rank that made it. Removed when dropped,
/// unless it was moved to its place.
#[derive(Debug)]
pub(crate) struct Draft {
    /// Where the bytes are now.
    pub(crate) path: PathBuf,
    /// Where they belong.
    target: PathBuf,
    in_place: bool,
}

impl Draft {
    /// Makes an empty file beside `target`, under a name that no file has.
    pub(crate) fn create(target: &Path) -> Result<Self> {
        let fail = |reason: &dyn Display| cannot("create", target, reason);
        // replace what a symbolic link leads to, not the link
        let target = fs::canonicalize(target).unwrap_or_else(|_| target.to_owned());
        let Some(name) = target.file_name().and_then(|name| name.to_str()) else {
            return Err(fail(&"the path does not end in a file name of UTF-8 characters"));
        };
        if fs::metadata(&target).is_ok_and(|present| !present.is_file()) {
            return Err(fail(&"there is something of that name that is not an ordinary file"));
        }
        let directory = target.parent().unwrap_or(Path::new(""));
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        if !directory.is_dir() {
            return Err(fail(&format_args!("there is no directory {}", directory.display())));
        }
        let machine = machine();
        remove_abandoned(directory, &format!(".{name}.{machine}-"));
        for attempt in 0_u32.. {
            let path = directory.join(format!(".{name}.{machine}-{}-{attempt}.partial", std::process::id()));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(_) => return Ok(Self { path, target: target.clone(), in_place: false }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(fail(&error)),
            }
        }
        Err(fail(&"no unused name for a temporary file"))
    }

    /// The path as a text that can be told to other ranks.
    ///
    /// # Errors
    /// When it is not UTF-8.
    pub(crate) fn text(&self) -> Result<String> {
        let path = self.path.to_str().map(str::to_owned);
        path.ok_or_else(|| cannot("create", &self.target, "the path is not UTF-8"))
    }

    /// Writes the whole content of a small text file.
    fn fill(&self, content: &str) -> Result<()> {
        let write = || {
            let mut file = OpenOptions::new().write(true).truncate(true).open(&self.path)?;
            file.write_all(content.as_bytes())?;
            file.sync_all()
        };
        write().map_err(|error| cannot("write", &self.target, &error))
    }

    /// Gives the file its final name, replacing an older one in one step.
    ///
    /// # Errors
    /// When it cannot be renamed; or it has its name, but may lose it in a crash.
    pub(crate) fn move_in_place(mut self) -> Result<()> {
        let fail = |error: io::Error| cannot("write", &self.target, &error);
        fs::rename(&self.path, &self.target).map_err(fail)?;
        self.in_place = true;
        sync_directory_of(&self.target).map_err(fail)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.in_place {
            // nothing more can be done about a file that cannot be removed
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Puts a small text file in place, instead of an older one.
pub(in crate::io) fn replace(target: &Path, content: &str) -> Result<()> {
    let draft = Draft::create(target)?;
    draft.fill(content)?;
    draft.move_in_place()
}

/// Name of this machine, for temporary files on a file system that several machines share; "any" if
/// it is not known.
fn machine() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let plain: String = name.trim().chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    if plain.is_empty() { "any".into() } else { plain }
}

/// Removes the unfinished files of dead processes of this machine: `prefix`, the number of the
/// process, and the rest. When in doubt, a file stays.
fn remove_abandoned(directory: &Path, prefix: &str) {
    // without /proc there is no way to tell which processes live
    let alive =
        |process: u32| !Path::new("/proc/self").exists() || Path::new(&format!("/proc/{process}")).exists();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| {
            let (process, attempt) = name.strip_prefix(prefix)?.strip_suffix(".partial")?.split_once('-')?;
            attempt.parse::<u32>().ok()?;
            process.parse::<u32>().ok()
        });
        if process.is_some_and(|process| !alive(process)) {
            // another process may have been faster
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Makes sure that a range of a file has space on disk, as far as the file system can tell.
pub(crate) fn reserve(path: &Path, offset: u64, length: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    match system::reserve(&file, offset, length) {
        Err(error) if error.kind() == Unsupported => check_free_space(&file, length),
        Err(error) if error.kind() == io::ErrorKind::StorageFull => {
            check_free_space(&file, length)?;
            Err(error)
        }
        result => result,
    }
}

/// Makes sure that what a file has grown by since it had `before` bytes has space on disk.
pub(in crate::io) fn reserve_growth(path: &Path, before: u64) -> io::Result<()> {
    match length(path)?.saturating_sub(before) {
        0 => Ok(()),
        growth => reserve(path, before, growth),
    }
}

/// Makes sure that the file system has this many bytes left.
pub(in crate::io) fn require(path: &Path, bytes: u64) -> io::Result<()> {
    check_free_space(&OpenOptions::new().write(true).open(path)?, bytes)
}

/// Bytes of a file.
pub(in crate::io) fn length(path: &Path) -> io::Result<u64> {
    Ok(fs::metadata(path)?.len())
}

/// Refuses a length that exceeds what the file system has left, and says both.
fn check_free_space(file: &File, length: u64) -> io::Result<()> {
    let free = system::free_space(file)?;
    if free >= length {
        return Ok(());
    }
    let message = format!("No space left on device: {length} bytes are needed, {free} are free");
    Err(io::Error::new(io::ErrorKind::StorageFull, message))
}

/// Waits until the bytes of a file that any rank of this node wrote are on disk.
pub(crate) fn sync(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.sync_all()
}

/// Brings the names in the directory of a file to disk: they must survive a crash too.
pub(crate) fn sync_directory_of(file: &Path) -> io::Result<()> {
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let synced = match File::open(directory) {
        // permission to write to a directory does not include opening it; then there is no way to
        // ask
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        opened => opened.and_then(|directory| directory.sync_all()),
    };
    synced.or_else(|error| {
        // not every file system can promise that
        let unable = [libc::EINVAL, libc::ENOTSUP, libc::EOPNOTSUPP, libc::ENOSYS];
        if error.raw_os_error().is_some_and(|code| unable.contains(&code)) {
            return Ok(());
        }
        let message = format!("its name may not survive a crash: directory {}: {error}", directory.display());
        Err(io::Error::new(error.kind(), message))
    })
}

/// The reason in an error of the HDF5 library: the words of the operating system, where it quotes
/// them.
pub(crate) fn complaint(error: &hdf5::Error) -> String {
    let text = error.to_string();
    let quoted = text.split_once("error message = '").and_then(|(_, rest)| rest.split_once('\''));
    quoted.map_or(text.replace('\n', " "), |(words, _)| words.to_owned())
}

/// An error about a file.
pub(in crate::io) fn cannot(verb: &str, path: &Path, reason: &(impl Display + ?Sized)) -> Error {
    Error::new(ErrorKind::File, format!("cannot {verb} {}: {reason}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_replaces_the_target_or_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("out.txt");
        fs::write(&target, "old").unwrap();
        let draft = Draft::create(&target).unwrap();
        draft.fill("lost").unwrap();
        drop(draft);
        assert_eq!(fs::read_to_string(&target).unwrap(), "old");
        let (draft, other) = (Draft::create(&target).unwrap(), Draft::create(&target).unwrap());
        assert_ne!(draft.path, other.path);
        draft.fill("new").unwrap();
        draft.move_in_place().unwrap();
        drop(other);
        assert_eq!(fs::read_to_string(&target).unwrap(), "new");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
    }

    #[test]
    fn what_dead_processes_left_is_removed_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let (dead, me, here) = (child.id(), std::process::id(), machine());
        let kept = [
            format!(".out.h5.{here}-{me}-3.partial"),
            format!(".out.h5.elsewhere{here}-{dead}-0.partial"),
            format!(".other.h5.{here}-{dead}-0.partial"),
            format!(".out.h5.{here}-{dead}-0.partial.txt"),
            format!(".out.h5.{here}-x-0.partial"),
        ];
        for name in kept.iter().chain([&format!(".out.h5.{here}-{dead}-1.partial")]) {
            fs::write(directory.path().join(name), "").unwrap();
        }
        drop(Draft::create(&directory.path().join("out.h5")).unwrap());
        let mut found: Vec<String> = fs::read_dir(&directory)
            .unwrap()
            .map(|it| it.unwrap().file_name().into_string().unwrap())
            .collect();
        found.sort();
        let mut kept = kept.to_vec();
        kept.sort();
        assert_eq!(found, kept);
    }

    #[test]
    fn a_link_survives_and_what_it_leads_to_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let (target, link) = (directory.path().join("real"), directory.path().join("link"));
        fs::write(&target, "old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let draft = Draft::create(&link).unwrap();
        draft.fill("new").unwrap();
        draft.move_in_place().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&target).unwrap(), "new");
    }

    #[test]
    fn places_where_no_file_can_be_are_refused_with_a_reason() {
        let directory = tempfile::tempdir().unwrap();
        let refusal = |path: &Path| Draft::create(path).unwrap_err().to_string();
        assert!(refusal(directory.path()).contains("not an ordinary file"));
        assert!(refusal(Path::new("/dev/null")).contains("not an ordinary file"));
        assert!(refusal(&directory.path().join("no/such/file.h5")).contains("no directory"));
        assert!(refusal(Path::new("..")).contains("cannot create .."));
    }

    #[test]
    fn a_directory_that_cannot_be_brought_to_disk_is_an_error_unless_it_never_can() {
        let directory = tempfile::tempdir().unwrap();
        sync_directory_of(&directory.path().join("file")).unwrap();
        sync_directory_of(Path::new("file")).unwrap();
        let error = sync_directory_of(&directory.path().join("gone/file")).unwrap_err();
        assert!(error.kind() == io::ErrorKind::NotFound && error.to_string().contains("gone"), "{error}");
        // it answers EINVAL
        #[cfg(target_os = "linux")]
        sync_directory_of(Path::new("/proc/self/status")).unwrap();
    }

    #[test]
    fn the_system_speaks_for_itself_through_the_library() {
        let library =
            "H5Fcreate(): file write failed: errno = 28, error message = 'No space left on device', buf";
        assert_eq!(complaint(&library.into()), "No space left on device");
        assert_eq!(complaint(&"bad symbol\ntable".into()), "bad symbol table");
    }

    #[test]
    fn more_than_the_disk_has_is_refused_with_numbers() {
        let file = tempfile::NamedTempFile::new().unwrap();
        reserve(file.path(), 0, 4096).unwrap();
        let error = check_free_space(file.as_file(), u64::MAX).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(error.to_string().contains(&u64::MAX.to_string()), "{error}");
    }
}
