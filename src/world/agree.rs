//! Making ranks agree: on whether something worked, and in debug builds on the arguments of a call.

use std::hash::{DefaultHasher, Hash, Hasher};

use mpi::traits::{Communicator, Root};

use super::World;
use crate::error::ErrorKind;
use crate::{Error, Result};

impl World {
    /// Turns an error on some rank into the same error on every rank.
    ///
    /// Where all ranks bring `Ok`, each gets its own value back. Otherwise every rank gets the error
    /// of the lowest rank that has one, and can handle it like any other: no rank waits for another.
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
        let mut first =
            [if result.is_err() { self.rank() } else { self.size() } as u64, result.is_err() as u64];
        self.all_min(&mut first);
        let [failed, all_failed] = first;
        if failed == self.size() as u64 {
            return result;
        }
        let mine = match &result {
            Err(error) if self.rank() as u64 == failed => Some(error),
            _ => None,
        };
        let kind = mine.map_or(0, |error| error.kind().code());
        let text = mine.map_or(String::new(), |error| {
            if all_failed == 1 || self.size() == 1 {
                error.to_string()
            } else {
                format!("{error} (on rank {failed})")
            }
        });
        let root = self.comm().process_at_rank(failed as i32);
        let mut header = [kind, text.len() as u64];
        root.broadcast_into(&mut header[..]);
        let mut bytes = text.into_bytes();
        bytes.resize(header[1] as usize, 0);
        root.broadcast_into(&mut bytes[..]);
        // This rank's own error ends here: what counts from now on is the common one.
        drop(result);
        Err(Error::on_all_ranks(ErrorKind::from_code(header[0]), String::from_utf8_lossy(&bytes)))
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

    /// Whether all ranks bring the same value, as far as its hash tells.
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
