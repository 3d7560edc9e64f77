//! The two precisions in which systems are stored.

use parhelion_kernels::{Accumulator, Element, Summable};

/// `f32` or `f64`: what a system may be stored in. The trait is sealed, as [`Element`] is.
pub trait Real: Element + Summable<Sum = Accumulator> + PartialOrd {
    /// The nearest value of this type.
    fn nearest(value: f64) -> Self;
    /// The value in double precision.
    fn wide(self) -> f64;
}

impl Real for f64 {
    #[inline(always)]
    fn nearest(value: f64) -> Self {
        value
    }
    #[inline(always)]
    fn wide(self) -> f64 {
        self
    }
}

impl Real for f32 {
    #[inline(always)]
    fn nearest(value: f64) -> Self {
        value as f32
    }
    #[inline(always)]
    fn wide(self) -> f64 {
        f64::from(self)
    }
}
