//! Hybrid MPI + threads computation on structured grids.

mod error;

pub use error::{Error, Result};
pub use parhelion_kernels::{Element, ElementKind, Region};
