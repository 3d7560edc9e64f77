//! The one error type of the library.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Shorthand for results of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of thing went wrong; asked through [`Error::is_geometry`] and its siblings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// Sizes, halos and process counts that do not fit together.
    Geometry,
    /// An argument that makes no sense here.
    Argument,
    /// MPI or the thread pool could not be set up or used.
    Parallel,
    /// A file could not be read or written.
    File,
    /// The user's own error, see [`Error::other`].
    Other,
}

impl ErrorKind {
    const ALL: [Self; 5] = [Self::Geometry, Self::Argument, Self::Parallel, Self::File, Self::Other];

    /// A number that stands for the kind in messages between ranks.
    pub(crate) fn code(self) -> u64 {
        self as u64
    }

    pub(crate) fn from_code(code: u64) -> Self {
        Self::ALL[code as usize % Self::ALL.len()]
    }
}

/// Why something could not be done: what was asked, what is impossible about it, what would work.
///
/// The type is opaque; predicates such as [`Error::is_file`] tell kinds apart.
///
/// # On one rank or on all
///
/// An error of a collective method that all ranks meet together (see
/// [`World::agree`](crate::world::World::agree)) is the same on every rank: each may handle it, and the
/// job goes on. Any other error belongs to one rank. If such an error is still alive when the
/// rank's [`World`](crate::world::World) ends, which is what happens when it is returned from `main`,
/// the other ranks may be waiting for this one, so the whole job is ended with its message.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
}

/// Errors of this rank alone that somebody still holds.
static LOCAL_ERRORS: Mutex<Vec<Weak<Inner>>> = Mutex::new(Vec::new());

/// Worlds of this rank alone that there are.
static ALONE: AtomicUsize = AtomicUsize::new(0);

/// Held by a world of this rank alone.
#[derive(Debug)]
pub(crate) struct Alone(());

impl Alone {
    pub(crate) fn new() -> Self {
        ALONE.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        ALONE.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let inner = Arc::new(Inner { kind, message: message.into() });
        let mut local = LOCAL_ERRORS.lock().unwrap_or_else(PoisonError::into_inner);
        local.retain(|error| error.strong_count() > 0);
        local.push(Arc::downgrade(&inner));
        Self(inner)
    }

    /// An error that every rank makes alike, from arguments that are the same on all of them. While this rank has a world of
    /// its own ([`World::alone`](crate::world::World::alone)), it may be an error of that one.
    pub(crate) fn on_all_ranks(kind: ErrorKind, message: impl Into<String>) -> Self {
        if ALONE.load(Ordering::Relaxed) > 0 { Self::new(kind, message) } else { Self::agreed(kind, message) }
    }

    /// An error that all ranks have told each other.
    pub(crate) fn agreed(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner { kind, message: message.into() }))
    }

    /// An error of this rank alone that is still alive, if there is one.
    pub(crate) fn unhandled() -> Option<Self> {
        Self::living().into_iter().next()
    }

    /// All errors of this rank alone that are still alive.
    fn living() -> Vec<Self> {
        let local = LOCAL_ERRORS.lock().unwrap_or_else(PoisonError::into_inner);
        local.iter().filter_map(Weak::upgrade).map(Self).collect()
    }

    /// Wraps an error from elsewhere, so that `?` in a `main` that returns
    /// [`parhelion::Result`](Result) ends the whole job and not only this rank.
    ///
    /// ```
    /// use parhelion::Error;
    ///
    /// let steps: Result<u32, Error> = "many".parse().map_err(Error::other);
    /// assert_eq!(steps.unwrap_err().to_string(), "invalid digit found in string");
    /// ```
    pub fn other(error: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Other, error.to_string())
    }

    pub(crate) fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Sizes, halo widths and process counts do not fit together.
    pub fn is_geometry(&self) -> bool {
        self.0.kind == ErrorKind::Geometry
    }

    /// An argument makes no sense for this call.
    pub fn is_argument(&self) -> bool {
        self.0.kind == ErrorKind::Argument
    }

    /// MPI or the thread pool could not be set up or used.
    pub fn is_parallel(&self) -> bool {
        self.0.kind == ErrorKind::Parallel
    }

    /// A file or a dataset in it could not be read or written.
    pub fn is_file(&self) -> bool {
        self.0.kind == ErrorKind::File
    }

    /// The user's own error, made by [`Error::other`].
    pub fn is_other(&self) -> bool {
        self.0.kind == ErrorKind::Other
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

/// The message itself: this is what `main` prints for an error it returns.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::new(ErrorKind::File, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_living_errors_of_this_rank_count_as_unhandled() {
        // Other tests of this process have errors too.
        let living = |text: &str| Error::living().iter().any(|error| error.to_string() == text);
        let everywhere = Error::on_all_ranks(ErrorKind::Geometry, "agreed by all");
        assert!(!living("agreed by all"));
        let here = Error::new(ErrorKind::File, "mine alone");
        let clone = here.clone();
        drop(here);
        assert!(living("mine alone") && Error::unhandled().is_some());
        drop(clone);
        assert!(!living("mine alone"));
        assert!(everywhere.is_geometry() && !everywhere.is_file());
    }
}
