//! Agreement of ranks: on whether something worked, and in debug builds on the arguments of a call.

use std::hash::{DefaultHasher, Hash, Hasher};

use mpi::collective::SystemOperation;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, CommunicatorCollectives, Root};

use super::World;
use crate::error::{Error, ErrorKind, Result};
use crate::stopwatch::Part;

impl World {
    /// Turns an error on some rank into the same error on every rank.
    ///
    /// If all ranks pass `Ok`, each gets its own value back. Otherwise every rank gets the error of
    /// the lowest rank that has one. Each can handle it like any other error: no rank waits for
    /// another.
    ///
    /// ```
    /// use parhelion::World;
    ///
    /// let world = World::init()?;
    /// let text = if world.rank() == 0 { std::fs::read_to_string("no such file") } else { Ok(String::new()) };
    /// let text = world.agree(text.map_err(parhelion::Error::from));
    /// assert!(text.is_err()); // on every rank
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Collective
    /// Over all ranks.
    ///
    /// # Errors
    /// The error of the lowest rank that has one.
    pub fn agree<T>(&self, result: Result<T>) -> Result<T> {
        let _wait = self.measure().part(Part::Wait);
        agree_over(self.comm(), result)
    }

    /// In debug builds, checks that all ranks call `what` with the same `arguments`.
    ///
    /// # Collective
    /// Over all ranks, in debug builds.
    ///
    /// # Errors
    /// When they differ; the same error on every rank.
    pub(crate) fn check_same(&self, what: &str, arguments: &impl Hash) -> Result<()> {
        if !cfg!(debug_assertions) || self.is_same(&(what, arguments)) {
            return Ok(());
        }
        Err(Error::on_all_ranks(
            ErrorKind::Argument,
            format!(
                "ranks disagree in a collective call: they did not all call {what} with the same arguments"
            ),
        ))
    }

    /// Whether all ranks pass the same value, judged by its hash.
    ///
    /// # Collective
    /// Over all ranks.
    pub(crate) fn is_same(&self, value: &impl Hash) -> bool {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        let hash = hasher.finish();
        // The smallest complement is that of the largest hash.
        let mut extremes = [hash, !hash];
        self.all_min(&mut extremes);
        extremes[0] == !extremes[1]
    }
}

/// As [`World::agree`], while there is no world yet.
///
/// # Collective
/// Over `comm`.
pub(super) fn agree_over<T>(comm: &SimpleCommunicator, result: Result<T>) -> Result<T> {
    let (rank, size) = (comm.rank() as u64, comm.size() as u64);
    let local = [if result.is_err() { rank } else { size }, u64::from(result.is_err())];
    let mut first = [0; 2];
    comm.all_reduce_into(&local[..], &mut first[..], SystemOperation::min());
    let [failed, all_failed] = first;
    if failed == size {
        return result;
    }
    let mine = result.as_ref().err().filter(|_| rank == failed);
    let kind = mine.map_or(0, |error| error.kind().code());
    let text = mine.map_or(String::new(), |error| {
        if all_failed == 1 || size == 1 { error.to_string() } else { format!("{error} (on rank {failed})") }
    });
    let root = comm.process_at_rank(failed as i32);
    let mut header = [kind, text.len() as u64];
    root.broadcast_into(&mut header[..]);
    let mut bytes = text.into_bytes();
    bytes.resize(header[1] as usize, 0);
    root.broadcast_into(&mut bytes[..]);
    // This rank's own error ends here: the common one replaces it.
    drop(result);
    let (kind, text) = (ErrorKind::from_code(header[0]), String::from_utf8_lossy(&bytes));
    Err(if size == 1 { Error::on_all_ranks(kind, text) } else { Error::agreed(kind, text) })
}
