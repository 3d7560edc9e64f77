//! What rules may be given besides fields of one centering: arrays of fields, their place, and
//! groups of staggered fields that advance in turn.

mod lattice_boltzmann;
mod place;
mod staggered;
