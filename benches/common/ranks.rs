//! The ranks of a world as a team that measures together.

use mpi::collective::SystemOperation;
use mpi::traits::CommunicatorCollectives;
use parhelion::World;

use crate::common::Team;

impl Team for World {
    fn meet(&self) {
        self.barrier();
    }

    fn slowest(&self, seconds: f64) -> f64 {
        let mut slowest = 0.0;
        self.communicator().all_reduce_into(&seconds, &mut slowest, SystemOperation::max());
        slowest
    }
}
