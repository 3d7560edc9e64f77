//! Parallel HDF5: distributed fields to and from one shared file.
//!
//! # How it works
//!
//! Rank 0 alone handles everything in a file that is not bulk data: creating it, datasets,
//! attributes, dimension scales, and looking up what it holds. It uses the plain POSIX driver, and
//! all ranks agree on the outcome before they continue. A missing file, a full disk or a wrong
//! shape is therefore an ordinary error of one process that all ranks return alike, and never a
//! collective call that only some ranks entered.
//!
//! Only bulk data moves with the MPI-IO driver: all ranks open the file, transfer their blocks with
//! collective calls, and close it again. (Boxes of contiguous datasets only need the offset at
//! which the values begin: see `transfer/direct`.) Between two calls of this module no HDF5 object
//! is open, so dropping an [`Output`] or [`Input`] communicates nothing, and MPI may be finalized
//! at any time.
//!
//! Rank 0 reserves the space of a dataset on disk before the transfer starts, because MPI-IO
//! reports a full disk late, partly or not at all.
//!
//! # Rooms
//!
//! Each room uses only rooms above it in this table.
//!
//! | room | what is in it |
//! |---|---|
//! | `block` | arithmetic on boxes: which elements are meant, where they lie in memory and in a file |
//! | `ranks` | questions to all ranks |
//! | `file` | drafts, locks, space on disk, opening a file on one rank or on all |
//! | `hdf5` | types, attributes, filters, dimension scales, the catalog of a file, all unsafe calls |
//! | `transfer` | moves values between fields and datasets, through HDF5 or directly |
//! | `xdmf` | the side file for ParaView |
//! | `journal` | files with an axis of time that grows, and what protects them from a crash |
//! | `options` | how a dataset is written, and what of it is read |
//! | `writer` | the file that outputs and series write, from its draft to its name |
//! | `output`, `input`, `series` | the calls of the user |
//!
//! Facts of HDF5 1.10 that shape this:
//!
//! - Chunks must be allocated before MPI-IO opens the file (`AllocTime::Early` on rank 0, without
//!   filling them). Writing to a dataset whose chunks are missing fails on some ranks.
//! - Compressed chunks are first allocated at the size of an empty one, and again at their real
//!   size when they are written. All ranks must take part, including those with nothing to write.
//! - Every call is followed by a question what the library really did. A collective transfer that
//!   was not collective is an error.

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
mod tuning;
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
pub(crate) use tuning::tune_mpi_io;
pub use writer::pending::Pending;
