//! Node-local kernels on blocks of structured grids.
mod element;
mod exact;
mod region;
mod simd;

pub use element::{Element, ElementKind};
pub use exact::{Accumulator, ComplexAccumulator, ExactSum, IntegerAccumulator, Summable};
pub use region::Region;
