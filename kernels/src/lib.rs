//! Node-local kernels on blocks of structured grids: storage with halo, stencil sweeps, packing
//! and reproducible reductions on all threads of one process.
//!
//! Nothing here knows of other processes or of files; the crate is of use on its own in any program
//! that sweeps over arrays.
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
//! | module | what it has |
//! |---|---|
//! | `element` | the scalar types a cell may hold |
//! | `region` | boxes of indices |
//! | `layout`, `array` | where a block's cells lie in memory; the memory |
//! | `view` | borrowed boxes of cells; `ndarray_view` turns them into ndarray views |
//! | `point`, `inputs`, `outputs`, `sweep` | stencil rules and the loops that apply them |
//! | `parts` | work of any kind on the part of each thread, with results |
//! | `ring` | the newest planes of an array, for several rules in one pass over memory |
//! | `stencil` | a rule with its radius and pattern as one value, for time stepping |
//! | [`operators`] | ready stencils: Laplacians, gradients, advection, staggered operators, filters |
//! | `blocking` | several steps in one pass over memory; the halo beyond walls |
//! | `transfer` | packing, unpacking and copying of boxes of cells; `copies` does many such in one go |
//! | `exact` | sums whose bits depend on nothing but the set of values |
//! | `simd` | choosing vector instructions when the program runs |
//! | `math` | elementary functions that vectorize inside a rule |
//! | `pool` | threads with a static division of work |
//!
//! Unsafe code is confined to `array`, `view`, `ndarray_view`, `point`, `inputs`, `outputs`, `parts`, `sweep`, `copies`,
//! `simd` and `blocking::{ahead, levels, system, walls}`.

mod array;
mod blocking;
mod copies;
mod element;
mod error;
mod exact;
mod inputs;
mod layout;
mod math;
mod ndarray_view;
pub mod operators;
mod outputs;
mod parts;
mod point;
mod pool;
mod region;
mod ring;
mod simd;
mod stencil;
mod sweep;
mod transfer;
mod unrolled;
mod view;

pub use array::Array;
pub use blocking::{
    Blocking, Caches, NoWalls, Pass, State, States, Walls, advance, evolve, fill_walls, set_walls,
};
pub use copies::{Copies, CopyList};
pub use element::{Element, ElementKind};
pub use error::KernelError;
pub use exact::{Accumulator, ComplexAccumulator, ExactSum, IntegerAccumulator, Summable};
pub use inputs::{Inputs, Neighbors, PointOf, Points};
pub use layout::Layout;
pub use math::exp_f32;
pub use ndarray_view::{Dimensions, NdDim};
pub use outputs::Outputs;
pub use parts::{map_lines, map_parts, map_parts_beside};
pub use point::{Point, Reach, StarPoint};
pub use pool::Pool;
pub use region::Region;
pub use ring::Ring;
pub use stencil::{Pattern, Stencil, star_stencil, stencil};
pub use sweep::{fold, sweep, sweep_here, update};
pub use transfer::{BoxCopy, Packing};
pub use view::{View, ViewMut};
