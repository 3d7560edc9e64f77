//! Ready stencils for common operators.
//!
//! A function returns an operator for a grid spacing (slowest axis first). The operator is a
//! closure over points. Pass it to [`star_stencil`](crate::star_stencil),
//! [`stencil`](crate::stencil) or [`sweep`](crate::sweep()), or call it inside a custom rule. The
//! radius in its type sets its order.
//!
//! ```
//! use parhelion_kernels::{operators, star_stencil};
//!
//! let spacing = [0.1, 0.1, 0.2];
//! let laplacian = operators::laplacian::<f64, 3, 4>(spacing)?; // 25 points, order 8
//! let poisson = star_stencil::<f64, 3, 4>(laplacian);          // alone,
//! let heat = star_stencil::<f64, 3, 4>(|u| u.center() + 1e-4 * laplacian(u)); // or in a rule
//! # let _ = (poisson, heat);
//! # Ok::<(), parhelion_kernels::KernelError>(())
//! ```
//!
//! A rule with a larger radius passes its point on with [`within`](crate::Point::within), a rule
//! over the neighbors in a box with [`star`](crate::Point::star). Vectors are arrays of points or
//! values, one for each axis; `into` converts between them and the tuples of a sweep:
//!
//! ```
//! use parhelion_kernels::{Array, Layout, Pool, StarPoint, operators, sweep};
//!
//! let pool = Pool::new(2)?;
//! let layout = Layout::new([8, 8], [[1, 1]; 2], size_of::<f64>())?;
//! let arrays: [Array<f64, 2>; 5] = std::array::from_fn(|_| Array::zeros(&pool, layout));
//! let [mut u, mut dy, mut dx, v, mut w] = arrays;
//! for [y, x] in layout.whole().indices() {
//!     u.view_mut().set([y, x], (3 * y + x * x) as f64);
//! }
//! let cells = layout.interior();
//! let gradient = operators::gradient::<f64, 2, 1>([1.0, 1.0])?;
//! sweep(&pool, cells, (dy.view_mut(), dx.view_mut()), u.view().star_reach::<1>(), |u: StarPoint<'_, f64, 2, 1>| {
//!     gradient(u).into()
//! })?;
//! assert_eq!((dy.view().get([2, 5]), dx.view().get([2, 5])), (3.0, 10.0));
//!
//! let curl = operators::curl_2d::<f64, 1>([1.0, 1.0])?;
//! let velocity = (v.view().star_reach::<1>(), dx.view().star_reach::<1>());
//! type Velocity<'a> = (StarPoint<'a, f64, 2, 1>, StarPoint<'a, f64, 2, 1>);
//! sweep(&pool, cells.shrunk([[1, 1]; 2]), w.view_mut(), velocity, |v: Velocity<'_>| curl(v.into()))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | operator | reads | order |
//! |---|---|---|
//! | [`laplacian`] | star of radius R = 1 … 8 | 2·R |
//! | [`derivative`], [`gradient`], [`divergence`], [`curl`], [`curl_2d`] | star of radius R = 1 … 8 | 2·R for first derivatives |
//! | [`stretched_laplacian`] | star of radius 1, cells that differ in width | 2 |
//! | [`biharmonic`] | box of radius 2 (13 points in 2-D, 25 in 3-D) | 2 |
//! | [`diffusion`](diffusion()) with [`arithmetic_mean`] or [`harmonic_mean`] | stars of radius 1 | 2 |
//! | [`upwind`] | star of radius R = 1 … 8 | 2·R − 1 |
//! | [`weno5`] | star of radius 3 | 5 |
//! | [`staggered`] | star of radius R = 1 … 8 | 2·R |
//! | [`sobel`], [`sobel_magnitude`] | box of radius 1 | – |
//! | [`gaussian`], [`gaussian_along`] | box, star of radius R | – |
//! | [`median`](median()) | box of radius 1 | – |
//!
//! [`coefficients`] has weights for other formulas. All operators evaluate in an order that is
//! fixed in their code, so their bits depend only on the values they read. Their loops have
//! constant trip counts, and the compiler unrolls them.

mod advection;
pub mod coefficients;
mod collocated;
mod diffusion;
mod filters;
mod fourth_order;
mod median;
pub mod staggered;
mod stretched;
mod weno;

pub use advection::upwind;
pub use collocated::{curl, curl_2d, derivative, divergence, gradient, laplacian};
pub use diffusion::{arithmetic_mean, diffusion, harmonic_mean};
pub use filters::{gaussian, gaussian_along, sobel, sobel_magnitude};
pub use fourth_order::biharmonic;
pub use median::median;
pub use stretched::stretched_laplacian;
pub use weno::weno5;

use num_traits::Float;

use crate::{Element, KernelError, Point};

/// The radius beyond which the weights of high orders gain nothing in `f64`.
const LARGEST_RADIUS: usize = 8;

/// Compile-time check that a radius has a formula.
struct Radius<const R: usize>;

impl<const R: usize> Radius<R> {
    const CHECK: () = assert!(
        1 <= R && R <= LARGEST_RADIUS,
        "operators have radii from 1 to 8 (orders up to 16): change the last number in the type of the operator"
    );
}

/// `1 / spacing^power` on every axis.
fn inverse_powers<const N: usize>(spacing: [f64; N], power: i32) -> Result<[f64; N], KernelError> {
    if let Some(axis) = (0..N).find(|&a| !(spacing[a].is_finite() && spacing[a] > 0.0)) {
        return Err(KernelError::new(format!(
            "an operator needs positive spacings, but axis {axis} of {spacing:?} has {}{}",
            spacing[axis],
            if spacing[axis].is_nan() {
                "; for cells that differ in width, take stretched_laplacian"
            } else {
                ""
            }
        )));
    }
    let powers = spacing.map(|h| h.powi(-power));
    if powers.iter().any(|power| !power.is_normal()) {
        return Err(KernelError::new(format!(
            "spacings {spacing:?} to the power −{power} leave the range of f64; measure lengths in another unit"
        )));
    }
    Ok(powers)
}

/// The weight in the type of the cells.
fn weight<T: Element + Float>(exact: f64) -> Result<T, KernelError> {
    match T::from(exact) {
        Some(w) if w.is_normal() || exact == 0.0 => Ok(w),
        _ => Err(KernelError::new(format!(
            "the weight {exact:e} of an operator lies outside the range of {}; measure lengths in another unit",
            T::KIND
        ))),
    }
}

/// `factor · weights` in the type of the cells.
fn scaled<T: Element + Float, const R: usize>(weights: [f64; R], factor: f64) -> Result<[T; R], KernelError> {
    let mut scaled = [T::zero(); R];
    for (scaled, w) in scaled.iter_mut().zip(weights) {
        *scaled = weight(w * factor)?;
    }
    Ok(scaled)
}

/// The value `distance` cells away along `axis`. No check remains where the compiler sees both.
#[inline(always)]
fn on_axis<T: Element, const N: usize, const R: usize, const STAR: bool>(
    u: &Point<'_, T, N, R, STAR>,
    axis: usize,
    distance: isize,
) -> T {
    let mut offset = [0; N];
    offset[axis] = distance;
    u.at_offset(offset)
}
