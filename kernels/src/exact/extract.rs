//! Error-free extraction: the exact sum of a block of values as two integers, at vector speed.
//!
//! A lane starts at `M = 1.5·2^k`, far above the values. Adding `x` to it rounds `x` to a multiple
//! of the lane's unit `2^(k-52)`; since the lane is the larger operand, the rounding error is
//! itself a double, and `r = x - ((s + x) - s)` is that error exactly (Dekker's fast two-sum). All
//! lane values lie in one binade, `[2^k, 2^(k+1)]`, where consecutive doubles have consecutive bit
//! patterns: the difference of the bits of `s` and `M` *is* the sum of the extracted parts in units
//! of `2^(k-52)`. A second level of lanes, 45 binades below, takes the errors, and a third takes
//! its errors. Two levels leave nothing of values down to 2^-36 times the largest, three levels of
//! values down to 2^-81 times the largest.
//!
//! Room: a lane takes at most [`CHUNKS`] = 2^7 values, each below 2^(k-8), so it moves by at most
//! 2^(k-1) and stays in its binade. The errors are at most half a unit, 2^(k-53), so the
//! second level, at `k - 45`, moves by at most 2^(k-46) and stays in its binade as well.

use super::block::{Block, CHUNKS, LANES};

/// log2 of [`CHUNKS`].
const ROOM: i32 = CHUNKS.ilog2() as i32;
/// Binades between the lanes of consecutive levels.
const STEP: i32 = 52 - ROOM;
/// Largest number of levels of lanes.
pub(super) const LEVELS: usize = 3;
/// The lowest exponent: there the unit of the last level is 2^-1074 and nothing is left below it.
const K_MIN: i32 = (LEVELS as i32 - 1) * STEP - 1022;
/// The highest exponent: there the first lane may still reach 2^(k+1) without overflow.
const K_MAX: i32 = 1022;

/// The start of the first lane: `1.5·2^k`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    k: i32,
}

impl Window {
    /// The window for the smallest values.
    pub(super) const LOWEST: Self = Self { k: K_MIN };

    /// The lowest window that holds values up to `max`; `None` for values too large for any, and
    /// for infinity.
    pub(super) fn for_max(max: f64) -> Option<Self> {
        let exponent = (max.to_bits() >> 52) as i32 - 1023;
        let k = (exponent + ROOM + 2).max(K_MIN);
        (k <= K_MAX).then_some(Self { k })
    }

    /// The window `binades` higher, or the highest one.
    pub(super) fn raised(self, binades: i32) -> Self {
        Self { k: (self.k + binades).min(K_MAX) }
    }

    pub(super) fn is_above(self, other: Self) -> bool {
        self.k > other.k
    }

    /// Exponents of the units of the lanes, level by level.
    pub(super) fn units(self) -> [i32; LEVELS] {
        std::array::from_fn(|level| self.k - 52 - level as i32 * STEP)
    }

    /// Starts of the lanes, level by level.
    #[inline(always)]
    fn starts<const N: usize>(self) -> [f64; N] {
        std::array::from_fn(|level| 1.5 * power_of_two(self.k - level as i32 * STEP))
    }

    /// The smallest magnitude that does not fit.
    fn limit(self) -> f64 {
        power_of_two(self.k - ROOM - 1)
    }
}

/// `2^k` for a normal result.
fn power_of_two(k: i32) -> f64 {
    f64::from_bits(((k + 1023) as u64) << 52)
}

/// The result of an attempt to sum a block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Extracted {
    /// The exact sum of the block, as multiples of the [`Window::units`].
    All([i64; LEVELS]),
    /// The extracted multiples, and the largest magnitude in the block. Something is left below the
    /// last unit.
    Part([i64; LEVELS], f64),
    /// The largest magnitude in the block is too large for the window.
    TooLarge(f64),
    /// There is a NaN in the block.
    Nan,
}

/// The running lanes of one block, `N` levels of them.
struct Lanes<const N: usize> {
    sums: [[f64; LANES]; N],
    max: [f64; LANES],
    left: [u64; LANES],
}

impl<const N: usize> Lanes<N> {
    #[inline(always)]
    fn new(window: Window) -> Self {
        Self { sums: window.starts::<N>().map(|start| [start; LANES]), max: [0.0; LANES], left: [0; LANES] }
    }

    /// Takes one value per lane and returns what is left of each below the last unit.
    #[inline(always)]
    fn push(&mut self, values: &[f64; LANES]) -> [f64; LANES] {
        let mut rest = *values;
        for lane in 0..LANES {
            for level in 0..N {
                rest[lane] = two_sum(&mut self.sums[level][lane], rest[lane]);
            }
            self.max[lane] = larger(self.max[lane], values[lane].abs());
            self.left[lane] |= rest[lane].to_bits();
        }
        rest
    }

    #[inline(always)]
    fn finish(self, window: Window) -> Extracted {
        let max = self.max.into_iter().fold(0.0, larger);
        if max >= window.limit() {
            return Extracted::TooLarge(max);
        }
        let mut steps = [0; LEVELS];
        for (steps, (lanes, start)) in steps.iter_mut().zip(self.sums.iter().zip(window.starts::<N>())) {
            let lanes = lanes.map(|s| (s.to_bits() as i64).wrapping_sub(start.to_bits() as i64));
            // Below 2^55, except for NaN, whose sum is not used.
            *steps = lanes.into_iter().fold(0, i64::wrapping_add);
        }
        // The sign is ignored: the remainder of -0.0 is -0.0.
        if self.left.iter().fold(0, |all, bits| all | bits) << 1 == 0 {
            Extracted::All(steps)
        } else if self.sums[0].iter().any(|s| s.is_nan()) {
            Extracted::Nan
        } else {
            Extracted::Part(steps, max)
        }
    }
}

/// `a.max(b)` in one instruction; ignores a `b` that is NaN.
#[inline(always)]
fn larger(a: f64, b: f64) -> f64 {
    if b > a { b } else { a }
}

/// The largest magnitude of the values; NaNs are ignored.
#[inline(always)]
pub(super) fn largest(values: &[[f64; LANES]]) -> f64 {
    let mut max = [0.0; LANES];
    for chunk in values {
        for lane in 0..LANES {
            max[lane] = larger(max[lane], chunk[lane].abs());
        }
    }
    max.into_iter().fold(0.0, larger)
}

/// Adds `x` to `sum`, which is not smaller, and returns the rounding error.
#[inline(always)]
fn two_sum(sum: &mut f64, x: f64) -> f64 {
    let before = *sum;
    *sum = before + x;
    x - (*sum - before)
}

/// Sums a block with `N` levels of lanes.
#[inline(always)]
pub(super) fn extract<const N: usize, B: Block>(block: &B, window: Window) -> Extracted {
    let mut lanes = Lanes::<N>::new(window);
    let mut stage = B::EMPTY_STAGE;
    for i in 0..block.parts() {
        for chunk in block.part(i, &mut stage) {
            lanes.push(chunk);
        }
    }
    lanes.finish(window)
}

/// As [`extract`] with all levels, for values in memory, which are replaced by their remainders.
#[inline(always)]
pub(super) fn extract_in_place(values: &mut [[f64; LANES]], window: Window) -> Extracted {
    let mut lanes = Lanes::<LEVELS>::new(window);
    for chunk in values {
        *chunk = lanes.push(chunk);
    }
    lanes.finish(window)
}

/// Copies a block, padded with zeros, and returns the part of `buffer` that was needed.
#[inline(always)]
pub(super) fn copy<'a, B: Block>(
    block: &B,
    buffer: &'a mut [[f64; LANES]; CHUNKS],
) -> &'a mut [[f64; LANES]] {
    let (mut len, mut stage) = (0, B::EMPTY_STAGE);
    for i in 0..block.parts() {
        let part = block.part(i, &mut stage);
        buffer[len..len + part.len()].copy_from_slice(part);
        len += part.len();
    }
    &mut buffer[..len]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::block::{BLOCK, Plain};
    use crate::simd::{self, Kernel};

    struct Attempt<'a, const N: usize>(&'a [f64], Window);

    impl<const N: usize> Kernel for Attempt<'_, N> {
        type Output = (Extracted, Vec<f64>);

        #[inline(always)]
        fn run(self) -> Self::Output {
            let mut rest = [[0.0; LANES]; CHUNKS];
            let rest = copy(&Plain(self.0), &mut rest);
            let in_place = extract_in_place(rest, self.1);
            let extracted = extract::<N, _>(&Plain(self.0), self.1);
            if N == LEVELS {
                assert_eq!(format!("{in_place:?}"), format!("{extracted:?}"));
            }
            (extracted, rest.as_flattened().to_vec())
        }
    }

    /// Debug output, in which NaN equals itself.
    fn attempts(values: &[f64], window: Window) -> String {
        let baseline = (
            Attempt::<1>(values, window).run(),
            Attempt::<2>(values, window).run(),
            Attempt::<3>(values, window).run(),
        );
        let dispatched = (
            simd::dispatch(Attempt::<1>(values, window)),
            simd::dispatch(Attempt::<2>(values, window)),
            simd::dispatch(Attempt::<3>(values, window)),
        );
        assert_eq!(format!("{baseline:?}"), format!("{dispatched:?}"));
        format!("{:?}", [dispatched.0.0, dispatched.1.0, dispatched.2.0])
    }

    #[test]
    fn instruction_sets_agree_to_the_bit() {
        let mut kinds = [0; 4];
        for (case, len) in (0..BLOCK).step_by(41).enumerate() {
            let scale = 2_f64.powi(case as i32 * 80 - 1040);
            let values: Vec<f64> = (0..len)
                .map(|i| match (case % 4, i) {
                    (1, 7) => f64::NAN,
                    (2, _) => (i as f64 * 0.7).sin() * scale * 2_f64.powi(-(i as i32 % 300)),
                    (3, _) => i as f64 * scale,
                    _ => (i as f64 * 0.7).sin() * scale,
                })
                .collect();
            let tight = Window::for_max(largest(copy(&Plain(&values), &mut [[0.0; LANES]; CHUNKS])));
            for window in
                [tight.unwrap_or(Window::LOWEST), Window::LOWEST, Window { k: 16 }, Window { k: K_MAX }]
            {
                let seen = attempts(&values, window);
                for (count, kind) in kinds.iter_mut().zip(["All", "Part", "TooLarge", "Nan"]) {
                    *count += usize::from(seen.contains(kind));
                }
            }
        }
        assert!(kinds.iter().all(|&count| count > 3), "outcomes not covered: {kinds:?}");
    }

    #[test]
    fn lanes_hold_the_largest_values_that_a_window_admits() {
        // All values just below the limit, of one sign, rounding up: a lane ends at the end of its
        // binade.
        let window = Window { k: 100 };
        let value = window.limit().next_down();
        for value in [value, -value] {
            let Extracted::All(sums) = extract::<2, _>(&Plain(&[value; BLOCK]), window) else {
                panic!("incomplete")
            };
            assert_eq!(sums[0], (1 << 51) * LANES as i64 * value.signum() as i64);
            let [first, second, _] = window.units().map(|unit| 2_f64.powi(unit));
            assert_eq!(sums[0] as f64 * first + sums[1] as f64 * second, value * BLOCK as f64);
        }
    }
}
