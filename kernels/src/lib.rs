//! Node-local kernels on blocks of structured grids.
mod element;
mod region;

pub use element::{Element, ElementKind};
pub use region::Region;
