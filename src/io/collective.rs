//! What input and output need of MPI beside the transfers themselves.

use std::fmt::Display;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use mpi::collective::SystemOperation;
use mpi::traits::{AsRaw, Communicator, CommunicatorCollectives, Root};

use super::storage::complaint;
use crate::error::ErrorKind;
use crate::{Error, Result, World};

/// Runs `work` on rank 0 and gives its answer, or its error, to every rank. Collective.
pub(super) fn on_root(world: &World, work: impl FnOnce() -> Result<Vec<u8>>) -> Result<Vec<u8>> {
    let answer = world.agree(if world.rank() == 0 { work() } else { Ok(Vec::new()) })?;
    Ok(broadcast(world, answer))
}

/// Gives rank 0's bytes to every rank, in parts that fit MPI's 32-bit counts. Collective.
fn broadcast(world: &World, mut bytes: Vec<u8>) -> Vec<u8> {
    const PART: usize = 1 << 30;
    let root = world.comm().process_at_rank(0);
    let mut length = bytes.len() as u64;
    root.broadcast_into(&mut length);
    bytes.resize(length as usize, 0);
    for part in bytes.chunks_mut(PART) {
        root.broadcast_into(part);
    }
    bytes
}

/// The largest value of any rank. Collective.
pub(super) fn largest(world: &World, value: u64) -> u64 {
    let mut answer = 0;
    world.comm().all_reduce_into(&value, &mut answer, SystemOperation::max());
    answer
}

/// Refuses arguments of a collective call that differ between ranks. Collective.
pub(super) fn same_everywhere(world: &World, what: &str, argument: &impl Hash) -> Result<()> {
    let mut hasher = DefaultHasher::new();
    argument.hash(&mut hasher);
    let hash = hasher.finish();
    // the complement turns the minimum into a second maximum: one reduction instead of two
    let mut extremes = [0_u64; 2];
    world.comm().all_reduce_into(&[hash, !hash][..], &mut extremes[..], SystemOperation::max());
    if extremes[0] == !extremes[1] {
        return Ok(());
    }
    let message = format!("{what} is not the same on all {} ranks", world.size());
    Err(Error::on_all_ranks(ErrorKind::Argument, message))
}

/// Opens a file that rank 0 has found to be in order, with the MPI-IO driver. Collective.
///
/// The caller drops everything it opened in the file before it closes it.
pub(super) fn open(world: &World, path: &Path, writable: bool) -> Result<hdf5::File> {
    let fail = |reason: &dyn Display| {
        Error::new(ErrorKind::File, format!("cannot open {} on all ranks: {reason}", path.display()))
    };
    let length = |path: &Path| Ok(std::fs::metadata(path).map_err(|e| fail(&e))?.len());
    let expected = on_root(world, || Ok(length(path)?.to_le_bytes().to_vec()))?;
    let expected = u64::from_le_bytes(expected.try_into().expect("a length is eight bytes"));
    world.agree(length(path).and_then(|found| {
        let elsewhere = format_args!(
            "rank {} finds {found} bytes where rank 0 finds {expected}; it must lie in a directory that all \
             nodes share",
            world.rank()
        );
        if found == expected { Ok(()) } else { Err(fail(&elsewhere)) }
    }))?;
    let communicator = world.comm().as_raw();
    let mode = if writable { hdf5::OpenMode::ReadWrite } else { hdf5::OpenMode::Read };
    let file = hdf5::File::with_options()
        // one rank reads the metadata for all
        .with_fapl(|list| list.mpio(communicator, None).all_coll_metadata_ops(true))
        .open_as(path, mode);
    world.agree(file.map_err(|error| fail(&complaint(&error))))
}

/// Opens a file that only rank 0 touches. Locking is tried but not required: some parallel file
/// systems have none.
pub(super) fn open_alone(path: &Path, mode: hdf5::OpenMode) -> hdf5::Result<hdf5::File> {
    hdf5::File::with_options().with_fapl(|list| list.file_locking(true)).open_as(path, mode)
}
