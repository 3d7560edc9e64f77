//! The ready stencils against exact solutions, published tables and slow, obvious loops.

mod advection;
mod common;
mod differential;
mod diffusion;
mod filters;
mod staggered;
