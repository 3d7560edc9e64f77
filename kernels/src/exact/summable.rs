//! Exact sums, products and norms of each element type.

use num_complex::Complex;

use super::accumulator::Accumulator;
use super::block::BLOCK;
use super::complex::ComplexAccumulator;
use super::integer::IntegerAccumulator;
use super::sum::ExactSum;
use crate::Element;

/// An element type with exact sums, products and norms; every [`Element`] has them.
///
/// A sum over a block of a grid is a loop over its rows. The summands are defined element by
/// element (below), so the total does not depend on how rows are cut.
///
/// ```
/// use num_complex::Complex;
/// use parhelion_kernels::{Accumulator, ExactSum, Summable};
///
/// fn sum<T: Summable>(rows: &[&[T]]) -> <T::Sum as ExactSum>::Total {
///     let mut sum = T::Sum::new();
///     rows.iter().for_each(|row| T::add_row(&mut sum, row));
///     sum.total()
/// }
/// assert_eq!(sum(&[&[0.1_f32, 0.2], &[-0.1]]), 0.2_f32.into());
/// assert_eq!(sum(&[&[200_u8, 200], &[200]]), 600);
/// assert_eq!(sum(&[&[Complex::new(1e300, 1.0), Complex::new(-1e300, 2.0)]]), Complex::new(0.0, 3.0));
///
/// let mut squares = Accumulator::new();
/// i32::add_squares(&mut squares, &[3, -4]);
/// assert_eq!(squares.total().sqrt(), 5.0);
/// ```
///
/// ```compile_fail,E0277
/// fn sum<T: parhelion_kernels::Summable>(_: &[T]) {}
/// sum(&[true, false]); // write 0 and 1 of type `u8`
/// ```
#[diagnostic::on_unimplemented(
    message = "there is no exact sum of values of type `{Self}`",
    label = "not summable",
    note = "sums exist for i8, i16, i32, i64, u8, u16, u32, u64, f32, f64, Complex<f32> and Complex<f64>",
    note = "generic code that sums elements needs the bound `T: Summable`, not only `T: Element`"
)]
pub trait Summable: Element {
    /// The exact sum of such elements; its total is `f64`, `Complex<f64>` or `i128`.
    type Sum: ExactSum;

    /// The magnitude of the value in double precision.
    fn magnitude(self) -> f64;

    /// Adds the values of a row.
    fn add_row(sum: &mut Self::Sum, row: &[Self]);

    /// Adds the products of the elements of two rows: `fl(x·y)` in double precision (of `f32`:
    /// exact); for complex numbers `conj(x)·y`, whose parts are `fl(fl(a·c) ± fl(b·d))`; exact for
    /// integers.
    ///
    /// # Panics
    /// If the rows differ in length; for integers of 64 bits, if the sum leaves the range of
    /// `i128`.
    fn add_products(sum: &mut Self::Sum, left: &[Self], right: &[Self]);

    /// Adds the magnitudes of the values of a row, for the L1 norm and means of magnitudes: `|x|`
    /// as `f64`, for complex numbers `sqrt(fl(re² + im²))`.
    fn add_magnitudes(sum: &mut Accumulator, row: &[Self]);

    /// Adds the squared magnitudes of the values of a row, for the L2 norm: `fl(x²)` of `x` as
    /// `f64` (of `f32`: exact), for complex numbers `fl(fl(re²) + fl(im²))`.
    fn add_squares(sum: &mut Accumulator, row: &[Self]);
}

impl Summable for f64 {
    type Sum = Accumulator;

    fn magnitude(self) -> f64 {
        self.abs()
    }

    fn add_row(sum: &mut Accumulator, row: &[f64]) {
        sum.add_row(row);
    }
    fn add_products(sum: &mut Accumulator, left: &[f64], right: &[f64]) {
        sum.add_zip(left, right, |x, y| x * y);
    }
    fn add_magnitudes(sum: &mut Accumulator, row: &[f64]) {
        sum.add_map(row, f64::abs);
    }
    fn add_squares(sum: &mut Accumulator, row: &[f64]) {
        sum.add_map(row, |x| x * x);
    }
}

impl Summable for f32 {
    type Sum = Accumulator;

    fn magnitude(self) -> f64 {
        f64::from(self.abs())
    }

    fn add_row(sum: &mut Accumulator, row: &[f32]) {
        sum.add_map(row, f64::from);
    }
    fn add_products(sum: &mut Accumulator, left: &[f32], right: &[f32]) {
        sum.add_zip(left, right, |x, y| f64::from(x) * f64::from(y));
    }
    fn add_magnitudes(sum: &mut Accumulator, row: &[f32]) {
        sum.add_map(row, |x| f64::from(x.abs()));
    }
    fn add_squares(sum: &mut Accumulator, row: &[f32]) {
        sum.add_map(row, |x| f64::from(x) * f64::from(x));
    }
}

impl<T: Copy + Into<f64>> Summable for Complex<T>
where
    Complex<T>: Element,
{
    type Sum = ComplexAccumulator;

    fn magnitude(self) -> f64 {
        squared_magnitude(self).sqrt()
    }

    fn add_row(sum: &mut ComplexAccumulator, row: &[Self]) {
        // In pieces that stay in cache between the two sums.
        for row in row.chunks(BLOCK) {
            sum.re.add_map(row, |z| z.re.into());
            sum.im.add_map(row, |z| z.im.into());
        }
    }

    fn add_products(sum: &mut ComplexAccumulator, left: &[Self], right: &[Self]) {
        assert_eq!(left.len(), right.len(), "rows multiplied pair by pair must have the same length");
        for (left, right) in left.chunks(BLOCK).zip(right.chunks(BLOCK)) {
            sum.re.add_zip(left, right, |x, y| x.re.into() * y.re.into() + x.im.into() * y.im.into());
            sum.im.add_zip(left, right, |x, y| x.re.into() * y.im.into() - x.im.into() * y.re.into());
        }
    }

    fn add_magnitudes(sum: &mut Accumulator, row: &[Self]) {
        sum.add_map(row, |z| squared_magnitude(z).sqrt());
    }

    fn add_squares(sum: &mut Accumulator, row: &[Self]) {
        sum.add_map(row, squared_magnitude);
    }
}

#[inline(always)]
fn squared_magnitude<T: Into<f64>>(z: Complex<T>) -> f64 {
    let (re, im) = (z.re.into(), z.im.into());
    re * re + im * im
}

macro_rules! integers {
    ($($t:ty: $add_row:ident, $add_products:ident;)*) => {$(
        impl Summable for $t {
            type Sum = IntegerAccumulator;

            fn magnitude(self) -> f64 {
                (self as f64).abs()
            }
            fn add_row(sum: &mut IntegerAccumulator, row: &[$t]) {
                sum.$add_row(row);
            }
            fn add_products(sum: &mut IntegerAccumulator, left: &[$t], right: &[$t]) {
                assert_eq!(left.len(), right.len(), "rows multiplied pair by pair must have the same length");
                sum.$add_products(left, right);
            }
            fn add_magnitudes(sum: &mut Accumulator, row: &[$t]) {
                sum.add_map(row, |x| (x as f64).abs());
            }
            fn add_squares(sum: &mut Accumulator, row: &[$t]) {
                sum.add_map(row, |x| x as f64 * x as f64);
            }
        }
    )*};
}
integers! {
    i8: add_narrow, add_narrow_products;
    i16: add_narrow, add_narrow_products;
    i32: add_narrow, add_narrow_products;
    i64: add_i64, add_wide_products;
    u8: add_narrow, add_narrow_products;
    u16: add_narrow, add_narrow_products;
    u32: add_narrow, add_u32_products;
    u64: add_u64, add_wide_products;
}
