//! Opening a file, on one rank or on all.

use std::fmt::Display;
use std::fs::OpenOptions;
use std::path::Path;

use hdf5::{Dataset, File, OpenMode};
use mpi::traits::AsRaw;

use crate::error::{Error, ErrorKind, Result};
use crate::io::file::storage::complaint;
use crate::messages::on_root;
use crate::world::World;

/// Lets `work` move data to or from a dataset of a file that rank 0 has found to be in order;
/// `fail` makes its complaints errors. Collective.
pub(in crate::io) fn with_dataset(
    world: &World,
    (path, dataset, mode): (&Path, &str, OpenMode),
    fail: impl Fn(&str) -> Error,
    work: impl FnOnce(&Dataset) -> hdf5::Result<()>,
) -> Result<()> {
    with_datasets(world, (path, &[dataset], mode), fail, |datasets| work(&datasets[0]))
}

/// As [`with_dataset`], for several of one file.
pub(crate) fn with_datasets(
    world: &World,
    (path, names, mode): (&Path, &[impl AsRef<str>], OpenMode),
    fail: impl Fn(&str) -> Error,
    work: impl FnOnce(&[Dataset]) -> hdf5::Result<()>,
) -> Result<()> {
    let fail = |error: hdf5::Error| fail(&complaint(&error));
    let file = open(world, path, mode)?;
    // A panic in `work` drops this handle before the file, whose close is collective: it ends all
    // ranks.
    let _ends_all_ranks_first = world.clone();
    let opened: hdf5::Result<Vec<Dataset>> = names.iter().map(|name| file.dataset(name.as_ref())).collect();
    let opened = world.agree(opened.map_err(fail));
    // the datasets are closed before their file
    let done = opened.and_then(|datasets| work(&datasets).map_err(fail));
    let closed = file.close().map_err(fail);
    world.agree(done.and(closed))
}

/// Opens a file that rank 0 has found to be in order, with the MPI-IO driver. Collective.
fn open(world: &World, path: &Path, mode: OpenMode) -> Result<File> {
    let fail = |reason: &dyn Display| {
        Error::new(ErrorKind::File, format!("cannot open {} on all ranks: {reason}", path.display()))
    };
    // a rank that MPI-IO refuses would leave the others waiting: every rank tries by itself first
    let length = || {
        let file =
            OpenOptions::new().read(true).write(mode != OpenMode::Read).open(path).map_err(|e| fail(&e))?;
        Ok(file.metadata().map_err(|e| fail(&e))?.len())
    };
    let mine = world.agree(length())?;
    let expected: u64 = on_root(world.comm(), || Ok(mine))?;
    let elsewhere = format_args!(
        "rank {} finds {mine} bytes where rank 0 finds {expected}; it must lie in a directory that all nodes share",
        world.rank()
    );
    world.agree(if mine == expected { Ok(()) } else { Err(fail(&elsewhere)) })?;
    let communicator = world.comm().as_raw();
    let file = File::with_options()
        // one rank reads the metadata for all
        .with_fapl(|list| list.mpio(communicator, None).all_coll_metadata_ops(true))
        .open_as(path, mode);
    world.agree(file.map_err(|error| fail(&complaint(&error))))
}

/// Opens a file of this library that only rank 0 touches, without HDF5's own locks, which would let
/// a run fail because another program reads the file. `lock` guards it instead.
pub(crate) fn open_alone(path: &Path, mode: OpenMode) -> hdf5::Result<File> {
    File::with_options().with_fapl(|list| list.file_locking(false)).open_as(path, mode)
}

/// Opens a file of any program for reading, unless it is open for writing elsewhere. Locking is
/// tried but not required, because some parallel file systems have no locks.
pub(in crate::io) fn open_foreign(path: &Path) -> hdf5::Result<File> {
    File::with_options().with_fapl(|list| list.file_locking(true)).open_as(path, OpenMode::Read)
}
