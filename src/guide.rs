//! Guides: longer pages about one subject each.

#[doc = include_str!("../docs/fast-stencils.md")]
pub mod stencils {}
#[doc = include_str!("../docs/solvers.md")]
pub mod solvers {}
#[cfg(feature = "hdf5")]
#[doc = include_str!("../docs/checkpoints.md")]
pub mod checkpoints {}
#[cfg(feature = "hdf5")]
#[doc = include_str!("../docs/file-format.md")]
pub mod file_format {}
#[cfg(feature = "hdf5")]
#[doc = include_str!("../docs/checkpoint-format.md")]
pub mod checkpoint_format {}
