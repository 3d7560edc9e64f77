//! Hybrid MPI + threads computation on structured grids.

mod decomposition;
mod error;
mod field;
mod grid;
mod halo;
#[cfg(feature = "hdf5")]
mod io;
mod messages;
pub mod prelude;
mod reduce;
mod sweep;
pub mod testing;
mod topology;
mod world;

pub use decomposition::Decomposition;
pub use error::{Error, Result};
pub use field::{Boundary, BoundaryFunction, Field, FieldBuilder};
pub use grid::{Centring, Grid, GridBuilder};
pub use halo::{Exchange, HaloField, HaloFields, HaloPlan, HaloPlanBuilder};
#[cfg(feature = "hdf5")]
pub use io::{Attribute, Axis, Input, Output, Placement, Stored, StoredMut};
pub use reduce::{Extremum, Ordered};
pub use topology::{Face, Topology};
pub use world::{World, WorldBuilder};

pub use parhelion_kernels as kernels;
pub use parhelion_kernels::{
    Element, ElementKind, Pattern, Point, Region, StarPoint, Stencil, View, ViewMut, star_stencil, stencil,
};
