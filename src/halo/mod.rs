//! Halo exchange: plan once, then run.
//!
//! A [`HaloPlan`] knows for its fields which boxes of cells go to which neighbor, owns the buffers
//! and the persistent MPI requests, and packs and unpacks with all threads. The boxes of all fields for one
//! direction are a *parcel*. A step of an exchange is
//!
//! 1. post the receives, set the points on walls, pack all parcels, send messages and hand over shared parcels;
//! 2. copy boxes between the ends of periodic axes that one rank spans, and fill the halo beyond walls;
//! 3. (the caller computes what needs no halo)
//! 4. wait, unpack all parcels, fill the halo beyond walls again, now that the rows next to it are complete.
//!
//! Packing, copying and unpacking are one pass each over all boxes of all fields: threads are woken
//! once for each, or not at all if there is little to do.
//!
//! Parcels for neighbors on the same node pass through memory shared with them: the sender packs
//! into it and the receiver unpacks from it, without a copy between. Others are messages. See
//! [`HaloTransport`].
//!
//! MPI and other ranks only ever touch the plan's own buffers, never a field. That is why a guard that is leaked
//! between start and finish is harmless: the field's halo simply stays stale.

mod builder;
mod exchange;
mod fields;
mod kept;
mod link;
mod parcels;
mod persistent;
mod plan;
mod segment;
mod shared;
mod transport;

pub use builder::HaloPlanBuilder;
pub use exchange::Exchange;
pub(crate) use fields::{Borrowed, Exchanged, sealed::Sealed as HaloFieldsSealed};
pub use fields::{HaloField, HaloFields};
pub(crate) use parcels::{FieldShape, Inboxes, Incoming, Outboxes, ParcelPart};
pub use plan::HaloPlan;
pub use transport::HaloTransport;
