//! Smallest and largest values with their locations.

use parhelion_kernels::{Element, Summable};

use crate::field::Field;
use crate::stopwatch::Kind;

mod sealed {
    pub trait Sealed {}
}

/// An element type with an order: the integers, `f32` and `f64`. The trait is sealed.
pub trait Ordered: Element + sealed::Sealed {
    /// A number that grows with the value, or decreases with it if `descending`; 0 for NaN.
    /// Positive and negative zero have the same key.
    #[doc(hidden)]
    fn key(self, descending: bool) -> u64;
}

macro_rules! integers {
    ($($t:ty: $offset:expr),*) => {$(
        impl sealed::Sealed for $t {}
        impl Ordered for $t {
            fn key(self, descending: bool) -> u64 {
                let ascending = (self as i128 + $offset) as u64;
                if descending { !ascending } else { ascending }
            }
        }
    )*};
}
integers!(i8: 1 << 63, i16: 1 << 63, i32: 1 << 63, i64: 1 << 63, u8: 0, u16: 0, u32: 0, u64: 0);

macro_rules! floats {
    ($($t:ty),*) => {$(
        impl sealed::Sealed for $t {}
        impl Ordered for $t {
            fn key(self, descending: bool) -> u64 {
                if self.is_nan() {
                    return 0;
                }
                // IEEE numbers of one sign are ordered like their bits; adding zero makes −0 +0.
                let bits = (f64::from(self) + 0.0).to_bits();
                let ascending = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
                if descending { !ascending } else { ascending }
            }
        }
    )*};
}
floats!(f32, f64);

/// A smallest or largest value and its location.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extremum<T, const N: usize> {
    /// The value.
    pub value: T,
    /// Global index of the point. If several points have this value: the first in C order.
    pub index: [usize; N],
    /// Component with this value. If several have it: the lowest.
    pub component: usize,
}

impl<T: Ordered, const N: usize> Field<T, N> {
    /// The smallest value of all components and its location, or the first NaN if there is one.
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([6, 6]).build(&world)?;
    /// let mut u = grid.field::<i32>("u");
    /// u.fill_indexed(|[j, i]| (j as i32 - 2).abs() + (i as i32 - 4).abs());
    /// assert_eq!((u.min().value, u.min().index), (0, [2, 4]));
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Collective
    /// Over all ranks of the grid.
    pub fn min(&self) -> Extremum<T, N> {
        self.extremum(false)
    }

    /// The largest value of all components and its location, or the first NaN if there is one.
    ///
    /// # Collective
    /// Over all ranks of the grid.
    pub fn max(&self) -> Extremum<T, N> {
        self.extremum(true)
    }

    fn extremum(&self, descending: bool) -> Extremum<T, N> {
        let world = self.grid().world();
        let timing = world.measure().start_on(Kind::Reduce, self.name());
        let (shape, offset) = (self.shape_global(), self.region_global().start);
        let points = shape.iter().product::<usize>() as u64;
        // Comparing keys, then positions, gives the same winner for any distribution.
        let mut best = (u64::MAX, u64::MAX);
        for component in 0..self.components() {
            let parts = self.component(component).view().fold_rows(
                world.pool(),
                || (u64::MAX, u64::MAX),
                |best, first, row| {
                    let linear = (0..N).fold(0, |l, a| l * shape[a] as u64 + (first[a] + offset[a]) as u64);
                    let position = linear + component as u64 * points;
                    let Some(least) = row.iter().map(|value| value.key(descending)).min() else { return };
                    if least <= best.0 {
                        let i = row.iter().position(|value| value.key(descending) == least).unwrap_or(0);
                        *best = (*best).min((least, position + i as u64));
                    }
                },
            );
            best = parts.into_iter().fold(best, Ord::min);
        }
        let mut key = [best.0];
        world.all_min(&mut key);
        let mut position = [if best.0 == key[0] { best.1 } else { u64::MAX }];
        world.all_min(&mut position);
        let (component, mut linear) = ((position[0] / points) as usize, (position[0] % points) as usize);
        let mut index = [0; N];
        for a in (0..N).rev() {
            index[a] = linear % shape[a];
            linear /= shape[a];
        }
        let value = self.component(component).probe(index).expect("every rank found the same point");
        timing.finish(self.values_local(), size_of::<T>());
        Extremum { value, index, component }
    }
}

impl<T: Summable, const N: usize> Field<T, N> {
    /// The largest magnitude of all values of all components, or NaN if any value is NaN.
    ///
    /// # Collective
    /// Over all ranks of the grid.
    pub fn norm_max(&self) -> f64 {
        let world = self.grid().world();
        let timing = world.measure().start_on(Kind::Reduce, self.name());
        let largest = (0..self.components())
            .flat_map(|c| {
                self.component(c).view().fold_rows(
                    world.pool(),
                    || u64::MAX,
                    |least, _, row| {
                        for &value in row {
                            *least = (*least).min(value.magnitude().key(true));
                        }
                    },
                )
            })
            .fold(u64::MAX, u64::min);
        let mut key = [largest];
        world.all_min(&mut key);
        timing.finish(self.values_local(), size_of::<T>());
        from_descending_key(key[0])
    }
}

/// The number whose descending key this is.
fn from_descending_key(key: u64) -> f64 {
    if key == 0 {
        return f64::NAN;
    }
    let ascending = !key;
    f64::from_bits(if ascending >> 63 == 1 { ascending & !(1 << 63) } else { !ascending })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_ordered_like_their_values() {
        let values = [f64::NEG_INFINITY, -1e300, -1.0, -1e-310, 0.0, 1e-310, 1.0, 1e300, f64::INFINITY];
        for pair in values.windows(2) {
            assert!(
                pair[0].key(false) < pair[1].key(false) && pair[0].key(true) > pair[1].key(true),
                "{pair:?}"
            );
        }
        assert_eq!((-0.0_f64).key(false), 0.0_f64.key(false));
        assert!(f64::NAN.key(false) < values[0].key(false) && f64::NAN.key(true) < f64::INFINITY.key(true));
        assert!(i64::MIN.key(false) < (-1_i64).key(false) && (-1_i64).key(false) < 0_i64.key(false));
        assert!(u64::MAX.key(true) < 3_u64.key(true));
        for value in values {
            assert_eq!(from_descending_key(value.key(true)), value);
        }
    }
}
