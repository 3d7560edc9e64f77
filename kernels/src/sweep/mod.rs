//! Loops that apply rules and other work to regions of cells, on all threads of a pool.

mod apply;
mod fluxes;
mod parts;
mod ring;
mod row;
mod stage;
mod stencil;

pub(crate) use apply::update_rows;
pub use apply::{fold, sweep, sweep_serial, update};
pub use fluxes::{flux_divergence, flux_stage};
pub use parts::{map_lines, map_part_pairs, map_parts};
pub use ring::Ring;
pub use row::write_row;
pub use stage::{Linear, Stage, StageArrays, stage};
pub use stencil::{Pattern, Stencil, star_stencil, stencil};
