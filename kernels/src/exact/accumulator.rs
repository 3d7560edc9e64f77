//! Exact sums of doubles.

use super::block::{BLOCK, Block, LANES, Mapped, Plain, Zipped};
use super::extract::{self, Extracted, LEVELS, Window};
use super::limbs::{LIMBS, Limbs, MIN_EXPONENT};
use super::sum::ExactSum;
use crate::simd::{self, Kernel};

/// The exact sum of any number of `f64` values, rounded once, when it is read.
///
/// Because the sum is exact, its bits depend only on the *set* of values, not on their order or on
/// how they were split into rows, threads and processes. Up to 2^64 finite values of any size may
/// be added. `total` is the double nearest to the true sum (ties to even; ±∞ beyond the largest
/// finite value, as in IEEE 754). A sum of zero is `+0.0`, even if all values were `-0.0`. As with
/// plain additions, one NaN or infinities of both signs make the total NaN, and infinities of one
/// sign make it that infinity.
///
/// ```
/// use parhelion_kernels::{Accumulator, ExactSum};
///
/// let mut sum = Accumulator::new();
/// sum.add_row(&[1e100, 1.0, -1e100, 0.5_f64.powi(60)]);
/// assert_eq!(sum.total(), 1.0); // plain additions give 2^-60
/// sum.add(-1.0);
/// assert_eq!(sum.total(), 0.5_f64.powi(60));
///
/// let mut dot = Accumulator::new();
/// dot.add_zip(&[1.0, 2.0], &[3.0, 4.0], |x, y| x * y);
/// assert_eq!(dot.total(), 11.0);
/// ```
#[derive(Clone, Debug)]
pub struct Accumulator {
    limbs: Limbs,
    seen: Specials,
    // The window of the last block, tried first for the next; not part of the value.
    window: Window,
    /// Levels of lanes; [`LEVELS`] + 1 stands for several passes.
    depth: usize,
    /// Consecutive blocks for which the last level had nothing to do.
    idle: u32,
}

/// The kinds of added values that have no place in [`Limbs`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Specials {
    nan: bool,
    infinite: bool,
    negative_infinite: bool,
}

/// Passes over a block of widely ranging values before the remainders are added one by one. Each
/// pass takes the upper ~130 bits of the remainders.
const PASSES: usize = 2;

/// Consecutive blocks without need of the last level after which it is dropped.
const PATIENCE: u32 = 16;

/// Binades by which a window is raised beyond need, so that slowly growing data does not raise it
/// block by block.
const SLACK: i32 = 2;

impl Default for Accumulator {
    fn default() -> Self {
        Self::new()
    }
}

impl Accumulator {
    /// The empty sum.
    pub fn new() -> Self {
        Self { limbs: Limbs::ZERO, seen: Specials::default(), window: Window::LOWEST, depth: 1, idle: 0 }
    }

    /// Adds one value. Adding whole rows is several times faster per value.
    #[inline]
    pub fn add(&mut self, value: f64) {
        let bits = value.to_bits();
        let fraction = (bits & ((1 << 52) - 1)) as i64;
        let (mantissa, exponent) = match (bits >> 52 & 0x7ff) as i32 {
            0 => (fraction, MIN_EXPONENT),
            0x7ff => return self.seen.add(value),
            biased => (fraction | 1 << 52, biased - 1 + MIN_EXPONENT),
        };
        self.limbs.add_scaled(if value < 0.0 { -mantissa } else { mantissa }, exponent);
    }

    /// Adds every value of a row.
    pub fn add_row(&mut self, row: &[f64]) {
        simd::dispatch(AddBlocks { sum: self, blocks: row.chunks(BLOCK).map(Plain) });
    }

    /// Adds `f(x)` for every `x` of a row.
    ///
    /// `f` must be pure: it may be called more than once for a value. Short arithmetic is compiled
    /// into the vectorized loop.
    pub fn add_map<T: Copy>(&mut self, row: &[T], f: impl Fn(T) -> f64) {
        simd::dispatch(AddBlocks { sum: self, blocks: row.chunks(BLOCK).map(|row| Mapped { row, f: &f }) });
    }

    /// Adds `f(x, y)` for the pairs of values of two rows; `f` as in [`add_map`](Self::add_map).
    ///
    /// # Panics
    /// If the rows differ in length.
    pub fn add_zip<T: Copy, U: Copy>(&mut self, left: &[T], right: &[U], f: impl Fn(T, U) -> f64) {
        assert_eq!(left.len(), right.len(), "rows added pair by pair must have the same length");
        let rows = left.chunks(BLOCK).zip(right.chunks(BLOCK));
        simd::dispatch(AddBlocks {
            sum: self,
            blocks: rows.map(|(left, right)| Zipped { left, right, f: &f }),
        });
    }

    #[inline(always)]
    fn add_block(&mut self, block: &impl Block) {
        loop {
            let extracted = match self.depth {
                1 => extract::extract::<1, _>(block, self.window),
                2 => extract::extract::<2, _>(block, self.window),
                LEVELS => extract::extract::<LEVELS, _>(block, self.window),
                _ => return self.add_block_in_passes(block),
            };
            match extracted {
                Extracted::All(sums) => {
                    self.relax(sums[self.depth - 1] == 0);
                    return self.add_extracted(sums, self.window);
                }
                Extracted::TooLarge(max) => match Window::for_max(max) {
                    Some(window) => self.window = window.raised(SLACK),
                    None => return self.add_block_in_passes(block),
                },
                Extracted::Part(_, max) => match Window::for_max(max) {
                    Some(tight) if self.depth == LEVELS && self.window.is_above(tight) => self.window = tight,
                    _ => (self.depth, self.idle) = (self.depth + 1, 0),
                },
                Extracted::Nan => {
                    self.seen.nan = true;
                    return;
                }
            }
        }
    }

    /// Drops the last level when it has had nothing to do for a while.
    #[inline]
    fn relax(&mut self, idle: bool) {
        self.idle = if idle && self.depth > 1 { self.idle + 1 } else { 0 };
        if self.idle == PATIENCE {
            (self.depth, self.idle) = (self.depth - 1, 0);
        }
    }

    /// Adds a block whose values span more binades than the levels of lanes, or are too large for
    /// them.
    ///
    /// Separate from the usual path, which stays short and has no large buffer on its stack.
    #[cold]
    #[inline(never)]
    fn add_block_in_passes(&mut self, block: &impl Block) {
        simd::dispatch(AddInPasses { sum: self, block });
    }

    #[inline(always)]
    fn passes(&mut self, block: &impl Block) {
        let mut buffer = [[0.0; LANES]; BLOCK / LANES];
        let rest = extract::copy(block, &mut buffer);
        for pass in 0..PASSES {
            let Some(window) = Window::for_max(extract::largest(rest)) else { break };
            match extract::extract_in_place(rest, window) {
                Extracted::All(sums) => {
                    if pass == 0 {
                        (self.depth, self.window) = (LEVELS, window);
                    }
                    return self.add_extracted(sums, window);
                }
                Extracted::Part(sums, _) => self.add_extracted(sums, window),
                Extracted::Nan => {
                    self.seen.nan = true;
                    return;
                }
                Extracted::TooLarge(max) => unreachable!("the window for {max} holds it"),
            }
        }
        rest.as_flattened().iter().for_each(|&value| self.add_nonzero(value));
    }

    #[inline]
    fn add_extracted(&mut self, sums: [i64; LEVELS], window: Window) {
        for (sum, unit) in sums.into_iter().zip(window.units()) {
            if sum != 0 {
                self.limbs.add_scaled(sum, unit);
            }
        }
    }

    fn add_nonzero(&mut self, value: f64) {
        if value != 0.0 {
            self.add(value);
        }
    }
}

impl ExactSum for Accumulator {
    type Total = f64;
    type Mean = f64;
    const WORDS: usize = LIMBS + 3;

    fn new() -> Self {
        Self::new()
    }

    fn merge(&mut self, other: &Self) {
        self.limbs.merge(&other.limbs);
        self.seen.nan |= other.seen.nan;
        self.seen.infinite |= other.seen.infinite;
        self.seen.negative_infinite |= other.seen.negative_infinite;
    }

    fn write_words(&self, words: &mut [i64]) {
        let (limbs, seen) = words.split_at_mut(LIMBS);
        limbs.copy_from_slice(&self.limbs.words());
        let Specials { nan, infinite, negative_infinite } = self.seen;
        seen.copy_from_slice(&[nan, infinite, negative_infinite].map(i64::from));
    }

    fn from_words(words: &[i64]) -> Self {
        assert_eq!(words.len(), Self::WORDS, "the words are not those of a sum of doubles");
        let (limbs, seen) = words.split_at(LIMBS);
        let [nan, infinite, negative_infinite] = std::array::from_fn(|i| seen[i] != 0);
        let limbs = Limbs::from_words(std::array::from_fn(|i| limbs[i]));
        Self { limbs, seen: Specials { nan, infinite, negative_infinite }, ..Self::new() }
    }

    fn total(&self) -> f64 {
        let Specials { nan, infinite, negative_infinite } = self.seen;
        match (nan, infinite, negative_infinite) {
            (false, false, false) => self.limbs.to_f64(),
            (false, true, false) => f64::INFINITY,
            (false, false, true) => f64::NEG_INFINITY,
            _ => f64::NAN,
        }
    }

    fn mean(&self, count: usize) -> f64 {
        self.total() / count as f64
    }
}

impl Specials {
    fn add(&mut self, value: f64) {
        self.nan |= value.is_nan();
        self.infinite |= value == f64::INFINITY;
        self.negative_infinite |= value == f64::NEG_INFINITY;
    }
}

/// The loop over the blocks of a row, compiled once per instruction set.
struct AddBlocks<'a, I> {
    sum: &'a mut Accumulator,
    blocks: I,
}

impl<B: Block, I: Iterator<Item = B>> Kernel for AddBlocks<'_, I> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for block in self.blocks {
            self.sum.add_block(&block);
        }
    }
}

struct AddInPasses<'a, B> {
    sum: &'a mut Accumulator,
    block: &'a B,
}

impl<B: Block> Kernel for AddInPasses<'_, B> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.sum.passes(self.block);
    }
}
