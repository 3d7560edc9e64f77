//! The argument of a custom wall: a halo point and what its value may depend on.

use std::fmt;

use parhelion_kernels::{Element, View};

/// A halo point beyond a custom wall; see [`Boundary::custom`](super::Boundary::custom).
#[derive(Clone, Copy)]
pub struct HaloPoint<'a, T, const N: usize> {
    pub(super) inside: View<'a, T, N>,
    /// The outermost point inside, on the line through the halo point along the wall's axis.
    pub(super) outermost: [isize; N],
    pub(super) axis: usize,
    pub(super) high: bool,
    pub(super) reach: usize,
    pub(super) distance: usize,
    pub(super) coordinates: [f64; N],
    pub(super) time: f64,
}

impl<T: Element, const N: usize> HaloPoint<'_, T, N> {
    /// Returns the value of a point inside the wall, on the line through the halo point normal to
    /// the wall: `inside(0)` is the outermost point of the field (the one on the wall for staggered
    /// points), `inside(1)` the next one inward.
    ///
    /// # Panics
    /// When `number` is not less than the `reach` given to
    /// [`Boundary::custom`](super::Boundary::custom).
    pub fn inside(&self, number: usize) -> T {
        let reach = self.reach;
        assert!(
            number < reach,
            "a custom wall with reach {reach} cannot read inside({number}); create it with \
             Boundary::custom({}, ..)",
            number + 1
        );
        let (mut index, inward) = (self.outermost, number as isize);
        index[self.axis] += if self.high { -inward } else { inward };
        self.inside.get(index)
    }

    /// Distance from the outermost point inside to the halo point, in points: 1 for the halo point
    /// next to the wall.
    pub fn distance(&self) -> usize {
        self.distance
    }

    /// Coordinates of the halo point, slowest axis first. Along periodic axes, they are wrapped
    /// into the domain.
    pub fn coordinates(&self) -> [f64; N] {
        self.coordinates
    }

    /// Time of the values.
    pub fn time(&self) -> f64 {
        self.time
    }
}

impl<T, const N: usize> fmt::Debug for HaloPoint<'_, T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HaloPoint")
            .field("distance", &self.distance)
            .field("coordinates", &self.coordinates)
            .field("time", &self.time)
            .finish_non_exhaustive()
    }
}
