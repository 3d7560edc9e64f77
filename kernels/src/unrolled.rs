//! Loops that are certain to be straight-line code.
#![allow(unsafe_code, reason = "an array is read after all its elements were written")]

use std::mem::MaybeUninit;

/// `unrolled!(k in 0..END <= MOST, { body })` is `for k in 0..END { body }` for a constant `END`,
/// with the first `MOST` turns (4, 8 or 32) written out.
///
/// The compiler unrolls a loop only where it expects to gain by it. Where it does not, the offsets of
/// neighbors are computed and checked at run time, and the loop over the cells around it is scalar:
/// up to 100 times slower.
macro_rules! unrolled {
    ($index:ident in 0..$end:ident <= 4, $body:block) => {
        unrolled!(@ $index $end $body 0 1 2 3)
    };
    ($index:ident in 0..$end:ident <= 8, $body:block) => {
        unrolled!(@ $index $end $body 0 1 2 3 4 5 6 7)
    };
    ($index:ident in 0..$end:ident <= 32, $body:block) => {
        unrolled!(@ $index $end $body 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
            16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31)
    };
    (@ $index:ident $end:ident $body:block $($number:literal)*) => {
        $(
            if const { $number < $end } {
                let $index: usize = $number;
                $body
            }
        )*
        if const { [$($number),*].len() < $end } {
            for $index in [$($number),*].len()..$end $body
        }
    };
}
pub(crate) use unrolled;

/// The array of `of(0)`, `of(1)` and so on, made without a loop for up to 32 elements, so that its
/// elements become values of their own in the loop over the cells.
#[inline(always)]
pub(crate) fn array<T: Copy, const K: usize>(mut of: impl FnMut(usize) -> T) -> [T; K] {
    let mut values = [MaybeUninit::<T>::uninit(); K];
    unrolled!(k in 0..K <= 32, {
        values[k] = MaybeUninit::new(of(k));
    });
    // SAFETY: all K elements were written; the two types have the same layout.
    unsafe { std::mem::transmute_copy(&values) }
}
