//! Waiting for other programs without taking their cores.

use std::time::Duration;

use mpi::traits::CommunicatorCollectives;
use parhelion::World;

/// A barrier that leaves the cores to others.
pub(crate) fn sleep_until_all_are_here(world: &World) {
    let mut barrier = world.communicator().immediate_barrier();
    while let Err(waiting) = barrier.test() {
        std::thread::sleep(Duration::from_millis(5));
        barrier = waiting;
    }
}
