//! Blocking messages of any length.

use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, Destination, Source};

/// Longest piece of a message in bytes: MPI counts elements with a signed 32-bit integer.
pub(crate) const LONGEST_MESSAGE: usize = 1 << 30;

/// Sends `bytes` to `rank`, in pieces where there are many. Pieces keep their order, since messages
/// of one tag between two ranks do not overtake each other.
pub(crate) fn send(comm: &SimpleCommunicator, rank: usize, tag: i32, bytes: &[u8]) {
    for piece in bytes.chunks(LONGEST_MESSAGE) {
        comm.process_at_rank(rank as i32).send_with_tag(piece, tag);
    }
}

/// Receives as many bytes as `bytes` has from `rank`, as [`send`] sends them.
pub(crate) fn receive(comm: &SimpleCommunicator, rank: usize, tag: i32, bytes: &mut [u8]) {
    for piece in bytes.chunks_mut(LONGEST_MESSAGE) {
        comm.process_at_rank(rank as i32).receive_into_with_tag(piece, tag);
    }
}
