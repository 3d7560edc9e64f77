//! Arrays of samples, operators applied to all cells, and measured orders of convergence.

use parhelion_kernels::{Array, Element, Inputs, Layout, PointOf, Pool, Region, View, sweep};

/// The pool of every test: two threads, as the result must not depend on how many there are.
pub(crate) fn pool() -> Pool {
    Pool::new(2).expect("two threads")
}

/// An array whose cell `i`, halo included, has the value `f(i)`.
pub(crate) fn filled<T: Element, const N: usize>(
    shape: [usize; N],
    halo: usize,
    f: impl Fn([isize; N]) -> T,
) -> Array<T, N> {
    let layout = Layout::new(shape, [[halo, halo]; N], size_of::<T>()).expect("a small array");
    let mut array = Array::zeros(&pool(), layout);
    for index in layout.whole().indices() {
        array.view_mut().set(index, f(index));
    }
    array
}

/// `rule` on the cells of `region`.
pub(crate) fn applied<T: Element, I: Inputs<N>, const N: usize>(
    region: Region<N>,
    inputs: I,
    rule: impl for<'p> Fn(PointOf<'p, I, N>) -> T + Sync,
) -> Vec<T> {
    let mut values = vec![T::zero(); region.len()];
    sweep(&pool(), region, parhelion_kernels::ViewMut::from_slice(&mut values, region), inputs, rule)
        .expect("the halos are as wide as the radii");
    values
}

/// Growth of the test function `exp(k·x)` along each axis, unlike for all of them.
pub(crate) const GROWTH: [f64; 4] = [1.0, -0.7, 1.3, 0.4];

/// The last `N` of [`GROWTH`].
pub(crate) fn growth<const N: usize>() -> [f64; N] {
    std::array::from_fn(|a| GROWTH[a + 4 - N])
}

/// Spacings around `h`, unlike on all axes.
pub(crate) fn spacing<const N: usize>(h: f64) -> [f64; N] {
    std::array::from_fn(|a| h * [1.0, 0.8, 0.9, 1.1][a + 4 - N])
}

/// `exp(k·x)` at the points `x = (i + shift)·h`.
pub(crate) fn exponential<const N: usize>(
    h: [f64; N],
    shift: [f64; N],
    growth: [f64; N],
) -> impl Fn([isize; N]) -> f64 {
    move |i| (0..N).map(|a| growth[a] * (i[a] as f64 + shift[a]) * h[a]).sum::<f64>().exp()
}

/// Samples of `exp(k·x)` on a few cells with a halo.
pub(crate) fn exponentials<const N: usize>(h: [f64; N], shift: [f64; N], halo: usize) -> Array<f64, N> {
    filled([CELLS; N], halo, exponential(h, shift, growth()))
}

/// Cells on each axis of [`exponentials`]: relative errors of differences of an exponential are the
/// same in all cells.
pub(crate) const CELLS: usize = 3;

pub(crate) fn cells<const N: usize>() -> Region<N> {
    Region::from_shape([CELLS; N])
}

/// Largest relative error of `values` of the cells of [`cells`].
pub(crate) fn relative_error<const N: usize>(values: &[f64], exact: impl Fn([isize; N]) -> f64) -> f64 {
    assert_eq!(values.len(), cells::<N>().len());
    values.iter().zip(cells().indices()).map(|(v, i)| (v / exact(i) - 1.0).abs()).fold(0.0, f64::max)
}

/// Asserts that `error(h)` is of this order in h.
///
/// Each of three spacings is 0.7 of the one before, which gives two orders. The next term of the
/// error shifts them: for radius 8 by up to 2, at spacings where errors are still above rounding.
/// (Second differences of `exp(x)` have the relative error `C·h^2R·(1 + h²·(R + 1)/12 − …)`.) The
/// shift is proportional to h² for symmetric stencils, which have even orders, and to h for biased
/// ones, which have odd orders; so both orders together give the order at h = 0. What is left of
/// it, h⁴ or h² with factors below 1, and rounding stay below 0.1.
///
/// `coarse` must be so large that all errors are far above rounding, and at most of the size where
/// the series begins to converge.
pub(crate) fn assert_order(what: &str, order: usize, coarse: f64, error: impl Fn(f64) -> f64) {
    const RATIO: f64 = 0.7;
    let errors = [coarse, RATIO * coarse, RATIO * RATIO * coarse].map(error);
    let measured = |pair: &[f64]| (pair[1] / pair[0]).log(RATIO);
    let orders = [measured(&errors[..2]), measured(&errors[1..])];
    let decay = if order.is_multiple_of(2) { RATIO * RATIO } else { RATIO }; // of the shift
    let limit = (orders[1] - decay * orders[0]) / (1.0 - decay);
    assert!(
        (limit - order as f64).abs() < 0.1,
        "{what}: order {limit} instead of {order}, from {orders:?}, {errors:?}"
    );
}

/// Numbers between −1 and 1 without any pattern: a hash of the index (Steele, Lea and Flood's
/// SplitMix64).
pub(crate) fn noise<const N: usize>(seed: u64, index: [isize; N]) -> f64 {
    let mut z = index.iter().fold(seed, |z, &i| z.wrapping_mul(1_000_003).wrapping_add(i as u64));
    for multiplier in [0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb] {
        z = (z.wrapping_add(0x9e37_79b9_7f4a_7c15) ^ z >> 30).wrapping_mul(multiplier);
    }
    (z >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// The values of a view on a region, in memory order.
pub(crate) fn values<T: Element, const N: usize>(view: View<'_, T, N>, region: Region<N>) -> Vec<T> {
    region.indices().map(|index| view.get(index)).collect()
}
