//! Halo exchange: planned once, then run many times.
//!
//! A [`HaloPlan`] knows for its fields which boxes of cells go to which neighbor, owns the buffers
//! and the persistent MPI requests, and packs and unpacks with all threads. The boxes of all fields
//! for one direction form a *parcel*. An exchange
//!
//! 1. posts the receives, sets the points on walls, packs all parcels, sends the messages and hands
//!    over shared parcels;
//! 2. copies boxes between the ends of periodic axes that one rank spans, and fills the halo beyond
//!    walls;
//! 3. (lets the caller compute points that need no halo);
//! 4. waits, unpacks all parcels, and fills the halo beyond walls again, now that the rows next to
//!    it are complete.
//!
//! Packing, copying and unpacking are one pass each over all boxes of all fields. Each pass wakes
//! the threads once, or not at all if there is little to do.
//!
//! Parcels for neighbors on the same node pass through memory shared with them: the sender packs
//! into it and the receiver unpacks from it, without a copy between. Others are messages. See
//! [`HaloTransport`].
//!
//! MPI and other ranks access the plan's buffers only, never a field. An [`Exchange`] that is
//! leaked is therefore harmless: the field's halo stays stale.

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
