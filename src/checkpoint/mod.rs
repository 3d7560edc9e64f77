//! Checkpoints: all that a run needs to resume, in one file that is complete or does not exist.
//!
//! # How it works
//!
//! A checkpoint is one HDF5 file, whose layout `docs/checkpoint-format.md` specifies. Rank 0
//! creates it under a temporary name with everything but the values. All ranks write their blocks
//! collectively from their halo'd arrays, and each makes checksums of what it has in memory.
//! Checksums belong to blocks of the file, not to ranks: CRCs are linear, so an exclusive or over
//! the ranks gives them for any decomposition of the grid (`crc`). The file is brought to disk,
//! read back and compared. Its header, which is written last, into the "user block" that HDF5
//! leaves alone, marks it as complete. Only then does it get its name, and older ones are removed.
//!
//! The HDF5 library is not made for damaged files, so a restart compares every byte with a checksum
//! before the library sees the file: rank 0 checks header, description and structure, all ranks
//! check the values in equal shares.
//!
//! # Layout
//!
//! `series` and `names` are the files of a run; `snapshot` and `scalar` what the user passes;
//! `save` and `file` write, `restart` reads, `verify` compares; `header`, `description` and `exact`
//! are the content of the file; `any_field` and `part` what this module needs of fields; `stop`
//! tells when to end.

mod any_field;
mod crc;
mod description;
mod exact;
mod file;
mod header;
mod names;
mod part;
mod restart;
mod save;
mod scalar;
mod series;
mod snapshot;
mod stop;
mod verify;

pub use restart::Restart;
pub use scalar::Scalar;
pub use series::Checkpoints;
pub use snapshot::Checkpoint;
pub use stop::{StopReason, StopRequest};
