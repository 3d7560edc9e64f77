//! Blocking messages of any length.

use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, Destination, Root, Source};
#[cfg(feature = "hdf5")]
use serde::{Serialize, de::DeserializeOwned};

#[cfg(feature = "hdf5")]
use crate::error::{Error, ErrorKind, Result};

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

/// Sends `bytes` and how many there are.
pub(crate) fn send_all(comm: &SimpleCommunicator, rank: usize, tag: i32, bytes: &[u8]) {
    comm.process_at_rank(rank as i32).send_with_tag(&(bytes.len() as u64), tag);
    send(comm, rank, tag, bytes);
}

/// Receives what [`send_all`] sends.
pub(crate) fn receive_all(comm: &SimpleCommunicator, rank: usize, tag: i32) -> Vec<u8> {
    let (length, _): (u64, _) = comm.process_at_rank(rank as i32).receive_with_tag(tag);
    let mut bytes = vec![0; length as usize];
    receive(comm, rank, tag, &mut bytes);
    bytes
}

/// Gives rank 0's bytes to every rank.
///
/// # Collective
/// Over `comm`.
pub(crate) fn broadcast(comm: &SimpleCommunicator, mut bytes: Vec<u8>) -> Vec<u8> {
    let root = comm.process_at_rank(0);
    let mut length = bytes.len() as u64;
    root.broadcast_into(&mut length);
    bytes.resize(length as usize, 0);
    for piece in bytes.chunks_mut(LONGEST_MESSAGE) {
        root.broadcast_into(piece);
    }
    bytes
}

/// Runs `work` on rank 0 and gives its answer, or its error, to every rank.
///
/// # Collective
/// Over `comm`.
#[cfg(feature = "hdf5")]
pub(crate) fn on_root<T: Serialize + DeserializeOwned>(
    comm: &SimpleCommunicator,
    work: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let outcome =
        (comm.rank() == 0).then(|| work().map_err(|error| (error.kind().code(), error.to_string())));
    let message = outcome.map_or(Vec::new(), |outcome| {
        postcard::to_stdvec(&outcome).expect("answers are plain numbers, texts and lists")
    });
    let outcome: std::result::Result<T, (u64, String)> =
        postcard::from_bytes(&broadcast(comm, message)).expect("all ranks run the same program");
    outcome.map_err(|(kind, text)| Error::on_all_ranks(ErrorKind::from_code(kind), text))
}
