//! The start of a world: the only place that sets up the rooms above `world` together with it.

use crate::error::Result;
use crate::world::{World, WorldBuilder};

impl World {
    /// Starts MPI, if nobody did yet, and a thread pool sized to the cores of this rank.
    ///
    /// The number of threads is, in this order: what [`WorldBuilder::threads`] says, the
    /// environment variable `PARHELION_THREADS`, or this rank's share of the cores that it may use
    /// (its affinity mask, each core divided by the ranks of the node that may use it, rounded
    /// down, at least 1).
    ///
    /// With `PARHELION_REPORT=1` rank 0 prints the [`startup_report`](World::startup_report). With
    /// `PARHELION_MEASURE=1` the world [measures](World::measure) from the start, and rank 0 prints
    /// the [`report`](World::report) to standard error when the last handle is dropped;
    /// `PARHELION_MEASURE=FILE.json` writes it to that file too. `PARHELION_TRACE=FILE.json` writes
    /// the timeline ([`write_trace`](World::write_trace)) of the first 100 000 calls and parts of
    /// calls. For the latter two rank 0's environment counts.
    ///
    /// As `MPI_Init` does, it may set environment variables: make the world before starting threads
    /// that look at the environment other than through `std::env`.
    ///
    /// Calling it again while a `World` exists, or after another library has started MPI, joins the
    /// running MPI. MPI that was started elsewhere is not shut down at the end.
    ///
    /// # Collective
    /// Over all ranks of the job.
    ///
    /// # Errors
    /// When MPI offers no thread support of level *funneled*, was started by another thread, or was
    /// shut down already (MPI cannot be started twice in a process); when `PARHELION_THREADS` is
    /// not a positive number; when the threads cannot be made.
    pub fn init() -> Result<Self> {
        Self::builder().init()
    }
}

impl WorldBuilder {
    /// Starts the world; see [`World::init`].
    ///
    /// # Collective
    /// Over all ranks of the job.
    ///
    /// # Errors
    /// As for [`World::init`].
    pub fn init(self) -> Result<World> {
        #[cfg(feature = "hdf5")]
        crate::io::tune_mpi_io();
        let world = self.make()?;
        crate::measure::report_at_end(&world);
        Ok(world)
    }
}
