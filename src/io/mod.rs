//! Parallel HDF5: distributed fields to and from one shared file.
//!
//! # How it works
//!
//! Everything about a file that is not bulk data (creating it, datasets, attributes, dimension
//! scales, looking up what it holds) is done by rank 0 alone with the plain POSIX driver, and the
//! outcome is agreed on before anyone goes on. A missing file, a full disk or a wrong shape is
//! therefore an ordinary error of one process, which all ranks then return alike, and never a
//! collective call that some ranks entered and others did not. Only the bulk data moves with the
//! MPI-IO driver: all ranks open the file, transfer their blocks with collective calls, and close
//! it again. (Boxes of contiguous datasets need no more than the offset at which the values begin: see `direct`.) Between two calls of this module no HDF5 object is open, so dropping an [`Output`] or
//! [`Input`] communicates nothing and MPI may be finalized at any time.
//!
//! The space of a dataset is reserved on disk by rank 0 before the transfer starts: MPI-IO reports
//! a full disk late, partly or not at all.
//!
//! # Layout
//!
//! `stored` and `placement` describe what the rest of the library hands over; `output`, `input` and
//! `series` are the calls of the user, `options` (and `compression`) what can be told them. `dataset` (with `selection` and
//! `chunking`) makes a checked plan of what was asked for and defines it in the file; `portion` says which
//! elements of a rank go where; `transfer` moves them, through HDF5 or for contiguous datasets `direct`ly (`place`,
//! `sharing`, `pieces`, `staging`, `kinds` help it);
//! `background` writes copies while the ranks compute. `resample` interpolates. `scales`, `attributes` and `xdmf` are what other tools read; `catalog`
//! and `codec` tell all ranks what rank 0 found in a file; `collective` holds the few MPI calls;
//! `storage` the file system, `lock` who else uses a file; `ffi` all unsafe code.
//!
//! Facts of HDF5 1.10 that shape this:
//!
//! - Chunks must be allocated before MPI-IO opens the file (`AllocTime::Early` on rank 0, without
//!   filling them): writing to a dataset whose chunks are missing fails on some ranks.
//! - Compressed chunks are then allocated as compressed emptiness, and again at their size when they
//!   are written. All ranks must take part, those with nothing to write too.
//! - What the library really did is asked after every call; a collective transfer that was not is an error.

mod block;
mod field;
mod file;
mod hdf5;
mod input;
mod journal;
mod options;
mod output;
mod ranks;
mod series;
mod transfer;
mod writer;
mod xdmf;

pub(crate) use block::index::unravel;
pub use block::placement::Placement;
pub use block::stored::{Axis, Stored, StoredMut};
pub(crate) use file::open::{open_alone, with_datasets};
pub(crate) use file::storage::{Draft, complaint, reserve, sync};
pub use hdf5::attributes::Attribute;
pub use hdf5::compression::{Blosc, Compression};
pub(crate) use hdf5::kinds::{COMPLEX_MEMBERS, datatype};
pub use input::Input;
pub use options::{ReadOptions, WriteOptions};
pub use output::Output;
pub(crate) use ranks::same_everywhere;
pub use series::{Series, Snapshot};
pub(crate) use transfer::{read_all, write_all};
pub use writer::pending::Pending;
