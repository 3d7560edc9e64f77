//! Waits for other programs without using their cores.

use std::time::Duration;

use mpi::traits::CommunicatorCollectives;
use parhelion::World;

/// A barrier that leaves the cores to other programs.
pub(crate) fn sleep_until_all_are_here(world: &World) {
    let mut barrier = world.communicator().immediate_barrier();
    while let Err(waiting) = barrier.test() {
        std::thread::sleep(Duration::from_millis(5));
        barrier = waiting;
    }
}
