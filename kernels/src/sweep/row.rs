//! One row of cells, with the widest vectors that the processor has.
#![allow(unsafe_code, reason = "`dispatched!` calls functions compiled for CPU features that it detects")]

use crate::simd::dispatched;

/// Writes `make(row.len())(i)` to every cell `i` of a row, with the widest vector instructions of
/// the CPU.
///
/// Use it for loops over several rows that are not a [`sweep`](crate::sweep()). Cut the slices that
/// the values are computed from to the given length inside `make`, so that the compiler can drop
/// bounds checks. Write both closures in [`rule!`](crate::rule).
///
/// ```
/// use parhelion_kernels::{rule, write_row};
///
/// let (a, b) = (vec![1.0, 2.0, 3.0], vec![0.5; 3]);
/// let mut sum = vec![0.0; 3];
/// write_row(&mut sum, rule!(|len| {
///     let (a, b) = (&a[..len], &b[..len]);
///     rule!(let value = move |i: usize| a[i] + b[i]);
///     value
/// }));
/// assert_eq!(sum, [1.5, 2.5, 3.5]);
/// ```
#[inline(always)]
pub fn write_row<T: Copy, V: Fn(usize) -> T>(row: &mut [T], make: impl FnOnce(usize) -> V) {
    dispatched! {
        fn write<T: Copy, V: Fn(usize) -> T, M: FnOnce(usize) -> V>(row: &mut [T], make: M) {
            let value = make(row.len());
            for (i, cell) in row.iter_mut().enumerate() {
                *cell = value(i);
            }
        }
    }
    write(row, make);
}
