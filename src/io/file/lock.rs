//! Locks against other writers of a file: advisory, as the HDF5 library takes them, but without its
//! rule that one reader keeps all writers out.
//!
//! A program that opens a file through HDF5 holds a shared lock on it as long as it is open, in a
//! notebook for days, and a writer must have the file to itself. A run must not fail for that. So
//! the files that it changes are opened without HDF5's locks
//! ([`open_alone`](super::open::open_alone); MPI-IO has none), and [`claim`] refuses only other
//! writers. The claim is held while one rank changes the file, never during a transfer: on network
//! file systems MPI-IO uses the same locks.
//!
//! The environment variable `HDF5_USE_FILE_LOCKING` overrides this, as in HDF5.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

/// Keeps others out of a file until it is dropped.
#[derive(Debug)]
#[must_use = "the lock ends when it is dropped"]
pub(in crate::io) struct FileClaim {
    /// Holds the lock; `None` where there are no locks.
    _file: Option<File>,
}

/// Claims a file for changing it: exclusively if no program has it open, otherwise against other
/// writers.
///
/// # Errors
/// When another program has it open for writing, or there is no such file.
pub(in crate::io) fn claim(path: &Path) -> io::Result<FileClaim> {
    if from_environment().is_some() {
        return Ok(FileClaim { _file: None });
    }
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let taken = file.try_lock().or_else(|error| match error {
        TryLockError::WouldBlock => file.try_lock_shared(),
        unable => Err(unable),
    });
    match taken {
        Err(TryLockError::WouldBlock) => {
            let reason = "another program has it open for writing; close it there";
            Err(io::Error::new(io::ErrorKind::ResourceBusy, reason))
        }
        // some parallel file systems have no locks
        _ => Ok(FileClaim { _file: Some(file) }),
    }
}

/// Takes the lock of a file that only this library uses, until the file is closed. Returns `false`
/// if another process has it.
///
/// Where the file system has no locks, every process gets it.
pub(in crate::io) fn take(file: &File) -> bool {
    from_environment() == Some(false) || !matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

/// What the environment variable says: `Some(true)` if HDF5 always takes locks, `Some(false)` if
/// there are none.
fn from_environment() -> Option<bool> {
    match std::env::var("HDF5_USE_FILE_LOCKING").as_deref() {
        Ok("TRUE" | "1" | "BEST_EFFORT") => Some(true),
        Ok("FALSE" | "0") => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_are_no_obstacle_but_a_writer_is() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let other = || File::open(file.path()).unwrap();
        let alone = claim(file.path()).unwrap();
        assert!(matches!(other().try_lock_shared(), Err(TryLockError::WouldBlock)));
        drop(alone);
        let reader = other();
        reader.try_lock_shared().unwrap();
        let claimed = claim(file.path()).unwrap();
        other().try_lock_shared().unwrap();
        assert!(matches!(other().try_lock(), Err(TryLockError::WouldBlock)));
        drop((claimed, reader));
        let writer = other();
        writer.try_lock().unwrap();
        let message = claim(file.path()).unwrap_err().to_string();
        assert!(message.contains("open for writing"), "{message}");
    }
}
