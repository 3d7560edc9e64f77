//! Values that vary along one axis only, such as coordinates and widths of cells: a short table for
//! each axis in place of a whole array.
#![allow(unsafe_code, reason = "reads tables without bounds checks, next to cells that a sweep has checked")]

// Invariant A1: of every axis of an `AxisReach`, table entries from `start − R` of the region that
// passed `check` to its end + R exist.

use std::marker::PhantomData;

use super::inputs::{Inputs, PointOf, Points, sealed};
use crate::{Element, KernelError, Region};

/// Regions beyond this are refused, so that a radius can be added to any index.
const FAR: isize = isize::MAX / 4;

const TOO_FAR: &str = "an offset exceeds the radius of the point, or there is no such axis. The note below shows \
    both: `AxisPoint::<…, AXES, RADIUS>::along::<AXIS, OFFSET>`. Use offsets from -RADIUS to RADIUS, or write a \
    larger radius in the type of the point and in `AxisReach`";

/// Tables along all axes, which a sweep reads within `R` cells: an input whose points are
/// [`AxisPoint`]s.
///
/// A table causes no memory traffic because it stays in the cache. Values along the last axis are
/// loaded for each cell, values along the others once per row.
///
/// ```
/// use parhelion_kernels::{AxisPoint, AxisReach, Pool, Region, ViewMut, sweep};
///
/// let (y, x) = ([0.0, 1.0, 4.0], [0.0, 10.0, 30.0, 60.0]);
/// let cells = Region::from_shape([3, 3]);
/// let mut result = [0.0; 9];
/// let output = ViewMut::from_slice(&mut result, cells);
/// let tables = AxisReach::<f64, 2, 0>::new([&y, &x], [0, 0]);
/// sweep(&Pool::new(2)?, cells, output, tables, |at: AxisPoint<'_, f64, 2, 0>| at.center::<0>() + at.center::<1>())?;
/// assert_eq!(result, [0.0, 10.0, 30.0, 1.0, 11.0, 31.0, 4.0, 14.0, 34.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AxisReach<'a, T, const N: usize, const R: usize> {
    tables: [&'a [T]; N],
    /// The index of the cell to which the first value of each table belongs.
    start: [isize; N],
}

impl<'a, T: Element, const N: usize, const R: usize> AxisReach<'a, T, N, R> {
    /// Creates an input from one table per axis, slowest first. The first value of the table of
    /// axis `a` belongs to index `start[a]`.
    pub fn new(tables: [&'a [T]; N], start: [isize; N]) -> Self {
        Self { tables, start }
    }
}

/// The values of [tables along the axes](AxisReach) at one cell and within `R` cells along each
/// axis.
#[derive(Clone, Copy, Debug)]
pub struct AxisPoint<'a, T, const N: usize, const R: usize> {
    /// In each table, the value of the cell; those within `R` of it exist (A1).
    centers: [*const T; N],
    borrow: PhantomData<&'a T>,
}

impl<T: Element, const N: usize, const R: usize> AxisPoint<'_, T, N, R> {
    /// The value of the cell itself in the table of an axis.
    #[inline(always)]
    pub fn center<const AXIS: usize>(&self) -> T {
        self.along::<AXIS, 0>()
    }

    /// The value `OFFSET` cells away in the table of an axis. The compiler checks both numbers
    /// where it generates code.
    ///
    /// ```compile_fail,E0080
    /// use parhelion_kernels::{AxisPoint, AxisReach, Pool, Region, fold};
    ///
    /// let tables = AxisReach::<f64, 1, 1>::new([&[0.0; 5]], [-1]);
    /// let too_far = |at: AxisPoint<'_, f64, 1, 1>| at.along::<0, 2>();
    /// fold(&Pool::new(1).unwrap(), Region::from_shape([3]), tables, too_far, || (), |_, _, _| ()).unwrap();
    /// ```
    #[inline(always)]
    pub fn along<const AXIS: usize, const OFFSET: isize>(&self) -> T {
        const { assert!(AXIS < N && OFFSET.unsigned_abs() <= R, "{}", TOO_FAR) }
        // SAFETY: A1, the offset was checked at compile time.
        unsafe { *self.centers[AXIS].offset(OFFSET) }
    }

    /// The value of the cell in the table of an axis known only at run time, for rules that loop
    /// over axes.
    ///
    /// # Panics
    /// When there is no such axis.
    #[inline(always)]
    pub fn center_along(&self, axis: usize) -> T {
        // SAFETY: A1.
        unsafe { *self.centers[axis] }
    }
}

/// The kind of the points [`AxisPoint<'p, T, N, R>`](AxisPoint) of any lifetime.
#[derive(Debug)]
pub struct AlongAxes<T, const N: usize, const R: usize>(PhantomData<T>);

impl<T, const N: usize, const R: usize> sealed::Sealed for AlongAxes<T, N, R> {}
impl<T: Element, const N: usize, const R: usize> Points for AlongAxes<T, N, R> {
    type Point<'p> = AxisPoint<'p, T, N, R>;

    #[inline(always)]
    unsafe fn advanced<'p>(first: &Self::Point<'p>, i: usize) -> Self::Point<'p> {
        let mut point = *first;
        // SAFETY: the cell farther along the row lies in the region too (A1).
        point.centers[N - 1] = unsafe { first.centers[N - 1].add(i) };
        point
    }
}

impl<T: Element, const N: usize, const R: usize> sealed::Sealed for AxisReach<'_, T, N, R> {}
impl<T: Element, const N: usize, const R: usize> Inputs<N> for AxisReach<'_, T, N, R> {
    type Points = AlongAxes<T, N, R>;

    const BYTES: usize = 0;

    fn check(&self, region: &Region<N>) -> Result<(), KernelError> {
        const { assert!(R <= super::point::LARGEST_RADIUS, "a radius along an axis is at most 65536 cells") };
        let needed = region.grown([[R, R]; N]);
        for a in 0..N {
            let far = region.start[a] < -FAR || region.end[a] > FAR;
            let seen = self.start[a]..self.start[a].saturating_add(self.tables[a].len() as isize);
            if !(region.is_empty() || !far && seen.start <= needed.start[a] && needed.end[a] <= seen.end) {
                return Err(KernelError::new(format!(
                    "a rule of radius {R} on the cells {region:?} reads the values {:?} along axis {a}, but the table \
                     has only {seen:?}; use a longer table or a smaller region",
                    needed.start[a]..needed.end[a]
                )));
            }
        }
        Ok(())
    }

    #[inline(always)]
    unsafe fn first(&self, index: [isize; N]) -> PointOf<'_, Self, N> {
        // SAFETY: `check` verified that the cell has a value in each table (A1).
        let center = |a: usize| unsafe { self.tables[a].as_ptr().offset(index[a] - self.start[a]) };
        AxisPoint { centers: std::array::from_fn(center), borrow: PhantomData }
    }
}
