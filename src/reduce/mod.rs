//! Reductions over fields, with the same bits for any ranks × threads.
//!
//! Sums are exact. Every value is added to an accumulator that holds the true sum as integers,
//! ranks add up the integers, and the result is rounded once. Neither the order of the values nor
//! their distribution over ranks matters. `kernels::exact` explains how this is as fast as memory.
//!
//! Sums, means, dots and norms count all points alike, so that they mean the same on any grid. Those
//! that weigh each point with its volume say so: [`Field::integral`](crate::Field::integral),
//! [`integral_of`](crate::Field::integral_of), [`mean_by_volume`](crate::Field::mean_by_volume) and
//! [`norm_l2_by_volume`](crate::Field::norm_l2_by_volume).
//!
//! NaN: a sum, dot or norm over values with a NaN is NaN; `min` and `max` return the NaN with its
//! location. Infinities follow IEEE arithmetic: `∞ − ∞` is NaN.

mod extrema;
mod fingerprint;
mod fold;
mod integrals;
mod sums;

pub use extrema::{Extremum, Ordered};
