//! What a stencil rule reads and writes: points, inputs and outputs.

mod faces;
mod inputs;
mod outputs;
mod point;

pub use faces::{FaceCells, FacePoints, FacesOf};
pub use inputs::{Inputs, Neighbors, PointOf, Points};
pub use outputs::Outputs;
pub use point::{Point, Reach, StarPoint};
