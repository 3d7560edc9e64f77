//! Error-free extraction: the exact sum of a block of values as two integers, at vector speed.
//!
//! A lane starts at `M = 1.5·2^k`, far above the values. Adding `x` to it rounds `x` to a multiple
//! of the lane's unit `2^(k-52)`; since the lane is the larger operand, the rounding error is
//! itself a double, and `r = x - ((s + x) - s)` is that error exactly (Dekker's fast two-sum). All
//! lane values lie in one binade, `[2^k, 2^(k+1)]`, where consecutive doubles have consecutive bit
//! patterns: the difference of the bits of `s` and `M` *is* the sum of the extracted parts in
//! units of `2^(k-52)`. The errors are fed to a second lane 46 binades below. What is left after that
//! is zero for all values within a factor of 2^39 of the largest.
//!
//! Room: a lane takes at most [`CHUNKS`] = 2^6 values, each below 2^(k-7), so it moves by at most
//! 2^(k-1) and stays in its binade. The errors are at most half a unit, 2^(k-53), so the
//! second lane, at `k - 46`, moves by at most 2^(k-47) and stays in its binade as well.

/// Lanes summed side by side: enough independent chains of additions to hide their latency.
pub(super) const LANES: usize = 8;
/// Most values one lane takes before it is read out.
const CHUNKS: usize = 128;
/// Most values in a block.
pub(super) const BLOCK: usize = LANES * CHUNKS;

/// log2 of [`CHUNKS`].
const ROOM: i32 = CHUNKS.ilog2() as i32;
/// How many binades the second lane lies below the first.
const STEP: i32 = 52 - ROOM;
/// The lowest exponent: there the unit of the second lane is 2^-1074 and nothing is left below it.
const K_MIN: i32 = STEP - 1022;
/// The highest exponent: there the first lane may still reach 2^(k+1) without overflow.
const K_MAX: i32 = 1022;

/// At most [`BLOCK`] values that can be read more than once.
pub(super) trait Block {
    /// Number of chunks without padding.
    fn full_chunks(&self) -> usize;

    /// Chunk `i` of those.
    fn chunk(&self, i: usize) -> [f64; LANES];

    /// The values after the full chunks, padded with zeros.
    fn last_chunk(&self) -> Option<[f64; LANES]>;

    /// Copies the values, padded with zeros, and returns the part of `buffer` that was needed.
    fn copy_to<'a>(&self, buffer: &'a mut [[f64; LANES]; CHUNKS]) -> &'a mut [[f64; LANES]] {
        let full = self.full_chunks();
        for (i, chunk) in buffer[..full].iter_mut().enumerate() {
            *chunk = self.chunk(i);
        }
        let last = self.last_chunk();
        if let Some(last) = last {
            buffer[full] = last;
        }
        &mut buffer[..full + usize::from(last.is_some())]
    }
}

/// Where the first lane stands: at `1.5·2^k`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    k: i32,
}

impl Window {
    /// The window for values of magnitude around 1.
    pub(super) const UNIT: Self = Self { k: 16 };

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

    /// Exponents of the units of the first and the second lane.
    pub(super) fn units(self) -> [i32; 2] {
        [self.k - 52, self.k - STEP - 52]
    }

    /// Values at or above this do not fit.
    fn limit(self) -> f64 {
        power_of_two(self.k - ROOM - 1)
    }
}

/// `2^k` for a normal result.
fn power_of_two(k: i32) -> f64 {
    f64::from_bits(((k + 1023) as u64) << 52)
}

/// What came of an attempt to sum a block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Extracted {
    /// The exact sum of the block, as multiples of the two [`Window::units`].
    All([i64; 2]),
    /// The multiples extracted, and the largest magnitude in the block; something is left below
    /// the last unit.
    Part([i64; 2], f64),
    /// The largest magnitude in the block is too large for the window.
    TooLarge(f64),
    /// There is a NaN in the block.
    Nan,
}

/// The running lanes of one block; without a second level, `low` is not used.
struct Lanes<const LEVELS: usize> {
    high: [f64; LANES],
    low: [f64; LANES],
    max: [f64; LANES],
    left: [u64; LANES],
}

impl<const LEVELS: usize> Lanes<LEVELS> {
    #[inline(always)]
    fn new(start: [f64; 2]) -> Self {
        Self { high: [start[0]; LANES], low: [start[1]; LANES], max: [0.0; LANES], left: [0; LANES] }
    }

    /// Takes one value per lane and returns what is left of each below the last unit.
    #[inline(always)]
    fn push(&mut self, values: [f64; LANES]) -> [f64; LANES] {
        let mut rest = values;
        for lane in 0..LANES {
            rest[lane] = two_sum(&mut self.high[lane], rest[lane]);
            if LEVELS == 2 {
                rest[lane] = two_sum(&mut self.low[lane], rest[lane]);
            }
            self.max[lane] = larger(self.max[lane], values[lane].abs());
            self.left[lane] |= rest[lane].to_bits();
        }
        rest
    }

    #[inline(always)]
    fn finish(self, window: Window, start: [f64; 2]) -> Extracted {
        let max = self.max.into_iter().fold(0.0, larger);
        if max >= window.limit() {
            return Extracted::TooLarge(max);
        }
        let steps = |lanes: [f64; LANES], start: f64| {
            lanes.iter().map(|s| (s.to_bits() as i64).wrapping_sub(start.to_bits() as i64)).sum()
        };
        let low = if LEVELS == 2 { steps(self.low, start[1]) } else { 0 };
        let sums = [steps(self.high, start[0]), low];
        // the sign does not count: what is left of -0.0 is -0.0
        if self.left.iter().fold(0, |all, bits| all | bits) << 1 == 0 {
            Extracted::All(sums)
        } else if self.high.iter().any(|s| s.is_nan()) {
            Extracted::Nan
        } else {
            Extracted::Part(sums, max)
        }
    }
}

/// `a.max(b)` in one instruction, for a `b` that may be NaN (and is then ignored).
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

#[inline(always)]
fn starts(window: Window) -> [f64; 2] {
    [1.5 * power_of_two(window.k), 1.5 * power_of_two(window.k - STEP)]
}

/// Sums a block with one or two levels of lanes.
#[inline(always)]
pub(super) fn extract<const LEVELS: usize>(block: &impl Block, window: Window) -> Extracted {
    let start = starts(window);
    let mut lanes = Lanes::<LEVELS>::new(start);
    for i in 0..block.full_chunks() {
        lanes.push(block.chunk(i));
    }
    if let Some(last) = block.last_chunk() {
        lanes.push(last);
    }
    lanes.finish(window, start)
}

/// The same with two levels for values in memory, which are replaced by what is left of them.
#[inline(always)]
pub(super) fn extract_in_place(values: &mut [[f64; LANES]], window: Window) -> Extracted {
    let start = starts(window);
    let mut lanes = Lanes::<2>::new(start);
    for chunk in values {
        *chunk = lanes.push(*chunk);
    }
    lanes.finish(window, start)
}
