//! Ending a run in time: on a signal, or before the batch system does.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use signal_hook::SigId;
use signal_hook::consts::{SIGTERM, SIGUSR1};
use signal_hook::flag;

use crate::error::{Error, ErrorKind, Result};
use crate::world::World;

/// The signals that ask a run to end.
const SIGNALS: [i32; 2] = [SIGTERM, SIGUSR1];
/// The code of [`StopReason::TimeLimit`] among ranks, after those of the signals.
const TIME_LIMIT: u64 = SIGNALS.len() as u64;

/// Number of live requests of this process.
static LISTENING: AtomicUsize = AtomicUsize::new(0);
/// Whether signals have their usual effect again.
static NOBODY_LISTENS: LazyLock<Arc<AtomicBool>> = LazyLock::new(Default::default);
/// Number of signals with that fallback, which is registered once per process and cannot be
/// removed.
static DEFAULTS: Mutex<usize> = Mutex::new(0);

/// Whether the run should write a checkpoint and end: because of SIGTERM or SIGUSR1, or because its
/// time is nearly up.
///
/// ```
/// use parhelion::checkpoint::StopRequest;
/// use parhelion::World;
/// use std::time::Duration;
///
/// let world = World::init()?;
/// let stop = StopRequest::listen(&world)?.after(Duration::from_secs(24 * 3600 - 600));
/// for step in 0..100 {
///     // … compute …
///     if let Some(reason) = stop.check() {
///         // … save a checkpoint …
///         println!("{reason}: ends after step {step}");
///         break;
///     }
/// }
/// # Ok::<(), parhelion::Error>(())
/// ```
///
/// The ranks decide together: ranks that the signal has not reached join those that it has. Batch
/// systems send signals some time before they kill: `#SBATCH --signal=USR1@300` (Slurm) to every
/// process of the step. `mpirun` of Open MPI and of MPICH pass SIGUSR1 on. MPICH also passes
/// SIGTERM on. Open MPI waits one second, passes SIGTERM on and kills one second later; `--mca
/// odls_base_sigkill_timeout 30` makes both waits 30 seconds.
///
/// While a `StopRequest` lives, the signals have no other effect. Afterwards they end the process
/// as usual.
pub struct StopRequest<'w> {
    world: &'w World,
    /// 1 + the place in [`SIGNALS`] of the signal that came last; 0 for none.
    received: Arc<AtomicUsize>,
    registered: Vec<SigId>,
    deadline: Option<Instant>,
    started: Instant,
}

/// The reason why a run should end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopReason {
    /// SIGTERM came.
    Terminated,
    /// SIGUSR1 came.
    User1,
    /// The time limit has passed.
    TimeLimit,
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Terminated => "SIGTERM received",
            Self::User1 => "SIGUSR1 received",
            Self::TimeLimit => "time limit reached",
        })
    }
}

impl<'w> StopRequest<'w> {
    /// Starts to listen for SIGTERM and SIGUSR1.
    ///
    /// # Errors
    ///
    /// If the system does not let this process handle them.
    ///
    /// # Collective
    ///
    /// Over all ranks.
    pub fn listen(world: &'w World) -> Result<Self> {
        let (received, started) = (Arc::new(AtomicUsize::new(0)), Instant::now());
        if LISTENING.fetch_add(1, Ordering::SeqCst) == 0 {
            NOBODY_LISTENS.store(false, Ordering::SeqCst);
        }
        let mut stop = Self { world, received, registered: Vec::new(), deadline: None, started };
        let result = stop.register().map_err(|error| {
            Error::new(ErrorKind::Parallel, format!("cannot listen for SIGTERM and SIGUSR1: {error}"))
        });
        world.agree(result)?;
        Ok(stop)
    }

    fn register(&mut self) -> io::Result<()> {
        // before the others, so that it acts only on signals without a listener
        let mut registered = DEFAULTS.lock().unwrap_or_else(PoisonError::into_inner);
        for &signal in &SIGNALS[*registered..] {
            flag::register_conditional_default(signal, Arc::clone(&NOBODY_LISTENS))?;
            *registered += 1;
        }
        drop(registered);
        for (place, signal) in SIGNALS.into_iter().enumerate() {
            self.registered.push(flag::register_usize(signal, Arc::clone(&self.received), place + 1)?);
        }
        Ok(())
    }

    /// Also asks to stop this long after [`listen`](Self::listen). Leave time for a checkpoint.
    pub fn after(mut self, limit: Duration) -> Self {
        self.deadline = self.started.checked_add(limit);
        self
    }

    /// Whether to stop now, and why: the same answer on every rank. The answer does not change
    /// back.
    ///
    /// # Collective
    ///
    /// Over all ranks: one small reduction.
    pub fn check(&self) -> Option<StopReason> {
        let mine = match self.received.load(Ordering::Relaxed) {
            0 if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) => TIME_LIMIT,
            0 => u64::MAX,
            signal => signal as u64 - 1,
        };
        let mut first = [mine];
        self.world.all_min(&mut first);
        match first[0] {
            0 => Some(StopReason::Terminated),
            1 => Some(StopReason::User1),
            TIME_LIMIT => Some(StopReason::TimeLimit),
            _ => None,
        }
    }
}

impl Drop for StopRequest<'_> {
    fn drop(&mut self) {
        if LISTENING.fetch_sub(1, Ordering::SeqCst) == 1 {
            NOBODY_LISTENS.store(true, Ordering::SeqCst);
        }
        self.registered.drain(..).for_each(|id| {
            signal_hook::low_level::unregister(id);
        });
    }
}
