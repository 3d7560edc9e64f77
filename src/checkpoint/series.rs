//! The checkpoints of a run, one after the other.

use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};

use super::names::CheckpointNames;
use super::restart::Restart;
use super::save::{CheckpointLabel, save};
use super::snapshot::{Checkpoint, depth};
use crate::error::{Error, ErrorKind, Result};
use crate::io::same_everywhere;
use crate::messages::on_root;
use crate::stopwatch::Kind;
use crate::world::World;

/// Most levels of nested metadata; readers give up at 127.
const DEEPEST: usize = 100;

/// The checkpoints of a run: numbered files `NAME.00000001.h5`, `NAME.00000002.h5`, …, of which the
/// newest are kept.
///
/// A checkpoint is either complete and verified, or it does not exist. It is written under a
/// temporary name, brought to disk, read back and compared with checksums that were made from
/// memory, and marked as complete. Then it gets its name, and only then are older ones removed.
/// Whatever kills the job in between, the earlier checkpoints survive.
///
/// ```
/// use parhelion::prelude::*;
/// use parhelion::checkpoint::{Checkpoint, Checkpoints};
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("heat");
/// let world = World::init()?;
/// let grid = Grid::builder([32, 32]).build(&world)?;
/// let mut u = grid.field::<f64>("u");
/// let heat = star_stencil::<f64, 2, 1>(|u| u.center() + 0.1 * (u.at::<-1, 0>() + u.at::<1, 0>() - 2.0 * u.center()));
///
/// let mut checkpoints = Checkpoints::new(&world, path)?.keep(3);
/// let mut step = match checkpoints.restart()? {
///     Some(saved) => {
///         saved.restore(&mut u)?;
///         saved.step()
///     }
///     None => {
///         u.fill_with(|[y, x]| (y * x).sin());
///         0
///     }
/// };
/// while step < 100 {
///     u.advance(&heat, 20)?;
///     step += 20;
///     checkpoints.save(Checkpoint::new(step, u.time()).field(&u))?;
/// }
/// # Ok::<(), parhelion::Error>(())
/// ```
///
/// Only one job at a time may write checkpoints of a name in a directory.
pub struct Checkpoints<'w> {
    world: &'w World,
    names: CheckpointNames,
    keep: usize,
    read_back: bool,
    /// The run that the checkpoints belong to; known from the first save or restart on.
    run: Option<u64>,
    /// Numbers of checkpoints of the run that turned out to be damaged.
    damaged: Vec<u64>,
}

impl<'w> Checkpoints<'w> {
    /// The checkpoints with this directory and name, such as `results/heat`. Touches no file.
    ///
    /// # Errors
    ///
    /// If the path does not end in a name of UTF-8 characters, or differs between ranks.
    ///
    /// # Collective
    ///
    /// All ranks call it, with the same path. This also holds for `save` and `restart`, and every
    /// error is the same on every rank.
    pub fn new(world: &'w World, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        same_everywhere(world, "the path of checkpoints", &path)?;
        let names = CheckpointNames::of(path).ok_or_else(|| {
            let message = format!(
                "{} cannot name checkpoints: it must end in a name of UTF-8 characters, as results/heat",
                path.display()
            );
            Error::on_all_ranks(ErrorKind::Argument, message)
        })?;
        Ok(Self { world, names, keep: 2, read_back: true, run: None, damaged: Vec::new() })
    }

    /// Sets how many checkpoints of the run are kept, at least 1. Default: 2.
    ///
    /// Checkpoints of other runs of the same name, which did not continue with
    /// [`restart`](Self::restart), are never removed: a forgotten restart costs nothing but space.
    pub fn keep(mut self, count: usize) -> Self {
        self.keep = count.max(1);
        self
    }

    /// Sets whether a checkpoint is read back and compared with its checksums before it gets its
    /// name. Default: `true`. Where the system drops its copy in memory, it is read from the disk.
    ///
    /// `false` is cheaper. Errors of the file system are then found at the restart, by the same
    /// checksums, and cost the steps since the previous checkpoint.
    pub fn read_back(mut self, read_back: bool) -> Self {
        self.read_back = read_back;
        self
    }

    /// Writes a checkpoint, verifies it, and removes older ones beyond those to be kept. Returns
    /// its path.
    ///
    /// # Errors
    ///
    /// If it cannot be written or brought to disk, is read back differently, two fields have the
    /// same name or one that cannot name a dataset, or the ranks pass different things. A failed
    /// write leaves nothing behind and the older checkpoints untouched. If only the directory
    /// cannot be brought to disk, the checkpoint stays, but a crash may remove its name; no older
    /// one is removed then.
    ///
    /// # Collective
    ///
    /// All ranks call it, with the same fields and the same bits in all values.
    pub fn save(&mut self, checkpoint: Checkpoint<'_>) -> Result<PathBuf> {
        let timing = self.world.measure().start_on(Kind::Write, &self.names.name);
        self.check(&checkpoint)?;
        let (number, run) = on_root(self.world.comm(), || {
            let fail = |error: std::io::Error| self.cannot_list(&error);
            self.names.remove_partial().map_err(fail)?;
            let newest = self.names.numbers().map_err(fail)?.first().copied().unwrap_or(0);
            let run = self.run.unwrap_or_else(|| RandomState::new().build_hasher().finish());
            Ok((newest.saturating_add(1), run))
        })?;
        let path = self.names.path(number);
        let label = CheckpointLabel { target: &path, run, number };
        save(self.world, &label, &checkpoint, self.read_back)?;
        self.run = Some(run);
        on_root(self.world.comm(), || {
            self.remove_old(run);
            Ok(())
        })?;
        let values = checkpoint.fields.iter().map(|(_, field)| field.values_local());
        timing.finish(values.map(|(count, size)| count * size).sum(), 1);
        Ok(path)
    }

    /// Opens the newest checkpoint that is complete and undamaged, after comparing all of it with
    /// its checksums. Returns `None` if there is none of this name. What is saved from then on
    /// belongs to the same run.
    ///
    /// A damaged checkpoint is skipped in favor of the next older one, with a warning on rank 0's
    /// standard error; see [`Restart::skipped`].
    ///
    /// # Errors
    ///
    /// If the directory or a file cannot be read, all checkpoints are damaged, or the newest has a
    /// newer format.
    ///
    /// # Collective
    ///
    /// All ranks call it.
    pub fn restart(&mut self) -> Result<Option<Restart<'w>>> {
        let numbers =
            on_root(self.world.comm(), || self.names.numbers().map_err(|error| self.cannot_list(&error)))?;
        let mut skipped = Vec::new();
        for number in numbers {
            let path = self.names.path(number);
            match Restart::examine(self.world, &path)? {
                Ok(mut restart) => {
                    self.warn(&skipped, &path);
                    self.run = Some(restart.run());
                    restart.skipped = skipped;
                    return Ok(Some(restart));
                }
                Err(reason) => skipped.push((path, reason)),
            }
            self.damaged.push(number);
        }
        if skipped.is_empty() {
            return Ok(None);
        }
        let reasons: Vec<_> =
            skipped.iter().map(|(path, reason)| format!("{}: {reason}", path.display())).collect();
        let message = format!("cannot restart: no checkpoint is undamaged; {}", reasons.join("; "));
        Err(Error::on_all_ranks(ErrorKind::File, message))
    }

    fn warn(&self, skipped: &[(PathBuf, String)], used: &Path) {
        for (path, reason) in skipped.iter().filter(|_| self.world.rank() == 0) {
            eprintln!(
                "parhelion: warning: checkpoint {} cannot be used: {reason}; going on from {}",
                path.display(),
                used.display()
            );
        }
    }

    /// Refuses a checkpoint that cannot be saved, or that differs between ranks.
    fn check(&self, checkpoint: &Checkpoint<'_>) -> Result<()> {
        let described = format!("{:?}", checkpoint.describe());
        same_everywhere(self.world, "what is to be saved in a checkpoint", &described)?;
        let refuse = |reason: String| Err(Error::on_all_ranks(ErrorKind::Argument, reason));
        for (n, (name, field)) in checkpoint.fields.iter().enumerate() {
            if name.is_empty() || name == "." || name.contains(['/', '\0']) {
                return refuse(format!(
                    "{name:?} cannot be the name of a field in a checkpoint: give one without \"/\""
                ));
            }
            if checkpoint.fields[..n].iter().any(|(other, _)| other == name) {
                return refuse(format!(
                    "a checkpoint was given two fields called {name:?}; name one of them differently"
                ));
            }
            if !field.world().same_as(self.world) {
                return refuse(format!("field {name:?} is of another world than the checkpoints"));
            }
        }
        match depth(&checkpoint.metadata) {
            0..=DEEPEST => Ok(()),
            deep => refuse(format!("metadata of a checkpoint may lie {DEEPEST} levels deep, but are {deep}")),
        }
    }

    /// Removes the checkpoints of this run beyond those to be kept; damaged ones do not count as
    /// kept. On rank 0.
    fn remove_old(&self, run: u64) {
        let mut kept = 0;
        for number in self.names.numbers().unwrap_or_default() {
            if self.names.run_of(number) != Some(run) {
                continue;
            }
            // One that was not read back may be bad: the one before it stays too.
            if kept < self.keep.max(if self.read_back { 1 } else { 2 }) {
                kept += usize::from(!self.damaged.contains(&number));
            } else if let Err(error) = fs::remove_file(self.names.path(number)) {
                let path = self.names.path(number);
                eprintln!("parhelion: warning: cannot remove old checkpoint {}: {error}", path.display());
            }
        }
    }

    fn cannot_list(&self, error: &std::io::Error) -> Error {
        let directory = self.names.directory.display();
        Error::new(ErrorKind::File, format!("cannot look for checkpoints in {directory}: {error}"))
    }
}
