//! Outputs of a series that are written while the ranks compute.

use super::Series;
use super::snapshot;
use crate::error::Result;
use crate::io::writer::FileWriter;
use crate::io::writer::pending::Pending;

/// Whether outputs are written in the background, and the one that is being written.
#[derive(Debug, Default)]
pub(super) struct BackgroundOutput<'w> {
    wanted: bool,
    /// The output and its time.
    pending: Option<(Pending<'w>, f64)>,
}

impl<'w> BackgroundOutput<'w> {
    pub(super) fn wanted(&self) -> bool {
        self.wanted
    }

    /// Starts to write an output. Collective.
    pub(super) fn start(&mut self, writer: FileWriter<'w>, time: f64) -> Result<()> {
        self.pending = Some((writer.finish_later()?, time));
        Ok(())
    }
}

impl<'w> Series<'w> {
    /// Lets the ranks compute while outputs are written, as
    /// [`Output::in_background`](crate::io::Output::in_background) does. Fields are copied when
    /// they are written to a [`Snapshot`](super::Snapshot), and its `finish` only starts a thread.
    ///
    /// At most one output is being written. [`at`](Self::at) first waits for it and reports its
    /// errors. Until then it is not complete and not among the [`times`](Self::times). Call
    /// [`wait`](Self::wait) for the last output: a series that is dropped earlier gives that output
    /// up.
    ///
    /// This applies to separate files (`heat-*.h5`). Outputs in one file are chunked, and all ranks
    /// write chunks together, so nothing changes there.
    ///
    /// ```
    /// use parhelion::prelude::*;
    /// use parhelion::io::Series;
    ///
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("heat-*.h5");
    /// let world = World::init()?;
    /// let mut u = Grid::builder([16, 16, 16]).build(&world)?.field::<f64>("temperature");
    /// let mut series = Series::create(&world, &path)?.in_background();
    /// for step in 0..3 {
    ///     u.fill_with(|[z, _, _]| z * f64::from(step)); // the computation
    ///     series.at(0.1 * f64::from(step))?.write(&u)?.finish()?;
    /// }
    /// series.wait()?;
    /// assert_eq!(series.times().len(), 3);
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    pub fn in_background(mut self) -> Self {
        self.background.wanted = true;
        self
    }

    /// Waits until the output that is being written in the background, if any, is on disk and
    /// complete.
    ///
    /// # Errors
    ///
    /// If it could not be written or brought to disk. That output is given up, all earlier outputs
    /// remain, and the series can continue.
    ///
    /// # Collective
    ///
    /// All ranks call it, and every error is the same on every rank.
    pub fn wait(&mut self) -> Result<()> {
        let Some((pending, time)) = self.background.pending.take() else { return Ok(()) };
        let (items, side_file) = pending.complete()?;
        side_file.and(snapshot::count(self, time, &items))
    }
}
