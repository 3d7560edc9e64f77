//! Loops that apply rules and other work to regions of cells, on all threads of a pool.

mod apply;
mod parts;
mod ring;
mod stencil;

pub use apply::{fold, sweep, sweep_here, update};
pub use parts::{map_lines, map_parts, map_parts_beside};
pub use ring::Ring;
pub use stencil::{Pattern, Stencil, star_stencil, stencil};
