//! Hybrid MPI + threads computation on structured grids.

mod decomposition;
mod error;
mod world;

pub use decomposition::Decomposition;
pub use error::{Error, Result};
pub use world::{World, WorldBuilder};

pub use parhelion_kernels::{Element, ElementKind, Region};
