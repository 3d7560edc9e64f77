//! Hybrid MPI + threads computation on structured grids: distributed arrays with halo exchange,
//! stencils on all cores, reductions, elliptic solvers and parallel HDF5, with the same bits on any
//! number of ranks and threads.
//!
//! ```
//! use parhelion::prelude::*;
//!
//! let world = World::init()?;                       // MPI, and threads for this rank's cores
//! let grid = Grid::builder([64, 64])                // global cells, cut into a block per rank
//!     .extent([1.0, 1.0])
//!     .periodic([true, false])
//!     .build(&world)?;
//! let mut u = grid.field::<f64>("temperature");
//! u.fill_with(|[y, x]| (6.28 * y).sin() * x);
//! u.set_boundary(Face::low(1), Boundary::Dirichlet(0.0))?;
//! let heat = star_stencil::<f64, 2, 1>(|u| {        // radius 1: u.at::<2, 0>() does not compile
//!     u.center() + 0.2 * (u.at::<-1, 0>() + u.at::<1, 0>() + u.at::<0, -1>() + u.at::<0, 1>() - 4.0 * u.center())
//! });
//! u.advance(&heat, 100)?;                           // exchanges halos, meets the walls, uses all threads
//! println!("mean {}, largest {:?}", u.mean(), u.max());
//! # Ok::<(), parhelion::Error>(())
//! ```
//!
//! # The main types
//!
//! | type | what it is |
//! |---|---|
//! | [`World`] | the ranks of the job and the threads of this rank |
//! | [`Grid`] | cells in space, cut into blocks over a process grid |
//! | [`Field`] | one distributed array on a grid, with halo, boundary conditions ([`Boundary`]) and reductions |
//! | [`Stencil`], [`Point`] | an update rule whose radius is part of its type; what it sees of one point |
//! | [`halo`] | the planned exchange of the halos of several fields |
//! | [`stepping`] | several fields advanced together; how steps are blocked |
//! | [`solvers`] | elliptic problems: Krylov methods and multigrid |
//! | [`measure`] | the cost of every kernel: time, bandwidth, waiting, imbalance |
//! | `io` | shared HDF5 files, of one time or many (feature `hdf5`, on by default) |
//! | `checkpoint` | saving and restarting runs (feature `hdf5`) |
//! | [`watch`] | planes as PNG files (feature `pictures`, on by default), values at points over time |
//! | [`testing`] | tests on real ranks under `cargo test` |
//!
//! The [`guide`] has longer pages: how to write a fast stencil, which solver to choose,
//! checkpoints, file formats. First programs are in the repository's `examples/`.
//!
//! Axes are in C order, slowest first, everywhere. Methods that all ranks must call together say so
//! under *Collective*. Kernels for one process, without MPI, are in [`kernels`].
//!
//! Limits: 1 to 4 axes; grids are boxes, uniform or stretched along each axis; each rank has one
//! block.

#[cfg(feature = "hdf5")]
pub mod checkpoint;
pub mod error;
pub mod field;
pub mod grid;
pub mod guide;
pub mod halo;
#[cfg(feature = "hdf5")]
pub mod io;
pub mod measure;
mod messages;
pub mod prelude;
pub mod reduce;
pub mod solvers;
mod start;
pub mod stepping;
mod stopwatch;
mod sweep;
pub mod testing;
pub mod watch;
pub mod world;

pub use error::{Error, Result};
pub use field::{Boundary, Field};
pub use grid::{Centering, Face, Grid};
pub use parhelion_kernels::{
    Element, Pattern, Place, Point, Region, StarPoint, Stencil, rule, star_stencil, stencil,
};
pub use world::World;

pub use parhelion_kernels as kernels;
pub use {mpi, ndarray, num_complex};
