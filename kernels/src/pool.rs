//! The threads of one process, with a static division of work.

use std::sync::{Mutex, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

/// Bytes of memory traffic below which waking the other threads costs more than it saves.
pub(crate) const SMALL_WORK: usize = 64 << 10;

/// A rayon pool that divides work by thread index, without work stealing.
///
/// Thread `t` always works on part `t` of a region (see [`Region::part`](crate::Region::part)). So
/// the thread that first touched a page also sweeps over it, and the memory stays on that
/// thread's NUMA node.
///
/// ```
/// use parhelion_kernels::Pool;
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// let pool = Pool::new(3)?;
/// let seen = AtomicUsize::new(0);
/// pool.run(|thread| { seen.fetch_or(1 << thread, Ordering::Relaxed); });
/// assert_eq!(seen.into_inner(), 0b111);
/// # Ok::<(), rayon::ThreadPoolBuildError>(())
/// ```
#[derive(Debug)]
pub struct Pool {
    rayon: ThreadPool,
    threads: usize,
}

impl Pool {
    /// A pool of `threads` new threads (at least 1).
    ///
    /// # Errors
    /// When the operating system refuses the threads.
    pub fn new(threads: usize) -> Result<Self, ThreadPoolBuildError> {
        Self::build(ThreadPoolBuilder::new(), threads)
    }

    /// A pool of the current thread, which becomes thread 0, and `threads − 1` new ones. From then
    /// on the current thread belongs to the pool, so plain rayon calls made there run in it too.
    ///
    /// # Errors
    /// When the current thread already belongs to a rayon pool, or the operating system refuses
    /// the threads.
    pub fn with_current_thread(threads: usize) -> Result<Self, ThreadPoolBuildError> {
        Self::build(ThreadPoolBuilder::new().use_current_thread(), threads)
    }

    fn build(builder: ThreadPoolBuilder, threads: usize) -> Result<Self, ThreadPoolBuildError> {
        let threads = threads.max(1);
        let rayon = builder.num_threads(threads).thread_name(|t| format!("parhelion-{t}")).build()?;
        Ok(Self { rayon, threads })
    }

    /// Number of threads.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// The rayon pool itself, for other kinds of work.
    pub fn rayon(&self) -> &ThreadPool {
        &self.rayon
    }

    /// Runs `work(thread)` once on every thread and waits for all of them.
    ///
    /// # Panics
    /// When `work` panics on any thread.
    pub fn run(&self, work: impl Fn(usize) + Sync) {
        self.broadcast(&work);
    }

    /// [`run`](Self::run) for any closure behind a reference: rayon's own code is compiled once,
    /// and not for every sweep of a program.
    fn broadcast(&self, work: &(dyn Fn(usize) + Sync)) {
        if self.threads == 1 {
            work(0);
        } else {
            self.rayon.broadcast(|context| work(context.index()));
        }
    }

    /// Runs `caller` on the calling thread, which stands for thread 0, and `work(thread)` on every
    /// other thread, and waits for all of them. Unlike `work`, `caller` may use values that must
    /// stay on this thread.
    ///
    /// # Panics
    /// When `work` or `caller` panics.
    pub(crate) fn run_with_caller(&self, work: &(dyn Fn(usize) + Sync), caller: &mut dyn FnMut()) {
        if self.threads == 1 {
            return caller();
        }
        self.rayon.in_place_scope(|scope| {
            scope.spawn_broadcast(|_, context| {
                if context.index() > 0 {
                    work(context.index());
                }
            });
            caller();
        });
    }

    /// Runs `work(thread, threads)` on all threads, or on the calling thread alone if fewer than
    /// [`SMALL_WORK`] bytes are moved.
    pub(crate) fn run_unless_small(&self, bytes: usize, work: impl Fn(usize, usize) + Sync) {
        if bytes < SMALL_WORK {
            work(0, 1);
        } else {
            self.run(|thread| work(thread, self.threads));
        }
    }

    /// Runs `work(thread)` once on every thread and returns the results in thread order.
    ///
    /// # Panics
    /// When `work` panics on any thread.
    pub fn map<R: Send>(&self, work: impl Fn(usize) -> R + Sync) -> Vec<R> {
        let results: Vec<Mutex<Option<R>>> = (0..self.threads).map(|_| Mutex::new(None)).collect();
        self.broadcast(&|thread| {
            let result = work(thread);
            *results[thread].lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        });
        let result = |slot: Mutex<Option<R>>| slot.into_inner().unwrap_or_else(PoisonError::into_inner);
        results.into_iter().map(|slot| result(slot).expect("every thread has run")).collect()
    }
}
