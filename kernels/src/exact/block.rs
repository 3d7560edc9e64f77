//! Blocks of values for the extraction: rows, or rows mapped on the fly.

/// Lanes summed side by side: enough independent chains of additions to hide their latency.
pub(super) const LANES: usize = 8;

/// Most values that one lane takes before it is read out.
pub(super) const CHUNKS: usize = 128;

/// Most values in a block.
pub(super) const BLOCK: usize = LANES * CHUNKS;

/// Chunks staged at a time when values are computed.
const STAGED: usize = 8;

/// Values of type `T` staged at a time. They are few, so the CPU loads the next ones while it
/// extracts these (128 doubles take 40 % longer out of cache), but at least 256 bytes of the row.
const fn staged<T>() -> usize {
    if size_of::<T>() <= 4 { STAGED * LANES } else { STAGED / 2 * LANES }
}

/// At most [`BLOCK`] values that can be read more than once, in parts.
pub(super) trait Block {
    /// Room for values that are computed or padded on the fly.
    type Stage;
    const EMPTY_STAGE: Self::Stage;

    fn parts(&self) -> usize;

    /// The values of part `i`, padded with zeros to whole chunks: in place, or in `stage`.
    fn part<'a>(&'a self, i: usize, stage: &'a mut Self::Stage) -> &'a [[f64; LANES]];
}

/// Values in memory: whole chunks in place, then the rest.
pub(super) struct Plain<'a>(pub(super) &'a [f64]);

impl Block for Plain<'_> {
    type Stage = [[f64; LANES]; 1];
    const EMPTY_STAGE: Self::Stage = [[0.0; LANES]];

    #[inline(always)]
    fn parts(&self) -> usize {
        if self.0.len().is_multiple_of(LANES) { 1 } else { 2 }
    }

    #[inline(always)]
    fn part<'a>(&'a self, i: usize, stage: &'a mut Self::Stage) -> &'a [[f64; LANES]] {
        let (chunks, rest) = self.0.as_chunks();
        if i == 0 { chunks } else { fill(stage, rest.iter().copied()) }
    }
}

/// Mapped values, a part at a time. The compiler vectorizes this loop for any function, but not
/// reliably if the function is part of the extraction itself.
pub(super) struct Mapped<'a, T, F> {
    pub(super) row: &'a [T],
    pub(super) f: &'a F,
}

impl<T: Copy, F: Fn(T) -> f64> Block for Mapped<'_, T, F> {
    type Stage = [[f64; LANES]; STAGED];
    const EMPTY_STAGE: Self::Stage = [[0.0; LANES]; STAGED];

    #[inline(always)]
    fn parts(&self) -> usize {
        self.row.len().div_ceil(staged::<T>())
    }

    #[inline(always)]
    fn part<'a>(&'a self, i: usize, stage: &'a mut Self::Stage) -> &'a [[f64; LANES]] {
        fill(stage, part_of(self.row, i * staged::<T>(), staged::<T>()).iter().map(|&x| (self.f)(x)))
    }
}

/// Mapped pairs of values of two rows of the same length.
pub(super) struct Zipped<'a, T, U, F> {
    pub(super) left: &'a [T],
    pub(super) right: &'a [U],
    pub(super) f: &'a F,
}

impl<T: Copy, U: Copy, F: Fn(T, U) -> f64> Block for Zipped<'_, T, U, F> {
    type Stage = [[f64; LANES]; STAGED];
    const EMPTY_STAGE: Self::Stage = [[0.0; LANES]; STAGED];

    #[inline(always)]
    fn parts(&self) -> usize {
        self.left.len().div_ceil(staged::<T>())
    }

    #[inline(always)]
    fn part<'a>(&'a self, i: usize, stage: &'a mut Self::Stage) -> &'a [[f64; LANES]] {
        let start = i * staged::<T>();
        let pairs =
            part_of(self.left, start, staged::<T>()).iter().zip(part_of(self.right, start, staged::<T>()));
        fill(stage, pairs.map(|(&x, &y)| (self.f)(x, y)))
    }
}

#[inline(always)]
fn part_of<T>(row: &[T], start: usize, len: usize) -> &[T] {
    &row[start..row.len().min(start + len)]
}

/// Writes the values to `stage`, pads the last chunk with zeros, and returns the chunks used.
#[inline(always)]
fn fill(stage: &mut [[f64; LANES]], values: impl ExactSizeIterator<Item = f64>) -> &[[f64; LANES]] {
    let (len, chunks) = (values.len(), values.len().div_ceil(LANES));
    let slots = stage.as_flattened_mut();
    for (slot, value) in slots.iter_mut().zip(values) {
        *slot = value;
    }
    slots[len..chunks * LANES].fill(0.0);
    &stage[..chunks]
}
