//! Node-local kernels for blocks of structured grids: storage with halo, stencil sweeps, packing
//! and reproducible reductions on all threads of one process.
//!
//! The crate knows nothing of other processes or of files. Any program that sweeps over arrays can
//! use it on its own.
//!
//! ```
//! use parhelion_kernels::{Array, Layout, Point, Pool, sweep};
//!
//! let pool = Pool::new(2)?;
//! let layout = Layout::new([16, 16], [[1, 1]; 2], size_of::<f64>())?; // 16 × 16 cells, halo of 1
//! let mut u = Array::<f64, 2>::zeros(&pool, layout);
//! let mut next = Array::zeros(&pool, layout);
//! u.view_mut().set([8, 8], 1.0);
//! sweep(&pool, layout.interior(), next.view_mut(), u.view().reach::<1>(), |u: Point<'_, f64, 2, 1>| {
//!     0.25 * (u.at::<-1, 0>() + u.at::<1, 0>() + u.at::<0, -1>() + u.at::<0, 1>())
//! })?;
//! assert_eq!(next.view().get([7, 8]), 0.25);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Layout of the crate
//!
//! | module | contents |
//! |---|---|
//! | `storage` | element types, boxes of indices, layouts with halo, arrays, views, `ndarray` views |
//! | `rule` | what a stencil rule sees of a cell's neighborhood; inputs and outputs of a sweep |
//! | `sweep` | loops over cells, rows and parts on all threads; stencils; rings of planes |
//! | `program` | rules known only at run time: programs of operations, functions compiled elsewhere |
//! | `blocking` | several time steps in one pass over memory; the halo beyond walls |
//! | `transfer` | packing, unpacking and copying of boxes of cells |
//! | [`operators`] | ready stencils: Laplacians, gradients, advection, staggered operators, filters |
//! | `exact` | sums whose bits depend only on the set of values |
//! | `pool` | threads with a static division of work |
//! | `simd` | selection of vector instructions at run time |
//! | `math` | elementary functions that vectorize inside a rule |
//!
//! Unsafe code is confined to `storage::{array, cells, view, ndarray_view}`,
//! `rule::{along_axes, faces, point, inputs, outputs, place, rows}`, `unrolled`,
//! `sweep::{apply, fluxes, fold, parts, row, stage}`, `transfer::{copies, job}`, `simd`,
//! `program::{external, rule, run}` and
//! `blocking::{advance, evolve, prefetch, runtime, states, wall_halo}`.

mod blocking;
mod error;
mod exact;
mod math;
pub mod operators;
mod pool;
mod program;
mod rule;
mod simd;
mod storage;
mod sweep;
mod transfer;
mod unrolled;

pub use blocking::{
    Blocking, Caches, InPlace, NoWalls, Pass, RuntimeState, State, States, Visits, Walls, advance, alternate,
    evolve, evolve_rule, fill_walls, set_walls,
};
pub use error::KernelError;
pub use exact::{Accumulator, ComplexAccumulator, ExactSum, IntegerAccumulator, Summable};
pub use math::exp_f32;
pub use pool::Pool;
pub use program::{
    Condition, Expression, ExternalRule, Neighborhood, Program, ProgramBuilder, ProgramInput, Real,
    RowFunction, RuntimeRule, Term,
};
pub use rule::{
    AlongAxes, AxisPoint, AxisReach, FaceCells, FacePoints, FacesOf, Inputs, Neighbors, OutputMember,
    Outputs, Place, PlaceKind, Places, Point, PointOf, Points, Reach, StarPoint,
};
pub use storage::{Array, Dimensions, Element, ElementKind, Layout, NdDim, Region, View, ViewMut};
pub use sweep::{
    Linear, Pattern, Ring, Stage, StageArrays, Stencil, flux_divergence, flux_stage, fold, map_lines,
    map_part_pairs, map_parts, stage, star_stencil, stencil, sweep, sweep_serial, update, write_row,
};
pub use transfer::{BoxCopy, Copies, CopyList, Packing};
