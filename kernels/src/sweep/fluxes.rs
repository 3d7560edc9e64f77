//! Finite volumes: the flux through each face is computed once and used on both sides of it.
#![allow(unsafe_code, reason = "calls the row functions of inputs after checking the region")]

use super::stage::{CHUNK, Chunk, Linear, RightHandSide, Stage, StageArrays, run};
use crate::simd::dispatched;
use crate::{
    Element, FacePoints, FacesOf, Inputs, KernelError, PointOf, Points, Pool, Region, View, ViewMut,
};

/// Writes the divergence of a flux, `Σ (flux through the high face − flux through the low face) /
/// spacing` over the axes, to every cell of `region`.
///
/// `flux(axis, cells on both sides)` is the flux through a face normal to `axis`, positive toward
/// higher indices. Each thread computes each of its faces once. Sums over cells telescope: up to
/// rounding, only the outermost fluxes remain.
///
/// ```
/// use parhelion_kernels::{FaceCells, Pool, Region, View, ViewMut, flux_divergence};
///
/// // The Laplacian of i² is 2.
/// let u: Vec<f64> = (0..7).map(|i| (i * i) as f64).collect();
/// let cells = Region::from_shape([5]);
/// let mut divergence = vec![0.0; 5];
/// flux_divergence(
///     &Pool::new(2)?,
///     cells,
///     [ViewMut::from_slice(&mut divergence, cells)],
///     View::from_slice(&u, cells.grown([[1, 1]])).reach::<1>(),
///     [1.0],
///     |_, u: FaceCells<'_, f64, 1>| [u.right::<0>() - u.left::<0>()],
/// )?;
/// assert_eq!(divergence, [2.0; 5]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When outputs lack cells of `region`, or inputs lack cells within the rule's radius of it.
pub fn flux_divergence<T: Linear, I: Inputs<N>, const N: usize, const K: usize>(
    pool: &Pool,
    region: Region<N>,
    mut outputs: [ViewMut<'_, T, N>; K],
    inputs: I,
    spacing: [f64; N],
    flux: impl for<'p> Fn(usize, FacesOf<'p, I, N>) -> [T; K] + Sync,
) -> Result<(), KernelError>
where
    I::Points: FacePoints,
{
    let arrays = StageArrays {
        // Not read, because its coefficient is 0.
        now: std::array::from_fn(|_| View::from_slice(&[], Region::new(region.start, region.start))),
        output: outputs.each_mut().map(ViewMut::reborrow),
        start: None,
        register: None,
    };
    let stage = Stage { rate: -1.0, ..Stage::default() };
    flux_stage(
        pool,
        region,
        stage,
        arrays,
        inputs,
        spacing,
        #[inline(always)]
        |axis, faces| flux(axis, faces),
        #[inline(always)]
        |_| [T::zero(); K],
        || (),
    )
}

/// Like [`stage`](super::stage()), for the right-hand side `source(neighborhood)` minus the
/// divergence of `flux`; see [`flux_divergence`].
///
/// # Errors
/// As for [`flux_divergence`].
#[allow(clippy::too_many_arguments, reason = "two rules, and what `stage` takes")]
pub fn flux_stage<T: Linear, I: Inputs<N>, const N: usize, const K: usize>(
    pool: &Pool,
    region: Region<N>,
    stage: Stage,
    arrays: StageArrays<'_, T, N, K>,
    inputs: I,
    spacing: [f64; N],
    flux: impl for<'p> Fn(usize, FacesOf<'p, I, N>) -> [T; K] + Sync,
    source: impl for<'p> Fn(PointOf<'p, I, N>) -> [T; K] + Sync,
    between_rows: impl FnMut(),
) -> Result<(), KernelError>
where
    I::Points: FacePoints,
{
    inputs.check(&region)?;
    let inverse = spacing.map(|spacing| 1.0 / spacing);
    // SAFETY: the inputs passed their check.
    unsafe {
        run(pool, region, stage, arrays, &Fluxes { inputs: &inputs, inverse, flux, source }, between_rows)
    }
}

struct Fluxes<'a, I, F, S, const N: usize> {
    inputs: &'a I,
    /// 1 / spacing.
    inverse: [f64; N],
    flux: F,
    source: S,
}

/// The fluxes that a thread keeps until the next cell on their axis is computed.
struct Kept<T, const N: usize, const K: usize> {
    part: Region<N>,
    /// For each axis but the last, fluxes through the faces between the last cells computed and the
    /// next, piece by piece of the rows of a cross-section of the part.
    between: [Vec<Chunk<T, K>>; N],
    /// The flux through the low face of the next cell of the row.
    low: [T; K],
    fresh: Vec<Chunk<T, K>>,
}

impl<T: Element, const N: usize, const K: usize> Kept<T, N, K> {
    /// The place of a piece in `between[axis]`.
    fn slot(&self, axis: usize, first: [isize; N]) -> usize {
        let shape = self.part.shape();
        let row =
            (axis + 1..N - 1).fold(0, |row, a| row * shape[a] + (first[a] - self.part.start[a]) as usize);
        row * shape[N - 1].div_ceil(CHUNK) + (first[N - 1] - self.part.start[N - 1]) as usize / CHUNK
    }
}

impl<I, F, S, const N: usize> Fluxes<'_, I, F, S, N>
where
    I: Inputs<N, Points: FacePoints>,
{
    /// Computes the low or high faces of `len` cells on one axis.
    ///
    /// # Safety
    /// The cells lie in a region that passed the check of the inputs.
    unsafe fn faces<T, const AXIS: usize, const K: usize>(
        &self,
        high: bool,
        first: [isize; N],
        len: usize,
        fluxes: &mut Chunk<T, K>,
    ) where
        T: Element,
        F: for<'p> Fn(usize, FacesOf<'p, I, N>) -> [T; K] + Sync,
    {
        // SAFETY: the contract.
        unsafe {
            let first = self.inputs.first(first);
            fluxes.evaluate(
                len,
                #[inline(always)]
                |i| (self.flux)(AXIS, I::Points::faces(&I::Points::advanced(&first, i), AXIS, high)),
            );
        }
    }

    /// Adds what flows out along an axis other than the last.
    ///
    /// # Safety
    /// As for `faces`.
    unsafe fn across_rows<T, const AXIS: usize, const K: usize>(
        &self,
        kept: &mut Kept<T, N, K>,
        first: [isize; N],
        len: usize,
        rates: &mut Chunk<T, K>,
    ) where
        T: Linear,
        F: for<'p> Fn(usize, FacesOf<'p, I, N>) -> [T; K] + Sync,
    {
        let slot = kept.slot(AXIS, first);
        let low = &mut kept.between[AXIS][slot];
        let high = &mut kept.fresh[0];
        // SAFETY: the contract.
        unsafe {
            if first[AXIS] == kept.part.start[AXIS] {
                self.faces::<T, AXIS, K>(false, first, len, low);
            }
            self.faces::<T, AXIS, K>(true, first, len, high);
        }
        for k in 0..K {
            outflow(&mut rates.0[k][..len], &mut low.0[k][..len], &high.0[k][..len], self.inverse[AXIS]);
        }
    }

    /// Begins the right-hand side with what flows out along the last axis.
    ///
    /// # Safety
    /// As for `faces`.
    unsafe fn along_rows<T, const AXIS: usize, const K: usize>(
        &self,
        kept: &mut Kept<T, N, K>,
        first: [isize; N],
        len: usize,
        rates: &mut Chunk<T, K>,
    ) where
        T: Linear,
        F: for<'p> Fn(usize, FacesOf<'p, I, N>) -> [T; K] + Sync,
    {
        let fresh = &mut kept.fresh[0];
        // SAFETY: the contract.
        unsafe {
            if first[AXIS] == kept.part.start[AXIS] {
                self.faces::<T, AXIS, K>(false, first, 1, fresh);
                kept.low = std::array::from_fn(|k| fresh.0[k][0]);
            }
            self.faces::<T, AXIS, K>(true, first, len, fresh);
        }
        for k in 0..K {
            let (high, rates) = (&fresh.0[k][..len], &mut rates.0[k][..len]);
            rates[0] -= (high[0] - kept.low[k]).scaled(self.inverse[AXIS]);
            outflow_in_row(&mut rates[1..], high, self.inverse[AXIS]);
            kept.low[k] = high[len - 1];
        }
    }
}

/// Subtracts `(high − low) · inverse` from `rates`, and keeps `high` in place of `low`.
fn outflow<T: Linear>(rates: &mut [T], low: &mut [T], high: &[T], inverse: f64) {
    dispatched! {
        fn outflow<T: Linear>(rates: &mut [T], low: &mut [T], high: &[T], inverse: f64) {
            for ((rate, low), &high) in rates.iter_mut().zip(low).zip(high) {
                *rate -= (high - *low).scaled(inverse);
                *low = high;
            }
        }
    }
    outflow(rates, low, high, inverse);
}

/// Subtracts `(high[i + 1] − high[i]) · inverse` from `rates[i]`.
fn outflow_in_row<T: Linear>(rates: &mut [T], high: &[T], inverse: f64) {
    dispatched! {
        fn outflow<T: Linear>(rates: &mut [T], high: &[T], inverse: f64) {
            for (rate, pair) in rates.iter_mut().zip(high.windows(2)) {
                *rate -= (pair[1] - pair[0]).scaled(inverse);
            }
        }
    }
    outflow(rates, high, inverse);
}

impl<T, I, F, S, const N: usize, const K: usize> RightHandSide<T, N, K> for Fluxes<'_, I, F, S, N>
where
    T: Linear,
    I: Inputs<N, Points: FacePoints>,
    F: for<'p> Fn(usize, FacesOf<'p, I, N>) -> [T; K] + Sync,
    S: for<'p> Fn(PointOf<'p, I, N>) -> [T; K] + Sync,
{
    type Kept = Kept<T, N, K>;

    fn keep(&self, part: Region<N>) -> Self::Kept {
        let shape = part.shape();
        let pieces = shape[N - 1].div_ceil(CHUNK);
        let between = std::array::from_fn(|axis| {
            let rows = if axis + 1 < N { shape[axis + 1..N - 1].iter().product() } else { 0 };
            Chunk::zeros(rows * pieces)
        });
        Kept { part, between, low: [T::zero(); K], fresh: Chunk::zeros(1) }
    }

    unsafe fn evaluate(&self, kept: &mut Self::Kept, first: [isize; N], len: usize, rates: &mut Chunk<T, K>) {
        // SAFETY: the contract.
        unsafe {
            let point = self.inputs.first(first);
            rates.evaluate(
                len,
                #[inline(always)]
                |i| (self.source)(I::Points::advanced(&point, i)),
            );
            // The axis is a constant of each loop, so that a rule's branches on it cost nothing.
            match const { N } {
                1 => self.along_rows::<T, 0, K>(kept, first, len, rates),
                2 => {
                    self.across_rows::<T, 0, K>(kept, first, len, rates);
                    self.along_rows::<T, 1, K>(kept, first, len, rates);
                }
                3 => {
                    self.across_rows::<T, 0, K>(kept, first, len, rates);
                    self.across_rows::<T, 1, K>(kept, first, len, rates);
                    self.along_rows::<T, 2, K>(kept, first, len, rates);
                }
                4 => {
                    self.across_rows::<T, 0, K>(kept, first, len, rates);
                    self.across_rows::<T, 1, K>(kept, first, len, rates);
                    self.across_rows::<T, 2, K>(kept, first, len, rates);
                    self.along_rows::<T, 3, K>(kept, first, len, rates);
                }
                _ => unreachable!("grids have 1 to 4 axes"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Array, FaceCells, Layout, Point};

    type Pair<'p, const N: usize> = [Point<'p, f64, N, 2>; 2];

    fn flux(axis: usize, far: [[f64; 2]; 2], near: [[f64; 2]; 2]) -> [f64; 2] {
        let [[la, ra], [lb, rb]] = near;
        let [[lla, rra], [llb, rrb]] = far;
        [
            (axis as f64 + 0.3) * (la * ra - 0.2 * lla + 0.1 * rrb),
            lb.sqrt() - rb * rra + llb / (1.0 + axis as f64),
        ]
    }

    /// The stage by a loop over cells, in the order of operations of the kernel.
    fn slow<const N: usize>(u: &[Array<f64, N>; 2], cell: [isize; N], inverse: [f64; N]) -> [f64; 2] {
        let at = |k: usize, axis: usize, offset: isize| {
            let mut index = cell;
            index[axis] += offset;
            u[k].view().get(index)
        };
        let mut rates = [at(1, 0, 0), 0.5];
        for axis in 0..N {
            let face = |right: isize| {
                let pair = |l, r| [0, 1].map(|k| [at(k, axis, right - l), at(k, axis, right + r)]);
                flux(axis, pair(2, 1), pair(1, 0))
            };
            let (low, high) = (face(0), face(1));
            for k in 0..2 {
                rates[k] -= (high[k] - low[k]) * inverse[axis];
            }
        }
        rates
    }

    fn check<const N: usize>(shape: [usize; N]) {
        let (spacing, region) = (std::array::from_fn(|a| 0.25 + a as f64), Region::from_shape(shape));
        for threads in [1, 2, 3] {
            let pool = Pool::new(threads).unwrap();
            let layout = Layout::new(shape, [[2, 2]; N], 8).unwrap();
            let arrays = || Array::<f64, N>::zeros(&pool, layout);
            let (mut u, mut next) = ([arrays(), arrays()], [arrays(), arrays()]);
            for (number, index) in layout.whole().indices().enumerate() {
                u[0].view_mut().set(index, (number as f64).sin());
                u[1].view_mut().set(index, (number % 97) as f64);
            }
            let stage = Stage { now: 1.0, rate: 0.125, ..Stage::default() };
            let now = u.each_ref().map(Array::view);
            let output = next.each_mut().map(Array::view_mut);
            flux_stage(
                &pool,
                region,
                stage,
                StageArrays { output, start: None, now, register: None },
                now.map(|view| view.reach::<2>()),
                spacing,
                |axis, [a, b]: [FaceCells<'_, f64, 2>; 2]| {
                    let far = [[a.left::<1>(), a.right::<1>()], [b.left::<1>(), b.right::<1>()]];
                    flux(axis, far, [[a.left::<0>(), a.right::<0>()], [b.left::<0>(), b.right::<0>()]])
                },
                |[_, b]: Pair<'_, N>| [b.center(), 0.5],
                || (),
            )
            .unwrap();
            for cell in region.indices() {
                let rates = slow(&u, cell, spacing.map(|spacing| 1.0 / spacing));
                for k in 0..2 {
                    let expected = rates[k] * 0.125 + u[k].view().get(cell);
                    assert_eq!(next[k].view().get(cell).to_bits(), expected.to_bits(), "{cell:?} {k}");
                }
            }
        }
    }

    #[test]
    fn stages_have_the_bits_of_a_loop_over_cells() {
        check([600]);
        check([37, 300]);
        check([9, 7, 270]);
        check([3, 4, 5, 6]);
        check([70, 3, 1, 40]);
    }

    #[test]
    fn a_region_too_large_is_refused() {
        let (pool, cells) = (Pool::new(1).unwrap(), Region::from_shape([4]));
        let (u, mut small) = ([0.0; 6], [0.0; 3]);
        let reach = View::from_slice(&u, cells.grown([[1, 1]])).reach::<1>();
        let output = [ViewMut::from_slice(&mut small, Region::from_shape([3]))];
        let rule = |_: usize, u: FaceCells<'_, f64, 1>| [u.left::<0>()];
        let error = flux_divergence(&pool, cells, output, reach, [1.0], rule).unwrap_err();
        assert!(error.to_string().contains("use a smaller region"), "{error}");
    }
}
