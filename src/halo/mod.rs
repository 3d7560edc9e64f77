//! Halo exchange: plan once, then run.
//!
//! A [`HaloPlan`] knows for its fields which boxes of cells go to which neighbour, owns the message
//! buffers and the persistent MPI requests, and packs and unpacks with all threads. A step of an
//! exchange is
//!
//! 1. post the receives, set the points on walls, pack every field's boxes into one message per neighbour direction, send;
//! 2. copy boxes between the ends of periodic axes that one rank spans, and fill the halo beyond walls;
//! 3. (the caller computes what needs no halo)
//! 4. wait, unpack, fill the halo beyond walls again, now that the rows next to it are complete.
//!
//! MPI only ever touches the plan's own buffers, never a field. That is why a guard that is leaked
//! between start and finish is harmless: the field's halo simply stays stale.

mod exchange;
mod fields;
mod persistent;
mod plan;

pub use exchange::Exchange;
pub use fields::{HaloField, HaloFields};
pub use plan::{HaloPlan, HaloPlanBuilder};
