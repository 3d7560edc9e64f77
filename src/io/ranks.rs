//! What input and output ask of all ranks beside the transfers themselves.

use std::hash::Hash;

use mpi::collective::SystemOperation;
use mpi::traits::CommunicatorCollectives;

use crate::error::{Error, ErrorKind, Result};
use crate::world::World;

/// The largest value of any rank. Collective.
pub(in crate::io) fn largest(world: &World, value: u64) -> u64 {
    let mut answer = 0;
    world.comm().all_reduce_into(&value, &mut answer, SystemOperation::max());
    answer
}

/// Refuses arguments of a collective call that differ between ranks. Collective.
pub(crate) fn same_everywhere(world: &World, what: &str, argument: &impl Hash) -> Result<()> {
    if world.is_same(argument) {
        return Ok(());
    }
    let message = format!("{what} is not the same on all {} ranks", world.size());
    Err(Error::on_all_ranks(ErrorKind::Argument, message))
}
