//! The number of threads of a rank, and their pool.

use mpi::collective::SystemOperation;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, CommunicatorCollectives, Root};
use parhelion_kernels::Pool;

use crate::error::{Error, ErrorKind, Result};

/// Number of cores that a mask can name.
const MASK_BITS: usize = 1024;

/// The cores this rank may use, and its share of them.
#[derive(Clone, Debug)]
pub(super) struct Cores {
    /// Cores in this rank's affinity mask.
    pub(super) mine: usize,
    /// This rank's share of them: every core is divided by the number of ranks that may use it.
    pub(super) share: f64,
    /// Ranks on this node.
    pub(super) ranks_on_node: usize,
    /// Cores that any rank of this node may use.
    pub(super) on_node: usize,
}

impl Cores {
    /// Finds this rank's cores, the number of nodes, and the first rank of this rank's node.
    ///
    /// # Collective
    /// Over `comm`.
    pub(super) fn find(comm: &SimpleCommunicator) -> (Self, usize, usize) {
        let node = comm.split_shared(comm.rank());
        let mut nodes = 0_u64;
        comm.all_reduce_into(&u64::from(node.rank() == 0), &mut nodes, SystemOperation::sum());
        let mut first = comm.rank() as u64;
        node.process_at_rank(0).broadcast_into(&mut first);
        let mask = affinity();
        // Sums over the ranks of this node: the number of ranks that may use each core.
        let mut users = vec![0_u32; MASK_BITS];
        node.all_reduce_into(&mask[..], &mut users[..], SystemOperation::sum());
        let ranks_on_node = node.size() as usize;
        let share: f64 =
            mask.iter().zip(&users).filter(|(mine, _)| **mine > 0).map(|(_, &n)| 1.0 / f64::from(n)).sum();
        // A container may have fewer cores than its mask shows.
        let quota = std::thread::available_parallelism().map_or(f64::INFINITY, |n| n.get() as f64);
        let mine = mask.iter().sum::<u32>() as usize;
        let share = if quota < mine as f64 { share.min(quota / ranks_on_node as f64) } else { share };
        let on_node = users.iter().filter(|&&n| n > 0).count();
        (Self { mine, share, ranks_on_node, on_node }, nodes as usize, first as usize)
    }
}

/// 1 for every core that this process may run on.
#[cfg(target_os = "linux")]
fn affinity() -> Vec<u32> {
    use nix::sched::{CpuSet, sched_getaffinity};
    use nix::unistd::Pid;

    match sched_getaffinity(Pid::from_raw(0)) {
        Ok(set) => {
            let may_use = |core| core < CpuSet::count() && set.is_set(core).unwrap_or(false);
            (0..MASK_BITS).map(|core| u32::from(may_use(core))).collect()
        }
        // More cores than the mask can name: count them without their names.
        Err(_) => first_cores(),
    }
}

#[cfg(not(target_os = "linux"))]
fn affinity() -> Vec<u32> {
    first_cores()
}

/// The number of cores that the standard library counts, taken to be the first ones.
fn first_cores() -> Vec<u32> {
    let count = std::thread::available_parallelism().map_or(1, |n| n.get());
    (0..MASK_BITS).map(|core| u32::from(core < count)).collect()
}

/// The number of threads: that of the caller, else that of the environment, else the share of the
/// cores.
pub(super) fn choose(given: Option<usize>, cores: &Cores) -> Result<usize> {
    let refuse = |what: String| {
        Err(Error::new(
            ErrorKind::Parallel,
            format!("{what}; the number of threads must be a positive whole number"),
        ))
    };
    match (given, std::env::var("PARHELION_THREADS")) {
        (Some(0), _) => refuse("the world was asked to compute with 0 threads".into()),
        (Some(threads), _) => Ok(threads),
        (None, Ok(text)) => match text.trim().parse() {
            Ok(threads) if threads > 0 => Ok(threads),
            _ => refuse(format!("PARHELION_THREADS is '{text}'")),
        },
        // The sum of fractions like 1/3 + 1/3 + 1/3 must not fall short of 1.
        (None, Err(_)) => Ok(((cores.share + 1e-6) as usize).max(1)),
    }
}

/// The threads of this rank, the current one included. (A thread can belong to one pool only: a
/// second world on this thread gets a pool without it.)
pub(super) fn pool(threads: usize) -> Result<Pool> {
    Pool::with_current_thread(threads).or_else(|_| Pool::new(threads)).map_err(|error| {
        Error::new(ErrorKind::Parallel, format!("cannot make a pool of {threads} threads: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_down_but_never_to_nothing() {
        let cores = |share| Cores { mine: 4, share, ranks_on_node: 3, on_node: 4 };
        assert_eq!(choose(None, &cores(4.0 / 3.0)).unwrap(), 1);
        assert_eq!(choose(None, &cores(1.0 / 3.0 + 1.0 / 3.0 + 1.0 / 3.0)).unwrap(), 1);
        assert_eq!(choose(None, &cores(0.25)).unwrap(), 1);
        assert_eq!(choose(None, &cores(2.0)).unwrap(), 2);
        assert_eq!(choose(Some(7), &cores(2.0)).unwrap(), 7);
        assert!(choose(Some(0), &cores(2.0)).unwrap_err().is_parallel());
    }
}
