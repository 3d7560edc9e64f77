//! Reductions over fields, with the same bits for any ranks × threads.
//!
//! Sums are exact: every value goes into an accumulator that holds the true sum as integers, ranks
//! add up the integers, and the result is rounded once. So neither the order of the values nor their
//! distribution can matter. See `kernels::exact` for how that stays as fast as memory.
//!
//! NaN: a sum, dot or norm over values with a NaN is NaN; `min` and `max` return the NaN with its
//! location. Infinities behave as in a sum by hand: `∞ − ∞` is NaN.

mod extrema;
mod fingerprint;
mod fold;
mod sums;

pub use extrema::{Extremum, Ordered};
