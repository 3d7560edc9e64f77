//! What a stencil rule reads and writes: points, inputs and outputs.

mod inputs;
mod outputs;
mod place;
mod point;
mod rows;

pub use inputs::{Inputs, Neighbors, PointOf, Points};
pub(crate) use outputs::update_row;
pub use outputs::{OutputMember, Outputs};
pub use place::{Place, PlaceKind, Places};
pub use point::{Point, Reach, StarPoint};
