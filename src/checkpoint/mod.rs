//! Checkpoints: all that a run needs to go on, in one file that is complete or does not exist.
//!
//! # How it works
//!
//! A checkpoint is one HDF5 file, whose layout `docs/checkpoint-format.md` specifies. Rank 0 makes it
//! under a temporary name with everything but the values, all ranks write their blocks collectively
//! from their halo'd arrays, and each makes checksums of what it has in memory. Checksums are of
//! blocks of the file, not of ranks: CRCs are linear, so that an exclusive or over the ranks
//! gives them whatever the blocks of the grid (`crc`). The file is brought to disk, read back and
//! compared, and marked complete by its header, which is written last, into the "user block" that HDF5
//! leaves alone. Only then it gets its name, and older ones go.
//!
//! A restart compares every byte with a checksum before the HDF5 library sees the file, which is not made for
//! damaged ones: header, description and structure by rank 0, values by all ranks in equal shares.
//!
//! # Layout
//!
//! `series` and `names` are the files of a run; `snapshot` and `scalar` what the user hands over; `save` and
//! `file` write, `restart` reads, `verify` compares; `header`, `description` and `exact` are what stands in the file;
//! `any_field` and `part` what this module needs of fields; `stop` tells when to end.

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
