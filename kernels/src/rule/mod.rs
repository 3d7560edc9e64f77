//! What a stencil rule reads and writes: points, inputs and outputs.

mod along_axes;
mod inputs;
mod outputs;
mod point;

pub use along_axes::{AlongAxes, AxisPoint, AxisReach};
pub use inputs::{Inputs, Neighbors, PointOf, Points};
pub use outputs::Outputs;
pub use point::{Point, Reach, StarPoint};
