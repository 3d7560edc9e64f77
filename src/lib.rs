//! Hybrid MPI + threads computation on structured grids: distributed arrays with halo exchange, stencils
//! on all cores, reductions and parallel HDF5, with the same bits on any number of ranks and threads.
//!
//! ```
//! use parhelion::prelude::*;
//!
//! let world = World::init()?;                       // MPI, and a thread pool sized to this rank's cores
//! let grid = Grid::builder([64, 64])                // global cells, cut into a block per rank
//!     .extent([1.0, 1.0])
//!     .periodic([true, false])
//!     .build(&world)?;
//! let mut u = grid.field::<f64>("temperature");
//! u.fill(|[y, x]| (6.28 * y).sin() * x);
//! u.boundary(Face::low(1), Boundary::Dirichlet(0.0))?;
//! let heat = star_stencil::<f64, 2, 1>(|u| {        // radius 1: u.at::<2, 0>() does not compile
//!     u.center() + 0.2 * (u.at::<-1, 0>() + u.at::<1, 0>() + u.at::<0, -1>() + u.at::<0, 1>() - 4.0 * u.center())
//! });
//! u.advance(&heat, 100)?;                           // exchange, walls, threads, overlap
//! println!("mean {}, largest {:?}", u.mean(), u.max());
//! # Ok::<(), parhelion::Error>(())
//! ```
//!
//! # The main types
//!
//! | type | what it is |
//! |---|---|
//! | [`World`] | the ranks of the job and the threads of this rank |
//! | [`Grid`] | cells in space, cut into blocks ([`Decomposition`]) over a process grid ([`Topology`]) |
//! | [`Field`] | one distributed array on a grid, with halo, boundary conditions ([`Boundary`]) and reductions |
//! | [`HaloPlan`] | the planned exchange of the halos of several fields |
//! | [`Stencil`], [`Point`] | an update rule whose radius is part of its type; what it sees |
//! | [`Evolving`], [`Blocking`] | several fields brought forward together; how steps are blocked |
//! | [`Measure`], [`Report`] | what every kernel cost: time, bandwidth, waiting, imbalance |
//! | `Output`, `Input`, `Series` | shared HDF5 files, of one time or many (feature `hdf5`, on by default) |
//! | `Picture`, [`Probes`] | planes as PNG files (feature `pictures`, on by default), values at points over time |
//! | `Checkpoints`, `Restart`, `StopRequest` | runs that survive their end: [the guide](checkpoint_guide) (feature `hdf5`) |
//! | [`solvers`] | elliptic problems: Krylov methods and multigrid |
//! | [`testing`] | tests on real ranks under `cargo test` |
//!
//! [How to write a fast stencil](guide) and [which solver to choose](solver_guide) are pages of their own, and so is the format of output files (`file_format`).
//!
//! Axes are in C order, slowest first, everywhere. Methods that all ranks must call together say so under
//! *Collective*. Kernels on one process, without MPI, are in [`kernels`].
//!
//! Limits: 1 to 4 axes; grids are boxes of equal cells; one rank cannot have several blocks.

#[cfg(feature = "hdf5")]
mod checkpoint;
#[cfg(feature = "hdf5")]
#[doc = include_str!("../docs/checkpoint-format.md")]
pub mod checkpoint_format {}
#[cfg(feature = "hdf5")]
#[doc = include_str!("../docs/checkpoints.md")]
pub mod checkpoint_guide {}
mod decomposition;
mod error;
mod field;
mod grid;
#[doc = include_str!("../docs/fast-stencils.md")]
pub mod guide {}
#[cfg(feature = "hdf5")]
#[doc = include_str!("../docs/file-format.md")]
pub mod file_format {}
mod halo;
#[cfg(feature = "hdf5")]
mod io;
mod measure;
mod messages;
pub mod prelude;
mod reduce;
#[doc = include_str!("../docs/solvers.md")]
pub mod solver_guide {}
pub mod solvers;
mod stepping;
mod sweep;
pub mod testing;
mod topology;
mod watch;
mod world;

#[cfg(feature = "hdf5")]
pub use checkpoint::{Checkpoint, Checkpoints, Restart, Scalar, StopReason, StopRequest};
pub use decomposition::Decomposition;
pub use error::{Error, Result};
pub use field::{Boundary, BoundaryFunction, Field, FieldBuilder};
pub use grid::{Centring, Grid, GridBuilder};
pub use halo::{Exchange, HaloField, HaloFields, HaloPlan, HaloPlanBuilder, HaloTransport};
#[cfg(feature = "hdf5")]
pub use io::{
    Attribute, Axis, Blosc, Compression, Input, Output, Pending, Placement, ReadOptions, Series, Snapshot,
    Stored, StoredMut, WriteOptions,
};
pub use measure::{HaloReport, KernelScope, Kind, Measure, Report, ReportRow};
pub use reduce::{Extremum, Ordered};
pub use stepping::{Constant, ConstantFields, Evolving, EvolvingFields};
pub use topology::{Face, Topology};
pub use watch::Probes;
#[cfg(feature = "pictures")]
pub use watch::{Colors, Picture};
pub use world::{World, WorldBuilder};

pub use {mpi, ndarray, num_complex};

pub use parhelion_kernels as kernels;
pub use parhelion_kernels::{
    Blocking, Caches, Element, ElementKind, Pattern, Point, Region, StarPoint, Stencil, View, ViewMut,
    star_stencil, stencil,
};
