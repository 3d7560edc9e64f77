//! Exact sums of integers.

use super::sum::ExactSum;
use crate::simd::{self, Kernel};

/// The exact sum of integers of 8 to 64 bits, or of their products, as long as it fits an `i128`.
///
/// ```
/// use parhelion_kernels::{ExactSum, IntegerAccumulator, Summable};
///
/// let mut sum = IntegerAccumulator::new();
/// u64::add_row(&mut sum, &[u64::MAX; 3]);
/// assert_eq!(sum.total(), 3 * i128::from(u64::MAX));
/// ```
#[derive(Clone, Debug)]
pub struct IntegerAccumulator {
    total: i128,
}

/// Payload bits of a word; the upper half of its 64 bits takes carries.
const BITS: u32 = 32;
const OVERFLOW: &str = "the sum of integers exceeds the range of i128";
/// Number of values whose low (or high) halves can be summed in 64 bits without overflow.
const MAX_RUN: usize = 1 << 31;

impl IntegerAccumulator {
    /// Adds `value`.
    ///
    /// # Panics
    /// If the sum leaves the range of `i128`, which takes at least 2^63 elements.
    pub fn add(&mut self, value: i128) {
        self.total = self.total.checked_add(value).expect(OVERFLOW);
    }

    /// Adds integers of at most 32 bits.
    pub(super) fn add_narrow<T: Copy + Into<i64>>(&mut self, row: &[T]) {
        for run in row.chunks(MAX_RUN) {
            self.add(simd::dispatch(Narrow(run)).into());
        }
    }

    pub(super) fn add_i64(&mut self, row: &[i64]) {
        for run in row.chunks(MAX_RUN) {
            self.add_signed(run.iter().copied());
        }
    }

    pub(super) fn add_u64(&mut self, row: &[u64]) {
        for run in row.chunks(MAX_RUN) {
            self.add(simd::dispatch(Wide(run.iter().copied())));
        }
    }

    /// Adds products that fit `i64`.
    pub(super) fn add_narrow_products<T: Copy + Into<i64>>(&mut self, left: &[T], right: &[T]) {
        for (left, right) in left.chunks(MAX_RUN).zip(right.chunks(MAX_RUN)) {
            self.add_signed(left.iter().zip(right).map(|(&x, &y)| x.into() * y.into()));
        }
    }

    pub(super) fn add_u32_products(&mut self, left: &[u32], right: &[u32]) {
        for (left, right) in left.chunks(MAX_RUN).zip(right.chunks(MAX_RUN)) {
            self.add(simd::dispatch(Wide(
                left.iter().zip(right).map(|(&x, &y)| u64::from(x) * u64::from(y)),
            )));
        }
    }

    pub(super) fn add_wide_products<T: Copy + Into<i128>>(&mut self, left: &[T], right: &[T]) {
        for (&x, &y) in left.iter().zip(right) {
            self.add(x.into().checked_mul(y.into()).expect(OVERFLOW));
        }
    }

    /// Adds at most [`MAX_RUN`] values.
    fn add_signed(&mut self, values: impl ExactSizeIterator<Item = i64>) {
        // Offset binary: the value plus 2^63, never negative.
        let offset = i128::from(i64::MIN) * values.len() as i128;
        self.add(simd::dispatch(Wide(values.map(|x| x as u64 ^ 1 << 63))) + offset);
    }
}

impl ExactSum for IntegerAccumulator {
    type Total = i128;
    type Mean = f64;
    const WORDS: usize = 4;

    fn new() -> Self {
        Self { total: 0 }
    }

    fn merge(&mut self, other: &Self) {
        self.add(other.total);
    }

    fn write_words(&self, words: &mut [i64]) {
        let mask = (1 << BITS) - 1;
        let [a, b, c] = [0, BITS, 2 * BITS].map(|shift| (self.total >> shift) as i64 & mask);
        words.copy_from_slice(&[a, b, c, (self.total >> (3 * BITS)) as i64]);
    }

    fn from_words(words: &[i64]) -> Self {
        assert_eq!(words.len(), Self::WORDS, "the words are not those of a sum of integers");
        let total = words.iter().rev().fold(0_i128, |sum, &word| {
            sum.checked_mul(1 << BITS).and_then(|sum| sum.checked_add(word.into())).expect(OVERFLOW)
        });
        Self { total }
    }

    fn total(&self) -> i128 {
        self.total
    }

    fn mean(&self, count: usize) -> f64 {
        self.total as f64 / count as f64
    }
}

struct Narrow<'a, T>(&'a [T]);

impl<T: Copy + Into<i64>> Kernel for Narrow<'_, T> {
    type Output = i64;

    #[inline(always)]
    fn run(self) -> i64 {
        self.0.iter().map(|&x| x.into()).sum()
    }
}

/// Values of the whole range of `u64`, summed in two halves, so the loop needs no carries.
struct Wide<I>(I);

impl<I: Iterator<Item = u64>> Kernel for Wide<I> {
    type Output = i128;

    #[inline(always)]
    fn run(self) -> i128 {
        let (mut low, mut high) = (0_u64, 0_u64);
        for x in self.0 {
            low += x & u64::from(u32::MAX);
            high += x >> BITS;
        }
        i128::from(low) + (i128::from(high) << BITS)
    }
}
