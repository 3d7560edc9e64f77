//! The ranks and the threads a program runs on.

mod agree;
mod environment;
mod failure;
mod report;
mod threads;

use std::fmt;
use std::rc::Rc;

use mpi::collective::SystemOperation;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, CommunicatorCollectives};
use parhelion_kernels::Pool;

use crate::Result;
use environment::Environment;
use threads::Cores;

/// MPI and a thread pool: the ranks of the job and the threads of this rank.
///
/// A `World` is a handle: clones share one MPI environment, which is shut down when the last handle,
/// and the last grid or field made from it, is gone. All parallel types of the library hold one, so
/// there is no order to obey. Handles stay on the thread that made them, since only that thread may
/// call MPI (thread level *funneled*); the compiler sees to it.
///
/// ```
/// use parhelion::World;
///
/// let world = World::init()?;
/// println!("rank {} of {} with {} threads", world.rank(), world.size(), world.threads());
/// # Ok::<(), parhelion::Error>(())
/// ```
///
/// # When something fails
///
/// A panic on one rank ends all ranks, and so does an [`Error`](crate::Error) of one rank that
/// leaves `main`; both print the rank and the message. [`World::agree`] makes an error known to all
/// ranks instead, so that each can handle it.
#[derive(Clone)]
pub struct World(Rc<Inner>);

/// Fields are dropped in this order: communicators before the environment that they live in.
struct Inner {
    /// For the library's own messages.
    comm: SimpleCommunicator,
    /// For the user's messages.
    user_comm: SimpleCommunicator,
    rank: usize,
    size: usize,
    nodes: usize,
    /// The first rank of this one's node.
    node: usize,
    cores: Cores,
    pool: Pool,
    environment: Rc<Environment>,
}

/// How a [`World`] is set up; made by [`World::builder`].
#[derive(Clone, Debug, Default)]
pub struct WorldBuilder {
    threads: Option<usize>,
    report: Option<bool>,
}

impl World {
    /// Starts MPI, if nobody did yet, and a thread pool sized to the cores of this rank.
    ///
    /// The number of threads is, in this order: what [`WorldBuilder::threads`] says, the environment
    /// variable `PARHELION_THREADS`, or this rank's share of the cores that it may use (its affinity
    /// mask, each core divided by the ranks of the node that may use it, rounded down, at least 1).
    /// With `PARHELION_REPORT=1` rank 0 prints the [`report`](World::report).
    ///
    /// As `MPI_Init` does, it may set environment variables: make the world before starting threads that
    /// look at the environment other than through `std::env`.
    ///
    /// Calling it again while a `World` exists, or after another library has started MPI, joins the
    /// running MPI; one that was started elsewhere is not shut down at the end.
    ///
    /// # Collective
    /// Over all ranks of the job.
    ///
    /// # Errors
    /// When MPI offers no thread support of level *funneled*, was started by another thread, or was
    /// shut down already (MPI cannot be started twice in a process); when `PARHELION_THREADS` is not
    /// a positive number; when the threads cannot be made.
    pub fn init() -> Result<Self> {
        Self::builder().init()
    }

    /// Starts to describe a world that differs from that of [`World::init`].
    pub fn builder() -> WorldBuilder {
        WorldBuilder::default()
    }

    /// Number of this rank, from 0 on.
    pub fn rank(&self) -> usize {
        self.0.rank
    }

    /// How many ranks there are.
    pub fn size(&self) -> usize {
        self.0.size
    }

    /// How many threads this rank computes with.
    pub fn threads(&self) -> usize {
        self.0.pool.threads()
    }

    /// The threads of this rank, for kernels and for rayon calls.
    pub fn pool(&self) -> &Pool {
        &self.0.pool
    }

    /// Waits until all ranks are here.
    ///
    /// # Collective
    /// Over all ranks.
    pub fn barrier(&self) {
        self.comm().barrier();
    }

    /// A communicator of all ranks for your own messages, which never meet the library's.
    pub fn communicator(&self) -> &SimpleCommunicator {
        &self.0.user_comm
    }

    /// Whether both are handles of the same world.
    pub fn same_as(&self, other: &World) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// A number that the ranks of this node, and no others, have in common.
    pub(crate) fn node(&self) -> usize {
        self.0.node
    }

    pub(crate) fn comm(&self) -> &SimpleCommunicator {
        &self.0.comm
    }

    /// The smallest value of each element over all ranks.
    pub(crate) fn all_min(&self, values: &mut [u64]) {
        let local = values.to_vec();
        self.comm().all_reduce_into(&local[..], values, SystemOperation::min());
    }

    /// The sum of each element over all ranks.
    pub(crate) fn all_sum(&self, values: &mut [i64]) {
        let local = values.to_vec();
        self.comm().all_reduce_into(&local[..], values, SystemOperation::sum());
    }
}

impl WorldBuilder {
    /// Computes with this many threads on each rank, whatever the cores and the environment say.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Prints the [`report`](World::report) at start-up (`true`), or not (`false`), whatever
    /// `PARHELION_REPORT` says.
    pub fn report(mut self, report: bool) -> Self {
        self.report = Some(report);
        self
    }

    /// Starts the world; see [`World::init`].
    ///
    /// # Collective
    /// Over all ranks of the job.
    ///
    /// # Errors
    /// As for [`World::init`].
    pub fn init(self) -> Result<World> {
        let environment = Environment::enter()?;
        let comm = SimpleCommunicator::world().duplicate();
        let user_comm = comm.duplicate();
        let (rank, size) = (comm.rank() as usize, comm.size() as usize);
        failure::name_rank_in_panics(rank, size);
        let (cores, nodes, node) = Cores::find(&comm);
        // There is no world yet whose end would end the job, so a rank must not fail here alone.
        let pool = threads::choose(self.threads, &cores).and_then(threads::pool);
        let pool = agree::agree_over(&comm, pool)?;
        let world =
            World(Rc::new(Inner { comm, user_comm, rank, size, nodes, node, cores, pool, environment }));
        let wanted = self.report.unwrap_or_else(|| std::env::var("PARHELION_REPORT").is_ok_and(|v| v != "0"));
        // A rank where the variable is not set must not leave the others alone in the report.
        let mut silent = [u64::from(!wanted)];
        world.all_min(&mut silent);
        if silent[0] == 0 {
            let report = world.report();
            if world.rank() == 0 {
                eprint!("{report}");
            }
        }
        Ok(world)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Grids and fields hold handles too, so that the first of them that a panic or the end of
        // the program drops decides before any of them waits for another rank.
        if std::thread::panicking() {
            failure::end_all_ranks_after_panic(self);
        } else if Rc::strong_count(&self.0) == 1 && Rc::strong_count(&self.0.environment) == 1 {
            failure::end_all_ranks_after_error(self);
        }
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "World(rank {} of {}, {} threads)", self.rank(), self.size(), self.threads())
    }
}
