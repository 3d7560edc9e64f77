//! Outputs of a sweep: one view or several.
#![allow(unsafe_code, reason = "threads write disjoint rows; see the invariants of cells.rs")]

use crate::simd::dispatched;
use crate::storage::Cells;
use crate::{Element, KernelError, Region, ViewMut};

mod sealed {
    pub trait Sealed {}
}

/// The outputs of a sweep: a [`ViewMut`] or a tuple of them.
///
/// A rule returns one value for a view and a tuple of values for a tuple. The trait is sealed.
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
    note = "outputs are a `ViewMut` or a tuple of up to 5 of them",
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

    /// Replaces `len` cells from `index` on with `value(position in the row, old value)`.
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

    /// Writes `len` cells from `index` on with `value(position in the row)`, without reading them.
    ///
    /// # Safety
    /// As for `update_row`.
    #[doc(hidden)]
    unsafe fn write_row(
        cells: &Self::Cells,
        index: [isize; N],
        len: usize,
        value: impl Fn(usize) -> Self::Value,
    );
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
        dispatched! {
            fn update<T: Copy, F: Fn(usize, T) -> T>(row: &mut [T], value: F) {
                for (i, cell) in row.iter_mut().enumerate() {
                    *cell = value(i, *cell);
                }
            }
        }
        // SAFETY: V1 as the row is in view, V3 by the contract.
        update(unsafe { std::slice::from_raw_parts_mut(cells.at(index), len) }, value);
    }

    #[inline(always)]
    unsafe fn write_row(cells: &Cells<T, N>, index: [isize; N], len: usize, value: impl Fn(usize) -> T) {
        dispatched! {
            fn write<T: Copy, F: Fn(usize) -> T>(row: &mut [T], value: F) {
                for (i, cell) in row.iter_mut().enumerate() {
                    *cell = value(i);
                }
            }
        }
        // SAFETY: V1 as the row is in view, V3 by the contract.
        write(unsafe { std::slice::from_raw_parts_mut(cells.at(index), len) }, value);
    }
}

macro_rules! tuples {
    ($($t:ident $row:ident $field:tt),*) => {
        impl<$($t: Element,)* const N: usize> sealed::Sealed for ($(ViewMut<'_, $t, N>,)*) {}
        impl<$($t: Element,)* const N: usize> Outputs<N> for ($(ViewMut<'_, $t, N>,)*) {
            type Value = ($($t,)*);
            type Cells = ($(Cells<$t, N>,)*);

            const BYTES: usize = 0 $(+ size_of::<$t>())*;

            fn check(&self, region: &Region<N>) -> Result<(), KernelError> {
                $(check(&self.$field, region)?;)*
                Ok(())
            }

            fn cells(&mut self) -> Self::Cells {
                ($(self.$field.cells,)*)
            }

            #[inline(always)]
            unsafe fn update_row(
                cells: &Self::Cells,
                index: [isize; N],
                len: usize,
                value: impl Fn(usize, Self::Value) -> Self::Value,
            ) {
                dispatched! {
                    fn update<$($t: Copy,)* V: Fn(usize, ($($t,)*)) -> ($($t,)*)>(
                        len: usize,
                        $($row: &mut [$t],)*
                        value: V,
                    ) {
                        $(let $row = &mut $row[..len];)*
                        for i in 0..len {
                            let new = value(i, ($($row[i],)*));
                            $($row[i] = new.$field;)*
                        }
                    }
                }
                // SAFETY: V1 as the rows are in view, V3 by the contract; the views are exclusive
                // borrows, so their rows do not overlap.
                update(len, $(unsafe { std::slice::from_raw_parts_mut(cells.$field.at(index), len) },)* value);
            }

            #[inline(always)]
            unsafe fn write_row(
                cells: &Self::Cells,
                index: [isize; N],
                len: usize,
                value: impl Fn(usize) -> Self::Value,
            ) {
                dispatched! {
                    fn write<$($t: Copy,)* V: Fn(usize) -> ($($t,)*)>(
                        len: usize,
                        $($row: &mut [$t],)*
                        value: V,
                    ) {
                        $(let $row = &mut $row[..len];)*
                        for i in 0..len {
                            let new = value(i);
                            $($row[i] = new.$field;)*
                        }
                    }
                }
                // SAFETY: as in `update_row`.
                write(len, $(unsafe { std::slice::from_raw_parts_mut(cells.$field.at(index), len) },)* value);
            }
        }
    };
}
tuples!(A a 0);
tuples!(A a 0, B b 1);
tuples!(A a 0, B b 1, C c 2);
tuples!(A a 0, B b 1, C c 2, D d 3);
tuples!(A a 0, B b 1, C c 2, D d 3, E e 4);
