//! Borrowed boxes of cells with strides.
#![allow(unsafe_code, reason = "reads and writes cells in view; see the invariants of cells.rs")]

use std::marker::PhantomData;

use super::cells::{Cells, prefetch};
use super::layout::CACHE_LINE;
use super::region::rows;
use crate::{Element, Layout, Pool, Region};

/// A shared view of a box of cells.
#[derive(Clone, Copy, Debug)]
pub struct View<'a, T, const N: usize> {
    pub(crate) cells: Cells<T, N>,
    borrow: PhantomData<&'a [T]>,
}

/// An exclusive view of a box of cells.
#[derive(Debug)]
pub struct ViewMut<'a, T, const N: usize> {
    pub(crate) cells: Cells<T, N>,
    borrow: PhantomData<&'a mut [T]>,
}

impl<'a, T: Element, const N: usize> View<'a, T, N> {
    /// The cells of `region`, stored contiguously in C order.
    ///
    /// # Panics
    /// When `slice` does not have as many elements as `region` has cells, or the region is farther
    /// than `isize::MAX / 4` from index 0.
    pub fn from_slice(slice: &'a [T], region: Region<N>) -> Self {
        // V1, V2: the strides are those of a C-order box with as many cells as the slice.
        Self { cells: Cells::contiguous(slice.as_ptr().cast_mut(), slice.len(), region), borrow: PhantomData }
    }

    pub(crate) fn from_layout(buffer: &'a [T], layout: &Layout<N>) -> Self {
        // V1, V2: a layout places every cell of `whole` inside its buffer.
        Self { cells: Cells::laid_out(buffer.as_ptr().cast_mut(), buffer.len(), layout), borrow: PhantomData }
    }

    /// The view of `region` of `cells`.
    ///
    /// # Safety
    /// V1 holds for these cells during `'a`, and V3 while the view is used.
    pub(crate) unsafe fn of(cells: &Cells<T, N>, region: Region<N>) -> Self {
        Self { cells: cells.restricted(region), borrow: PhantomData }
    }

    /// The cells in view.
    pub fn region(&self) -> Region<N> {
        self.cells.region
    }

    /// The value of one cell.
    ///
    /// # Panics
    /// When the cell is not in view.
    pub fn get(&self, index: [isize; N]) -> T {
        assert!(self.region().contains(index), "cell {index:?} is not inside the view {:?}", self.region());
        // SAFETY: V1, in view by the check.
        unsafe { *self.cells.at(index) }
    }

    /// The view of the cells of `region` only.
    ///
    /// # Panics
    /// When some of `region` is not in view.
    pub fn restricted(mut self, region: Region<N>) -> Self {
        self.cells = self.cells.restricted(region);
        self
    }

    /// The `len` cells from `index` on along the last axis.
    ///
    /// # Panics
    /// When some of them are not in view.
    pub fn row(&self, index: [isize; N], len: usize) -> &'a [T] {
        self.cells.assert_row_inside(index, len);
        if len == 0 {
            return &[];
        }
        // SAFETY: V1 for the row's cells, which are adjacent by V2.
        unsafe { std::slice::from_raw_parts(self.cells.at(index), len) }
    }

    /// Prefetches the `len` cells from `index` on into the second-level cache, as far as they are
    /// in view.
    ///
    /// For passes that read short runs of several arrays in turn, which the hardware does not
    /// foresee.
    #[inline]
    pub fn prefetch_row(&self, index: [isize; N], len: usize) {
        let end = self.region().end[N - 1];
        if !self.region().contains(index) {
            return;
        }
        let bytes = len.min(end.abs_diff(index[N - 1])) * size_of::<T>();
        // SAFETY: V1, in view by the check.
        let first: *const i8 = unsafe { self.cells.at(index) }.cast();
        (0..bytes).step_by(CACHE_LINE).for_each(|offset| prefetch(first.wrapping_add(offset)));
    }

    /// Calls `add(&mut accumulator, index of the row's first cell, the row)` for every row of the
    /// view. Every thread starts with `new()` and visits its part in memory order. Returns the
    /// accumulators in thread order.
    ///
    /// ```
    /// use parhelion_kernels::{Pool, Region, View};
    ///
    /// let u = View::from_slice(&[1.0, 2.0, 3.0, 4.0], Region::from_shape([2, 2]));
    /// let largest = u.fold_rows(&Pool::new(2)?, || f64::MIN, |most, _, row| *most = row.iter().fold(*most, |a, &b| a.max(b)));
    /// assert_eq!(largest, [2.0, 4.0]); // of each thread
    /// # Ok::<(), rayon::ThreadPoolBuildError>(())
    /// ```
    pub fn fold_rows<A: Send>(
        &self,
        pool: &Pool,
        new: impl Fn() -> A + Sync,
        add: impl Fn(&mut A, [isize; N], &[T]) + Sync,
    ) -> Vec<A> {
        pool.map(|thread| {
            let mut accumulator = new();
            for (index, len) in rows(self.region().part(thread, pool.threads())) {
                add(&mut accumulator, index, self.row(index, len));
            }
            accumulator
        })
    }
}

impl<'a, T: Element, const N: usize> ViewMut<'a, T, N> {
    /// The cells of `region`, stored contiguously in C order.
    ///
    /// # Panics
    /// When `slice` does not have as many elements as `region` has cells, or the region is farther
    /// than `isize::MAX / 4` from index 0.
    pub fn from_slice(slice: &'a mut [T], region: Region<N>) -> Self {
        // V1, V2: the strides are those of a C-order box with as many cells as the slice.
        Self { cells: Cells::contiguous(slice.as_mut_ptr(), slice.len(), region), borrow: PhantomData }
    }

    pub(crate) fn from_layout(buffer: &'a mut [T], layout: &Layout<N>) -> Self {
        // V1, V2: a layout places every cell of `whole` inside its buffer.
        Self { cells: Cells::laid_out(buffer.as_mut_ptr(), buffer.len(), layout), borrow: PhantomData }
    }

    /// The view of `region` of `cells`.
    ///
    /// # Safety
    /// V1 holds for these cells during `'a`, and V3 while the view is used.
    pub(crate) unsafe fn of(cells: &Cells<T, N>, region: Region<N>) -> Self {
        Self { cells: cells.restricted(region), borrow: PhantomData }
    }

    /// The cells in view.
    pub fn region(&self) -> Region<N> {
        self.cells.region
    }

    /// The same cells, borrowed from this view.
    pub fn reborrow(&mut self) -> ViewMut<'_, T, N> {
        ViewMut { cells: self.cells, borrow: PhantomData }
    }

    /// A shared view of the same cells.
    pub fn as_view(&self) -> View<'_, T, N> {
        View { cells: self.cells, borrow: PhantomData }
    }

    /// The view of the cells of `region` only.
    ///
    /// # Panics
    /// When some of `region` is not in view.
    pub fn restricted(mut self, region: Region<N>) -> Self {
        self.cells = self.cells.restricted(region);
        self
    }

    /// Writes one cell.
    ///
    /// # Panics
    /// When the cell is not in view.
    pub fn set(&mut self, index: [isize; N], value: T) {
        assert!(self.region().contains(index), "cell {index:?} is not inside the view {:?}", self.region());
        // SAFETY: V1, in view by the check.
        unsafe { *self.cells.at(index) = value }
    }

    /// The `len` cells from `index` on along the last axis.
    ///
    /// # Panics
    /// When some of them are not in view.
    pub fn row_mut(&mut self, index: [isize; N], len: usize) -> &mut [T] {
        self.cells.assert_row_inside(index, len);
        if len == 0 {
            return &mut [];
        }
        // SAFETY: V1 for the row's cells, which are adjacent by V2; `&mut self` makes it unique.
        unsafe { std::slice::from_raw_parts_mut(self.cells.at(index), len) }
    }

    /// Calls `work(index of the row's first cell, the row)` for every row of `region`, each thread
    /// on its part.
    ///
    /// # Panics
    /// When some of `region` is not in view, or `work` panics.
    pub fn for_each_row(
        &mut self,
        pool: &Pool,
        region: Region<N>,
        work: impl Fn([isize; N], &mut [T]) + Sync,
    ) {
        self.cells.assert_contains(&region);
        let cells = self.cells;
        pool.run(|thread| {
            for (index, len) in rows(region.part(thread, pool.threads())) {
                // SAFETY: V1 as `region` is in view; V3 as the parts of a region are disjoint.
                work(index, unsafe { std::slice::from_raw_parts_mut(cells.at(index), len) });
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_see_the_cells_they_name() {
        let mut values: Vec<i32> = (0..12).collect();
        let region = Region::new([-1, 0], [2, 4]);
        let view = View::from_slice(&values, region);
        assert_eq!(view.get([0, 2]), 6);
        assert_eq!(view.restricted(Region::new([0, 1], [2, 3])).get([1, 1]), 9);
        assert_eq!(view.row([1, 1], 2), [9, 10]);
        let mut view = ViewMut::from_slice(&mut values, region);
        view.for_each_row(&Pool::new(3).unwrap(), Region::new([0, 0], [2, 2]), |i, row| {
            row.fill(i[0] as i32)
        });
        assert_eq!(values, [0, 1, 2, 3, 0, 0, 6, 7, 1, 1, 10, 11]);
    }

    #[test]
    #[should_panic(expected = "is not inside the view")]
    fn cells_outside_are_refused() {
        View::from_slice(&[1.0, 2.0], Region::from_shape([2])).get([2]);
    }

    #[test]
    #[should_panic(expected = "are not all inside the view")]
    fn rows_that_leave_the_view_are_refused() {
        View::from_slice(&[1.0, 2.0, 3.0, 4.0], Region::from_shape([2, 2])).row([0, 1], 2);
    }

    #[test]
    #[should_panic(expected = "are not all inside the view")]
    fn rows_of_absurd_length_are_refused() {
        View::from_slice(&[1.0, 2.0], Region::from_shape([2])).row([0], usize::MAX);
    }

    #[test]
    #[should_panic(expected = "is not the cells")]
    fn regions_of_more_cells_than_can_be_counted_are_refused() {
        View::<f64, 2>::from_slice(&[], Region::from_shape([1 << 32, 1 << 32]));
    }
}
