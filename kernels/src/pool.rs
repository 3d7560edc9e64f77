//! The threads of one process, with a static division of work.

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

/// A rayon pool whose work is divided by thread index, never stolen.
///
/// Thread `t` always works on part `t` of a region (see [`Region::part`](crate::Region::part)), so
/// the thread that first touched a page is the thread that sweeps over it, and the memory stays
/// on that thread's NUMA node.
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

    /// A pool of the current thread, which becomes thread 0, and `threads − 1` new ones. The
    /// current thread belongs to it from then on, so that plain rayon calls made there run in
    /// this pool too.
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

    /// How many threads there are.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// The rayon pool itself, for work of other kinds.
    pub fn rayon(&self) -> &ThreadPool {
        &self.rayon
    }

    /// Runs `work(thread)` once on every thread and waits for all of them.
    ///
    /// # Panics
    /// When `work` panics on any thread.
    pub fn run(&self, work: impl Fn(usize) + Sync) {
        if self.threads == 1 {
            work(0);
        } else {
            self.rayon.broadcast(|context| work(context.index()));
        }
    }

    /// Runs `here` on the calling thread, which stands for thread 0, and `work(thread)` on every other one, and waits
    /// for all of them. Unlike `work`, `here` may use what must stay on this thread.
    ///
    /// # Panics
    /// When `work` or `here` panics.
    pub fn run_beside(&self, work: impl Fn(usize) + Sync, here: impl FnOnce()) {
        if self.threads == 1 {
            return here();
        }
        self.rayon.in_place_scope(|scope| {
            scope.spawn_broadcast(|_, context| {
                if context.index() > 0 {
                    work(context.index());
                }
            });
            here();
        });
    }

    /// Runs `work(thread, threads)` on all threads, or on the calling one alone where few `bytes` are moved and
    /// waking the others would cost more than it saves.
    pub(crate) fn run_if_worth(&self, bytes: usize, work: impl Fn(usize, usize) + Sync) {
        const WORTH_THREADS: usize = 64 << 10;
        if bytes < WORTH_THREADS {
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
        if self.threads == 1 { vec![work(0)] } else { self.rayon.broadcast(|context| work(context.index())) }
    }
}
