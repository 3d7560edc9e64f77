//! Everything a solver usually needs: `use parhelion::prelude::*;`.

pub use crate::{
    Boundary, Centring, Element, Face, Field, Grid, HaloPlan, Pattern, Point, Region, StarPoint, Stencil,
    World, star_stencil, stencil,
};
#[cfg(feature = "hdf5")]
pub use crate::{Input, Output};
