//! Loops that apply rules and other work to regions of cells, on all threads of a pool.

mod apply;
mod parts;
mod ring;
mod stencil;

pub(crate) use apply::update_rows;
pub use apply::{fold, sweep, sweep_serial, update};
pub use parts::{map_lines, map_part_pairs, map_parts};
pub use ring::Ring;
pub use stencil::{Pattern, Stencil, star_stencil, stencil};
