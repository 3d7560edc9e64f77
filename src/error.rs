//! The one error type of the library.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use parhelion_kernels::KernelError;

/// Shorthand for results of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Kinds of errors; users ask through [`Error::is_geometry`] and its siblings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// Sizes, halos and process counts that do not fit together.
    Geometry,
    /// An argument that makes no sense for the call.
    Argument,
    /// MPI or the thread pool could not be set up or used.
    Parallel,
    /// A file could not be read or written.
    File,
    /// The user's own error; see [`Error::other`].
    Other,
}

impl ErrorKind {
    const ALL: [Self; 5] = [Self::Geometry, Self::Argument, Self::Parallel, Self::File, Self::Other];

    /// The number of the kind in messages between ranks.
    pub(crate) fn code(self) -> u64 {
        self as u64
    }

    pub(crate) fn from_code(code: u64) -> Self {
        Self::ALL[code as usize % Self::ALL.len()]
    }
}

/// The one error type: what was given, what is wrong, and what would work.
///
/// The type is opaque; predicates such as [`Error::is_file`] tell kinds apart.
///
/// # On one rank or on all
///
/// Errors of collective methods, and those agreed on by
/// [`World::agree`](crate::world::World::agree), are the same on every rank. Each rank may handle
/// them, and the job continues.
///
/// Any other error belongs to one rank. When it is returned from `main`, it is still alive when the
/// rank's [`World`](crate::world::World) ends. Other ranks may then be waiting for this one, so the
/// whole job is ended with its message.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
}

/// Living errors of this rank alone. One list for the process: errors are made before there is a
/// world and on threads that have none.
static LOCAL_ERRORS: Mutex<Vec<Weak<Inner>>> = Mutex::new(Vec::new());

/// Number of living worlds of some ranks of a larger one. One number for the process: most errors,
/// such as those of kernels, are made without a world at hand.
static ALONE: AtomicUsize = AtomicUsize::new(0);

/// Held by a world of some ranks of a larger one.
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

    /// An error that every rank makes alike, because its arguments are the same on all of them.
    /// While this rank has a world of fewer ranks, such as
    /// [`World::alone`](crate::world::World::alone), the error may be of that world and is this
    /// rank's alone.
    pub(crate) fn on_all_ranks(kind: ErrorKind, message: impl Into<String>) -> Self {
        if ALONE.load(Ordering::Relaxed) > 0 { Self::new(kind, message) } else { Self::agreed(kind, message) }
    }

    /// An error that all ranks have agreed on.
    pub(crate) fn agreed(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner { kind, message: message.into() }))
    }

    /// A living error of this rank alone, if there is one.
    pub(crate) fn unhandled() -> Option<Self> {
        Self::living().into_iter().next()
    }

    /// All living errors of this rank alone.
    fn living() -> Vec<Self> {
        let local = LOCAL_ERRORS.lock().unwrap_or_else(PoisonError::into_inner);
        local.iter().filter_map(Weak::upgrade).map(Self).collect()
    }

    /// Wraps an error from elsewhere. A `main` that returns it as [`parhelion::Result`](Result)
    /// then ends the whole job and not only this rank.
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

/// An argument error, alike on all ranks: they give a kernel the same arguments.
impl From<KernelError> for Error {
    fn from(error: KernelError) -> Self {
        Self::on_all_ranks(ErrorKind::Argument, error.to_string())
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

    #[test]
    fn kernel_errors_convert_to_argument_errors() {
        let smoothing = |sigma| -> Result<()> {
            let _rule = parhelion_kernels::operators::gaussian_along::<f64, 2, 3, 0>(sigma)?;
            Ok(())
        };
        smoothing(0.5).unwrap();
        assert!(smoothing(-1.5).unwrap_err().is_argument());
    }
}
