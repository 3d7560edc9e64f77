//! The ranks and threads of a program.

mod agree;
mod environment;
mod failure;
mod fewer;
mod startup;
mod threads;

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use mpi::collective::SystemOperation;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, CommunicatorCollectives, Root};
use parhelion_kernels::Pool;

use crate::error::{Alone, Result};
use crate::stopwatch::{KernelScope, Measure, Part};
use environment::Environment;
pub(crate) use fewer::{member, member_rank};
use threads::Cores;

/// MPI and a thread pool: the ranks of the job and the threads of this rank.
///
/// A `World` is a handle: clones share one MPI environment. Grids and fields hold handles too, so
/// values may be dropped in any order; MPI is shut down with the last one. Handles stay on the
/// thread that made them, since only that thread may call MPI (thread level *funneled*); the
/// compiler enforces this.
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
/// A panic on one rank ends all ranks, and so does an [`Error`](crate::error::Error) of one rank
/// that is returned from `main`; both print the rank and the message. [`World::agree`] turns an
/// error of one rank into the same error on all ranks, so that each can handle it.
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
    /// The first rank of this rank's node.
    node: usize,
    cores: Cores,
    pool: Rc<Pool>,
    measure: Measure,
    attached: RefCell<HashMap<TypeId, Rc<dyn Any>>>,
    at_end: RefCell<Vec<AtEnd>>,
    environment: Rc<Environment>,
    /// The world that this one is a part of. It ends after this one, and ends the other ranks if
    /// need be.
    _whole: Option<(World, Alone)>,
}

type AtEnd = Box<dyn FnOnce(&World)>;

/// Settings of a [`World`]; made by [`World::builder`].
#[derive(Clone, Debug, Default)]
pub struct WorldBuilder {
    threads: Option<usize>,
    startup_report: Option<bool>,
}

impl World {
    /// Returns a builder for a world with other settings than those of [`World::init`].
    pub fn builder() -> WorldBuilder {
        WorldBuilder::default()
    }

    /// Returns the number of this rank, counted from 0.
    pub fn rank(&self) -> usize {
        self.0.rank
    }

    /// Returns the number of ranks.
    pub fn size(&self) -> usize {
        self.0.size
    }

    /// Returns the number of threads that this rank computes with.
    pub fn threads(&self) -> usize {
        self.0.pool.threads()
    }

    /// Returns the threads of this rank, for kernels and for rayon calls.
    pub fn pool(&self) -> &Pool {
        &self.0.pool
    }

    /// Returns a world of this rank alone, with the same threads: for work that every rank does by
    /// itself, such as a problem too small to be worth messages. Its grids lie on this rank only.
    ///
    /// ```
    /// use parhelion::{Grid, World};
    ///
    /// let world = World::init()?;
    /// let alone = world.alone();
    /// assert_eq!((alone.size(), alone.threads()), (1, world.threads()));
    /// let whole = Grid::builder([4, 4]).build(&alone)?;      // all 16 cells on every rank
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    pub fn alone(&self) -> Self {
        if self.size() == 1 {
            return self.clone();
        }
        let cores = Cores { ranks_on_node: 1, ..self.0.cores.clone() };
        self.part(SimpleCommunicator::self_comm().duplicate(), cores, [1, 0])
    }

    /// Waits until all ranks have called this.
    ///
    /// # Collective
    /// Over all ranks.
    pub fn barrier(&self) {
        self.comm().barrier();
    }

    /// Returns a communicator of all ranks for your own messages. They never mix with the
    /// library's.
    pub fn communicator(&self) -> &SimpleCommunicator {
        &self.0.user_comm
    }

    /// Returns whether both are handles of the same world.
    pub fn same_as(&self, other: &World) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// What measures this rank's work.
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let mut u = Grid::builder([32, 32]).build(&world)?.field::<f64>("u");
    /// world.measure().switch_on();
    /// u.fill(1.0);
    /// u.exchange()?;
    /// {
    ///     let _kernel = world.kernel("double").flops(1);
    ///     u.map_inplace(|u| *u *= 2.0);
    /// }
    /// let report = world.report();
    /// if world.rank() == 0 {
    ///     println!("{report}");
    /// }
    /// assert_eq!(report.row(parhelion::measure::Kind::Update, "double").unwrap().flops, Some(32 * 32));
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    pub fn measure(&self) -> &Measure {
        &self.0.measure
    }

    /// Names all work of the library until the result is dropped; inner names hide outer ones.
    ///
    /// Work without a name goes by that of the field or dataset it is about, if there is one. Each
    /// different name is kept: do not number steps in it.
    ///
    /// ```
    /// # let world = parhelion::World::init()?;
    /// let _kernel = world.kernel("perona-malik");   // until the end of the block
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    pub fn kernel(&self, name: &str) -> KernelScope {
        KernelScope::new(self.measure(), name)
    }

    /// A number that identifies this node: the same on its ranks, different on all others.
    pub(crate) fn node(&self) -> usize {
        self.0.node
    }

    pub(crate) fn comm(&self) -> &SimpleCommunicator {
        &self.0.comm
    }

    /// Number of cores that are this rank's alone, whether it computes with all of them or not.
    #[cfg(feature = "hdf5")]
    pub(crate) fn cores(&self) -> usize {
        self.0.cores.share as usize
    }

    /// The value of this type that lives as long as this world; made by default when first asked
    /// for. Rooms above keep here what must outlive a call, such as spare memory.
    pub(crate) fn attached<T: Default + 'static>(&self) -> Rc<T> {
        let mut attached = self.0.attached.borrow_mut();
        let value = attached.entry(TypeId::of::<T>()).or_insert_with(|| Rc::new(T::default()));
        Rc::clone(value).downcast().expect("its key is its type")
    }

    /// Has `last` called with the last handle when that is dropped, unless the rank has failed.
    pub(crate) fn at_end(&self, last: impl FnOnce(&World) + 'static) {
        self.0.at_end.borrow_mut().push(Box::new(last));
    }

    pub(crate) fn ranks_on_node(&self) -> usize {
        self.0.cores.ranks_on_node
    }

    /// Whether this node has a core for each of its ranks.
    pub(crate) fn ranks_have_cores(&self) -> bool {
        self.0.cores.on_node >= self.0.cores.ranks_on_node
    }

    /// The smallest value of each element over all ranks.
    pub(crate) fn all_min(&self, values: &mut [u64]) {
        let _wait = self.measure().part(Part::Wait);
        // As signed numbers of the same order: MPICH 4.0 compares unsigned ones as if they were
        // signed.
        let flip = |value: u64| (value ^ 1 << 63) as i64;
        let local: Vec<i64> = values.iter().map(|&value| flip(value)).collect();
        let mut least = local.clone();
        self.comm().all_reduce_into(&local[..], &mut least[..], SystemOperation::min());
        for (value, least) in values.iter_mut().zip(least) {
            *value = flip(least as u64) as u64;
        }
    }

    /// The sum of each element over all ranks.
    pub(crate) fn all_sum(&self, values: &mut [i64]) {
        let _wait = self.measure().part(Part::Wait);
        let local = values.to_vec();
        self.comm().all_reduce_into(&local[..], values, SystemOperation::sum());
    }

    /// As [`all_sum`](Self::all_sum), while `work` is done, whose result it returns.
    ///
    /// The sum makes progress whenever `work` calls MPI, such as to exchange a halo.
    pub(crate) fn all_sum_while<R>(&self, values: &mut [i64], work: impl FnOnce() -> R) -> R {
        let local = values.to_vec();
        mpi::request::scope(|scope| {
            let sum =
                self.comm().immediate_all_reduce_into(scope, &local[..], values, SystemOperation::sum());
            let result = work();
            let _wait = self.measure().part(Part::Wait);
            sum.wait_without_status();
            result
        })
    }

    /// The sum of each value over all ranks, on rank 0; empty elsewhere. Exact if all ranks but one
    /// have 0.
    pub(crate) fn sum_on_root(&self, values: &[f64]) -> Vec<f64> {
        let _wait = self.measure().part(Part::Wait);
        let root = self.comm().process_at_rank(0);
        if self.rank() > 0 {
            root.reduce_into(values, SystemOperation::sum());
            return Vec::new();
        }
        let mut sums = vec![0.0; values.len()];
        root.reduce_into_root(values, &mut sums[..], SystemOperation::sum());
        sums
    }
}

impl WorldBuilder {
    /// Sets the number of threads of this rank. Default: `PARHELION_THREADS`, or this rank's share
    /// of the cores; see [`World::init`].
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Sets whether rank 0 prints the [`startup_report`](World::startup_report). Default: if
    /// `PARHELION_REPORT` is set and not 0.
    pub fn startup_report(mut self, report: bool) -> Self {
        self.startup_report = Some(report);
        self
    }

    /// Makes the world alone; [`init`](Self::init) also sets up the rooms above it.
    ///
    /// # Collective
    /// Over all ranks of the job.
    pub(crate) fn make(self) -> Result<World> {
        let measure = Measure::default();
        let environment = Environment::enter()?;
        let comm = SimpleCommunicator::world().duplicate();
        let user_comm = comm.duplicate();
        let (rank, size) = (comm.rank() as usize, comm.size() as usize);
        failure::name_rank_in_panics(rank, size);
        let (cores, nodes, node) = Cores::find(&comm);
        // No world exists yet whose end would end the job, so a rank must not fail here alone.
        let pool = threads::choose(self.threads, &cores).and_then(threads::pool);
        let pool = Rc::new(agree::agree_over(&comm, pool)?);
        let world = World(Rc::new(Inner {
            comm,
            user_comm,
            rank,
            size,
            nodes,
            node,
            cores,
            pool,
            measure,
            attached: RefCell::default(),
            at_end: RefCell::default(),
            environment,
            _whole: None,
        }));
        let wanted =
            self.startup_report.unwrap_or_else(|| std::env::var("PARHELION_REPORT").is_ok_and(|v| v != "0"));
        // The report is collective: ranks without the variable take part if any rank wants it.
        let mut silent = [u64::from(!wanted)];
        world.all_min(&mut silent);
        if silent[0] == 0 {
            let report = world.startup_report();
            if world.rank() == 0 {
                eprint!("{report}");
            }
        }
        Ok(world)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Grids and fields hold handles too. The first one dropped by a panic or the end of the
        // program decides, before any of them waits for another rank.
        if std::thread::panicking() {
            failure::end_all_ranks_after_panic(self);
        } else if Rc::strong_count(&self.0) == 1 {
            if Rc::strong_count(&self.0.environment) == 1 {
                failure::end_all_ranks_after_error(self);
            }
            for last in self.0.at_end.take() {
                last(self);
            }
        }
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "World(rank {} of {}, {} threads)", self.rank(), self.size(), self.threads())
    }
}
