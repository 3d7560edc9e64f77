//! The names that a first solver needs: `use parhelion::prelude::*;`.

#[cfg(feature = "hdf5")]
pub use crate::io::{Input, Output};
pub use crate::{
    Boundary, Centering, Element, Face, Field, Grid, Pattern, Place, Point, Region, StarPoint, Stencil,
    World, star_stencil, stencil,
};
