//! Outputs of a sweep: one view or several.
#![allow(unsafe_code, reason = "threads write disjoint rows; see the invariants of cells.rs")]

use super::rows::{Row, Rows};
use crate::simd::dispatched;
use crate::storage::Cells;
use crate::unrolled::array;
use crate::{Element, KernelError, Region, ViewMut};

mod sealed {
    pub trait Sealed {}
}

/// The outputs of a sweep: a [`ViewMut`], an array of them, or a tuple of both.
///
/// A rule returns one value for a view, an array of values for an array, and a tuple for a tuple.
/// The trait is sealed.
///
/// ```
/// use parhelion_kernels::{Point, Pool, Region, View, ViewMut, sweep};
///
/// let cells = Region::from_shape([2]);
/// let u = [3.0, 4.0];
/// let (mut powers, mut half) = ([[0.0; 2]; 3], [0_f32; 2]);
/// sweep(
///     &Pool::new(1)?,
///     cells,
///     (powers.each_mut().map(|power| ViewMut::from_slice(power, cells)), ViewMut::from_slice(&mut half, cells)),
///     View::from_slice(&u, cells).reach::<0>(),
///     |u: Point<'_, f64, 1, 0>| ([1, 2, 3].map(|k| u.center().powi(k)), 0.5 * u.center() as f32),
/// )?;
/// assert_eq!((powers, half), ([[3.0, 4.0], [9.0, 16.0], [27.0, 64.0]], [1.5, 2.0]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A view that is only read is no output:
///
/// ```compile_fail,E0277
/// use parhelion_kernels::{Outputs, Region, View};
///
/// fn write<O: Outputs<1>>(_: O) {}
/// write(View::from_slice(&[1.0, 2.0], Region::from_shape([2]))); // needs a `ViewMut`
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the output of a sweep (number of axes: {N})",
    label = "not an output",
    note = "outputs are a `ViewMut`, an array `[ViewMut; K]`, or a tuple of up to 12 of these",
    note = "all inputs and outputs of a sweep have the same number of axes"
)]
pub trait Outputs<const N: usize>: sealed::Sealed {
    /// The rule's result at one cell.
    type Value: Copy;

    /// Bytes written per cell.
    const BYTES: usize;

    /// The addresses that the threads share.
    #[doc(hidden)]
    type Cells: Copy + Send + Sync;

    /// Checks that every cell of `region` is in view.
    #[doc(hidden)]
    fn check(&self, region: &Region<N>) -> Result<(), KernelError>;

    #[doc(hidden)]
    fn cells(&mut self) -> Self::Cells;

    /// Replaces `len` cells from `index` on with `value(position in the row, old value)`. Old values
    /// that `value` ignores are not read.
    ///
    /// # Safety
    /// The cells lie in a region that passed `check`, and no other thread touches them.
    #[doc(hidden)]
    unsafe fn update_row(
        cells: &Self::Cells,
        index: [isize; N],
        len: usize,
        value: impl Fn(usize, Self::Value) -> Self::Value,
    );
}

/// A member of a tuple of [`Outputs`]: a [`ViewMut`] or an array of them. The trait is sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a member of a tuple of outputs (number of axes: {N})",
    note = "members are a `ViewMut` or an array `[ViewMut; K]`"
)]
pub trait OutputMember<const N: usize>: Outputs<N> {
    /// `len` cells of it in a row.
    #[doc(hidden)]
    type Row<'r>: Row<Value = Self::Value>;

    /// # Safety
    /// As for `update_row`.
    #[doc(hidden)]
    unsafe fn row<'r>(cells: &Self::Cells, index: [isize; N], len: usize) -> Self::Row<'r>;
}

fn check<T: Element, const N: usize>(
    view: &ViewMut<'_, T, N>,
    region: &Region<N>,
) -> Result<(), KernelError> {
    if view.region().contains_region(region) {
        return Ok(());
    }
    Err(KernelError::new(format!(
        "the cells {region:?} are not all in the output, which has {:?}; use a smaller region",
        view.region()
    )))
}

dispatched! {
    /// Replaces every cell of `row` with `value(position in the row, old value)`.
    pub(crate) fn update_row<A: Row, V: Fn(usize, A::Value) -> A::Value>(len: usize, row: A, value: V) {
        let mut row = row;
        let mut buffer = A::buffer();
        let mut start = 0;
        while start < len {
            let run = A::RUN.min(len - start);
            for i in 0..run {
                // SAFETY: `run` more cells from `start` on are in the row, and fit into the buffer.
                unsafe { row.put(&mut buffer, start, i, value(start + i, row.old(start + i))) };
            }
            // SAFETY: as above, and all were put.
            unsafe { row.flush(&buffer, start, run) };
            start += run;
        }
    }
}

impl<T: Element, const N: usize> sealed::Sealed for ViewMut<'_, T, N> {}
impl<T: Element, const N: usize> Outputs<N> for ViewMut<'_, T, N> {
    type Value = T;
    type Cells = Cells<T, N>;

    const BYTES: usize = size_of::<T>();

    fn check(&self, region: &Region<N>) -> Result<(), KernelError> {
        check(self, region)
    }

    fn cells(&mut self) -> Cells<T, N> {
        self.cells
    }

    #[inline(always)]
    unsafe fn update_row(cells: &Cells<T, N>, index: [isize; N], len: usize, value: impl Fn(usize, T) -> T) {
        // SAFETY: the contract.
        update_row(len, unsafe { Self::row(cells, index, len) }, value);
    }
}

impl<T: Element, const N: usize> OutputMember<N> for ViewMut<'_, T, N> {
    type Row<'r> = &'r mut [T];

    #[inline(always)]
    unsafe fn row<'r>(cells: &Cells<T, N>, index: [isize; N], len: usize) -> &'r mut [T] {
        // SAFETY: V1 as the row is in view, V3 by the contract.
        unsafe { std::slice::from_raw_parts_mut(cells.at(index), len) }
    }
}

impl<T: Element, const N: usize, const K: usize> sealed::Sealed for [ViewMut<'_, T, N>; K] {}
impl<T: Element, const N: usize, const K: usize> Outputs<N> for [ViewMut<'_, T, N>; K] {
    type Value = [T; K];
    type Cells = [Cells<T, N>; K];

    const BYTES: usize = K * size_of::<T>();

    fn check(&self, region: &Region<N>) -> Result<(), KernelError> {
        self.iter().try_for_each(|view| check(view, region))
    }

    fn cells(&mut self) -> [Cells<T, N>; K] {
        self.each_ref().map(|view| view.cells)
    }

    #[inline(always)]
    unsafe fn update_row(
        cells: &[Cells<T, N>; K],
        index: [isize; N],
        len: usize,
        value: impl Fn(usize, [T; K]) -> [T; K],
    ) {
        // SAFETY: the contract.
        update_row(len, unsafe { Self::row(cells, index, len) }, value);
    }
}

impl<T: Element, const N: usize, const K: usize> OutputMember<N> for [ViewMut<'_, T, N>; K] {
    type Row<'r> = Rows<'r, T, K>;

    #[inline(always)]
    unsafe fn row<'r>(cells: &[Cells<T, N>; K], index: [isize; N], _len: usize) -> Rows<'r, T, K> {
        // SAFETY: V1 as the rows are in view, V3 by the contract; the views are exclusive borrows, so
        // their rows do not overlap.
        unsafe {
            Rows::new(array(
                #[inline(always)]
                |k| cells[k].at(index),
            ))
        }
    }
}

/// The least of the numbers of cells of the members' runs.
const fn least(runs: &[usize]) -> usize {
    let (mut least, mut i) = (usize::MAX, 0);
    while i < runs.len() {
        if runs[i] < least {
            least = runs[i];
        }
        i += 1;
    }
    least
}

macro_rules! tuples {
    ($($o:ident $row:ident $buffer:ident $field:tt),*) => {
        impl<$($o: sealed::Sealed),*> sealed::Sealed for ($($o,)*) {}
        impl<$($o: OutputMember<N>,)* const N: usize> Outputs<N> for ($($o,)*) {
            type Value = ($($o::Value,)*);
            type Cells = ($($o::Cells,)*);

            const BYTES: usize = 0 $(+ $o::BYTES)*;

            fn check(&self, region: &Region<N>) -> Result<(), KernelError> {
                $(self.$field.check(region)?;)*
                Ok(())
            }

            fn cells(&mut self) -> Self::Cells {
                ($(self.$field.cells(),)*)
            }

            #[inline(always)]
            unsafe fn update_row(
                cells: &Self::Cells,
                index: [isize; N],
                len: usize,
                value: impl Fn(usize, Self::Value) -> Self::Value,
            ) {
                // Every row is an argument of its own; see `dispatched`.
                dispatched! {
                    fn update<$($o: Row,)* V: Fn(usize, ($($o::Value,)*)) -> ($($o::Value,)*)>(
                        len: usize,
                        $($row: $o,)*
                        value: V,
                    ) {
                        $(let mut $row = $row; let mut $buffer = $o::buffer();)*
                        let mut start = 0;
                        while start < len {
                            let run = const { least(&[$($o::RUN),*]) }.min(len - start);
                            for i in 0..run {
                                // SAFETY: `run` more cells from `start` on are in the rows, and fit
                                // into the buffers.
                                unsafe {
                                    let new = value(start + i, ($($row.old(start + i),)*));
                                    $($row.put(&mut $buffer, start, i, new.$field);)*
                                }
                            }
                            // SAFETY: as above, and all were put.
                            unsafe { $($row.flush(&$buffer, start, run);)* }
                            start += run;
                        }
                    }
                }
                // SAFETY: the contract; the members are exclusive borrows, so their rows do not overlap.
                update(len, $(unsafe { $o::row(&cells.$field, index, len) },)* value);
            }
        }
    };
}
tuples!(A a ab 0);
tuples!(A a ab 0, B b bb 1);
tuples!(A a ab 0, B b bb 1, C c cb 2);
tuples!(A a ab 0, B b bb 1, C c cb 2, D d db 3);
tuples!(A a ab 0, B b bb 1, C c cb 2, D d db 3, E e eb 4);
tuples!(A a ab 0, B b bb 1, C c cb 2, D d db 3, E e eb 4, F f fb 5);
tuples!(A a ab 0, B b bb 1, C c cb 2, D d db 3, E e eb 4, F f fb 5, G g gb 6);
tuples!(A a ab 0, B b bb 1, C c cb 2, D d db 3, E e eb 4, F f fb 5, G g gb 6, H h hb 7);
tuples!(A a ab 0, B b bb 1, C c cb 2, D d db 3, E e eb 4, F f fb 5, G g gb 6, H h hb 7, I i ib 8);
tuples!(A a ab 0, B b bb 1, C c cb 2, D d db 3, E e eb 4, F f fb 5, G g gb 6, H h hb 7, I i ib 8, J j jb 9);
tuples!(A a ab 0, B b bb 1, C c cb 2, D d db 3, E e eb 4, F f fb 5, G g gb 6, H h hb 7, I i ib 8, J j jb 9, K k kb 10);
tuples!(A a ab 0, B b bb 1, C c cb 2, D d db 3, E e eb 4, F f fb 5, G g gb 6, H h hb 7, I i ib 8, J j jb 9, K k kb 10, L l lb 11);
